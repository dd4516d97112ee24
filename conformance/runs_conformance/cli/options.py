"""Options of every command that judges, and the run options that a command line makes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from runs_conformance.cli import baseline, output
from runs_conformance.cli.completion import complete_ids
from runs_conformance.cli.configuration import Duration, resolve_conflict
from runs_conformance.cli.help import GATE, LIMITS, OUTPUT, SCOPE, add_options, option

if TYPE_CHECKING:
    from runs_conformance.app.options import RunOptions

_Command = TypeVar("_Command", bound=Callable[..., Any])

EDITION_HELP = "Date of the contract to judge by. Default: the newest."

SELECTION_OPTIONS = (
    option(
        "--select",
        group=SCOPE,
        multiple=True,
        metavar="GLOB",
        shell_complete=complete_ids,
        help="Judge only matching ids, like 'create_run.*'. Repeatable.",
    ),
    option(
        "--exclude",
        group=SCOPE,
        multiple=True,
        metavar="GLOB",
        shell_complete=complete_ids,
        help="Do not judge matching ids. Repeatable.",
    ),
)

PROFILE_OPTION = option(
    "--profile",
    group=SCOPE,
    type=click.Choice(["quick", "standard", "full"]),
    default="standard",
    show_default=True,
    help="How much to test.",
)

SEED_OPTION = option(
    "--seed",
    group=SCOPE,
    type=int,
    default=0,
    show_default=True,
    help="Seed of random payloads and programs; the same seed repeats them.",
)

FIND_LIMITS_OPTION = option(
    "--find-limits",
    group=SCOPE,
    is_flag=True,
    help="Find by bisection each limit that differs from the documented one.",
)

NO_CONFIRM_OPTION = option(
    "--no-confirm",
    group=SCOPE,
    is_flag=True,
    help="Do not replay the failures of MUST requirements to confirm them.",
)

TIMEOUT_OPTION = option(
    "--timeout", group=LIMITS, type=Duration(0.1, 3600), default="60s", show_default=True, help="Timeout per request."
)

STRESS_OPTION = option(
    "--allow-stress",
    group=LIMITS,
    is_flag=True,
    help="Also send races and extreme bodies to a server that is not on this machine.",
)

EXHAUSTIVE_OPTION = option(
    "--exhaustive",
    group=LIMITS,
    is_flag=True,
    help="Send every invalid value. By default, values whose acceptance starts a run are left out once the server has "
    "accepted most others of their kind.",
)

QUIET_AND_VERBOSE = (
    option("-q", "--quiet", group=OUTPUT, is_flag=True, help="Print only the last lines."),
    option(
        "-v",
        "--verbose",
        group=OUTPUT,
        is_flag=True,
        help="Also print one failure or warning of each cause with its request, and why programs ended early and "
        "requirements were not decided.",
    ),
)


def report_dir_option(default: str, content: str = "the report") -> Callable[[_Command], _Command]:
    """Declare --report-dir with the default that holds for the command, and what it writes to the folder."""
    return option(
        "--report-dir",
        group=OUTPUT,
        metavar="FOLDER",
        type=click.Path(file_okay=False, path_type=Path),
        help=f"Folder of {content}. Default: {default}",
    )


def judging_options(
    edition_help: str, report_dir_default: str, without_views: Sequence[str] = ()
) -> Callable[[_Command], _Command]:
    """The decorator that adds the options of every command that judges."""
    return add_options(
        (
            option("--edition", group=SCOPE, metavar="DATE", help=edition_help),
            option(
                "--strict",
                group=SCOPE,
                is_flag=True,
                help="Judge by the published documents alone: do not excuse known deviations of the real service.",
            ),
            *SELECTION_OPTIONS,
            option(
                "--fail-on",
                group=GATE,
                type=click.Choice(["must", "should"]),
                default="must",
                show_default=True,
                help="Lowest level whose failures make the command exit 1.",
            ),
            option(
                "--max-inconclusive",
                group=GATE,
                metavar="N",
                type=click.IntRange(0),
                help="Exit with 5 if more than N verdicts are inconclusive.",
            ),
            *baseline.BASELINE_OPTIONS,
            output.report_option(*without_views),
            report_dir_option(report_dir_default),
            *QUIET_AND_VERBOSE,
        )
    )


def build_options(values: Mapping[str, Any]) -> RunOptions:
    """Build the run options from the parameters of a command, which have the same names.

    Options that the command does not have keep their defaults. Raises UsageError for an unusable value.
    """
    from runs_conformance import config
    from runs_conformance.app.options import RunOptions
    from runs_conformance.engine.shard import parse_shard
    from runs_conformance.generation.programs.steps import PROMPTS
    from runs_conformance.model.profile import PHASES
    from runs_conformance.model.program import USABLE_KINDS

    parsers: dict[str, Any] = {
        "edition": config.parse_edition,
        "phases": lambda names: tuple(config.require_known(name, PHASES, "phase") for name in names),
        "prompts": lambda pairs: config.parse_named_values(pairs, PROMPTS, "--prompt", "purpose"),
        "use": lambda pairs: config.parse_named_values(pairs, USABLE_KINDS, "--use", "kind of object"),
        "rate_limit": config.parse_rate,
        "shard": lambda text: str(parse_shard(text)),
    }
    names = {each.name for each in fields(RunOptions)}
    options = {name: value for name, value in values.items() if name in names and value is not None}
    options |= _parse_capabilities(values)
    options |= {name: parse(options[name]) for name, parse in parsers.items() if options.get(name, "") != ""}
    if values.get("no_confirm"):
        options["confirm"] = False
    if values.get("no_database"):
        options.pop("database", None)
    return RunOptions(**options, baseline_settings=baseline.build_baseline_settings(values))


def _parse_capabilities(values: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The capabilities declared present and absent; a flag wins over the file. Raises UsageError."""
    from runs_conformance import config
    from runs_conformance.contract.operation import CAPABILITIES
    from runs_conformance.errors import UsageError

    declared, absent = (tuple(values.get(name, ())) for name in ("capabilities", "no_capabilities"))
    for name in (*declared, *absent):
        config.require_known(name, CAPABILITIES, "capability")
    if "core" in absent:
        raise UsageError("--no-capability core: without the core of runs there is nothing to judge")
    if both := {*declared} & {*absent}:
        declared, absent = resolve_conflict(("capabilities", "no_capabilities"), (declared, absent), sorted(both))
    return {"capabilities": declared, "no_capabilities": absent}
