"""Our own `history.jsonl`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from runs_conformance.errors import UsageError
from runs_conformance.model.exchange import Exchange, exchange_from_json
from runs_conformance.model.history import History
from runs_conformance.model.json import JSON, is_object
from runs_conformance.recordings.exchanges import Skipped
from runs_conformance.wire import strict_json

_MAX_LINE = 64 * 1024 * 1024


def holds(data: bytes) -> bool:
    """Whether a file is one of ours: its first line says that it is of a run, or of an exchange."""
    first = strict_json.parse(data.partition(b"\n")[0].strip(), _MAX_LINE).value
    return is_object(first) and first.get("type") in ("run", "exchange")


@dataclass(frozen=True, slots=True)
class HistoryFile:
    """What a file of ours holds: the history of each program, what was skipped, what its first line says of the run,
    and what its last line says of how the run ended (nothing where it was ended).
    """

    histories: tuple[History, ...]
    skipped: tuple[Skipped, ...]
    run: Mapping[str, JSON]
    end: Mapping[str, JSON]


def read(name: str, data: bytes, edition: str | None) -> HistoryFile:
    """The file's histories and lines.

    A last line that is cut short is skipped: the run that wrote it was. Raises UsageError where any other line cannot
    be read.
    """
    programs: dict[str, list[Exchange]] = {}
    skipped: list[Skipped] = []
    run: Mapping[str, JSON] = {}
    end: Mapping[str, JSON] = {}
    lines = data.split(b"\n")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            entry = _object(line)
            if entry.get("type") == "run":
                run = run or entry
            elif entry.get("type") == "end":
                end = entry
            elif entry.get("type") == "exchange":
                exchange = exchange_from_json(entry)
                programs.setdefault(exchange.program, []).append(
                    replace(exchange, edition=edition) if edition else exchange
                )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            if number == len(lines):
                skipped.append(Skipped(f"{name}:{number}", "cut short: the run that wrote it was ended"))
                continue
            raise UsageError(f"{name}:{number}: not an exchange ({type(error).__name__}: {error})") from None
    histories = tuple(History.of(exchanges, program) for program, exchanges in programs.items())
    return HistoryFile(histories, tuple(skipped), run, end)


def _object(line: bytes) -> Mapping[str, JSON]:
    value = strict_json.parse(line, _MAX_LINE, max_depth=strict_json.MAX_DEPTH + 20).value
    if not is_object(value):
        raise ValueError("not a JSON object")
    return value
