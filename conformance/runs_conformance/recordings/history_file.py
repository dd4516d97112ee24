"""The suite's own `history.jsonl`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from runs_conformance.contract.edition import is_edition
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.errors import UsageError
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.exchange_decoding import exchange_from_json
from runs_conformance.model.history import History
from runs_conformance.model.json import JSON, is_object
from runs_conformance.model.text import excerpt
from runs_conformance.recordings.exchanges import SkippedEntry
from runs_conformance.wire import strict_json

_MAX_LINE = 64 * 1024 * 1024
_MAX_REASON = 200
_MAX_VALUES = 4_000_000
"""JSON values of all lines together. In memory, each takes up to a hundred bytes, however short its text is."""


def is_history(data: bytes) -> bool:
    """Whether the first line is the header of a history or an exchange."""
    first = strict_json.parse(data.partition(b"\n")[0].strip(), _MAX_LINE).value
    return is_object(first) and first.get("type") in ("run", "exchange")


@dataclass(frozen=True, slots=True)
class HistoryContent:
    """The content of a `history.jsonl`: a history per program, skipped lines, header and footer.

    `footer` is empty if the session was killed.
    """

    histories: tuple[History, ...]
    skipped: tuple[SkippedEntry, ...]
    header: Mapping[str, JSON]
    footer: Mapping[str, JSON]


def read_history(name: str, data: bytes, edition: str | None) -> HistoryContent:
    """Read the content of a history file.

    A truncated last line is skipped, since the session that wrote it was killed. Raises UsageError if any other line
    cannot be read.
    """
    programs: dict[str, list[Exchange]] = {}
    skipped: list[SkippedEntry] = []
    run: Mapping[str, JSON] = {}
    end: Mapping[str, JSON] = {}
    values = 0
    for number, line in enumerate(_lines(data), 1):
        if not line.strip():
            continue
        values += strict_json.count_values(line)
        if values > _MAX_VALUES:
            raise UsageError(f"{name}: more than {_MAX_VALUES:,} JSON values, too large to be read at once")
        try:
            entry = _object(line)
            if entry.get("type") == "run":
                run = run or entry
            elif entry.get("type") == "end":
                end = entry
            elif entry.get("type") == "exchange":
                exchange = _require_known(exchange_from_json(entry))
                programs.setdefault(exchange.program, []).append(
                    replace(exchange, edition=edition) if edition else exchange
                )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            if not line.endswith(b"\n"):
                skipped.append(SkippedEntry(f"{name}:{number}", "truncated: the session that wrote it was killed"))
                continue
            reason = f"{type(error).__name__}: {excerpt(str(error), _MAX_REASON)}"
            raise UsageError(f"{name}:{number}: not an exchange ({reason})") from None
    # Programs of a test run use objects of their own; the clients of recorded traffic may share them.
    is_shared = len(programs) > 1 and all(each.step is None for exchanges in programs.values() for each in exchanges)
    histories = tuple(History.of(exchanges, program, partial=is_shared) for program, exchanges in programs.items())
    return HistoryContent(histories, tuple(skipped), run, end)


def _require_known(exchange: Exchange) -> Exchange:
    """The exchange, if the contract has its operation. Raises ValueError otherwise."""
    named = (exchange.operation, exchange.step.operation if exchange.step is not None else None)
    for operation in named:
        if operation is not None and operation not in OPERATIONS:
            raise ValueError(f"there is no operation {operation!r}")
    if exchange.edition and not is_edition(exchange.edition):
        raise ValueError(f"there is no edition {exchange.edition!r}")
    return exchange


def _lines(data: bytes) -> Iterator[bytes]:
    """The lines with their ends, without a copy of all."""
    start = 0
    while start < len(data):
        end = data.find(b"\n", start) + 1 or len(data)
        yield data[start:end]
        start = end


def _object(line: bytes) -> Mapping[str, JSON]:
    value = strict_json.parse(line, _MAX_LINE, strict_json.MAX_DEPTH + 20, _MAX_VALUES).value
    if not is_object(value):
        raise ValueError("not a JSON object")
    return value
