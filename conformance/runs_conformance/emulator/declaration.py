"""Declarations of mutants and variants.

A mutant violates one requirement and names it. A variant is a correct server that makes another permitted choice. Both
are functions that replace hooks; the modules below `mutants` and `variants` declare them with a decorator.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from runs_conformance.emulator.context import Hooks
from runs_conformance.model.source import Level

Alteration = Callable[[Hooks], None]
F = TypeVar("F", bound=Alteration)


@dataclass(frozen=True, slots=True)
class Mutant:
    """A deliberate defect of the emulator.

    `item` is what it violates: a constraint id, the slug of a clause such as `terminal-status-is-final`, or a
    topic of rules. `written_from_spec` means that its author had seen only the contract, no rule and no generator.
    `fuzzing_only` means that only fuzzing reaches the defect. `broad_reason` explains why it violates
    more than a few requirements.
    """

    name: str
    item: str
    level: Level
    text: str
    apply: Alteration
    written_from_spec: bool = False
    options: Mapping[str, Any] | None = None
    fuzzing_only: bool = False
    broad_reason: str = ""


@dataclass(frozen=True, slots=True)
class Variant:
    """A permitted choice of a correct server.

    `options` are the emulator options it requires; `dialect` is the dialect to judge it by. `accepts_any_file_id` is
    False if it refuses ids of files that it does not have.
    """

    name: str
    text: str
    apply: Alteration
    options: Mapping[str, Any] | None = None
    dialect: str = "openai"
    accepts_any_file_id: bool = True


MUTANTS: dict[str, Mutant] = {}
"""The declared mutants by name."""
VARIANTS: dict[str, Variant] = {}
"""The declared variants by name."""


def mutant(
    item: str, *, level: str = "must", written_from_spec: bool = False, broad_reason: str = "", **options: Any
) -> Callable[[F], F]:
    """Declare a mutant: the function's name is its name, its docstring says what it does wrong.

    `options` override emulator options; the other arguments are those of `Mutant`.
    """

    def declare(function: F) -> F:
        register(
            Mutant(
                function.__name__,
                item,
                Level(level),
                _first_line(function),
                function,
                written_from_spec,
                options or None,
                broad_reason=broad_reason,
            )
        )
        return function

    return declare


def written_from_spec(item: str, *, level: str = "must", broad_reason: str = "", **options: Any) -> Callable[[F], F]:
    """Declare a mutant that was written from the contract alone."""
    return mutant(item, level=level, written_from_spec=True, broad_reason=broad_reason, **options)


def fuzzing_only(item: str, *, level: str = "must", **options: Any) -> Callable[[F], F]:
    """Declare a mutant that only fuzzing reaches."""

    def declare(function: F) -> F:
        text = _first_line(function)
        register(
            Mutant(function.__name__, item, Level(level), text, function, options=options or None, fuzzing_only=True)
        )
        return function

    return declare


def variant(*, dialect: str = "openai", accepts_any_file_id: bool = True, **options: Any) -> Callable[[F], F]:
    """Declare a variant: the function's name is its name, its docstring says what it chooses."""

    def declare(function: F) -> F:
        text = _first_line(function)
        register(Variant(function.__name__, text, function, options or None, dialect, accepts_any_file_id))
        return function

    return declare


def _first_line(function: Alteration) -> str:
    return (function.__doc__ or "").strip().partition("\n")[0]


def register(entry: Mutant | Variant) -> None:
    """Add a mutant or variant. Raises ValueError if the name is taken."""
    known: dict[str, Any] = MUTANTS if isinstance(entry, Mutant) else VARIANTS
    if entry.name in known:
        raise ValueError(f"two entries are named {entry.name!r}")
    known[entry.name] = entry
