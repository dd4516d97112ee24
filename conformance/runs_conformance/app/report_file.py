"""Reads the failures of a report or history in a form that can be replayed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from runs_conformance.app.merge import read_run, rebuild_report
from runs_conformance.contract.edition import DEFAULT_EDITION, is_edition
from runs_conformance.contract.known_deviation import glob_matches
from runs_conformance.engine.reproduction import Reproduction
from runs_conformance.errors import UsageError
from runs_conformance.files import read_bytes
from runs_conformance.model.case import Step
from runs_conformance.model.json import JSON, Absent, at, is_array, is_object
from runs_conformance.model.request_forms import RequestForms
from runs_conformance.model.suggestion import did_you_mean
from runs_conformance.recordings import history_file
from runs_conformance.reporting import report_json
from runs_conformance.reporting.folder import histories_in
from runs_conformance.wire import strict_json

_MAX_BYTES = 128 * 1024 * 1024
_MAX_VALUES = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedFailure:
    """One failed verdict, and the steps that reproduce it; `reproduction` is None if it cannot be replayed.

    `decisive_step` is the index of the step whose response shows the violation. `example` is the counterexample as it
    was saved.
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
    reproduction: Reproduction | None = field(default=None, repr=False)
    decisive_step: int = -1
    example: JSON = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFile:
    """A saved report: what was judged, how, and its failures. `base_url` is None for recorded traffic.

    `request_forms` are those that the target accepted.
    """

    name: str
    target: str
    base_url: str | None
    dialect: str
    edition: str
    strict: bool
    seed: int
    failures: tuple[ReportedFailure, ...]
    request_forms: RequestForms = field(default_factory=RequestForms)

    def select(self, glob: str | None) -> tuple[ReportedFailure, ...]:
        """The failures that match an id or glob, or all of them. Raises UsageError if none matches."""
        if glob is None:
            return self.failures
        matches = tuple(failure for failure in self.failures if glob_matches(glob, failure.id))
        if not matches:
            ids = [failure.id for failure in self.failures]
            hint = did_you_mean(glob, ids) or ("" if ids else "; the report contains no failure")
            raise UsageError(f"{self.name}: {glob} matches no failure{hint}")
        return matches


def load(path: Path) -> ReportFile:
    """Load a report.json, a history.jsonl or the folder of one. Raises UsageError for anything else."""
    file, report = read_report(path)
    return _parse_report(file.name, _with_all_steps(file, report))


def read_report(path: Path) -> tuple[Path, Mapping[str, JSON]]:
    """The file and the report at a path: a report.json, a history.jsonl, which is judged, or the folder of one.

    Raises UsageError for anything else.
    """
    if path.is_dir():
        histories = histories_in(path)
        if (path / "report.json").is_file():
            path = path / "report.json"
        elif len(histories) > 1:
            return path, _rebuild(histories)
        else:
            path = next(iter(histories), path)
    try:
        data = read_bytes(path, _MAX_BYTES)
    except OSError as error:
        reason = "it contains no report.json" if path.is_dir() else error.strerror or str(error)
        raise UsageError(f"{path}: cannot be read: {reason}") from None
    if history_file.is_history(data):
        return path, _rebuild([path])
    report = strict_json.parse(data, _MAX_BYTES, strict_json.MAX_DEPTH + 20, _MAX_VALUES).value
    if not is_object(report) or not is_array(report.get("verdicts")):
        raise UsageError(f"{path}: neither a report.json nor the history.jsonl of a test run")
    return path, report


def _with_all_steps(path: Path, report: Mapping[str, JSON]) -> Mapping[str, JSON]:
    """The report, or the same report rebuilt from the histories beside it if it lacks steps because of its size."""
    verdicts = report["verdicts"]
    assert is_array(verdicts)
    failed = [each for each in verdicts if is_object(each) and is_object(each.get("counterexample"))]
    is_shortened = any(isinstance(at(each, "/counterexample/steps"), Absent) for each in failed)
    histories = histories_in(path.parent)
    if report.get("format_version") is None or not is_shortened or not histories:
        return report
    return _rebuild(histories)


def _rebuild(histories: Sequence[Path]) -> Mapping[str, JSON]:
    rebuilt: Mapping[str, JSON] = json.loads(report_json.text(rebuild_report([*map(read_run, histories)])))
    return rebuilt


def _parse_report(name: str, report: Mapping[str, JSON]) -> ReportFile:
    seed = at(report, "/suite/seed")
    return ReportFile(
        name=name,
        target=_text(at(report, "/target/name")),
        base_url=_text(at(report, "/target/base_url")) or None,
        dialect=_text(at(report, "/target/dialect")) or "openai",
        edition=_edition(at(report, "/suite/edition")),
        strict=at(report, "/suite/strict") is True,
        seed=seed if isinstance(seed, int) else 0,
        failures=tuple(_failures(report["verdicts"])),
        request_forms=RequestForms.from_json(report.get("approach")),
    )


def _edition(value: object) -> str:
    return value if isinstance(value, str) and is_edition(value) else DEFAULT_EDITION


def _failures(verdicts: JSON) -> Iterator[ReportedFailure]:
    for verdict in verdicts if is_array(verdicts) else ():
        if not is_object(verdict) or verdict.get("outcome") != "fail":
            continue
        example = verdict.get("counterexample")
        reproduction = _parse_reproduction(at(example, "/steps"))
        finding = _counterexample_finding(verdict, example)
        yield ReportedFailure(
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
            reproduction=reproduction,
            decisive_step=_decisive_step(reproduction, _text(finding.get("case"))),
            example=example,
        )


def _parse_reproduction(steps: object) -> Reproduction | None:
    if not is_array(steps):
        return None
    try:
        return Reproduction.from_json(steps)
    except ValueError:
        return None


def _counterexample_finding(verdict: Mapping[str, JSON], example: JSON) -> Mapping[str, JSON]:
    """The finding of the counterexample or, if there is none, the first."""
    findings = verdict.get("findings")
    parsed = [finding for finding in findings if is_object(finding)] if is_array(findings) else []
    exchange = at(example, "/exchange")
    matching = [finding for finding in parsed if finding.get("exchange") == exchange]
    return next(iter([*matching, *parsed]), {})


def _decisive_step(reproduction: Reproduction | None, case: str) -> int:
    steps: Sequence[Step] = reproduction.steps if reproduction is not None else ()
    # A step that keeps its time has a pause that it had not in the test run.
    positions = [number for number, step in enumerate(steps) if case in (step.id, replace(step, pause=0.0).id)]
    return positions[-1] if positions else len(steps) - 1


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
