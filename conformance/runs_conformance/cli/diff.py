"""`runs-conformance diff`: compare two servers or two reports."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runs_conformance.cli.configuration import drop_settings_for_other_server
from runs_conformance.cli.help import OUTPUT, SCOPE, TARGET, add_options, declare_command, option
from runs_conformance.cli.options import (
    EDITION_HELP,
    EXHAUSTIVE_OPTION,
    FIND_LIMITS_OPTION,
    PROFILE_OPTION,
    SEED_OPTION,
    SELECTION_OPTIONS,
    STRESS_OPTION,
    TIMEOUT_OPTION,
    build_options,
    report_dir_option,
)
from runs_conformance.cli.signals import interruptible
from runs_conformance.cli.stderr import say
from runs_conformance.cli.target import add_target_options, open_target

if TYPE_CHECKING:
    from runs_conformance.app.diff import ReportSummary


@declare_command(
    "diff",
    examples=(
        ("Compare two servers", "runs-conformance diff http://127.0.0.1:8000/v1 https://api.example.org/v1"),
        ("Compare two reports", "runs-conformance diff reports/monday reports/tuesday"),
    ),
)
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@add_target_options
@option("--b-api-key", group=TARGET, metavar="KEY", help="API key of B, if it differs from that of A.")
@option("--b-model", group=TARGET, metavar="NAME", help="Model that the runs of B use, if it differs from that of A.")
@option("--b-dialect", group=TARGET, metavar="NAME", help="Dialect of B, if it differs from that of A.")
@PROFILE_OPTION
@option("--edition", group=SCOPE, metavar="DATE", help=EDITION_HELP)
@add_options(SELECTION_OPTIONS)
@SEED_OPTION
@FIND_LIMITS_OPTION
@TIMEOUT_OPTION
@STRESS_OPTION
@EXHAUSTIVE_OPTION
@option(
    "--format",
    "form",
    group=OUTPUT,
    type=click.Choice(("text", "json", "html")),
    default="text",
    show_default=True,
    help="Format of the comparison on standard output.",
)
@report_dir_option("reports/<run-id>/ for each server.", "the reports, in its subfolders a and b")
def command(a: str, b: str, **values: Any) -> int:
    """Compare A and B: each a server's URL (or `emulator`), a report.json, a history.jsonl, or the folder of one.

    Failures are grouped by their cause, other differences by capability and outcomes.
    Both servers receive the same requests. Exit code 0: all verdicts are equal; 1: some differ.
    """
    from runs_conformance.app import diff

    operands = {"a": a, "b": b}
    # Files are read first, so that a missing one is noticed before a server is judged.
    loaded = {name: diff.load_summary(_file(where)) for name, where in operands.items() if not _is_server(where)}
    summaries = [
        loaded[name] if name in loaded else _judge_server(where, name, {**values, **_overrides_for(name, values)})
        for name, where in operands.items()
    ]
    first, second = summaries
    click.echo(diff.text(first, second, values["form"]))
    return 1 if diff.differences(*summaries) else 0


def _overrides_for(name: str, values: dict[str, Any]) -> dict[str, Any]:
    if name == "a":
        return {}
    overrides = {each: values[f"b_{each}"] for each in ("api_key", "model", "dialect") if values[f"b_{each}"]}
    return {**overrides, "second_api_key": None} if "api_key" in overrides else overrides


def _is_server(where: str) -> bool:
    from runs_conformance.targets import EMULATOR

    return "://" in where or where == EMULATOR


def _file(where: str) -> Path:
    from runs_conformance.errors import UsageError

    path = Path(where)
    if not path.exists():
        raise UsageError(f"{where}: neither a URL (http://...) nor an existing file or folder")
    return path


def _judge_server(where: str, name: str, values: dict[str, Any]) -> ReportSummary:
    """Judge one server, by the options that hold for both."""
    from runs_conformance.app import diff, run
    from runs_conformance.engine.outcome import NO_TARGET
    from runs_conformance.errors import TargetError
    from runs_conformance.reporting.folder import prepare_folder
    from runs_conformance.reporting.progress import SilentProgress
    from runs_conformance.targets import EMULATOR

    values = drop_settings_for_other_server(values, where)
    options = build_options(values)
    with interruptible() as interruption, open_target(where, values) as target:
        say(f"judging {name.upper()}: {target.name} by edition {options.edition}, profile {options.profile}")
        folder = prepare_folder(values["report_dir"] / name if values["report_dir"] else None)
        plan = run.plan_run(target, options)
        report = run.judge(target, options, plan, folder, SilentProgress(), interruption.defer)
        folder.write(report, target.address.dialect.family.name)
    if report.exit_code == NO_TARGET:
        raise TargetError(f"{name.upper()}: {report.reason}")
    if interruption.received:
        raise KeyboardInterrupt
    return diff.ReportSummary.from_report(where if where == EMULATOR else target.address.url, report)
