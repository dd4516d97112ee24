"""`runs-conformance run`: judge a server."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runs_conformance.cli import baseline, output
from runs_conformance.cli.configuration import Seconds, stated, without_foreign
from runs_conformance.cli.options import chosen, with_choices
from runs_conformance.cli.signals import interruptible
from runs_conformance.cli.stderr import say
from runs_conformance.cli.target import opened, with_target

if TYPE_CHECKING:
    from runs_conformance.app.options import Choice
    from runs_conformance.engine.plan import Plan
    from runs_conformance.engine.run_plan import Watcher
    from runs_conformance.targets import Target


# Said here once more, for help that is there at once.
_PHASES = "preflight, boundary, lifecycle, robustness, security, races, explore, schemathesis"
_CAPABILITIES = (
    "core, validation, errors, cancel, tools, steps, listing, messages, metadata, streaming, create_and_run, auth, "
    "tenancy"
)
_PROMPTS = "plain, long, call_one, call_two, call_twice, code, search, json"
_USE = "assistant, thread, run, file, vector_store"


@click.command("run")
@click.argument("base_url", required=False, envvar="OPENAI_BASE_URL")
@with_target
@click.option("--profile", type=click.Choice(["quick", "standard", "full"]), default="standard", show_default=True)
@click.option("--phase", multiple=True, metavar="NAME", help=f"Only this phase: {_PHASES}. Repeatable.")
@click.option("--read-only", is_flag=True, help="Send GETs alone, and judge what they show of the objects given.")
@click.option(
    "--capability",
    multiple=True,
    metavar="NAME",
    help=f"What the server has, of {_CAPABILITIES}: its lack is a failure. Repeatable.",
)
@click.option(
    "--no-capability",
    multiple=True,
    metavar="NAME",
    help="What it has not, of the same names, and is not judged by. Repeatable.",
)
@click.option("--timeout", type=Seconds(0.1, 3600), default=60.0, show_default=True, help="Seconds per request.")
@click.option(
    "--run-timeout", type=Seconds(), default=60.0, show_default=True, help="Seconds until a run ends or asks."
)
@click.option("--expiry-timeout", type=Seconds(), default=15.0, show_default=True, help="Seconds until a run expires.")
@click.option("--poll", type=Seconds(0.01, 600), help="Look at a run at least this often. Default: as fast as it is.")
@click.option(
    "--prompt",
    multiple=True,
    metavar="PURPOSE=TEXT",
    help=f"What to say to the model for a purpose: {_PROMPTS}. Repeatable.",
)
@click.option(
    "--use",
    multiple=True,
    metavar="KIND=ID",
    help=f"An existing object to work with, like assistant=ID: {_USE}. Repeatable.",
)
@click.option("--shard", metavar="N/OF", default="", help="Play only this part, like 1/4; `merge` joins the parts.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option(
    "--workers", type=click.IntRange(1, 64), help="Programs at the same time. Default: 5 on this machine, 4 elsewhere."
)
@click.option("--rate-limit", metavar="RATE", help="Send no faster than this: 10/s, 60/min. Shared by all workers.")
@click.option("--max-requests", type=click.IntRange(1), help="Send no more requests than this, cleaning up included.")
@click.option("--max-runs", type=click.IntRange(0), help="Start no more runs than this.")
@click.option(
    "--max-tokens", type=click.IntRange(1), help="Use no more tokens than this, by the usage that runs report."
)
@click.option("--max-time", type=Seconds(), help="Begin nothing after so long: 90s, 5m.")
@click.option("--max-examples", type=click.IntRange(1), help="So many random payloads, and walks in proportion.")
@click.option(
    "--database",
    type=click.Path(file_okay=False, path_type=Path),
    default=".runs-conformance",
    show_default=True,
    envvar="RUNS_CONFORMANCE_DATABASE",
    help="Where failures are kept, to be tried first the next time.",
)
@click.option("--no-database", is_flag=True, help="Keep no failures, and try none.")
@click.option("--find-limits", is_flag=True, help="Where a bound is another than stated, search for the target's own.")
@click.option("--dry-run", is_flag=True, help="Say what would be sent, and send nothing.")
@click.option("--allow-stress", is_flag=True, help="Races and hostile bodies also on a server that is not local.")
@with_choices
def command(base_url: str | None, **given: Any) -> int:
    """Judge the server at BASE_URL or, without one, at $OPENAI_BASE_URL; without both, the bundled emulator."""
    from runs_conformance.app import estimate, run
    from runs_conformance.engine.outcome import INTERRUPTED, NO_TARGET, USAGE
    from runs_conformance.reporting.folder import folder

    given = without_foreign(given, base_url)
    choice = choice_of(given)
    output.views(given)
    with interruptible() as interruption:
        with opened(base_url, given) as target:
            plan = run.plan_for(target, choice)
            if given["dry_run"]:
                for line in (f"{target.name}: nothing is sent; a run would take", *estimate.lines(plan, choice)):
                    click.echo(line)
                return 0
            here = folder(given["report_dir"])
            watcher = _watcher(target, choice, plan, given)
            report = run.judge(target, choice, plan, here, watcher, interruption.put_off)
            unwritten = output.written(here, report, target.address.dialect.family, given)
        code = report.exit_code
        if code == NO_TARGET:
            say(f"runs-conformance: {report.because}")
        else:
            baseline.keep(report, given)
            shown = None if unwritten else here
            output.tell(report, shown, target.address.dialect.family, given)
        if unwritten:
            say(f"runs-conformance: {unwritten}")
            code = USAGE
    return INTERRUPTED if interruption.came else code


def _watcher(target: Target, choice: Choice, plan: Plan, given: dict[str, Any]) -> Watcher:
    """Who tells how the run goes; what it may cost is said first."""
    from runs_conformance.app import estimate
    from runs_conformance.reporting.progress import Bar, Lines, Silent

    if given["quiet"]:
        return Silent()
    say(f"judging {target.name} by edition {choice.edition}, profile {choice.profile}, seed {choice.seed}")
    if not target.address.loopback:
        for line in estimate.lines(plan, choice):
            say(line)
        say(f"runs are of {choice.model}; threads and assistants are deleted afterwards")
    return Bar(say) if sys.stderr.isatty() and not os.environ.get("CI") else Lines(say)


def choice_of(given: dict[str, Any]) -> Choice:
    """The choice that the options of this command make. Raises UsageError where they make none."""
    from runs_conformance import config
    from runs_conformance.engine.plan import PHASES
    from runs_conformance.engine.shard import shard
    from runs_conformance.generation.programs.steps import PROMPTS
    from runs_conformance.model.program import GIVEN

    declared, denied = _capabilities(given)
    return chosen(
        given,
        profile=given["profile"],
        phases=tuple(config.known(phase, PHASES, "phase") for phase in given["phase"]),
        model=given["model"],
        other_model=given["other_model"],
        prompts=config.named(given["prompt"], PROMPTS, "--prompt", "purpose"),
        read_only=given["read_only"],
        declared=declared,
        denied=denied,
        use=config.named(given["use"], GIVEN, "--use", "kind of object"),
        seed=given["seed"],
        shard=str(shard(given["shard"])) if given["shard"] else "",
        workers=given["workers"],
        spacing=config.rate(given["rate_limit"]) if given["rate_limit"] else 0.0,
        find_limits=given["find_limits"],
        timeout=given["timeout"],
        run_timeout=given["run_timeout"],
        expiry_timeout=given["expiry_timeout"],
        poll=given["poll"],
        stress=given["allow_stress"],
        most_requests=given["max_requests"],
        most_runs=given["max_runs"],
        most_tokens=given["max_tokens"],
        most_seconds=given["max_time"],
        most_examples=given["max_examples"],
        database=None if given["no_database"] else given["database"],
    )


def _capabilities(given: dict[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What the server is declared to have, and to lack; a flag wins over the file. Raises UsageError."""
    from runs_conformance import config
    from runs_conformance.contract.operation import CAPABILITIES
    from runs_conformance.errors import UsageError

    declared, denied = given["capability"], given["no_capability"]
    for name in (*declared, *denied):
        config.known(name, CAPABILITIES, "capability")
    if "core" in denied:
        raise UsageError("--no-capability core: nothing is left without the core of runs")
    if both := {*declared} & {*denied}:
        declared, denied = stated(("capability", "no_capability"), (declared, denied), sorted(both))
    return declared, denied
