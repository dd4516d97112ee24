"""`runs-conformance serve`: serve the bundled emulator."""

from __future__ import annotations

import math
from typing import Any

import click

from runs_conformance.cli.completion import complete_mutants, complete_variants
from runs_conformance.cli.help import declare_command, option


class _FiniteNumber(click.FloatRange):
    """A number other than `nan` and `inf`."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number. Fails if it is not finite or out of bounds."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number", param, ctx)
        return number


@declare_command(
    "serve",
    examples=(
        ("Test a client against the emulator", "runs-conformance serve --port 8080"),
        ("Serve one defect", "runs-conformance serve --mutant forgets_that_it_ended"),
    ),
)
@option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    help="Port to listen on; 0 takes a free one.",
)
@option("--step-ms", metavar="MS", type=_FiniteNumber(0, 1e9), help="Milliseconds between two actions of a run.")
@option("--expires-s", metavar="SECONDS", type=_FiniteNumber(0, 1e9), help="Seconds until a run expires.")
@option("--edition", metavar="DATE", help="Date of the contract to serve. Default: the newest.")
@option("--failing-model", metavar="NAME", help="Model whose runs end as failed.")
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
    help="Make this permitted choice where the contract leaves one. Repeatable.",
)
@option("--list-mutants", is_flag=True, help="List the mutants, and serve nothing.")
@option("--list-variants", is_flag=True, help="List the variants, and serve nothing.")
def command(host: str, port: int, list_mutants: bool, list_variants: bool, **values: Any) -> None:
    """Serve the bundled emulator until interrupted."""
    from runs_conformance import config, targets

    if list_mutants or list_variants:
        entries = {
            **(targets.list_mutants() if list_mutants else {}),
            **(targets.list_variants() if list_variants else {}),
        }
        width = max(map(len, entries))
        for name, text in entries.items():
            click.echo(f"{name:{min(width, 60)}}  {text}")
        return
    if values["edition"]:
        config.parse_edition(values["edition"])
    targets.serve_emulator(host, port, lambda url: click.echo(f"serving {url} (Ctrl-C stops it)"), **values)
