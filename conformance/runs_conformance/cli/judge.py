"""`runs-conformance judge`: judge traffic that was recorded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from runs_conformance.cli import baseline, output
from runs_conformance.cli.options import chosen, with_choices
from runs_conformance.cli.stderr import say


@click.command("judge")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--partial", is_flag=True, help="Others use the same objects: accuse of nothing that they may have done.")
@with_choices
def command(files: tuple[Path, ...], **given: Any) -> int:
    """Judge recorded traffic: history.jsonl, HAR, VCR cassettes."""
    from runs_conformance.app import judge_recording
    from runs_conformance.errors import UsageError
    from runs_conformance.reporting.folder import folder

    choice = chosen(given, partial=given["partial"])
    if "har" in output.views(given):
        raise UsageError("--report har is made of a run's history.jsonl: runs-conformance report HISTORY --report har")
    reviewed = judge_recording.judge(files, choice, choice.edition if given["edition"] else None)
    here = folder(given["report_dir"]) if given["report_dir"] or given["report"] else None
    unwritten = output.written(here, reviewed.report, "openai", given)
    left_out = list(reviewed.skipped)
    if left_out and not given["quiet"]:
        say(
            f"{len(left_out)} {'entry was' if len(left_out) == 1 else 'entries were'} left out"
            + ("" if given["verbose"] else ", for example")
        )
        for line in left_out if given["verbose"] else left_out[:3]:
            say(f"  {line}")
    baseline.keep(reviewed.report, given)
    output.tell(reviewed.report, None if unwritten else here, "openai", given)
    if unwritten:
        raise UsageError(unwritten)
    return reviewed.report.exit_code
