"""`runs-conformance serve`: the bundled emulator."""

from __future__ import annotations

import math
from typing import Any

import click


class _Amount(click.FloatRange):
    """A number that there is: neither `nan` nor `inf`."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number. Fails for what is none, or is out of bounds."""
        found = super().convert(value, param, ctx)
        if not math.isfinite(found):
            self.fail(f"{value} is no number to wait by", param, ctx)
        return found


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0 takes a free one.")
@click.option("--step-ms", type=_Amount(0, 1e9), help="Pause between two beats of a run.")
@click.option("--expires-s", type=_Amount(0, 1e9), help="Lifetime of a run.")
@click.option("--edition", help="Date of the contract that is served.")
@click.option("--mutant", multiple=True, metavar="NAME", help="Do this one thing wrong. Repeatable.")
@click.option("--variant", multiple=True, metavar="NAME", help="Choose differently where the contract leaves it open.")
@click.option("--failing-model", help="The model whose runs end failed.")
def command(host: str, port: int, **given: Any) -> None:
    """Serve the bundled emulator."""
    from runs_conformance import config, targets

    if given["edition"]:
        config.edition(given["edition"])
    targets.serve(host, port, lambda url: click.echo(f"serving {url} (Ctrl-C ends it)"), **given)
