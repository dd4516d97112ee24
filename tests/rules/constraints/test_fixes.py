"""Every constraint says how to fix a violation."""

from __future__ import annotations

from runs_conformance.contract.constraint import constraints
from runs_conformance.contract.edition import EDITIONS
from runs_conformance.contract.keywords import CONSTRAINT_KEYWORDS
from runs_conformance.rules.constraints.fixes import FIXES, fix


def test_every_constraint_has_a_fix_for_its_side() -> None:
    for edition in EDITIONS:
        for constraint in constraints(edition).values():
            assert fix(constraint).endswith("."), constraint.id


def test_every_keyword_of_the_contract_has_a_fix() -> None:
    assert set(CONSTRAINT_KEYWORDS) == FIXES.keys()
