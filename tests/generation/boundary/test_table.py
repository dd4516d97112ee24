"""The contract's table of boundaries, made apart from the schemas: a negative reaches every row to be refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from runs_conformance.contract.schema import compiled
from runs_conformance.contract.schema_violation import examine_schema
from runs_conformance.generation.boundary.fixtures import STAGES
from tests.contract.test_boundaries_replay import OPERATION, request_of
from tests.generation.boundary.test_material import made


def test_every_row_that_breaks_a_keyword_is_reached(contract_tables: Path) -> None:
    rows: list[dict[str, Any]] = json.loads((contract_tables / "boundaries.json").read_text())["cases"]
    broken = {operation: {id_ for s in made(operation).negatives for id_ in s.exercises} for operation in STAGES}
    missed, reached = [], 0
    for row in rows:
        operation = OPERATION.get(row["op"], "")
        if row["expect"] != "reject" or operation not in STAGES:
            continue
        try:
            document, value = request_of(row)
        except (KeyError, ValueError):
            continue  # about state, ids or bytes: no value of a body
        faults = {fault.constraint for fault in examine_schema(compiled(document, operation), value).faults}
        if faults & broken[operation]:
            reached += 1
        elif faults:
            missed.append((row["id"], sorted(faults)))
    assert missed == []
    assert reached > 180
