"""The options that hold a run against known failures, the gate they make, and the file afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runs_conformance.cli.stderr import say

if TYPE_CHECKING:
    from runs_conformance.baseline import Gate
    from runs_conformance.reporting.report import Report

OPTIONS = (
    click.option(
        "--baseline",
        metavar="FILE",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Known failures: fail only on new ones, and on entries that pass now or have expired.",
    ),
    click.option("--baseline-update", is_flag=True, help="Write the baseline: add what fails, drop what passes."),
    click.option("--baseline-prune", is_flag=True, help="Only take out of the baseline what passes now."),
)
"""What every command that judges takes of a baseline."""


def with_baseline(command: Any) -> Any:
    """The command with these options."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def gate(given: dict[str, Any]) -> Gate | None:
    """The gate that the options make. Raises UsageError where they cannot be used together."""
    from runs_conformance.baseline import Baseline, Gate, Revision, read
    from runs_conformance.errors import UsageError

    path, update, prune = given["baseline"], given["baseline_update"], given["baseline_prune"]
    if update and prune:
        raise UsageError("--baseline-update and --baseline-prune: choose one; an update prunes too")
    if path is None:
        if update or prune:
            raise UsageError(f"--baseline-{'update' if update else 'prune'} needs --baseline FILE")
        return None
    new = update and not path.exists()
    revision = Revision.UPDATE if update else Revision.PRUNE if prune else Revision.NONE
    return Gate(baseline=Baseline(name=path.name) if new else read(path), revision=revision)


def keep(report: Report, given: dict[str, Any]) -> None:
    """Write the baseline where that was asked for and the run was whole."""
    if report.comparison is None or not (given["baseline_update"] or given["baseline_prune"]):
        return
    from runs_conformance.baseline import write

    path = given["baseline"]
    if not report.complete or report.exit_code not in (0, 1):
        say(f"runs-conformance: {path} is left as it was: {report.because}")
        return
    write(report.comparison.baseline, path)
    count = len(report.comparison.baseline.entries)
    say(f"wrote {path}: {count} {'entry' if count == 1 else 'entries'}")
