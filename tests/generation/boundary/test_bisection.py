"""Narrowed requests exercise only the constraints on what is in them."""

from __future__ import annotations

import pytest

from runs_conformance.contract.constraint import body_documents
from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.generation.boundary.bisection import group_by_member, narrow
from runs_conformance.generation.boundary.cases import build_cases, payload_factory
from runs_conformance.generation.boundary.fixtures import FIXTURES
from runs_conformance.generation.boundary.sample import Sampler
from runs_conformance.model.json import is_object

SAMPLER = Sampler("gpt-4o", accepts_any_file_id=True)


@pytest.mark.parametrize("operation", sorted(body_documents()))
def test_narrowed_request_exercises_what_its_body_has(operation: str) -> None:
    factory = payload_factory(operation, DEFAULT_EDITION, SAMPLER)
    cases = build_cases(operation, DEFAULT_EDITION, SAMPLER, FIXTURES[operation].path)
    for case in (*cases.positive_controls, *cases.extra_valid):
        groups = group_by_member(case.parts, cases.control)
        for kept in ([group] for group in groups):
            step = narrow(case.step, cases.control, kept)
            if step is None:
                continue
            assert is_object(step.body)
            exercised = {*factory.exercised_constraints(step.body)}
            queried = tuple(f"{operation}.{name}" for name, _ in step.query)
            assert {id_ for id_ in step.exercises if not id_.startswith(queried)} <= exercised, kept[0].name
