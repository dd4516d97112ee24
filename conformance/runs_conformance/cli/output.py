"""Output of a command that judges: the views of its report, the GitHub step summary, and the last lines."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from runs_conformance.cli.help import OUTPUT, option
from runs_conformance.cli.stderr import say

if TYPE_CHECKING:
    from runs_conformance.reporting.folder import RunFolder
    from runs_conformance.reporting.report import Report

_Command = TypeVar("_Command", bound=Callable[..., Any])

# Repeated here so that `--help` does not import the views; a test compares them.
_VIEWS = ("json", "html", "markdown", "junit", "ctrf", "har", "badge", "claim", "history")
_DEFAULT_VIEWS = ("json", "html", "markdown", "history")


def report_option(*without: str) -> Callable[[_Command], _Command]:
    """Declare --report, with all views except those that the command cannot write."""
    offered = ", ".join(view for view in _VIEWS if view not in without)
    default = ",".join(view for view in _DEFAULT_VIEWS if view not in without)
    return option(
        "--report",
        group=OUTPUT,
        multiple=True,
        metavar="VIEWS",
        help=f"Views to write: {offered}. Default: {default}. Repeatable.",
    )


def views(values: Mapping[str, Any]) -> tuple[str, ...]:
    """The views that the option names. Raises UsageError for an unknown view."""
    from runs_conformance.reporting.view import parse_views

    return parse_views(values["report"])


def write_report(folder: RunFolder | None, report: Report, dialect: str, values: Mapping[str, Any]) -> str | None:
    """Write the report and, if GitHub Actions asks for one, its step summary.

    Returns an error instead of raising it, so that a full disk does not suppress the verdicts on the terminal.
    """
    from runs_conformance.errors import UsageError
    from runs_conformance.reporting import markdown, step_summary
    from runs_conformance.reporting.shorten import shorten

    problem = None
    if folder is not None:
        try:
            for line in folder.write(report, dialect, views(values)):
                say(f"runs-conformance: {line}")
        except UsageError as error:
            problem = str(error)
    summary = os.environ.get(step_summary.VARIABLE)
    if summary:
        problem = step_summary.append_summary(Path(summary), markdown.text(shorten(report), dialect)) or problem
    return problem


def print_summary(report: Report, folder: RunFolder | None, dialect: str, values: Mapping[str, Any]) -> None:
    """Print the summary of a report on standard output; `folder` contains the full report."""
    from runs_conformance.reporting.console import OutputFiles, render_summary
    from runs_conformance.reporting.terminal_style import Style

    verbosity = -1 if values["quiet"] else int(values["verbose"])
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    files = OutputFiles(*folder.files_to_open(views(values))) if folder else OutputFiles()
    click.echo(render_summary(report, Style(colour, verbosity, dialect), files))
