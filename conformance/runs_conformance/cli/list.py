"""`runs-conformance list`: the rules and constraints there are."""

from __future__ import annotations

from typing import Any

import click


@click.command("list")
@click.argument("globs", nargs=-1)
@click.option("--edition", help="Date of the contract.")
@click.option("--level", type=click.Choice(["must", "should", "may"]), multiple=True)
@click.option("--kind", type=click.Choice(["rule", "constraint"]), multiple=True)
@click.option("--capability", multiple=True)
def command(globs: tuple[str, ...], **given: Any) -> None:
    """List rules and constraints; GLOBS narrow it to ids that match."""
    from runs_conformance.app import catalogue

    for line in catalogue.lines(globs, given["edition"], given["level"], given["kind"], given["capability"]):
        click.echo(line)
