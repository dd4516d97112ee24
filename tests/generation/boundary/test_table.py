"""A negative covers every row to be refused in the contract's boundary table, which is independent of the schemas."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from runs_conformance.contract.schema import compile_schema
from runs_conformance.contract.validation import validate
from runs_conformance.generation.boundary.fixtures import FIXTURES
from tests.contract.test_boundaries_replay import OPERATION, request_of
from tests.generation.boundary.test_cases import cases_of


def test_every_row_that_violates_a_keyword_is_covered(contract_tables: Path) -> None:
    rows: list[dict[str, Any]] = json.loads((contract_tables / "boundaries.json").read_text())["cases"]
    violated = {
        operation: {id_ for s in cases_of(operation).negatives for id_ in s.exercises} for operation in FIXTURES
    }
    missed, covered = [], 0
    for row in rows:
        operation = OPERATION.get(row["op"], "")
        if row["expect"] != "reject" or operation not in FIXTURES:
            continue
        try:
            document, value = request_of(row)
        except (KeyError, ValueError):
            continue  # concerns state, ids or bytes, not the value of a body
        violations = {
            violation.constraint for violation in validate(compile_schema(document, operation), value).violations
        }
        if violations & violated[operation]:
            covered += 1
        elif violations:
            missed.append((row["id"], sorted(violations)))
    assert missed == []
    assert covered > 180
