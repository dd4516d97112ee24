"""The catalogue of mutants and variants: lists them, and applies them by name."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from runs_conformance.emulator.context import Hooks
from runs_conformance.emulator.declaration import MUTANTS, VARIANTS, Mutant, Variant
from runs_conformance.emulator.mutants.constraints import generate
from runs_conformance.emulator.server_options import EmulatorOptions
from runs_conformance.errors import UsageError


def _import_modules(package: str) -> None:
    root = importlib.import_module(package)
    for module in pkgutil.iter_modules(root.__path__, f"{package}."):
        importlib.import_module(module.name)


@cache
def handwritten_mutants() -> tuple[Mutant, ...]:
    """The handwritten mutants that the standard profile must kill, sorted by name."""
    _import_modules("runs_conformance.emulator.mutants")
    return tuple(MUTANTS[name] for name in sorted(MUTANTS) if not MUTANTS[name].fuzzing_only)


@cache
def fuzzing_mutants() -> tuple[Mutant, ...]:
    """The handwritten mutants that only fuzzing reaches, sorted by name."""
    _import_modules("runs_conformance.emulator.mutants")
    return tuple(MUTANTS[name] for name in sorted(MUTANTS) if MUTANTS[name].fuzzing_only)


@cache
def generated_mutants() -> tuple[Mutant, ...]:
    """The mutants generated from the request schemas, each with one keyword relaxed or tightened."""
    return tuple(sorted(generate(), key=lambda entry: entry.name))


@cache
def standard_mutants() -> tuple[Mutant, ...]:
    """All mutants that the standard profile must kill, sorted by name."""
    return tuple(sorted((*handwritten_mutants(), *generated_mutants()), key=lambda entry: entry.name))


@cache
def variants() -> tuple[Variant, ...]:
    """All variants, sorted by name."""
    _import_modules("runs_conformance.emulator.variants")
    return tuple(VARIANTS[name] for name in sorted(VARIANTS))


def apply_by_name(
    hooks: Hooks, options: EmulatorOptions, mutant_names: Sequence[str], variant_names: Sequence[str]
) -> EmulatorOptions:
    """Apply mutants and variants to hooks; returns the options to serve them with.

    Raises UsageError for an unknown name.
    """
    entries: list[Mutant | Variant] = [
        _find(name, handwritten_mutants, fuzzing_mutants, generated_mutants) for name in mutant_names
    ]
    entries += [_find(name, variants) for name in variant_names]
    for entry in entries:
        entry.apply(hooks)
        options = replace(options, **entry.options) if entry.options else options
    return options


def _find(name: str, *sources: Callable[[], Iterable[Any]]) -> Any:
    for source in sources:
        for entry in source():
            if entry.name == name:
                return entry
    raise UsageError(f"the emulator has no mutant or variant named {name!r}")
