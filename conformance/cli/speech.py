"""What the command says while it works and at the end."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from conformance.reporting.folder import Folder
    from conformance.reporting.report import Report


def say(text: str) -> None:
    """One line on standard error."""
    click.echo(text, err=True)


def tell(report: Report, here: Folder | None, dialect: str = "openai", *, quiet: bool, verbose: bool) -> None:
    """What a report comes to, on standard output; `here` is the folder that holds the rest."""
    from conformance.reporting.console import Style, summary

    verbosity = -1 if quiet else int(verbose)
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    click.echo(summary(report, Style(colour, verbosity, dialect), str(here.page) if here else None))
