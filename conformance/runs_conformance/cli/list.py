"""`runs-conformance list`: list rules and constraints."""

from __future__ import annotations

import json
from typing import Any

import click

from runs_conformance.cli.completion import complete_ids
from runs_conformance.cli.help import declare_command, option


@declare_command("list", examples=(("List the rules on streaming", "runs-conformance list --capability streaming"),))
@click.argument("globs", nargs=-1, shell_complete=complete_ids)
@option("--edition", metavar="DATE", help="Date of the contract. Default: the newest.")
@option(
    "--level",
    type=click.Choice(["must", "should", "may"]),
    multiple=True,
    help="List only requirements of this level. Repeatable.",
)
@option(
    "--kind",
    type=click.Choice(["rule", "constraint"]),
    multiple=True,
    help="List only rules, or only constraints.",
)
@option(
    "--capability",
    "capabilities",
    multiple=True,
    metavar="NAME",
    help="List only requirements of this capability, like streaming. Repeatable.",
)
@option("--json", "as_json", is_flag=True, help="Print a JSON array of objects instead of lines.")
def command(globs: tuple[str, ...], **values: Any) -> None:
    """List rules and constraints; GLOBS select by id, like 'create_run.*'."""
    from runs_conformance.app import catalogue

    found = catalogue.select(globs, values["edition"], values["level"], values["kind"], values["capabilities"])
    if values["as_json"]:
        click.echo(json.dumps([catalogue.to_json(each) for each in found], indent=2, ensure_ascii=False))
        return
    for line in catalogue.lines(found):
        click.echo(line)
