"""`runs-conformance explain`: what one rule or constraint demands."""

from __future__ import annotations

import click


@click.command("explain")
@click.argument("id_", metavar="ID")
@click.option("--edition", help="Date of the contract.")
def command(id_: str, edition: str | None) -> None:
    """Say what a rule or constraint demands, how binding it is, and where that is written."""
    from runs_conformance.app import catalogue

    click.echo(catalogue.explanation(id_, edition))
