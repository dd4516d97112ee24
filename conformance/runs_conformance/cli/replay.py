"""`runs-conformance replay`: replay failures, or print one as a script."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runs_conformance.cli.configuration import drop_settings_for_other_server
from runs_conformance.cli.help import LIMITS, OUTPUT, declare_command, option
from runs_conformance.cli.options import TIMEOUT_OPTION
from runs_conformance.cli.signals import WITHOUT_HISTORY, interruptible
from runs_conformance.cli.stderr import say
from runs_conformance.cli.target import add_target_options, open_target
from runs_conformance.cli.trust import TRUST_OPTION, require_trust

if TYPE_CHECKING:
    from runs_conformance.app.replay import ReplayResult
    from runs_conformance.app.report_file import ReportedFailure, ReportFile

_OUTCOME_TEXT = {"fail": "still fails", "pass": "passes now", "inconclusive": "inconclusive"}


@declare_command(
    "replay",
    examples=(
        ("Replay all failures of the last test run", "runs-conformance replay reports/latest"),
        ("Count how often one occurs", "runs-conformance replay reports/latest lock.no_second_run_* --repeat 10"),
        ("Print one as a pytest file", "runs-conformance replay reports/latest cancel.is_carried_out --as pytest"),
    ),
)
@click.argument("report", type=click.Path(exists=True, path_type=Path))
@click.argument("names", nargs=-1, metavar="[ID] [BASE_URL]")
@add_target_options
@option(
    "--as",
    "form",
    group=OUTPUT,
    type=click.Choice(["curl", "python", "pytest"]),
    help="Print one failure as a script, and send nothing.",
)
@option(
    "--repeat",
    group=LIMITS,
    metavar="N",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Replay each failure N times, and print how often it occurs.",
)
@TRUST_OPTION
@TIMEOUT_OPTION
@option("-v", "--verbose", group=OUTPUT, is_flag=True, help="Print every request and its status.")
@click.pass_context
def command(ctx: click.Context, /, report: Path, names: tuple[str, ...], **values: Any) -> int:
    """Replay the failures in REPORT (report.json, history.jsonl or their folder) and print whether they still occur.

    ID (or a glob like 'create_run.*') selects failures; default: all. BASE_URL names another server; default: the one
    that was judged. Exit code 1: a failure still occurs; 5: a replay was inconclusive; 0: none occurs any more.
    """
    from runs_conformance.app.replay import exit_code, replay_failures
    from runs_conformance.app.report_file import load

    id_, base_url = _split_id_and_url(names)
    report_file = load(report)
    failures = report_file.select(id_)
    if values["form"]:
        return _print_as(report_file, failures, base_url, values["form"])
    if not failures:
        say(f"{report_file.name}: contains no failure to replay")
        return 0
    model = values["model"] if _is_set(ctx, "model") else None
    results: list[ReplayResult] = []
    url = base_url or _url_of(report_file)
    values = drop_settings_for_other_server(values, url)
    overrides = _target_values(report_file, _is_set(ctx, "dialect"))
    with interruptible(WITHOUT_HISTORY), open_target(url, {**values, **overrides}) as target:
        if base_url is None and not target.address.is_loopback:
            # A report may come from an untrusted source, and the requests carry the user's key.
            require_trust(target, report_file.name, values["trusted_hosts"])
            say(f"sending to {target.address.url}, the server that {report_file.name} names")
        for result in replay_failures(report_file, failures, target, model, values["timeout"], values["repeat"]):
            results.append(result)
            _print_result(result, values["verbose"])
    return exit_code(results)


def _split_id_and_url(names: tuple[str, ...]) -> tuple[str | None, str | None]:
    """The id and the URL among the arguments; a URL contains `://`."""
    urls = [name for name in names if "://" in name]
    ids = [name for name in names if "://" not in name]
    if len(urls) > 1 or len(ids) > 1:
        raise click.UsageError("replay takes a report, at most one ID (or glob) and at most one BASE_URL")
    return next(iter(ids), None), next(iter(urls), None)


def _is_set(ctx: click.Context, option: str) -> bool:
    return ctx.get_parameter_source(option) is not click.core.ParameterSource.DEFAULT


def _url_of(report_file: ReportFile) -> str | None:
    """The URL of the server that was judged; None for the bundled emulator."""
    from runs_conformance.targets import EMULATOR

    if report_file.target == EMULATOR:
        return None
    if report_file.base_url is None:
        raise click.UsageError(
            f"{report_file.name} is about recorded traffic: name the BASE_URL of a server to replay on"
        )
    return report_file.base_url


def _target_values(report_file: ReportFile, dialect_is_set: bool) -> dict[str, Any]:
    from runs_conformance.contract.edition import DEFAULT_EDITION

    if report_file.dialect != "openai" and not dialect_is_set:
        raise click.UsageError(
            f"{report_file.name} is about a server of dialect {report_file.dialect}: name its dialect with --dialect"
        )
    return {"edition": None if report_file.edition == DEFAULT_EDITION else report_file.edition}


def _print_result(result: ReplayResult, verbose: bool) -> None:
    from runs_conformance.reporting.failure_text import printable

    failure = result.failure
    reason = f"  {result.reason}" if result.reason else ""
    click.echo(printable(f"{_OUTCOME_TEXT[result.outcome.value]:12}  {failure.level:6}  {failure.id}{reason}"))
    if verbose:
        for exchange in result.exchanges:
            request = exchange.request
            click.echo(printable(f"    {request.method} {request.path} -> {exchange.status or exchange.problem}"))


def _print_as(report_file: ReportFile, failures: tuple[ReportedFailure, ...], base_url: str | None, form: str) -> int:
    """Print one failure as a script. Raises UsageError if that is impossible."""
    from runs_conformance.errors import UsageError

    if not failures:
        raise UsageError(f"{report_file.name}: contains no failure to print")
    if len(failures) > 1:
        some = ", ".join(failure.id for failure in failures[:3])
        raise UsageError(f"--as prints one failure; name one of these {len(failures)}, like {some}")
    (failure,) = failures
    if failure.reproduction is None:
        raise UsageError(f"{report_file.name}: does not contain the requests that show {failure.id}")
    click.echo(_render(report_file, failure, base_url or _url_of(report_file), form), nl=False)
    return 0


def _render(report_file: ReportFile, failure: ReportedFailure, base_url: str | None, form: str) -> str:
    from runs_conformance.errors import UsageError
    from runs_conformance.reporting.codegen import curl, script
    from runs_conformance.reporting.codegen.response_values import places_of_items, shows_awaited_status

    assert failure.reproduction is not None
    steps = failure.reproduction.to_json()
    if form == "curl":
        lines = curl.script(failure.example, base_url or script.EMULATOR_URL, report_file.dialect)
        if lines is None:
            raise UsageError(f"{failure.id}: curl cannot send these requests; use --as python")
        return lines + "\n"
    scripted = script.ScriptedFailure(
        id=failure.id,
        level=failure.level,
        statement=failure.statement,
        moves=failure.reproduction.moves,
        failing_step=failure.decisive_step,
        message=failure.message,
        pointer=failure.pointer,
        expected=failure.expected,
        actual=failure.actual,
        base_url=base_url,
        dialect=report_file.dialect,
        edition=report_file.edition,
        items=places_of_items(failure.example),
        awaits_status=shows_awaited_status(failure.example),
    )
    return script.render_script(scripted) if form == "python" else script.render_test(scripted, steps)
