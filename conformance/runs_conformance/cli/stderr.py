"""What the command says beside its results."""

from __future__ import annotations

import click


def say(text: str) -> None:
    """One line on standard error, on which nobody else writes to the terminal."""
    if not text.isprintable():
        from runs_conformance.reporting.failure_text import printable

        text = printable(text)
    click.echo(text, err=True)
