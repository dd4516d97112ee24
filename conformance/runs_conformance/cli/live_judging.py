"""Judges a live server once, as the parameters of `run` say."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from runs_conformance.cli import baseline, output
from runs_conformance.cli.configuration import drop_settings_for_other_server
from runs_conformance.cli.options import build_options
from runs_conformance.cli.signals import interruptible
from runs_conformance.cli.stderr import say
from runs_conformance.cli.target import open_target
from runs_conformance.cli.trust import require_trust_in_config

if TYPE_CHECKING:
    from runs_conformance.app.options import RunOptions
    from runs_conformance.engine.plan import Plan
    from runs_conformance.engine.plan_execution import ProgressListener
    from runs_conformance.targets import Target


def judge_live(base_url: str | None, values: dict[str, Any]) -> int:
    """Judge a server once. Returns the exit code."""
    from runs_conformance.app import estimate, run
    from runs_conformance.cli.processes import check_divisible, judge_in_processes
    from runs_conformance.engine.outcome import INTERRUPTED, NO_TARGET, USAGE
    from runs_conformance.reporting.changes import find_changes, read_earlier_report
    from runs_conformance.reporting.folder import prepare_folder, prune

    values = drop_settings_for_other_server(values, base_url)
    if values["failed"]:
        values = _select_failed(values)
    options = build_options(values)
    views = output.views(values)
    if values["jobs"] > 1:
        check_divisible(options, views, values["jobs"])
    with interruptible() as interruption:
        with open_target(base_url, values) as target:
            if not values["dry_run"]:
                require_trust_in_config(target, values["trusted_hosts"])
            plan = run.plan_run(target, options)
            if values["dry_run"]:
                click.echo(f"{target.name}: dry run, nothing is sent; a test run would send")
                for line in estimate.lines(plan, options, is_loopback=target.address.is_loopback):
                    click.echo(line)
                return 0
            folder = prepare_folder(values["report_dir"])
            last = read_earlier_report(folder.latest or folder.path)
            listener = _progress(target, options, plan, values)
            if values["jobs"] > 1:
                report = judge_in_processes(target, options, folder, listener, values["jobs"], interruption.defer)
            else:
                report = run.judge(target, options, plan, folder, listener, interruption.defer)
            report = replace(report, changes=find_changes(report, last))
            prune(folder, values["keep"])
            problem = output.write_report(folder, report, target.address.dialect.family.name, values)
        code = report.exit_code
        if code == NO_TARGET:
            say(f"runs-conformance: {report.reason}")
        else:
            baseline.update_file(report, values)
            output.print_summary(report, None if problem else folder, target.address.dialect.family.name, values)
        if problem:
            say(f"runs-conformance: {problem}")
            code = USAGE
    return INTERRUPTED if interruption.received else code


def _select_failed(values: dict[str, Any]) -> dict[str, Any]:
    """The parameters with the selection that `--failed` stands for. Raises UsageError if there is none.

    The programs that showed the failures are executed again, whatever others decide the same ids with fewer requests.
    """
    from runs_conformance.app.last_failures import read_last_failures
    from runs_conformance.errors import UsageError

    if values["select"]:
        raise UsageError("--failed and --select exclude each other")
    last = read_last_failures(values["report_dir"])
    return {**values, "select": last.ids, "selection_flag": "--failed", "rerun_programs": last.programs}


def _progress(target: Target, options: RunOptions, plan: Plan, values: dict[str, Any]) -> ProgressListener:
    """Print the estimated cost if the target is remote; returns the progress display."""
    from runs_conformance.app import estimate
    from runs_conformance.reporting.progress import LineProgress, ProgressBar, SilentProgress

    if values["quiet"]:
        return SilentProgress()
    say(f"judging {target.name} by edition {options.edition}, profile {options.profile}, seed {options.seed}")
    if not target.address.is_loopback:
        for line in estimate.lines(plan, options, is_loopback=False):
            say(line)
        say(f"runs use {options.model}; threads and assistants are deleted afterwards")
    return ProgressBar(say) if sys.stderr.isatty() and not os.environ.get("CI") else LineProgress(say)
