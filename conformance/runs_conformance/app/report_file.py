"""What a report or a history says failed, as far as it can be sent again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from runs_conformance.app.merge import recorded, report_of
from runs_conformance.config import nearest
from runs_conformance.contract.departure import glob_matches
from runs_conformance.contract.edition import DEFAULT_EDITION, is_edition
from runs_conformance.engine.reproduction import Reproduction
from runs_conformance.errors import UsageError
from runs_conformance.model.json import JSON, at, is_array, is_object
from runs_conformance.recordings import history_file
from runs_conformance.reporting import report as reports
from runs_conformance.wire import strict_json

_LARGEST = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One failed verdict: what broke, and the moves that show it; None where it cannot be sent again.

    `shows` is the place, among all its steps, of the one whose answer shows it.
    """

    id: str
    kind: str
    level: str
    statement: str
    program: str = ""
    model: str = ""
    message: str = ""
    pointer: str = ""
    expected: JSON = None
    actual: JSON = None
    moves: Reproduction | None = field(default=None, repr=False)
    shows: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What was judged, how, and all that failed. `base_url` is None where recorded traffic was judged."""

    name: str
    target: str
    base_url: str | None
    dialect: str
    edition: str
    strict: bool
    seed: int
    failures: tuple[Failure, ...]

    def chosen(self, wanted: str | None) -> tuple[Failure, ...]:
        """The failures that an id or glob names; all of them without one. Raises UsageError where it names none."""
        if wanted is None:
            return self.failures
        found = tuple(failure for failure in self.failures if glob_matches(wanted, failure.id))
        if not found:
            ids = [failure.id for failure in self.failures]
            hint = nearest(wanted, ids) or ("" if ids else "; nothing failed there")
            raise UsageError(f"{self.name}: {wanted} is not among what failed{hint}")
        return found


def saved(path: Path) -> Saved:
    """What a report.json, a history.jsonl or a folder that holds one says. Raises UsageError where it is neither."""
    found, report = document(path)
    return _of_report(found.name, report)


def document(path: Path) -> tuple[Path, Mapping[str, JSON]]:
    """The file and the report that a path leads to: report.json, history.jsonl, which is judged first, or the folder of
    one. Raises UsageError where it is neither.
    """
    if path.is_dir():
        path = next((path / name for name in ("report.json", "history.jsonl") if (path / name).is_file()), path)
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = "there is no report.json in it" if path.is_dir() else error.strerror or str(error)
        raise UsageError(f"{path}: cannot be read: {reason}") from None
    if history_file.holds(data):
        made: Mapping[str, JSON] = json.loads(reports.text(report_of([recorded(path)])))
        return path, made
    report = strict_json.parse(data, _LARGEST, max_depth=strict_json.MAX_DEPTH + 20).value
    if not is_object(report) or not is_array(report.get("verdicts")):
        raise UsageError(f"{path}: neither a report.json nor a history.jsonl of a run")
    return path, report


def _of_report(name: str, report: Mapping[str, JSON]) -> Saved:
    seed = at(report, "/suite/seed")
    return Saved(
        name=name,
        target=_text(at(report, "/target/name")),
        base_url=_text(at(report, "/target/base_url")) or None,
        dialect=_text(at(report, "/target/dialect")) or "openai",
        edition=_edition(at(report, "/suite/edition")),
        strict=at(report, "/suite/strict") is True,
        seed=seed if isinstance(seed, int) else 0,
        failures=tuple(_failures(report["verdicts"])),
    )


def _edition(value: object) -> str:
    return value if isinstance(value, str) and is_edition(value) else DEFAULT_EDITION


def _failures(verdicts: JSON) -> Iterator[Failure]:
    for verdict in verdicts if is_array(verdicts) else ():
        if not is_object(verdict) or verdict.get("outcome") != "fail":
            continue
        example = verdict.get("counterexample")
        moves = _moves(at(example, "/steps"))
        finding = _finding(verdict, example)
        yield Failure(
            id=_text(verdict.get("id")),
            kind=_text(verdict.get("kind")),
            level=_text(verdict.get("level")),
            statement=_text(verdict.get("statement")),
            program=_text(at(example, "/program")),
            model=_text(at(example, "/model")),
            message=_text(finding.get("message")),
            pointer=_text(finding.get("pointer")),
            expected=finding.get("expected"),
            actual=finding.get("actual"),
            moves=moves,
            shows=_place(moves, _text(finding.get("case"))),
        )


def _moves(steps: object) -> Reproduction | None:
    if not is_array(steps):
        return None
    try:
        return Reproduction.from_json(steps)
    except ValueError:
        return None


def _finding(verdict: Mapping[str, JSON], example: JSON) -> Mapping[str, JSON]:
    """The finding that the counterexample shows, else the first."""
    findings = verdict.get("findings")
    every = [finding for finding in findings if is_object(finding)] if is_array(findings) else []
    exchange = at(example, "/exchange")
    shown = [finding for finding in every if finding.get("exchange") == exchange]
    return next(iter([*shown, *every]), {})


def _place(moves: Reproduction | None, case: str) -> int:
    ids: Sequence[str] = [step.id for step in moves.steps] if moves is not None else []
    places = [number for number, id_ in enumerate(ids) if id_ == case]
    return places[-1] if places else len(ids) - 1


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
