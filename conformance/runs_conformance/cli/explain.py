"""`runs-conformance explain`: describe one rule or constraint."""

from __future__ import annotations

import click

from runs_conformance.cli.completion import complete_ids
from runs_conformance.cli.help import declare_command, option


@declare_command("explain")
@click.argument("id_", metavar="ID", shell_complete=complete_ids)
@option("--edition", metavar="DATE", help="Date of the contract. Default: the newest.")
def command(id_: str, edition: str | None) -> None:
    """Describe a rule or constraint.

    Prints what must hold and at which level, why it matters, how to fix a violation, what a pass needs, an example
    of a violation, and the source.
    """
    from runs_conformance.app import catalogue

    click.echo(catalogue.explanation(id_, edition))
