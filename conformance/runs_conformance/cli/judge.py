"""`runs-conformance judge`: judge recorded traffic."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from runs_conformance.cli import baseline, output
from runs_conformance.cli.help import LIMITS, SCOPE, declare_command, option
from runs_conformance.cli.options import build_options, judging_options
from runs_conformance.cli.stderr import say
from runs_conformance.model.plural import plural


@declare_command(
    "judge",
    examples=(
        ("Judge traffic that a browser or proxy saved", "runs-conformance judge session.har"),
        ("Judge a part of production traffic", "runs-conformance judge capture.har --partial --report html"),
    ),
)
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@option(
    "--partial",
    group=SCOPE,
    is_flag=True,
    help="Other clients share these objects: findings that an unrecorded request could explain become inconclusive.",
)
@option(
    "--host",
    "hosts",
    group=SCOPE,
    metavar="GLOB",
    multiple=True,
    help="Judge only traffic with these hosts. Default: every host that shows this API.",
)
@option(
    "--as",
    "as_operation",
    group=SCOPE,
    metavar="OPERATION",
    help="Each file holds one response of this operation: a JSON body or an event stream.",
)
@option(
    "--jobs",
    group=LIMITS,
    metavar="N",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Number of processes that judge.",
)
@judging_options(
    "Date of the contract to judge by. Default: the contract in force on the date of each exchange.",
    "none is written; with --report, reports/<run-id>/.",
)
def command(files: tuple[Path, ...], hosts: tuple[str, ...], as_operation: str | None, jobs: int, **values: Any) -> int:
    """Judge recorded traffic: HAR, history.jsonl, VCR cassettes, test-proxy recordings and other formats."""
    from runs_conformance.app import judge_recording
    from runs_conformance.errors import UsageError
    from runs_conformance.reporting.folder import prepare_folder

    options = build_options(values)
    if "har" in output.views(values):
        raise UsageError("--report har needs the history of a test run: runs-conformance report HISTORY --report har")
    review = judge_recording.judge(
        files, options, options.edition if values["edition"] else None, hosts, as_operation, jobs
    )
    folder = prepare_folder(values["report_dir"]) if values["report_dir"] or values["report"] else None
    problem = output.write_report(folder, review.report, "openai", values)
    skipped = list(review.skipped)
    for line in review.unreadable:
        say(f"not read: {line}")
    if skipped:
        shown = [] if values["quiet"] else skipped if values["verbose"] else skipped[:3]
        examples = ", for example" if 0 < len(shown) < len(skipped) else ""
        say(f"skipped {plural(len(skipped), 'entry', 'entries')}{examples}")
        for line in shown:
            say(f"  {line}")
    baseline.update_file(review.report, values)
    output.print_summary(review.report, None if problem else folder, "openai", values)
    if problem:
        raise UsageError(problem)
    return review.report.exit_code
