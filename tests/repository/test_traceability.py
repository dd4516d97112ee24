"""Every item of the contract ends in a rule, or in a reason why none judges it."""

from __future__ import annotations

from runs_conformance.contract.requirement import ITEMS
from runs_conformance.rules import catalogue


def test_every_item_is_judged_or_says_why_not() -> None:
    covered = {item for rule in catalogue().values() for item in rule.items}
    assert [item.id for item in ITEMS.values() if item.id not in covered and not item.not_judged] == []


def test_rules_name_items_that_there_are() -> None:
    assert {item for rule in catalogue().values() for item in rule.items} <= ITEMS.keys()
