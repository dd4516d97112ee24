"""What the command says beside its results."""

from __future__ import annotations

import click


def say(text: str) -> None:
    """One line on standard error."""
    click.echo(text, err=True)
