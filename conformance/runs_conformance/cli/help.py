"""Commands whose help shows examples first and the options in titled groups."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

TARGET = "Target"
SCOPE = "What is judged"
LIMITS = "Limits and cost"
OUTPUT = "Output"
GATE = "Gate"
OTHER = "Options"

_ORDER = (TARGET, SCOPE, LIMITS, OUTPUT, GATE, OTHER)

_Command = TypeVar("_Command", bound=Callable[..., Any])


class GroupedOption(click.Option):
    """An option that belongs to a group of the help."""

    def __init__(self, *declarations: Any, group: str = OTHER, **attributes: Any) -> None:
        super().__init__(*declarations, **attributes)
        self.group = group


class GroupedCommand(click.Command):
    """A command with `examples`, pairs of a purpose and a command line, and options in groups."""

    def __init__(self, *arguments: Any, examples: Sequence[tuple[str, str]] = (), **attributes: Any) -> None:
        super().__init__(*arguments, **attributes)
        self.examples = examples

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, then a section for each group of options."""
        if self.examples:
            with formatter.section("Examples"):
                for purpose, line in self.examples:
                    formatter.write_text(f"# {purpose}")
                    formatter.write(f"{'':{formatter.current_indent}}{line}\n")
        groups: dict[str, list[tuple[str, str]]] = {name: [] for name in _ORDER}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx) if isinstance(parameter, click.Option) else None
            if record is not None:
                groups[getattr(parameter, "group", OTHER)].append(record)
        for name, records in groups.items():
            if records:
                with formatter.section(name):
                    formatter.write_dl(records)


def option(*declarations: str, group: str = OTHER, **attributes: Any) -> Callable[[_Command], _Command]:
    """Declare an option in a group of the help."""
    return click.option(*declarations, cls=GroupedOption, group=group, **attributes)


def declare_command(
    name: str, examples: Sequence[tuple[str, str]] = ()
) -> Callable[[Callable[..., Any]], GroupedCommand]:
    """Declare a command with examples and grouped options."""
    return click.command(name, cls=GroupedCommand, examples=examples)


def add_options(options: Sequence[Callable[[Any], Any]]) -> Callable[[_Command], _Command]:
    """A decorator that adds these options to a command, in this order."""

    def decorate(function: _Command) -> _Command:
        for each in reversed(options):
            function = each(function)
        return function

    return decorate
