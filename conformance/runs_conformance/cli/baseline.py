"""Options that compare a test run to a baseline of known failures, and the file that they update."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runs_conformance.cli.help import GATE, add_options, option
from runs_conformance.cli.stderr import say
from runs_conformance.model.plural import plural

if TYPE_CHECKING:
    from runs_conformance.baseline import BaselineSettings
    from runs_conformance.reporting.report import Report

BASELINE_OPTION = option(
    "--baseline",
    group=GATE,
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Known failures: fail only on new ones, and on entries that now pass or have expired.",
)

BASELINE_OPTIONS = (
    BASELINE_OPTION,
    option(
        "--baseline-update",
        group=GATE,
        is_flag=True,
        help="Write the baseline: add failures, remove entries that now pass.",
    ),
    option("--baseline-prune", group=GATE, is_flag=True, help="Only remove baseline entries that now pass."),
)

add_baseline_options = add_options(BASELINE_OPTIONS)


def build_baseline_settings(values: Mapping[str, Any]) -> BaselineSettings | None:
    """Build the settings of the baseline from these options. Raises UsageError if they conflict."""
    from runs_conformance.baseline import Baseline, BaselineSettings, BaselineUpdateMode, read
    from runs_conformance.errors import UsageError

    path, update, prune = (values.get(name) for name in ("baseline", "baseline_update", "baseline_prune"))
    if update and prune:
        raise UsageError("--baseline-update and --baseline-prune: choose one; an update prunes too")
    if path is None:
        if update or prune:
            raise UsageError(f"--baseline-{'update' if update else 'prune'} needs --baseline FILE")
        return None
    new = update and not path.exists()
    update_mode = (
        BaselineUpdateMode.UPDATE if update else BaselineUpdateMode.PRUNE if prune else BaselineUpdateMode.NONE
    )
    return BaselineSettings(baseline=Baseline(name=path.name) if new else read(path), update_mode=update_mode)


def update_file(report: Report, values: Mapping[str, Any]) -> None:
    """Write the baseline if an option asks for it and the test run is complete."""
    if report.comparison is None or not (values["baseline_update"] or values["baseline_prune"]):
        return
    from runs_conformance.baseline import write

    path = values["baseline"]
    if not report.complete or report.exit_code not in (0, 1):
        say(f"runs-conformance: {path} is unchanged: {report.reason}")
        return
    write(report.comparison.baseline, path)
    say(f"wrote {path}: {plural(len(report.comparison.baseline.entries), 'entry', 'entries')}")
