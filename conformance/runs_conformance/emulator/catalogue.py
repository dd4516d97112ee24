"""Mutants and variants: how they are declared, found and applied.

A mutant does one thing wrong, and says which item of the contract it breaks. A variant is a correct server that chose
differently. Both are functions that alter a behaviour; the modules below `mutants` and `variants` declare them with a
decorator.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, TypeVar

from runs_conformance.emulator.hooks import Behaviour
from runs_conformance.emulator.options import Options
from runs_conformance.errors import UsageError
from runs_conformance.model.source import Level

Alteration = Callable[[Behaviour], None]
F = TypeVar("F", bound=Alteration)


@dataclass(frozen=True, slots=True)
class Mutant:
    """A named fault. `item` is what it breaks: a constraint id, or an item of the lifecycle such as `L-03`, or a
    topic of rules.

    `blind` says that it was written from the contract alone, before its author had seen a rule or a generator;
    `corner` that it shows only where exploring comes to; `broad` why it breaks more than a few demands at once.
    """

    name: str
    item: str
    level: Level
    text: str
    alter: Alteration
    blind: bool = False
    options: Mapping[str, Any] | None = None
    corner: bool = False
    broad: str = ""


@dataclass(frozen=True, slots=True)
class Variant:
    """A named choice that a correct server may make.

    `options` are those of the emulator it is served with; `dialect` is the one by which it has to be judged.
    """

    name: str
    text: str
    alter: Alteration
    options: Mapping[str, Any] | None = None
    dialect: str = "openai"


_mutants: dict[str, Mutant] = {}
_variants: dict[str, Variant] = {}


def mutant(item: str, *, level: str = "must", blind: bool = False, broad: str = "", **options: Any) -> Callable[[F], F]:
    """Declare a mutant: the function's name is its name, its docstring says what it does wrong.

    `broad` says why, where it breaks more than a few demands at once. `options` replace those of the emulator that it
    is served with.
    """

    def declare(function: F) -> F:
        text = _first_line(function)
        enter(Mutant(function.__name__, item, Level(level), text, function, blind, options or None, broad=broad))
        return function

    return declare


def blind(item: str, *, level: str = "must", broad: str = "", **options: Any) -> Callable[[F], F]:
    """Declare a mutant that was written from the contract alone."""
    return mutant(item, level=level, blind=True, broad=broad, **options)


def corner(item: str, *, level: str = "must", **options: Any) -> Callable[[F], F]:
    """Declare a mutant that shows only where exploring comes to."""

    def declare(function: F) -> F:
        text = _first_line(function)
        enter(Mutant(function.__name__, item, Level(level), text, function, options=options or None, corner=True))
        return function

    return declare


def variant(*, dialect: str = "openai", **options: Any) -> Callable[[F], F]:
    """Declare a variant: the function's name is its name, its docstring says what it chooses."""

    def declare(function: F) -> F:
        enter(Variant(function.__name__, _first_line(function), function, options or None, dialect))
        return function

    return declare


def _first_line(function: Alteration) -> str:
    return (function.__doc__ or "").strip().partition("\n")[0]


def enter(entry: Mutant | Variant) -> None:
    """Add a mutant or variant to the catalogue."""
    known: dict[str, Any] = _mutants if isinstance(entry, Mutant) else _variants
    if entry.name in known:
        raise ValueError(f"two are called {entry.name!r}")
    known[entry.name] = entry


def _walk(package: str) -> None:
    root = importlib.import_module(package)
    for module in pkgutil.iter_modules(root.__path__, f"{package}."):
        importlib.import_module(module.name)


@cache
def written() -> tuple[Mutant, ...]:
    """The mutants written by hand, sorted by name; those that only exploring finds are apart."""
    _walk("runs_conformance.emulator.mutants")
    return tuple(_mutants[name] for name in sorted(_mutants) if not _mutants[name].corner)


@cache
def corners() -> tuple[Mutant, ...]:
    """The mutants that only exploring finds, sorted by name."""
    _walk("runs_conformance.emulator.mutants")
    return tuple(_mutants[name] for name in sorted(_mutants) if _mutants[name].corner)


@cache
def generated() -> tuple[Mutant, ...]:
    """The mutants of the emulator's own request schemas: each keyword relaxed or tightened."""
    from runs_conformance.emulator.mutants.constraints import generate

    return tuple(sorted(generate(), key=lambda entry: entry.name))


@cache
def catalogue() -> tuple[Mutant, ...]:
    """All mutants that every standard run has to find, sorted by name."""
    return tuple(sorted((*written(), *generated()), key=lambda entry: entry.name))


@cache
def variants() -> tuple[Variant, ...]:
    """All variants, sorted by name."""
    _walk("runs_conformance.emulator.variants")
    return tuple(_variants[name] for name in sorted(_variants))


def alter(behaviour: Behaviour, options: Options, mutants: Sequence[str], chosen: Sequence[str]) -> Options:
    """Apply mutants and variants to a behaviour by name; the answer is the options they are to be served with."""
    entries: list[Mutant | Variant] = [_find(name, written, corners, generated) for name in mutants]
    entries += [_find(name, variants) for name in chosen]
    for entry in entries:
        entry.alter(behaviour)
        options = replace(options, **entry.options) if entry.options else options
    return options


def _find(name: str, *sources: Callable[[], Iterable[Any]]) -> Any:
    for source in sources:
        for entry in source():
            if entry.name == name:
                return entry
    raise UsageError(f"no mutant or variant of the emulator is called {name!r}")
