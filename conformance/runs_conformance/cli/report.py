"""`runs-conformance report`: write views of a report later, from the history of a test run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from runs_conformance.cli import baseline, output
from runs_conformance.cli.help import add_options, declare_command
from runs_conformance.cli.options import QUIET_AND_VERBOSE, report_dir_option


@declare_command("report", examples=(("Write a HAR file", "runs-conformance report reports/latest --report har"),))
@click.argument("history", type=click.Path(exists=True, path_type=Path))
@output.report_option("history")
@add_options((report_dir_option("the folder of the history."), baseline.BASELINE_OPTION, *QUIET_AND_VERBOSE))
def command(history: Path, report_dir: Path | None, **values: Any) -> int:
    """Judge the history of a test run again and write views of the report. HISTORY is a history.jsonl or its folder."""
    from runs_conformance.app.merge import read_run, rebuild_report
    from runs_conformance.errors import UsageError
    from runs_conformance.reporting.folder import HISTORY, histories_in, prepare_folder

    output.views(values)
    baseline_settings = baseline.build_baseline_settings(values)
    if history.is_dir():
        if len(histories_in(history)) > 1:
            raise UsageError(
                f"{history}: holds a history of each process; `runs-conformance merge {history}` joins them"
            )
        history = history / HISTORY
    run = read_run(history)
    report = rebuild_report([run], baseline_settings)
    folder = replace(prepare_folder(report_dir or history.parent), external_history=history)
    problem = output.write_report(folder, report, run.header.dialect, values)
    output.print_summary(report, folder, run.header.dialect, values)
    if problem:
        raise UsageError(problem)
    return report.exit_code
