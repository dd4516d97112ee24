from __future__ import annotations

import ast
import importlib
import pkgutil
from pathlib import Path

import pytest

import runs_conformance.rules
import tests.rules
from runs_conformance.contract.operation import CAPABILITIES, OPERATIONS
from runs_conformance.contract.requirement import REQUIREMENTS
from runs_conformance.model.rule import AnyRule
from runs_conformance.rules import catalogue

RULES = list(catalogue().values())
TOPICS = [entry.name for entry in pkgutil.iter_modules(runs_conformance.rules.__path__) if not entry.ispkg]


@pytest.fixture(scope="module", autouse=True)
def _every_example_is_declared() -> None:
    for entry in pkgutil.iter_modules(tests.rules.__path__, "tests.rules."):
        if entry.name.rpartition(".")[2].startswith("test_"):
            importlib.import_module(entry.name)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_rule_is_shown_to_hold_and_to_break(rule: AnyRule) -> None:
    assert rule.id in HOLDS, "no example holds"
    assert rule.id in BREAKS, "no example breaks it"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_rule_says_what_it_is(rule: AnyRule) -> None:
    topic, _, name = rule.id.partition(".")
    assert topic in TOPICS
    assert name.isidentifier()
    assert rule.capability in CAPABILITIES
    assert rule.operation is None or rule.operation in OPERATIONS
    assert rule.source.locator
    assert rule.statement.endswith(".")
    assert len(rule.statement) <= 200
    assert set(rule.requirements) <= REQUIREMENTS.keys()


def test_every_topic_has_rules_and_none_is_named_twice() -> None:
    assert {rule.id.partition(".")[0] for rule in RULES} == set(TOPICS)
    assert len({rule.statement for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("topic", TOPICS)
def test_topics_do_not_import_each_other(topic: str) -> None:
    tree = ast.parse(Path(runs_conformance.rules.__path__[0], f"{topic}.py").read_text(encoding="utf-8"))
    imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not {name for name in imported if name.startswith("runs_conformance.rules")}
