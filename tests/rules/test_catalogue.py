from __future__ import annotations

import ast
import pkgutil
from pathlib import Path

import pytest

import runs_conformance.rules
from runs_conformance.contract.operation import CAPABILITIES, OPERATIONS
from runs_conformance.contract.requirement import REQUIREMENTS
from runs_conformance.model.rule import AnyRule
from runs_conformance.rules import VIOLATIONS, catalogue
from tests.quality.refresh import command
from tests.rules.examples import FAILING, PASSING
from tests.rules.violations import import_examples, render_violations, to_json

RULES = list(catalogue().values())
TOPICS = [entry.name for entry in pkgutil.iter_modules(runs_conformance.rules.__path__) if not entry.ispkg]


@pytest.fixture(scope="module", autouse=True)
def _every_example_is_declared() -> None:
    import_examples()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_rule_has_an_example_that_passes_and_one_that_fails(rule: AnyRule) -> None:
    module = f"tests/rules/test_{rule.id.partition('.')[0]}.py"
    assert rule.id in PASSING, f"add a history that satisfies it to {module}, with @passes({rule.id})"
    assert rule.id in FAILING, f"add a history that violates it to {module}, with @fails({rule.id})"


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
    unknown = set(rule.requirements) - REQUIREMENTS.keys()
    assert not unknown, f"add these requirements to contract/requirement.py: {unknown}"


def test_every_topic_has_rules_and_no_two_share_a_statement() -> None:
    assert {rule.id.partition(".")[0] for rule in RULES} == set(TOPICS)
    assert len({rule.statement for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("topic", TOPICS)
def test_topics_do_not_import_each_other(topic: str) -> None:
    tree = ast.parse(Path(runs_conformance.rules.__path__[0], f"{topic}.py").read_text(encoding="utf-8"))
    imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not {name for name in imported if name.startswith("runs_conformance.rules")}


def test_examples_of_violations_are_up_to_date() -> None:
    expected = to_json(render_violations())
    assert VIOLATIONS.read_text(encoding="utf-8") == expected, command()
