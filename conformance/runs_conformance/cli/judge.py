"""`runs-conformance judge`: judge recorded traffic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
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
    help="Judge only traffic with these hosts. Default: every host whose paths or responses are those of this API.",
)
@option(
    "--as",
    "as_operation",
    group=SCOPE,
    metavar="OPERATION",
    help="Each file holds one response of this operation: a JSON body or an event stream.",
)
@option("--watch", group=SCOPE, is_flag=True, help="Judge again whenever a file changes, until you enter q.")
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
    without_views=["har"],
)
def command(
    files: tuple[Path, ...],
    hosts: tuple[str, ...],
    as_operation: str | None,
    watch: bool,
    jobs: int,
    **values: Any,
) -> int:
    """Judge recorded traffic: HAR, history.jsonl, VCR cassettes, test-proxy recordings and other formats.

    If FILES contains a folder, all files in it are judged.
    """
    from runs_conformance.cli.watch import watch_files

    def judge_once() -> int:
        return _judge(_expand_folders(files), hosts, as_operation, jobs, values)

    return watch_files(judge_once, files) if watch else judge_once()


def _expand_folders(paths: Sequence[Path]) -> list[Path]:
    """The files, with folders replaced by the files in them. Raises UsageError if there are none."""
    from runs_conformance.errors import UsageError

    found: list[Path] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        inside = (each for each in sorted(path.rglob("*")) if each.is_file())
        found += [each for each in inside if not any(part.startswith(".") for part in each.relative_to(path).parts)]
    if not found:
        raise UsageError(f"{paths[0]}: the folder holds no files")
    return found


def _judge(
    files: Sequence[Path],
    hosts: tuple[str, ...],
    as_operation: str | None,
    jobs: int,
    values: Mapping[str, Any],
) -> int:
    from runs_conformance.app import judge_recording
    from runs_conformance.app.recorded_history import write_recorded_history
    from runs_conformance.cli.judging_progress import JudgingProgress
    from runs_conformance.errors import UsageError
    from runs_conformance.reporting.folder import prepare_folder
    from runs_conformance.reporting.view import HISTORY

    options = build_options(values)
    if "har" in output.views(values):
        raise UsageError("--report har needs the history of a test run: runs-conformance report HISTORY --report har")
    edition = options.edition if values["edition"] else None
    progress = JudgingProgress()
    review = judge_recording.judge(files, options, edition, hosts, as_operation, jobs, progress.show)
    progress.clear()
    folder = prepare_folder(values["report_dir"]) if values["report_dir"] or values["report"] else None
    writes_history = folder is not None and bool(values["report"]) and HISTORY in output.views(values)
    if folder is not None and writes_history and folder.history.resolve() in {file.resolve() for file in files}:
        raise UsageError(f"{folder.history} is judged, so it cannot be written; choose another --report-dir")
    problem = output.write_report(folder, review.report, "openai", values)
    if folder is not None and writes_history:
        write_recorded_history(files, folder.history, edition, hosts, as_operation)
    for line in review.unreadable:
        say(f"not read: {line}")
    if review.skipped_count:
        shown = () if values["quiet"] else review.skipped if values["verbose"] else review.skipped[:3]
        examples = ", for example" if 0 < len(shown) < review.skipped_count else ""
        say(f"skipped {plural(review.skipped_count, 'entry', 'entries')}{examples}")
        for line in shown:
            say(f"  {line}")
    baseline.update_file(review.report, values)
    output.print_summary(review.report, None if problem else folder, "openai", values)
    if problem:
        raise UsageError(problem)
    return review.report.exit_code
