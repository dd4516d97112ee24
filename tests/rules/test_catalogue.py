"""Every rule is well-formed, documented, and has histories that satisfy and violate it."""

from __future__ import annotations

import ast
import pkgutil
from pathlib import Path

import pytest

import runs_conformance.rules
from runs_conformance.contract.clause import CLAUSES
from runs_conformance.contract.operation import CAPABILITIES, OPERATIONS
from runs_conformance.model.rule import AnyRule
from runs_conformance.rules import VIOLATIONS, catalogue
from tests.quality.refresh import command
from tests.rules.examples import FAILING, PASSING
from tests.rules.violations import import_examples, render_violations, to_json

RULES = list(catalogue().values())
TOPICS = [entry.name for entry in pkgutil.iter_modules(runs_conformance.rules.__path__) if entry.name != "constraints"]


@pytest.fixture(scope="module", autouse=True)
def _every_example_is_declared() -> None:
    import_examples()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_rule_has_an_example_that_passes_and_one_that_fails(rule: AnyRule) -> None:
    module = f"tests/rules/test_{rule.id.partition('.')[0]}.py"
    name = f"{rule.judge.__module__.rpartition('.')[2]}.{rule.judge.__name__}"
    assert rule.id in PASSING, f"add a history that satisfies it to {module}, with @passes({name})"
    assert rule.id in FAILING, f"add a history that violates it to {module}, with @fails({name})"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_rule_is_well_formed(rule: AnyRule) -> None:
    topic, _, name = rule.id.partition(".")
    assert topic in TOPICS
    assert name.isidentifier()
    assert rule.capability in CAPABILITIES
    assert rule.operation is None or rule.operation in OPERATIONS
    assert rule.source.locator
    assert rule.statement.endswith(".")
    assert len(rule.statement) <= 200
    assert rule.explanation, "the docstring does not say why the rule matters"
    assert rule.fix.endswith("."), "the docstring does not end with a paragraph `Fix: ...`"
    assert "\n" not in rule.fix
    unknown = set(rule.clauses) - CLAUSES.keys()
    assert not unknown, f"add these clauses to contract/clause.py: {unknown}"


def test_every_topic_has_rules_and_no_two_share_a_statement() -> None:
    assert {rule.id.partition(".")[0] for rule in RULES} == set(TOPICS)
    assert len({rule.statement for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("topic", TOPICS)
def test_topics_do_not_import_each_other(topic: str) -> None:
    folder = Path(runs_conformance.rules.__path__[0])
    modules = list((folder / topic).glob("*.py")) or [folder / f"{topic}.py"]
    trees = [ast.parse(module.read_text(encoding="utf-8")) for module in modules]
    imported = {node.module or "" for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    others = {name for name in imported if name.startswith("runs_conformance.rules")}
    assert not {name for name in others if not name.startswith(f"runs_conformance.rules.{topic}.")}


def test_examples_of_violations_are_up_to_date() -> None:
    expected = to_json(render_violations())
    assert VIOLATIONS.read_text(encoding="utf-8") == expected, command()
