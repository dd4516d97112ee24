"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runs_conformance.cli import baseline, output

if TYPE_CHECKING:
    from runs_conformance.app.options import Choice

CHOICES = (
    click.option("--edition", help="Date of the contract to judge by. Default: the newest."),
    click.option("--strict", is_flag=True, help="Read the document literally: excuse nothing the service did."),
    click.option(
        "--select", multiple=True, metavar="GLOB", help="Only ids that match, like 'create_run.*'. Repeatable."
    ),
    click.option("--exclude", multiple=True, metavar="GLOB", help="No ids that match. Repeatable."),
    click.option("--fail-on", type=click.Choice(["must", "should"]), default="must", show_default=True),
    click.option("--max-inconclusive", type=click.IntRange(0), help="More that stays undecided ends with exit 5."),
    *baseline.OPTIONS,
    output.OPTION,
    click.option("--report-dir", type=click.Path(file_okay=False, path_type=Path), help="Default: reports/<run-id>/."),
    click.option("-q", "--quiet", is_flag=True, help="Only the last lines."),
    click.option("-v", "--verbose", is_flag=True, help="Warnings and what was not judged in full."),
)
"""How recorded or fresh traffic is judged, and where the report goes."""


def with_choices(command: Any) -> Any:
    """The command with the options of every command that judges."""
    for option in reversed(CHOICES):
        command = option(command)
    return command


def chosen(given: dict[str, Any], **more: Any) -> Choice:
    """The choice that these options make; `more` are its other members. Raises UsageError where there is no such
    edition.
    """
    from runs_conformance import config
    from runs_conformance.app.options import Choice
    from runs_conformance.contract.edition import DEFAULT_EDITION

    shared = {name: given[name] for name in ("strict", "select", "exclude", "fail_on")}
    edition = config.edition(given["edition"]) if given["edition"] else DEFAULT_EDITION
    shared["most_inconclusive"] = given["max_inconclusive"]
    return Choice(edition=edition, gate=baseline.gate(given), **shared, **more)
