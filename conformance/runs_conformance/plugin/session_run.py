"""Judges a target for pytest, once for all items."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click
import pytest
from click.core import ParameterSource

from runs_conformance.app import run
from runs_conformance.baseline import EntryStatus
from runs_conformance.cli import output
from runs_conformance.cli.configuration import drop_settings_for_other_server, replace_flag_by_config_key
from runs_conformance.cli.options import build_options
from runs_conformance.cli.run import command as run_command
from runs_conformance.cli.target import open_target
from runs_conformance.cli.trust import require_trust
from runs_conformance.engine import outcome
from runs_conformance.engine.outcome import failing_levels
from runs_conformance.errors import ConformanceError, UsageError
from runs_conformance.model.verdict import Outcome, Verdict
from runs_conformance.plugin.xdist_cache import ItemOutcome, JudgingResult, judge_once
from runs_conformance.reporting import failure_text
from runs_conformance.reporting.codegen import curl
from runs_conformance.reporting.console import OutputFiles, render_summary
from runs_conformance.reporting.folder import prepare_folder
from runs_conformance.reporting.progress import SilentProgress
from runs_conformance.reporting.report import Report
from runs_conformance.reporting.terminal_style import Style
from runs_conformance.wire import known_secrets

if TYPE_CHECKING:
    from runs_conformance.app.options import RunOptions

MAX_SELECTIVE_ITEMS = 100
"""Up to this number of selected items, only the programs that they need are run."""


@dataclass(frozen=True, slots=True)
class ConformanceSettings:
    """The settings of a conformance file: parameters of `runs-conformance run`, and the options they give.

    `app_base_path` is the API's path within an application from the hook. `file_names_server` says that the base URL
    is that of the file rather than of the environment.
    """

    parameters: Mapping[str, Any]
    options: RunOptions
    app_base_path: str
    file_names_server: bool


def load_settings(path: Path) -> ConformanceSettings:
    """Load a file as `runs-conformance run --config` does. Raises UsageError if it is invalid."""
    try:
        context = run_command.make_context("run", ["--config", str(path)])
    except click.ClickException as error:
        raise UsageError(f"{path}: {error.format_message()}") from None
    with context:
        base_url = (context.default_map or {}).get("base_url")
        app_base_path = urlsplit(base_url).path if isinstance(base_url, str) else "/v1"
        parameters = drop_settings_for_other_server(context.params, context.params["base_url"])
        try:
            from_file = context.get_parameter_source("base_url") is ParameterSource.DEFAULT_MAP
            return ConformanceSettings(parameters, build_options(parameters), app_base_path, from_file)
        except UsageError as error:
            raise UsageError(replace_flag_by_config_key(str(error))) from None


@dataclass(slots=True)
class SessionRun:
    """Judges one target, at most once per pytest session."""

    config: pytest.Config
    path: Path

    def result(self, requirements: Sequence[str]) -> JudgingResult:
        """The result of judging the target by these requirements, or by all; the first call judges it."""
        return judge_once(self.config, self.path, lambda: self._judge_or_report(requirements))

    def _judge_or_report(self, requirements: Sequence[str]) -> JudgingResult:
        try:
            return self._judge(requirements)
        except ConformanceError as error:
            return JudgingResult(problem=failure_text.printable(str(error)), judged=False)

    def _judge(self, requirements: Sequence[str]) -> JudgingResult:
        settings = load_settings(self.path)
        options = settings.options
        if 0 < len(requirements) <= MAX_SELECTIVE_ITEMS:
            options = replace(options, select=tuple(requirements), exclude=())
        with self._base_url(settings) as base_url, open_target(base_url, dict(settings.parameters)) as target:
            if settings.file_names_server and base_url == settings.parameters["base_url"]:
                require_trust(target, self.path.name, settings.parameters["trusted_hosts"])
            folder = prepare_folder(self._folder(settings.parameters))
            report = run.judge(target, options, run.plan_run(target, options), folder, SilentProgress())
            dialect = target.address.dialect.family.name
            write_error = output.write_report(folder, report, dialect, dict(settings.parameters))
        if report.exit_code == outcome.INTERRUPTED:
            raise KeyboardInterrupt
        files = OutputFiles(*folder.files_to_open(output.views(dict(settings.parameters))))
        result = _redact(_build_result(report, failing_levels(options.fail_on), dialect, files))
        return replace(result, summary=(*result.summary, write_error)) if write_error else result

    def _folder(self, parameters: Mapping[str, Any]) -> Path | None:
        chosen: str | None = self.config.getoption("--conformance-report-dir")
        return Path(chosen) if chosen else parameters["report_dir"]

    @contextmanager
    def _base_url(self, settings: ConformanceSettings) -> Iterator[str | None]:
        """Yield the base URL: that of the application from the hook, else the one in the file."""
        app = self.config.hook.pytest_runs_conformance_app(config=self.config, path=self.path)
        if app is None:
            if not settings.parameters["base_url"]:
                raise UsageError(
                    f"{self.path.name} names no server: set base_url (`emulator` is the bundled one), or provide an "
                    "application with the hook pytest_runs_conformance_app"
                )
            yield settings.parameters["base_url"]
            return
        from runs_conformance.app.serve_application import serve_application

        with serve_application(app) as origin:
            yield origin + settings.app_base_path


def _build_result(report: Report, failing: Collection[str], dialect: str, files: OutputFiles) -> JudgingResult:
    """Convert a report to the result that the items need."""
    entry_results = {result.entry.id: result for result in report.comparison.entry_results} if report.comparison else {}
    verdicts: dict[str, ItemOutcome] = {}
    for verdict in report.verdicts:
        result = entry_results.get(verdict.id)
        if result is not None and result.status in (EntryStatus.STALE, EntryStatus.EXPIRED):
            text = f"{result.note}; the baseline lists it as: {result.entry.reason}"
            verdicts[verdict.id] = ItemOutcome("fail", f"{text}\n{_failure_text(verdict, report, dialect)}")
        elif result is not None and result.status is EntryStatus.STILL_FAILING:
            verdicts[verdict.id] = ItemOutcome("accepted", f"known failure: {result.entry.reason}")
        else:
            verdicts[verdict.id] = _item_outcome(verdict, report, failing, dialect)
    problems = [
        f"{id_} in the baseline: {result.note}"
        for id_, result in entry_results.items()
        if result.status is EntryStatus.STALE and id_ not in verdicts
    ]
    if report.exit_code not in (outcome.PASSED, outcome.FAILED):
        problems.append(failure_text.printable(report.reason))
    return JudgingResult(
        verdicts=verdicts,
        problem="; ".join(problems) or None,
        judged=report.exit_code != outcome.NO_TARGET,
        summary=(
            f"judged {failure_text.printable(report.target.name)} by edition {report.suite.edition}",
            *render_summary(report, Style(verbosity=-1), files).splitlines(),
        ),
    )


def _redact(result: JudgingResult) -> JudgingResult:
    """The result without known secrets; other processes of the same session read it from a file."""
    return replace(
        result,
        verdicts={id_: replace(each, text=known_secrets.redact(each.text)) for id_, each in result.verdicts.items()},
        problem=known_secrets.redact(result.problem) if result.problem else None,
        summary=tuple(map(known_secrets.redact, result.summary)),
    )


def _item_outcome(verdict: Verdict, report: Report, failing: Collection[str], dialect: str) -> ItemOutcome:
    match verdict.outcome:
        case Outcome.PASS:
            return ItemOutcome("pass")
        case Outcome.FAIL:
            counts = verdict.level in failing
            message = verdict.findings[0].message if verdict.findings else verdict.statement
            text = (
                _failure_text(verdict, report, dialect)
                if counts
                else f"{verdict.level}: {failure_text.printable(message)}"
            )
            return ItemOutcome("fail" if counts else "accepted", text)
        case Outcome.ERROR:
            return ItemOutcome("fail", f"error in the suite: {verdict.reason}")
        case _:
            reason = failure_text.reason_with_needs(verdict)
            return ItemOutcome("skip", f"{verdict.outcome.value.replace('_', ' ')}: {reason}")


def _failure_text(verdict: Verdict, report: Report, dialect: str) -> str:
    """The violated requirement, its evidence, and the commands that reproduce it."""
    lines = [verdict.statement]
    for label, text in failure_text.labelled_lines(verdict) if verdict.outcome is Outcome.FAIL else ():
        lines += textwrap.wrap(f"{label:9} {text}", 110, subsequent_indent=" " * 10, break_long_words=False)
    commands = curl.script(verdict.counterexample, report.target.base_url or "$BASE_URL", dialect, report.target.access)
    return failure_text.printable("\n".join([*lines, *([commands] if commands else [])]))
