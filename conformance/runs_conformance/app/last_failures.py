"""The requirements that failed in an earlier test run, and the programs that showed it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from runs_conformance.app.report_file import read_report
from runs_conformance.errors import UsageError
from runs_conformance.model.json import is_array, is_object
from runs_conformance.reporting.changes import program_of_verdict
from runs_conformance.reporting.folder import HOME


@dataclass(frozen=True, slots=True)
class LastFailures:
    """The ids that failed, and the programs whose exchanges are their counterexamples."""

    ids: tuple[str, ...]
    programs: tuple[str, ...]


def read_last_failures(report_dir: Path | None) -> LastFailures:
    """The failures in the report of a folder, by default of the newest test run.

    Raises UsageError if there are none.
    """
    folder = report_dir or HOME / "latest"
    if folder.is_file():
        # A text file names the newest folder if links are not supported.
        folder = folder.parent / folder.read_text(encoding="utf-8").strip()
    if not folder.exists():
        raise UsageError(f"--failed: there is no earlier report in {folder}")
    _, report = read_report(folder)
    verdicts = report["verdicts"]
    failed = (
        [each for each in verdicts if is_object(each) and each.get("outcome") == "fail"] if is_array(verdicts) else []
    )
    if not failed:
        raise UsageError(f"--failed: nothing failed in {folder}")
    programs = {program for each in failed if (program := program_of_verdict(each))}
    return LastFailures(tuple(str(each["id"]) for each in failed), tuple(sorted(programs)))
