"""The suite's own `history.jsonl`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
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

MAX_LINE = 64 * 1024 * 1024
LINE_ERRORS = (KeyError, TypeError, ValueError, AttributeError)
"""The errors that `parse_line` and `parse_exchange` raise for a line that cannot be read."""
_MAX_REASON = 200
_MAX_VALUES = 4_000_000
"""JSON values of all lines together. In memory, each takes up to a hundred bytes, however short its text is."""


def is_history(data: bytes) -> bool:
    """Whether the first line is the header of a history or an exchange."""
    first = strict_json.parse(data.partition(b"\n")[0].strip(), MAX_LINE).value
    return is_object(first) and first.get("type") in ("run", "exchange")


@dataclass(frozen=True, slots=True)
class HistoryContent:
    """The content of a `history.jsonl`: a history per program, skipped lines, header and footer.

    `footer` is empty if the test run was killed.
    """

    histories: tuple[History, ...]
    skipped: tuple[SkippedEntry, ...]
    header: Mapping[str, JSON]
    footer: Mapping[str, JSON]


def read_history(name: str, data: bytes, edition: str | None) -> HistoryContent:
    """Read the content of a history file.

    A truncated last line is skipped, since the test run that wrote it was killed. Raises UsageError if any other line
    cannot be read.
    """
    return read_lines(name, _lines(data), edition)


def read_lines(name: str, lines: Iterable[bytes], edition: str | None) -> HistoryContent:
    """Read these lines of a history file as `read_history` does, one at a time."""
    programs: dict[str, list[Exchange]] = {}
    skipped: list[SkippedEntry] = []
    run: Mapping[str, JSON] = {}
    end: Mapping[str, JSON] = {}
    values = 0
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        values += strict_json.count_values(line)
        if values > _MAX_VALUES:
            raise UsageError(f"{name}: more than {_MAX_VALUES:,} JSON values, too large to be read at once")
        try:
            entry = parse_line(line)
            if entry.get("type") == "run":
                run = run or entry
            elif entry.get("type") == "end":
                end = entry
            elif entry.get("type") == "exchange":
                exchange = parse_exchange(entry, edition)
                programs.setdefault(exchange.program, []).append(exchange)
        except LINE_ERRORS as error:
            skipped.append(explain_unreadable(name, number, line, error))
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


def parse_exchange(entry: Mapping[str, JSON], edition: str | None = None) -> Exchange:
    """The exchange of a line; `edition` overrides its own. Raises one of `LINE_ERRORS` if it is invalid."""
    exchange = _require_known(exchange_from_json(entry))
    return replace(exchange, edition=edition) if edition else exchange


def explain_unreadable(name: str, number: int, line: bytes, error: Exception) -> SkippedEntry:
    """Report a truncated last line as skipped. Raises UsageError if the line is not truncated but invalid."""
    if not line.endswith(b"\n"):
        return SkippedEntry(f"{name}:{number}", "truncated: the test run that wrote it was killed")
    reason = f"{type(error).__name__}: {excerpt(str(error), _MAX_REASON)}"
    raise UsageError(f"{name}:{number}: not an exchange ({reason})") from None


def parse_line(line: bytes) -> Mapping[str, JSON]:
    """The object in a line. Raises one of `LINE_ERRORS` if there is none."""
    value = strict_json.parse(line, MAX_LINE, strict_json.MAX_DEPTH + 20, _MAX_VALUES).value
    if not is_object(value):
        raise ValueError("not a JSON object")
    return value
