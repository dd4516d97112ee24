"""What must hold: one module per topic, one function per rule, found by walking this package."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from functools import cache
from types import ModuleType

from runs_conformance.errors import SuiteFault
from runs_conformance.model.rule import AnyRule, Rule


@cache
def catalogue() -> Mapping[str, AnyRule]:
    """Every rule by its id, in the order of topics and, within one, of their text. Raises SuiteFault where two share
    an id.
    """
    found: dict[str, AnyRule] = {}
    for module in _modules():
        for value in vars(module).values():
            if isinstance(value, Rule) and value.judge.__module__ == module.__name__:
                if value.id in found:
                    raise SuiteFault(f"two rules are called {value.id}; rename the one in {module.__name__}")
                found[value.id] = value
    return found


def _modules() -> Iterator[ModuleType]:
    for entry in sorted(pkgutil.walk_packages(__path__, f"{__name__}."), key=lambda entry: entry.name):
        yield importlib.import_module(entry.name)
