"""Messages on standard error, apart from results."""

from __future__ import annotations

import click


def say(text: str) -> None:
    """Print one line on standard error, with control characters escaped."""
    if not text.isprintable():
        from runs_conformance.reporting.failure_text import printable

        text = printable(text)
    click.echo(text, err=True)
