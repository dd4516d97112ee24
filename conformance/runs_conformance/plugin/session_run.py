"""A target put to the test for pytest, once for all items."""

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

from runs_conformance.app import run
from runs_conformance.baseline import Standing
from runs_conformance.cli import output
from runs_conformance.cli.configuration import located, without_foreign
from runs_conformance.cli.run import choice_of
from runs_conformance.cli.run import command as run_command
from runs_conformance.cli.target import opened
from runs_conformance.engine import outcome
from runs_conformance.engine.outcome import failing_levels
from runs_conformance.errors import ConformanceError, UsageError
from runs_conformance.model.verdict import Outcome, Verdict
from runs_conformance.plugin.xdist_cache import Result, Shown, shared
from runs_conformance.reporting import failure_text
from runs_conformance.reporting.codegen import curl
from runs_conformance.reporting.console import Left, Style, summary
from runs_conformance.reporting.folder import folder
from runs_conformance.reporting.progress import Silent
from runs_conformance.reporting.report import Report

if TYPE_CHECKING:
    from runs_conformance.app.options import Choice

FEW = 100
"""Where no more than so many demands are asked for, only what shows them is played."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a conformance file says: the options of `runs-conformance run`, and the choice that they make.

    `base` is where in an application that is handed over the API is.
    """

    given: Mapping[str, Any]
    choice: Choice
    base: str


def settings(path: Path) -> Settings:
    """What `runs-conformance run --config` would make of a file. Raises UsageError where that is nothing."""
    try:
        context = run_command.make_context("run", ["--config", str(path)])
    except click.ClickException as error:
        raise UsageError(f"{path}: {error.format_message()}") from None
    with context:
        named = (context.default_map or {}).get("base_url")
        base = urlsplit(named).path if isinstance(named, str) else "/v1"
        given = without_foreign(context.params, context.params["base_url"])
        try:
            return Settings(given, choice_of(given), base)
        except UsageError as error:
            raise UsageError(located(str(error))) from None


@dataclass(slots=True)
class Performance:
    """The one time that a target is put to the test in a session."""

    config: pytest.Config
    path: Path

    def result(self, demands: Sequence[str]) -> Result:
        """What judging the target by these demands, or by all, comes to; it is done when this is first called."""
        return shared(self.config, self.path, lambda: self._result(demands))

    def _result(self, demands: Sequence[str]) -> Result:
        try:
            return self._played(demands)
        except ConformanceError as error:
            return Result(trouble=failure_text.printable(str(error)), judged=False)

    def _played(self, demands: Sequence[str]) -> Result:
        asked = settings(self.path)
        choice = asked.choice
        if 0 < len(demands) <= FEW:
            choice = replace(choice, select=tuple(demands), exclude=())
        with self._base_url(asked) as base_url, opened(base_url, dict(asked.given)) as target:
            here = folder(self._folder(asked.given))
            report = run.judge(target, choice, run.plan_for(target, choice), here, Silent())
            dialect = target.address.dialect.family
            unwritten = output.written(here, report, dialect, dict(asked.given))
        if report.exit_code == outcome.INTERRUPTED:
            raise KeyboardInterrupt
        left = Left(*here.to_open(output.views(dict(asked.given))))
        result = _told(report, failing_levels(choice.fail_on), dialect, left)
        return replace(result, summary=(*result.summary, unwritten)) if unwritten else result

    def _folder(self, given: Mapping[str, Any]) -> Path | None:
        chosen: str | None = self.config.getoption("--conformance-report-dir")
        return Path(chosen) if chosen else given["report_dir"]

    @contextmanager
    def _base_url(self, asked: Settings) -> Iterator[str | None]:
        """Where the target is: where the file says, or where the application is served that a conftest hands over."""
        app = self.config.hook.pytest_runs_conformance_app(config=self.config, path=self.path)
        if app is None:
            if not asked.given["base_url"]:
                raise UsageError(
                    f"{self.path.name} names no server: set base_url (`emulator` is the bundled one), or hand over an "
                    "application by the hook pytest_runs_conformance_app"
                )
            yield asked.given["base_url"]
            return
        from runs_conformance.plugin.serving import serving

        with serving(app) as origin:
            yield origin + asked.base


def _told(report: Report, failing: Collection[str], dialect: str, left: Left) -> Result:
    """A report as the items of a session need it."""
    stands = {stand.entry.id: stand for stand in report.comparison.stands} if report.comparison else {}
    verdicts: dict[str, Shown] = {}
    for verdict in report.verdicts:
        stand = stands.get(verdict.id)
        if stand is not None and stand.standing in (Standing.STALE, Standing.EXPIRED):
            text = f"{stand.note}; the baseline lists it as: {stand.entry.reason}"
            verdicts[verdict.id] = Shown("fail", f"{text}\n{_failure(verdict, report, dialect)}")
        elif stand is not None and stand.standing is Standing.KNOWN:
            verdicts[verdict.id] = Shown("accepted", f"known failure: {stand.entry.reason}")
        else:
            verdicts[verdict.id] = _shown(verdict, report, failing, dialect)
    lost = [stand for id_, stand in stands.items() if stand.standing is Standing.STALE and id_ not in verdicts]
    troubles = [f"{stand.entry.id} in the baseline: {stand.note}" for stand in lost]
    if report.exit_code not in (outcome.PASSED, outcome.FAILED):
        troubles.append(failure_text.printable(report.because))
    return Result(
        verdicts=verdicts,
        trouble="; ".join(troubles) or None,
        judged=report.exit_code != outcome.NO_TARGET,
        summary=(
            f"judged {failure_text.printable(report.target.name)} by edition {report.suite.edition}",
            *summary(report, Style(verbosity=-1), left).splitlines(),
        ),
    )


def _shown(verdict: Verdict, report: Report, failing: Collection[str], dialect: str) -> Shown:
    match verdict.outcome:
        case Outcome.PASS:
            return Shown("pass")
        case Outcome.FAIL:
            fails = verdict.level in failing
            message = verdict.findings[0].message if verdict.findings else verdict.statement
            text = (
                _failure(verdict, report, dialect) if fails else f"{verdict.level}: {failure_text.printable(message)}"
            )
            return Shown("fail" if fails else "accepted", text)
        case Outcome.ERROR:
            return Shown("fail", f"the suite itself is at fault: {verdict.reason}")
        case _:
            needs = f" ({verdict.needs})" if verdict.needs and verdict.needs not in (verdict.reason or "") else ""
            return Shown("skip", f"{verdict.outcome.value.replace('_', ' ')}: {verdict.reason}{needs}")


def _failure(verdict: Verdict, report: Report, dialect: str) -> str:
    """What is broken, what shows it, and how to see it again."""
    lines = [verdict.statement]
    for label, text in failure_text.lines(verdict) if verdict.outcome is Outcome.FAIL else ():
        lines += textwrap.wrap(f"{label:9} {text}", 110, subsequent_indent=" " * 10, break_long_words=False)
    again = curl.script(verdict.counterexample, report.target.base_url or "$BASE_URL", dialect, report.target.access)
    return failure_text.printable("\n".join([*lines, *([again] if again else [])]))
