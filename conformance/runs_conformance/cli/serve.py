"""`runs-conformance serve`: serve the bundled emulator."""

from __future__ import annotations

import json
import math
from typing import Any

import click

from runs_conformance.cli.completion import complete_mutants, complete_variants
from runs_conformance.cli.help import declare_command, option

# Repeated here so that `--help` does not import the emulator; a test compares them.
_STEP_MS, _EXPIRES_S, _FAILING_MODEL = 10, 600, "failing-model"


class _FiniteNumber(click.FloatRange):
    """A number other than `nan` and `inf`."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number. Fails if it is not finite or out of bounds."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number", param, ctx)
        return number


@declare_command(
    "serve",
    examples=(
        ("Test a client against the emulator", "runs-conformance serve --port 8080"),
        ("Script its runs and faults", "runs-conformance serve --scenario scenario.yaml"),
        ("Serve an emulator with a defect", "runs-conformance serve --mutant reopens_ended_runs"),
    ),
)
@option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    help="Port to listen on; 0 picks a free one.",
)
@option(
    "--step-ms",
    metavar="MS",
    type=_FiniteNumber(0, 1e9),
    help=f"Milliseconds between two actions of a run. Default: {_STEP_MS}.",
)
@option(
    "--expires-s",
    metavar="SECONDS",
    type=_FiniteNumber(0, 1e9),
    help=f"Lifetime of a run in seconds. Default: {_EXPIRES_S}.",
)
@option("--edition", metavar="DATE", help="Date of the contract to serve. Default: the newest.")
@option("--failing-model", metavar="NAME", help=f"Model whose runs end with status failed. Default: {_FAILING_MODEL}.")
@option("--check-files", is_flag=True, help="Refuse ids of files and vector stores that do not exist.")
@option(
    "--mutant",
    multiple=True,
    metavar="NAME",
    shell_complete=complete_mutants,
    help="Introduce this defect. Repeatable.",
)
@option(
    "--variant",
    multiple=True,
    metavar="NAME",
    shell_complete=complete_variants,
    help="Behave like this legal variant, which differs from the default in a permitted way. Repeatable.",
)
@option("--list-mutants", is_flag=True, help="List the mutants, and serve nothing.")
@option("--list-variants", is_flag=True, help="List the variants, and serve nothing.")
@option("--scenario", metavar="FILE", help="Apply this scenario at the start: YAML, or JSON if it ends with .json.")
@option("--no-control", is_flag=True, help="Do not serve the control routes below /_emulator.")
@option("--json", "as_json", is_flag=True, help="Print the URLs as one line of JSON.")
@option(
    "--max-objects",
    metavar="N",
    type=click.IntRange(min=10),
    default=20_000,
    show_default=True,
    help="Keep at most N assistants, files and vector stores each, and N objects in threads; delete the oldest first.",
)
@option("--store", metavar="FILE", help="Keep the objects in this SQLite file, so that they survive a restart.")
@option("--log", metavar="FILE", help="Append a line for each request to this file; - is standard error.")
@option(
    "--cors", metavar="ORIGIN", multiple=True, help="Let web pages of this origin call the API; * is any. Repeatable."
)
@option("--cert", metavar="FILE", help="Serve by TLS with this certificate in PEM format.")
@option("--key", metavar="FILE", help="Private key of --cert.")
@option(
    "--watch-stdin", is_flag=True, help="Stop when standard input is closed, as it is when the parent process ends."
)
def command(
    host: str, port: int, list_mutants: bool, list_variants: bool, no_control: bool, as_json: bool, **values: Any
) -> None:
    """Serve the bundled emulator until interrupted.

    The control routes accept only loopback clients. If $RUNS_EMULATOR_CONTROL_TOKEN is set, they accept every
    client that sends its value as a bearer token, and no other.
    """
    from runs_conformance import config, targets
    from runs_conformance.testing.serve import ServeOptions, serve_controlled

    if list_mutants or list_variants:
        entries = {
            **(targets.list_mutants() if list_mutants else {}),
            **(targets.list_variants() if list_variants else {}),
        }
        width = max(map(len, entries))
        for name, text in entries.items():
            click.echo(f"{name:{min(width, 60)}}  {text}")
        return
    for name in values["mutant"]:
        config.require_known(name, targets.list_mutants(), "mutant")
    for name in values["variant"]:
        config.require_known(name, targets.list_variants(), "variant")

    def print_urls(url: str, control_url: str | None) -> None:
        if as_json:
            click.echo(json.dumps({"url": url, "control": control_url}))
        else:
            click.echo(f"serving {url} (Ctrl-C stops it)")

    names = ("scenario", "max_objects", "store", "log", "cert", "key", "watch_stdin")
    options = ServeOptions(
        host=host,
        port=port,
        has_routes=not no_control,
        cors_origins=values.pop("cors"),
        **{name: values.pop(name) for name in names},
    )
    serve_controlled(options, print_urls, mutants=values.pop("mutant"), variants=values.pop("variant"), **values)
