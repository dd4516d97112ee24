"""`runs-conformance diff`: what two servers, or two reports, differ in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from runs_conformance.cli.configuration import Seconds, without_foreign
from runs_conformance.cli.signals import interruptible
from runs_conformance.cli.stderr import say
from runs_conformance.cli.target import opened, with_target


@click.command("diff")
@click.argument("one", metavar="A")
@click.argument("other", metavar="B")
@with_target
@click.option("--b-api-key", metavar="KEY", help="The key of B, where it is another than A's.")
@click.option("--b-model", metavar="NAME", help="The model that B's runs use, where it is another than A's.")
@click.option("--b-dialect", metavar="NAME", help="How B is spoken to, where it is otherwise than A.")
@click.option("--profile", type=click.Choice(["quick", "standard", "full"]), default="standard", show_default=True)
@click.option("--edition", help="Date of the contract to judge by. Default: the newest.")
@click.option("--select", multiple=True, metavar="GLOB", help="Only ids that match. Repeatable.")
@click.option("--exclude", multiple=True, metavar="GLOB", help="No ids that match. Repeatable.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--timeout", type=Seconds(0.1, 3600), default=60.0, show_default=True, help="Seconds per request.")
@click.option("--find-limits", is_flag=True, help="Where a bound is another than stated, search for the server's own.")
@click.option("--allow-stress", is_flag=True, help="Races and hostile bodies also on a server that is not local.")
@click.option(
    "--report-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the reports on servers go, in folders a and b. Default: reports/<run-id>/ for each.",
)
def command(one: str, other: str, **given: Any) -> int:
    """Compare A and B, each a server's URL (or `emulator`), a report.json, a history.jsonl, or the folder of one.

    The same cases are sent to both servers. Exit code 0: no verdict differs; 1: some do.
    """
    from runs_conformance.app import diff
    from runs_conformance.reporting.failure_text import printable

    sides = []
    for name, where in (("a", one), ("b", other)):
        told = {**given, **_of_side(name, given)}
        if _is_server(where):
            sides.append(_judged(where, name, told))
        else:
            sides.append(diff.saved(_file(where)))
    click.echo(printable("\n".join(diff.lines(*sides))))
    return 1 if diff.differences(*sides) else 0


def _of_side(name: str, given: dict[str, Any]) -> dict[str, Any]:
    if name == "a":
        return {}
    found = {member: given[f"b_{member}"] for member in ("api_key", "model", "dialect") if given[f"b_{member}"]}
    return {**found, "second_api_key": None} if "api_key" in found else found


def _is_server(where: str) -> bool:
    from runs_conformance.targets import EMULATOR

    return "://" in where or where == EMULATOR


def _file(where: str) -> Path:
    from runs_conformance.errors import UsageError

    path = Path(where)
    if not path.exists():
        raise UsageError(f"{where}: neither a URL (http://...) nor a file or folder that is there")
    return path


def _judged(where: str, name: str, given: dict[str, Any]) -> Any:
    """The report on one server, by the choice that holds for both."""
    from runs_conformance import config
    from runs_conformance.app import diff, run
    from runs_conformance.app.options import Choice
    from runs_conformance.contract.edition import DEFAULT_EDITION
    from runs_conformance.engine.outcome import NO_TARGET
    from runs_conformance.errors import TargetError
    from runs_conformance.reporting.folder import folder
    from runs_conformance.reporting.progress import Silent
    from runs_conformance.targets import EMULATOR

    given = without_foreign(given, where)
    choice = Choice(
        edition=config.edition(given["edition"]) if given["edition"] else DEFAULT_EDITION,
        select=given["select"],
        exclude=given["exclude"],
        profile=given["profile"],
        model=given["model"],
        other_model=given["other_model"],
        seed=given["seed"],
        timeout=given["timeout"],
        stress=given["allow_stress"],
        find_limits=given["find_limits"],
    )
    with interruptible() as interruption, opened(where, given) as target:
        say(f"judging {name.upper()}: {target.name} by edition {choice.edition}, profile {choice.profile}")
        here = folder(given["report_dir"] / name if given["report_dir"] else None)
        plan = run.plan_for(target, choice)
        report = run.judge(target, choice, plan, here, Silent(), interruption.put_off)
        here.write(report, target.address.dialect.family)
    if report.exit_code == NO_TARGET:
        raise TargetError(f"{name.upper()}: {report.because}")
    if interruption.came:
        raise KeyboardInterrupt
    return diff.Side.of(where if where == EMULATOR else target.address.url, report)
