"""Rules: one module or package per topic and one function per rule, found by walking this package.

Installed packages add rules of their own by the entry point group `runs_conformance.rules`.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType

from runs_conformance.contract.operation import CAPABILITIES
from runs_conformance.errors import InternalError, UsageError
from runs_conformance.model.rule import AnyRule, Rule

VIOLATIONS = Path(__file__).with_name("violations.json")
"""One example of a violation for each rule, which `python -m tests.rules.violations` writes from the tests."""


ENTRY_POINT_GROUP = "runs_conformance.rules"
"""The entry point group of installed rules. Each entry point names a rule, or a module that declares rules."""


@cache
def catalogue() -> Mapping[str, AnyRule]:
    """Every rule by its id: the standard rules, then those of installed packages.

    Raises UsageError if an installed rule cannot be used.
    """
    rules = dict(standard_rules())
    for entry_point in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda each: (each.name, each.value)):
        for rule in _installed_rules(entry_point):
            if rules.setdefault(rule.id, rule) is not rule:
                raise _unusable(entry_point, f"there is another rule {rule.id}; rename one of them")
    return rules


@cache
def standard_rules() -> Mapping[str, AnyRule]:
    """The rules of this suite by id, ordered by topic, module and position. Raises InternalError if two share an id."""
    rules: dict[str, AnyRule] = {}
    for module in _modules():
        for rule in _declared_in(module):
            if rule.id in rules:
                raise InternalError(f"two rules have the id {rule.id}; rename the one in {module.__name__}")
            rules[rule.id] = rule
    return rules


def _declared_in(module: ModuleType) -> Iterator[AnyRule]:
    for value in vars(module).values():
        if isinstance(value, Rule) and value.judge.__module__ == module.__name__:
            yield value


def _installed_rules(entry_point: EntryPoint) -> list[AnyRule]:
    try:
        loaded = entry_point.load()
    except Exception as error:
        raise _unusable(entry_point, f"{type(error).__name__}: {' '.join(str(error).split())}") from error
    rules = [loaded] if isinstance(loaded, Rule) else []
    if isinstance(loaded, ModuleType):
        rules = list(_declared_in(loaded))
    if not rules:
        raise _unusable(entry_point, "it names neither a rule nor a module that declares rules")
    for rule in rules:
        if rule.capability not in CAPABILITIES:
            raise _unusable(
                entry_point, f"{rule.id}: no capability {rule.capability!r}; choose from {', '.join(CAPABILITIES)}"
            )
    return rules


def _unusable(entry_point: EntryPoint, problem: str) -> UsageError:
    package = f" of the package {entry_point.dist.name}" if entry_point.dist is not None else ""
    return UsageError(f"entry point {entry_point.name!r}{package} in {ENTRY_POINT_GROUP}: {problem}")


@cache
def violations() -> Mapping[str, Sequence[str]]:
    """The lines of each rule's example of a violation, by rule id."""
    examples: Mapping[str, Sequence[str]] = json.loads(VIOLATIONS.read_text(encoding="utf-8"))
    return examples


def _modules() -> Iterator[ModuleType]:
    for entry in sorted(pkgutil.walk_packages(__path__, f"{__name__}."), key=lambda entry: entry.name):
        yield importlib.import_module(entry.name)
