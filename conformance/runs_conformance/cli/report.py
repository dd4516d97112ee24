"""`runs-conformance report`: write the views of a run's report later, from its history."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from runs_conformance.cli import baseline, output


@click.command("report")
@click.argument("history", type=click.Path(exists=True, path_type=Path))
@output.OPTION
@click.option(
    "--report-dir", type=click.Path(file_okay=False, path_type=Path), help="Default: the folder of the history."
)
@baseline.OPTIONS[0]
@click.option("-q", "--quiet", is_flag=True, help="Only the last lines.")
@click.option("-v", "--verbose", is_flag=True, help="Warnings and what was not judged in full.")
def command(history: Path, report_dir: Path | None, **given: Any) -> int:
    """Judge the history.jsonl of a run, or the folder it is in, again, and write its report in these views."""
    from runs_conformance.app.merge import recorded, report_of
    from runs_conformance.errors import UsageError
    from runs_conformance.reporting.folder import folder

    output.views(given)
    gate = baseline.gate({**given, "baseline_update": False, "baseline_prune": False})
    history = history / "history.jsonl" if history.is_dir() else history
    run = recorded(history)
    report = report_of([run], gate)
    here = replace(folder(report_dir or history.parent), elsewhere=history)
    unwritten = output.written(here, report, run.heading.dialect, given)
    output.tell(report, here, run.heading.dialect, given)
    if unwritten:
        raise UsageError(unwritten)
    return report.exit_code
