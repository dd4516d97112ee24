"""`runs-conformance merge`: merge the shards of a test run into one report."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import click

from runs_conformance.cli import baseline, output
from runs_conformance.cli.help import add_options, declare_command
from runs_conformance.cli.options import QUIET_AND_VERBOSE, report_dir_option


@declare_command(
    "merge", examples=(("Merge the shards of a CI job", "runs-conformance merge shard1/ shard2/ shard3/"),)
)
@click.argument("histories", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@baseline.add_baseline_options
@output.report_option("har", "history")
@add_options((report_dir_option("reports/<run-id>/."), *QUIET_AND_VERBOSE))
def command(histories: tuple[Path, ...], report_dir: Path | None, **values: Any) -> int:
    """Merge the histories of all shards into one report. HISTORIES are history.jsonl files or their folders."""
    from runs_conformance.app.merge import check_shards, read_run, rebuild_report
    from runs_conformance.errors import UsageError
    from runs_conformance.reporting.folder import HISTORY, histories_in, prepare_folder

    if "har" in output.views(values):
        raise UsageError("--report har needs a single history: runs-conformance report HISTORY --report har")
    baseline_settings = baseline.build_baseline_settings(values)
    # The folder of a test run by several processes holds several histories.
    files = [(histories_in(path) or (path / HISTORY,)) if path.is_dir() else (path,) for path in histories]
    runs = [read_run(file) for file in itertools.chain.from_iterable(files)]
    check_shards(runs)
    report = rebuild_report(runs, baseline_settings)
    folder = prepare_folder(report_dir)
    dialect = runs[0].header.dialect
    problem = output.write_report(folder, report, dialect, values)
    baseline.update_file(report, values)
    output.print_summary(report, folder, dialect, values)
    if problem:
        raise UsageError(problem)
    return report.exit_code
