"""`runs-conformance report`: write the reports of a run later, from its history."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from conformance.cli.speech import tell


@click.command("report")
@click.argument("history", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--report-dir", type=click.Path(file_okay=False, path_type=Path), help="Default: the folder of the history."
)
@click.option("-q", "--quiet", is_flag=True, help="Only the last lines.")
@click.option("-v", "--verbose", is_flag=True, help="Warnings and what was not judged in full.")
def command(history: Path, report_dir: Path | None, **given: Any) -> int:
    """Judge the history.jsonl of a run again, and write its reports."""
    from conformance.reporting.folder import folder
    from conformance.suite.histories import recorded, report_of

    run = recorded(history)
    report = report_of([run])
    here = folder(report_dir or history.parent)
    here.write(report, run.heading.dialect)
    tell(report, here, run.heading.dialect, quiet=given["quiet"], verbose=given["verbose"])
    return report.exit_code
