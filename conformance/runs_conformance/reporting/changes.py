"""The comparison with the last test run in the same folder: failures that are new, fixed, or still there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runs_conformance.model.json import JSON, at, is_array, is_object
from runs_conformance.model.verdict import Outcome
from runs_conformance.reporting.report import Changes, Report

_MAX_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class EarlierReport:
    """The outcomes of an earlier test run by requirement, and what it judged.

    `shown_by` is, for failed requirements, the program that showed the failure.
    """

    started: str
    target: str
    edition: str
    outcomes: Mapping[str, str]
    shown_by: Mapping[str, str] = field(default_factory=dict)


def program_of_verdict(verdict: Mapping[str, JSON]) -> str:
    """The program whose exchanges are the counterexample of a verdict in a report; empty if there is none."""
    return _text(at(verdict, "/counterexample/program"))


def read_earlier_report(folder: Path) -> EarlierReport | None:
    """The test run whose report.json lies in a folder; None if there is none that can be read.

    A file in place of the folder names it, as where links are not supported.
    """
    try:
        folder = folder.parent / folder.read_text(encoding="utf-8").strip() if folder.is_file() else folder
        file = folder / "report.json"
        if not file.is_file() or file.stat().st_size > _MAX_BYTES:
            return None
        report = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    verdicts = at(report, "/verdicts")
    if not is_array(verdicts):
        return None
    saved = {str(each.get("id")): each for each in verdicts if is_object(each)}
    return EarlierReport(
        _text(at(report, "/started")),
        _text(at(report, "/target/name")),
        _text(at(report, "/suite/edition")),
        {id_: str(each.get("outcome")) for id_, each in saved.items()},
        {id_: program for id_, each in saved.items() if (program := program_of_verdict(each))},
    )


def find_changes(report: Report, last: EarlierReport | None) -> Changes | None:
    """The changes since an earlier test run; None if it judged another server, or by another edition.

    A failure counts as fixed only if the program that showed it ran to its end and decided the requirement again:
    others may never meet the situation in which it fails.
    """
    if last is None or (last.target, last.edition) != (report.target.name, report.suite.edition):
        return None
    new: list[str] = []
    fixed: list[str] = []
    still: list[str] = []
    unseen: list[str] = []
    for verdict in report.verdicts:
        failed_before = last.outcomes.get(verdict.id) == Outcome.FAIL.value
        if verdict.outcome is Outcome.FAIL:
            (still if failed_before else new).append(verdict.id)
        elif failed_before and verdict.outcome is Outcome.PASS:
            program = last.shown_by.get(verdict.id)
            is_fixed = program is None or report.programs.did_decide(program, verdict.id)
            (fixed if is_fixed else unseen).append(verdict.id)
        elif failed_before and verdict.outcome is Outcome.INCONCLUSIVE:
            unseen.append(verdict.id)
    return Changes(
        since=last.started, new=tuple(new), fixed=tuple(fixed), still=tuple(still), not_seen_again=tuple(unseen)
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
