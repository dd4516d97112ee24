"""The comparison with the last test run in the same folder: failures that are new, fixed, or still there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runs_conformance.model.json import at, is_array, is_object
from runs_conformance.model.verdict import Outcome
from runs_conformance.reporting.report import Changes, Report

_MAX_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class EarlierReport:
    """The outcomes of an earlier test run by requirement, and what it judged."""

    started: str
    target: str
    edition: str
    outcomes: Mapping[str, str]


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
    outcomes = {str(each.get("id")): str(each.get("outcome")) for each in verdicts if is_object(each)}
    return EarlierReport(
        _text(at(report, "/started")),
        _text(at(report, "/target/name")),
        _text(at(report, "/suite/edition")),
        outcomes,
    )


def find_changes(report: Report, last: EarlierReport | None) -> Changes | None:
    """The changes since an earlier test run; None if it judged another server, or by another edition."""
    if last is None or (last.target, last.edition) != (report.target.name, report.suite.edition):
        return None
    new: list[str] = []
    fixed: list[str] = []
    still: list[str] = []
    for verdict in report.verdicts:
        failed_before = last.outcomes.get(verdict.id) == Outcome.FAIL.value
        if verdict.outcome is Outcome.FAIL:
            (still if failed_before else new).append(verdict.id)
        elif failed_before and verdict.outcome is Outcome.PASS:
            fixed.append(verdict.id)
    return Changes(since=last.started, new=tuple(new), fixed=tuple(fixed), still=tuple(still))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
