"""`runs-conformance merge`: one report on a run that several jobs played."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from runs_conformance.cli import baseline, output


@click.command("merge")
@click.argument("histories", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@baseline.with_baseline
@output.OPTION
@click.option("--report-dir", type=click.Path(file_okay=False, path_type=Path), help="Default: reports/<run-id>/.")
@click.option("-q", "--quiet", is_flag=True, help="Only the last lines.")
@click.option("-v", "--verbose", is_flag=True, help="Warnings and what was not judged in full.")
def command(histories: tuple[Path, ...], report_dir: Path | None, **given: Any) -> int:
    """Join the history.jsonl of every --shard, or the folders they are in, into one report."""
    from runs_conformance.app.merge import check_shards, recorded, report_of
    from runs_conformance.errors import UsageError
    from runs_conformance.reporting.folder import folder

    if "har" in output.views(given):
        raise UsageError("--report har is made of one history: runs-conformance report HISTORY --report har")
    gate = baseline.gate(given)
    runs = [recorded(path / "history.jsonl" if path.is_dir() else path) for path in histories]
    check_shards(runs)
    report = report_of(runs, gate)
    here = folder(report_dir)
    dialect = runs[0].heading.dialect
    unwritten = output.written(here, report, dialect, given)
    baseline.keep(report, given)
    output.tell(report, here, dialect, given)
    if unwritten:
        raise UsageError(unwritten)
    return report.exit_code
