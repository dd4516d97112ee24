"""The command `runs-conformance`. What takes time to import is imported by the command that needs it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from conformance import __version__
from conformance.errors import BudgetSpent, ConformanceError, SuiteFault, TargetError, UsageError

if TYPE_CHECKING:
    from conformance.engine.plan import Plan
    from conformance.engine.run import Watcher
    from conformance.reporting.folder import Folder
    from conformance.reporting.report import Report
    from conformance.suite.choice import Choice
    from conformance.targets import Target

_EXIT = {UsageError: 2, TargetError: 3, SuiteFault: 4, BudgetSpent: 5}


class _Commands(click.Group):
    """The commands; a name that there is not is answered with the nearest one."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            from conformance.config import nearest

            raise UsageError(f"there is no command {args[0]!r}{nearest(args[0], self.list_commands(ctx))}")
        return super().resolve_command(ctx, args)


def main() -> None:
    """Run the command and exit with the code that says how it came out."""
    sys.exit(run_command(sys.argv[1:]))


def run_command(arguments: list[str]) -> int:
    """Run the command with these arguments; gives the exit code. An error is one line on standard error."""
    try:
        code = cli.main(arguments, prog_name="runs-conformance", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 0
    except click.ClickException as error:
        return _say_error(" ".join(error.format_message().split()), 2)
    except ConformanceError as error:
        return _say_error(str(error), next((code for kind, code in _EXIT.items() if isinstance(error, kind)), 4))
    except (click.Abort, KeyboardInterrupt):
        return _say_error("interrupted", 130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if os.environ.get("RUNS_CONFORMANCE_TRACEBACK"):
            raise
        return _say_error(f"the suite itself is at fault: {_where(error)}; please report it", 4)


def _where(error: Exception) -> str:
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    place = f" ({Path(at.tb_frame.f_code.co_filename).name}, line {at.tb_lineno})" if at else ""
    return f"{type(error).__name__}: {error}{place}"


def _say_error(text: str, code: int) -> int:
    click.echo(f"runs-conformance: {text}", err=True)
    return code


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, message="%(prog)s %(version)s")
def cli() -> None:
    """The conformance suite for servers of the Assistants API "Runs" surface."""


_CHOICES = (
    click.option("--edition", help="Date of the contract to judge by. Default: the newest."),
    click.option("--strict", is_flag=True, help="Read the document literally: excuse nothing the service did."),
    click.option(
        "--select", multiple=True, metavar="GLOB", help="Only ids that match, like 'create_run.*'. Repeatable."
    ),
    click.option("--exclude", multiple=True, metavar="GLOB", help="No ids that match. Repeatable."),
    click.option("--fail-on", type=click.Choice(["must", "should"]), default="must", show_default=True),
    click.option("--report-dir", type=click.Path(file_okay=False, path_type=Path), help="Default: reports/<run-id>/."),
    click.option("-q", "--quiet", is_flag=True, help="Only the last lines."),
    click.option("-v", "--verbose", is_flag=True, help="Warnings and what was not judged in full."),
)


def _with_choices(command: Any) -> Any:
    for option in reversed(_CHOICES):
        command = option(command)
    return command


@cli.command()
@click.argument("base_url", required=False, envvar="OPENAI_BASE_URL")
@click.option("--api-key", metavar="KEY", help="env:NAME, @file or the key. Default: $OPENAI_API_KEY.")
@click.option("--second-api-key", metavar="KEY", help="Another tenant's. Default: $CONFORMANCE_SECOND_API_KEY.")
@click.option("--model", default="gpt-4o", show_default=True, help="The model that runs use.")
@click.option("--failing-model", help="A model whose runs end failed.")
@click.option("--header", multiple=True, metavar="'NAME: VALUE'", help="Sent with every request. Repeatable.")
@click.option("--dialect", default="openai", show_default=True, help="openai, azure-openai or azure-foundry-agents.")
@click.option("--profile", type=click.Choice(["quick", "standard", "full"]), default="standard", show_default=True)
@click.option("--phase", multiple=True, help="Only programs of this phase. Repeatable.")
@click.option(
    "--timeout", type=click.FloatRange(0.1, 3600), default=60.0, show_default=True, help="Seconds per request."
)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--workers", type=click.IntRange(1, 64), help="Programs played at the same time.")
@click.option("--max-requests", type=click.IntRange(1), help="Stop after so many requests.")
@click.option("--max-runs", type=click.IntRange(1), help="Stop after so many runs.")
@click.option("--max-seconds", type=click.FloatRange(0.1), help="Stop after so long.")
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
@click.option("--allow-stress", is_flag=True, help="Races and hostile bodies also on a server that is not local.")
@_with_choices
def run(base_url: str | None, **given: Any) -> int:
    """Judge the server at BASE_URL; without one, the bundled emulator."""
    from conformance.reporting.folder import folder
    from conformance.suite import trial

    choice = _choice(given)
    with _target(base_url, given) as target:
        plan = trial.plan_for(target, choice)
        here = folder(given["report_dir"])
        watcher = _watcher(target, choice, plan, given)
        report = trial.judge(target, choice, plan, here, watcher)
        here.write(report, target.address.dialect.family)
    if report.exit_code == _EXIT[TargetError]:
        return _say_error(report.because, report.exit_code)
    _tell(report, given, here, target.address.dialect.family)
    return report.exit_code


def _watcher(target: Target, choice: Choice, plan: Plan, given: dict[str, Any]) -> Watcher:
    """Who tells how the run goes; what it may cost is said first."""
    from conformance.reporting.progress import Bar, Lines, Silent

    if given["quiet"]:
        return Silent()
    _say(f"judging {target.name} by edition {choice.edition}, profile {choice.profile}, seed {choice.seed}")
    if not target.address.loopback:
        _say(
            f"at most {plan.requests:,} requests and {plan.runs} runs of {choice.model}, some {plan.tokens:,} tokens; "
            "threads and assistants are deleted afterwards"
        )
    return Bar() if sys.stderr.isatty() else Lines(_say)


@contextmanager
def _target(base_url: str | None, given: dict[str, Any]) -> Iterator[Target]:
    from conformance import config, targets

    headers = config.headers(given["header"])
    key = config.secret(given["api_key"], "OPENAI_API_KEY")
    second = config.secret(given["second_api_key"], "CONFORMANCE_SECOND_API_KEY")
    if not base_url:
        served = ("--edition", config.edition(given["edition"])) if given["edition"] else ()
        with targets.emulator(*served, meanwhile=_prepare) as target:
            yield target
        return
    target = targets.remote(
        base_url,
        dialect=config.known(given["dialect"], targets.DIALECTS, "dialect"),
        headers=headers,
        key=key.value if key else None,
        second_key=second.value if second else None,
        failing_model=given["failing_model"],
    )
    if not target.address.loopback and any(secret is not None and secret.literal for secret in (key, second)):
        _say("a key on the command line can be read by others on this machine; prefer env:NAME or @file")
    yield target


def _prepare() -> None:
    """What takes a while and has to be done anyway."""
    from conformance.suite.choice import demands

    demands()


def _choice(given: dict[str, Any]) -> Choice:
    from conformance import config
    from conformance.contract.edition import DEFAULT_EDITION
    from conformance.engine.plan import PHASES
    from conformance.suite.choice import Choice

    shared = {name: given[name] for name in ("strict", "select", "exclude", "fail_on")}
    edition = config.edition(given["edition"]) if given["edition"] else DEFAULT_EDITION
    if "profile" not in given:
        return Choice(edition=edition, **shared)
    return Choice(
        edition=edition,
        **shared,
        profile=given["profile"],
        phases=tuple(config.known(phase, PHASES, "phase") for phase in given["phase"]),
        model=given["model"],
        seed=given["seed"],
        workers=given["workers"],
        timeout=given["timeout"],
        stress=given["allow_stress"],
        most_requests=given["max_requests"],
        most_runs=given["max_runs"],
        most_seconds=given["max_seconds"],
        most_examples=given["max_examples"],
        database=None if given["no_database"] else given["database"],
    )


def _tell(report: Report, given: dict[str, Any], here: Folder | None, dialect: str = "openai") -> None:
    from conformance.reporting.console import Style, summary

    verbosity = -1 if given["quiet"] else int(given["verbose"])
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    click.echo(summary(report, Style(colour, verbosity, dialect), str(here.page) if here else None))


def _say(text: str) -> None:
    click.echo(text, err=True)


@cli.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_with_choices
def judge(files: tuple[Path, ...], **given: Any) -> int:
    """Judge recorded traffic: history.jsonl, HAR, VCR cassettes."""
    from conformance.reporting.folder import folder
    from conformance.suite import review

    choice = _choice(given)
    reviewed = review.judge(files, choice, choice.edition if given["edition"] else None)
    here = folder(given["report_dir"]) if given["report_dir"] else None
    if here is not None:
        here.write(reviewed.report)
    left_out = list(reviewed.skipped)
    if left_out and not given["quiet"]:
        _say(f"{len(left_out)} entries were left out" + ("" if given["verbose"] else ", for example"))
        for line in left_out if given["verbose"] else left_out[:3]:
            _say(f"  {line}")
    _tell(reviewed.report, given, here)
    return reviewed.report.exit_code


@cli.command("list")
@click.argument("globs", nargs=-1)
@click.option("--edition", help="Date of the contract.")
@click.option("--level", type=click.Choice(["must", "should", "may"]), multiple=True)
@click.option("--kind", type=click.Choice(["rule", "constraint"]), multiple=True)
@click.option("--capability", multiple=True)
def list_(globs: tuple[str, ...], **given: Any) -> None:
    """List rules and constraints; GLOBS narrow it to ids that match."""
    from conformance.suite import index

    for line in index.lines(globs, given["edition"], given["level"], given["kind"], given["capability"]):
        click.echo(line)


@cli.command()
@click.argument("id_", metavar="ID")
@click.option("--edition", help="Date of the contract.")
def explain(id_: str, edition: str | None) -> None:
    """Say what a rule or constraint demands, how binding it is, and where that is written."""
    from conformance.suite import index

    click.echo(index.explanation(id_, edition))


@cli.command()
@click.option("--edition", help="Date of the contract.")
def openapi(edition: str | None) -> None:
    """Print the contract as an OpenAPI 3.1 document."""
    import json

    from conformance import config
    from conformance.contract.edition import DEFAULT_EDITION
    from conformance.generation.openapi import document

    click.echo(json.dumps(document(config.edition(edition) if edition else DEFAULT_EDITION), indent=2))


@cli.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0 takes a free one.")
@click.option("--step-ms", type=click.FloatRange(0), help="Pause between two beats of a run.")
@click.option("--expires-s", type=click.FloatRange(0), help="Lifetime of a run.")
@click.option("--edition", help="Date of the contract that is served.")
@click.option("--mutant", multiple=True, metavar="NAME", help="Do this one thing wrong. Repeatable.")
@click.option("--variant", multiple=True, metavar="NAME", help="Choose differently where the contract leaves it open.")
@click.option("--failing-model", help="The model whose runs end failed.")
def serve(host: str, port: int, **given: Any) -> None:
    """Serve the bundled emulator."""
    from conformance import config, targets

    if given["edition"]:
        config.edition(given["edition"])
    targets.serve(host, port, lambda url: click.echo(f"serving {url} (Ctrl-C ends it)"), **given)
