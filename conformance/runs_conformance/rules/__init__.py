"""Rules: one module per topic and one function per rule, found by walking this package."""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import ModuleType

from runs_conformance.errors import InternalError
from runs_conformance.model.rule import AnyRule, Rule

VIOLATIONS = Path(__file__).with_name("violations.json")
"""One example of a violation for each rule, which `python -m tests.rules.violations` writes from the tests."""


@cache
def catalogue() -> Mapping[str, AnyRule]:
    """Every rule by its id, ordered by topic and by position in its module. Raises InternalError if two share an id."""
    rules: dict[str, AnyRule] = {}
    for module in _modules():
        for value in vars(module).values():
            if isinstance(value, Rule) and value.judge.__module__ == module.__name__:
                if value.id in rules:
                    raise InternalError(f"two rules have the id {value.id}; rename the one in {module.__name__}")
                rules[value.id] = value
    return rules


@cache
def violations() -> Mapping[str, Sequence[str]]:
    """The lines of each rule's example of a violation, by rule id."""
    examples: Mapping[str, Sequence[str]] = json.loads(VIOLATIONS.read_text(encoding="utf-8"))
    return examples


def _modules() -> Iterator[ModuleType]:
    for entry in sorted(pkgutil.walk_packages(__path__, f"{__name__}."), key=lambda entry: entry.name):
        yield importlib.import_module(entry.name)
