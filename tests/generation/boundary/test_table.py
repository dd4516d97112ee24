"""Negatives cover every invalid case in the committed table of boundary cases, which is independent of the schemas."""

from __future__ import annotations

from runs_conformance.contract.schema import compile_schema
from runs_conformance.contract.validation import validate
from runs_conformance.generation.boundary.fixtures import FIXTURES
from tests.contract.tables import boundary_cases
from tests.generation.boundary.test_cases import cases_of


def test_every_case_that_violates_a_keyword_is_covered() -> None:
    violated = {name: {id_ for step in cases_of(name).negatives for id_ in step.exercises} for name in FIXTURES}
    missed, covered = [], 0
    for case in boundary_cases():
        if case.verdict != "reject" or case.operation not in FIXTURES:
            continue
        result = validate(compile_schema(case.document, case.operation), case.value)
        violations = {violation.constraint for violation in result.violations}
        if violations & violated[case.operation]:
            covered += 1
        elif violations:
            missed.append((case.id, sorted(violations)))
    assert missed == []
    assert covered > 180
