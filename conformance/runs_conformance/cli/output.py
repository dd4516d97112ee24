"""What a command that judges leaves behind and says of it: the views of its report, the summary of a step, the end."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runs_conformance.cli.stderr import say

if TYPE_CHECKING:
    from runs_conformance.reporting.folder import Folder
    from runs_conformance.reporting.report import Report

OPTION = click.option(
    "--report",
    multiple=True,
    metavar="VIEWS",
    help="Of json, html, markdown, junit, ctrf, har, badge, claim, history. Default: json,html,markdown,history.",
)
"""Which views of the report are written."""


def views(given: dict[str, Any]) -> tuple[str, ...]:
    """The views that the option names. Raises UsageError for one that there is not."""
    from runs_conformance.reporting.view import wanted

    return wanted(given["report"])


def written(here: Folder | None, report: Report, dialect: str, given: dict[str, Any]) -> str | None:
    """Write the report, and its summary where GitHub Actions asks for one; gives what went wrong.

    What the report shows is told in any case, so that a disk that is full costs no verdict.
    """
    from runs_conformance.errors import UsageError
    from runs_conformance.reporting import markdown, step_summary

    trouble = None
    if here is not None:
        try:
            for line in here.write(report, dialect, views(given)):
                say(f"runs-conformance: {line}")
        except UsageError as error:
            trouble = str(error)
    summary = os.environ.get(step_summary.VARIABLE)
    if summary:
        trouble = step_summary.append(Path(summary), markdown.text(report, dialect)) or trouble
    return trouble


def tell(report: Report, here: Folder | None, dialect: str, given: dict[str, Any]) -> None:
    """What a report comes to, on standard output; `here` is the folder that holds the rest."""
    from runs_conformance.reporting.console import Left, Style, summary

    verbosity = -1 if given["quiet"] else int(given["verbose"])
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    left = Left(*here.to_open(views(given))) if here else Left()
    click.echo(summary(report, Style(colour, verbosity, dialect), left))
