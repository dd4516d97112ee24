"""`runs-conformance run`: judge a server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from runs_conformance.cli.configuration import Duration
from runs_conformance.cli.help import LIMITS, OUTPUT, SCOPE, TARGET, declare_command, option
from runs_conformance.cli.live_judging import judge_live
from runs_conformance.cli.options import (
    EDITION_HELP,
    EXHAUSTIVE_OPTION,
    FIND_LIMITS_OPTION,
    NO_CONFIRM_OPTION,
    PROFILE_OPTION,
    SEED_OPTION,
    STRESS_OPTION,
    TIMEOUT_OPTION,
    judging_options,
)
from runs_conformance.cli.target import add_target_options
from runs_conformance.cli.trust import TRUST_OPTION

# Repeated here so that `--help` does not import the engine; a test compares them.
_PHASES = "preflight, boundary, lifecycle, robustness, security, races, explore, schemathesis"
_CAPABILITIES = (
    "core, validation, errors, cancel, tools, steps, listing, messages, metadata, streaming, create_and_run, auth, "
    "tenancy"
)
_PROMPTS = "plain, long, call_one, call_two, call_twice, code, search, json"
_USE = "assistant, thread, run, file, vector_store"

_EXAMPLES = (
    (
        "Judge a local server with few requests and runs",
        "runs-conformance run http://127.0.0.1:8000/v1 --profile quick",
    ),
    (
        "Judge only the rules on cancellation, with a cost limit",
        "runs-conformance run https://api.example.org/v1 --select 'cancel.*' --max-runs 20",
    ),
    (
        "Fail a build only on new failures",
        "runs-conformance run http://127.0.0.1:8000/v1 --baseline baseline.toml --report junit",
    ),
)


@declare_command("run", examples=_EXAMPLES)
@click.argument("base_url", required=False, envvar="OPENAI_BASE_URL")
@add_target_options
@option(
    "--use",
    group=TARGET,
    multiple=True,
    metavar="KIND=ID",
    help=f"Existing object to use, such as assistant=ID; a thread gets messages and runs. Kinds: {_USE}. Repeatable.",
)
@option(
    "--prompt",
    "prompts",
    group=TARGET,
    multiple=True,
    metavar="PURPOSE=TEXT",
    help=f"Replace the prompt for a purpose. Purposes: {_PROMPTS}. Repeatable.",
)
@option(
    "--capability",
    "capabilities",
    group=TARGET,
    multiple=True,
    metavar="NAME",
    help=f"Capability that the server must implement; its absence is a failure. One of: {_CAPABILITIES}. Repeatable.",
)
@option(
    "--no-capability",
    "no_capabilities",
    group=TARGET,
    multiple=True,
    metavar="NAME",
    help="Capability that the server does not implement; its requirements are not applicable. Repeatable.",
)
@TRUST_OPTION
@PROFILE_OPTION
@option(
    "--phase",
    "phases",
    group=SCOPE,
    multiple=True,
    metavar="NAME",
    help=f"Run only this phase. Phases: {_PHASES}. Repeatable.",
)
@option(
    "--failed",
    group=SCOPE,
    is_flag=True,
    help="Judge only what failed in the last test run, or in the one in --report-dir.",
)
@option(
    "--watch",
    group=SCOPE,
    is_flag=True,
    help="Afterwards, judge the failures again each time the server restarts or Enter is pressed.",
)
@option("--read-only", group=SCOPE, is_flag=True, help="Send only GET requests; --use names the objects to read.")
@option(
    "--shard",
    group=SCOPE,
    metavar="N/OF",
    default="",
    help="Run only this part of the programs, like 1/4; merge the parts with `merge`.",
)
@option(
    "--jobs",
    group=LIMITS,
    metavar="N",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Number of client processes that share the programs, each with its own workers; for servers that one client "
    "process cannot keep busy.",
)
@SEED_OPTION
@option(
    "--max-examples",
    group=SCOPE,
    metavar="N",
    type=click.IntRange(1),
    help="Number of random payloads; random programs scale with it.",
)
@FIND_LIMITS_OPTION
@NO_CONFIRM_OPTION
@option(
    "--database",
    group=SCOPE,
    metavar="FOLDER",
    type=click.Path(file_okay=False, path_type=Path),
    default=".runs-conformance",
    show_default=True,
    envvar="RUNS_CONFORMANCE_DATABASE",
    help="Folder of saved failures, which are re-run first next time.",
)
@option("--no-database", group=SCOPE, is_flag=True, help="Neither save nor re-run failures.")
@option("--dry-run", group=LIMITS, is_flag=True, help="Print the estimated cost, and send nothing.")
@option(
    "--max-requests",
    group=LIMITS,
    metavar="N",
    type=click.IntRange(1),
    help="Send at most N requests, cleanup included.",
)
@option("--max-runs", group=LIMITS, metavar="N", type=click.IntRange(0), help="Start at most N runs.")
@option(
    "--max-tokens",
    group=LIMITS,
    metavar="N",
    type=click.IntRange(1),
    help="Use at most N tokens, as counted by the usage that runs report.",
)
@option("--max-time", group=LIMITS, type=Duration(), help="Start nothing new after this time: 90s, 5m.")
@option(
    "--rate-limit",
    group=LIMITS,
    metavar="RATE",
    help="Maximum rate of requests, over all workers: 10/s, 60/min.",
)
@option(
    "--workers",
    group=LIMITS,
    metavar="N",
    type=click.IntRange(1, 64),
    help="Number of programs to run concurrently. Default: 5 for a local server, 4 for a remote one.",
)
@TIMEOUT_OPTION
@option(
    "--run-timeout",
    group=LIMITS,
    type=Duration(),
    default="60s",
    show_default=True,
    help="Time for a run to end or to require tool outputs.",
)
@option(
    "--expiry-timeout",
    group=LIMITS,
    type=Duration(),
    default="15s",
    show_default=True,
    help="Wait for a run to expire if its lifetime is at most this long.",
)
@option(
    "--poll",
    group=LIMITS,
    type=Duration(0.01, 600),
    help="Longest polling interval. Default: adapts to how fast runs finish.",
)
@option(
    "--restart-command",
    group=TARGET,
    metavar="COMMAND",
    default="",
    help="Shell command that starts the server again; used when it stops accepting connections.",
)
@STRESS_OPTION
@EXHAUSTIVE_OPTION
@option(
    "--keep",
    group=OUTPUT,
    metavar="N",
    type=click.IntRange(1),
    default=10,
    show_default=True,
    help="Number of test runs to keep in reports/; older ones are deleted.",
)
@judging_options(EDITION_HELP, "reports/<run-id>/.")
def command(base_url: str | None, **values: Any) -> int:
    """Judge the server at BASE_URL.

    Default: $OPENAI_BASE_URL, else base_url of conformance.toml, else the bundled emulator.
    """
    if not values["watch"]:
        return judge_live(base_url, values)
    from runs_conformance.cli.watch import check_watchable, watch

    url = check_watchable(base_url, values)
    return watch(lambda failed: judge_live(base_url, _narrow_to_failures(values) if failed else values), url)


def _narrow_to_failures(values: dict[str, Any]) -> dict[str, Any]:
    """The parameters for judging what failed last, whatever the first one selected."""
    return {**values, "failed": True, "select": ()}
