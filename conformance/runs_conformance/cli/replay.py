"""`runs-conformance replay`: send again what failed, or print it as something else that sends it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runs_conformance.cli.configuration import Seconds, without_foreign
from runs_conformance.cli.signals import LEFT, interruptible
from runs_conformance.cli.stderr import say
from runs_conformance.cli.target import opened, with_target

if TYPE_CHECKING:
    from runs_conformance.app.replay import Repeat
    from runs_conformance.app.report_file import Failure, Saved

_WORDS = {"fail": "still fails", "pass": "passes now", "inconclusive": "not decided"}


@click.command("replay")
@click.argument("report", type=click.Path(exists=True, path_type=Path))
@click.argument("names", nargs=-1, metavar="[ID] [BASE_URL]")
@with_target
@click.option("--as", "form", type=click.Choice(["curl", "python", "pytest"]), help="Print it, and send nothing.")
@click.option("--timeout", type=Seconds(0.1, 3600), default=60.0, show_default=True, help="Seconds per request.")
@click.option("-v", "--verbose", is_flag=True, help="Every request and its answer.")
@click.pass_context
def command(ctx: click.Context, /, report: Path, names: tuple[str, ...], **given: Any) -> int:
    """Send again what failed in REPORT (report.json, history.jsonl or their folder) and say whether it still fails.

    Without ID (or a glob like 'create_run.*') that is everything that failed; without BASE_URL, to the server that
    was judged. Exit code 1: something still fails; 5: something could not be decided; 0: nothing fails any more.
    """
    from runs_conformance.app.replay import conclusion, repeats
    from runs_conformance.app.report_file import saved

    wanted, base_url = _sorted_out(names)
    kept = saved(report)
    failures = kept.chosen(wanted)
    if given["form"]:
        return _print(kept, failures, base_url, given["form"])
    if not failures:
        say(f"{kept.name}: nothing failed, so there is nothing to send again")
        return 0
    model = given["model"] if _was_given(ctx, "model") else None
    results: list[Repeat] = []
    url = base_url or _url_of(kept)
    given = without_foreign(given, url)
    told = _told_by(kept, _was_given(ctx, "dialect"))
    with interruptible(LEFT), opened(url, {**given, **told}) as target:
        if base_url is None and not target.address.loopback:
            # A report may come from anybody, and what is sent carries the user's key.
            say(f"sending to {target.address.url}, which is what {kept.name} names")
        for result in repeats(kept, failures, target, model, given["timeout"]):
            results.append(result)
            _tell(result, given["verbose"])
    return conclusion(results)


def _sorted_out(names: tuple[str, ...]) -> tuple[str | None, str | None]:
    """The id and the URL among what was given: a URL is told by its `://`."""
    urls = [name for name in names if "://" in name]
    ids = [name for name in names if "://" not in name]
    if len(urls) > 1 or len(ids) > 1:
        raise click.UsageError("replay takes a report, at most one ID (or glob) and at most one BASE_URL")
    return next(iter(ids), None), next(iter(urls), None)


def _was_given(ctx: click.Context, option: str) -> bool:
    return ctx.get_parameter_source(option) is not click.core.ParameterSource.DEFAULT


def _url_of(kept: Saved) -> str | None:
    """The URL of the server that was judged; None for the bundled emulator."""
    from runs_conformance.targets import EMULATOR

    if kept.target == EMULATOR:
        return None
    if kept.base_url is None:
        raise click.UsageError(f"{kept.name} is of recorded traffic: give the BASE_URL of the server to send it to")
    return kept.base_url


def _told_by(kept: Saved, dialect_given: bool) -> dict[str, Any]:
    from runs_conformance.contract.edition import DEFAULT_EDITION

    if kept.dialect != "openai" and not dialect_given:
        raise click.UsageError(f"{kept.name} is of a server of dialect {kept.dialect}: name it by --dialect")
    return {"edition": None if kept.edition == DEFAULT_EDITION else kept.edition}


def _tell(result: Repeat, verbose: bool) -> None:
    from runs_conformance.reporting.failure_text import printable

    failure = result.failure
    because = f"  {result.because}" if result.because else ""
    click.echo(printable(f"{_WORDS[result.outcome.value]:11}  {failure.level:6}  {failure.id}{because}"))
    if verbose:
        for exchange in result.exchanges:
            request = exchange.request
            click.echo(printable(f"    {request.method} {request.path} -> {exchange.status or exchange.problem}"))


def _print(kept: Saved, failures: tuple[Failure, ...], base_url: str | None, form: str) -> int:
    """Print one failure as something that sends it. Raises UsageError where it cannot be."""
    from runs_conformance.errors import UsageError

    if not failures:
        raise UsageError(f"{kept.name}: nothing failed, so there is nothing to print")
    if len(failures) > 1:
        some = ", ".join(failure.id for failure in failures[:3])
        raise UsageError(f"--as prints one failure; name one of the {len(failures)}, like {some}")
    (failure,) = failures
    if failure.moves is None:
        raise UsageError(f"{kept.name}: it does not hold the requests that show {failure.id}")
    click.echo(_printed(kept, failure, base_url or _url_of(kept), form), nl=False)
    return 0


def _printed(kept: Saved, failure: Failure, base_url: str | None, form: str) -> str:
    from runs_conformance.errors import UsageError
    from runs_conformance.reporting.codegen import curl, script

    assert failure.moves is not None
    steps = failure.moves.to_json()
    if form == "curl":
        *before, case = steps
        lines = curl.script({"before": before, "case": case}, base_url or script.LOCAL, kept.dialect)
        if lines is None:
            raise UsageError(f"{failure.id}: what shows it cannot be sent from a shell; --as python")
        return lines + "\n"
    told = script.Failure(
        id=failure.id,
        level=failure.level,
        statement=failure.statement,
        moves=failure.moves.moves,
        shows=failure.shows,
        message=failure.message,
        pointer=failure.pointer,
        expected=failure.expected,
        actual=failure.actual,
        base_url=base_url,
        dialect=kept.dialect,
        edition=kept.edition,
    )
    return script.script(told) if form == "python" else script.pytest_file(told, steps)
