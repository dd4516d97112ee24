"""Mutants generated from the request schemas: each relaxes or tightens one keyword by the smallest step.

`relaxed:` mutants accept what the contract forbids, and ignore what they cannot use. `tightened:` mutants refuse the
last valid value. There are no mutants of limits that no request can reach, of what a query cannot express, or of values
that a correct server may refuse (`x-implementation-defined`).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from runs_conformance.contract.constraint import (
    body_documents,
    constraints,
    constraints_with_ancestors,
    query_documents,
)
from runs_conformance.contract.implementation_defined import (
    is_always_implementation_defined,
    is_implementation_defined_within,
    is_safe,
)
from runs_conformance.contract.json_type import allowed_types
from runs_conformance.contract.operation import Operation
from runs_conformance.contract.schema import Schema, compile_schema
from runs_conformance.contract.schema_violation import SchemaViolation
from runs_conformance.emulator.api_errors import outputs_not_expected
from runs_conformance.emulator.context import Hooks, ServerState
from runs_conformance.emulator.declaration import Mutant
from runs_conformance.emulator.mutants.accepts_everything import repair_body, run_newest_assistant
from runs_conformance.emulator.patching import schema_nodes, set_keyword, wrap_handlers
from runs_conformance.emulator.state import Members, Run
from runs_conformance.model.json import ABSENT
from runs_conformance.model.rule import Constraint

_RELAXING_STEP = {"minimum": -1, "maximum": 1, "minLength": -1, "maxLength": 1, "minItems": -1, "maxItems": 1}
_RELAXING_STEP["maxProperties"] = 1
_MAX_REACHABLE = 1_000_000
_ALWAYS_STRING = ("order.type", "after.type", "before.type", "run_id.type", "include.type", "include[].type")


def generate() -> Iterator[Mutant]:
    """All generated mutants of the newest edition."""
    known, visited = constraints(), set()
    for group in (body_documents(), query_documents()):
        for operation, document in group.items():
            patch_query = group is query_documents()
            for id_, word, place, value, holders in constraints_with_ancestors(compile_schema(document, operation)):
                if id_ in visited or (patch_query and (id_.endswith(_ALWAYS_STRING) or id_ == f"{operation}.type")):
                    continue
                visited.add(id_)
                yield from _relax(known[id_], word, place, value)
                if not is_implementation_defined_within(holders):
                    yield from _tighten(known[id_], word, place, value)


def _relax(constraint: Constraint, word: str, place: Schema, value: Any) -> Iterator[Mutant]:
    if word in _RELAXING_STEP:
        if abs(value) > _MAX_REACHABLE:
            return
        beyond = value + _RELAXING_STEP[word] * _unit(place, word)
        alter = partial(_set_bound, constraint=constraint.id, value=beyond)
        yield _mutant("relaxed", constraint, f"Accepts {beyond}; the contract says {value}.", alter)
    else:
        text = f"Accepts violations of {constraint.id}, and ignores the value."
        yield _mutant("relaxed", constraint, text, partial(_accept_violations, constraint=constraint.id))


def _tighten(constraint: Constraint, word: str, place: Schema, value: Any) -> Iterator[Mutant]:
    if word in _RELAXING_STEP:
        within = value - _RELAXING_STEP[word] * _unit(place, word)
        if abs(value) <= _MAX_REACHABLE and within >= 0 and _must_be_accepted(_at_bound(word, value), place):
            alter = partial(_set_bound, constraint=constraint.id, value=within)
            yield _mutant("tightened", constraint, f"Requires {within}; the contract says {value}.", alter)
    elif word == "enum":
        choices = [item for item in value if item is not None and _must_be_accepted(item, place)]
        if choices and len(value) > 1:
            alter = partial(_remove_enum_value, constraint=constraint.id, value=choices[-1])
            yield _mutant("tightened", constraint, f"Refuses {choices[-1]!r}.", alter)
    elif word == "type" and "null" in allowed_types({"type": value}) and _must_be_accepted(None, place):
        yield _mutant("tightened", constraint, "Refuses null.", partial(_refuse_null, constraint=constraint.id))


def _at_bound(word: str, bound: Any) -> Any:
    """A value at a bound: a number or a string, or an empty list, because no list length is implementation-defined."""
    return "x" * bound if word.endswith("Length") else [] if word.endswith("Items") else bound


def _must_be_accepted(value: Any, place: Schema) -> bool:
    """Whether a correct server must accept a value at a place; a union branch is identified by its constant."""
    if "oneOf" in place and value is not None:
        branches = (
            branch
            for branch in place["oneOf"]
            if value in (m.get("const") for m in branch.get("properties", {}).values())
        )
        return not any(map(is_always_implementation_defined, branches)) and not is_always_implementation_defined(place)
    return all(is_safe(entry, value) for entry in place.get("x-implementation-defined", ()))


def _unit(place: Schema, word: str) -> float:
    return 0.01 if word in ("minimum", "maximum") and "number" in place.get("type", ()) else 1


def _mutant(direction: str, constraint: Constraint, text: str, alter: Any) -> Mutant:
    return Mutant(f"{direction}:{constraint.id}", constraint.id, constraint.level, text, alter)


def _set_bound(hooks: Hooks, constraint: str, value: float) -> None:
    set_keyword(hooks, constraint, value)


def _remove_enum_value(hooks: Hooks, constraint: str, value: str) -> None:
    where = constraint.rpartition(".")[0]
    union, _, member = where.rpartition(".")
    for place in schema_nodes(hooks, constraint.partition(".")[0]):
        if place.get("x-at") == where and "enum" in place:
            place["enum"] = [item for item in place["enum"] if item != value]
        elif place.get("x-at") == union and place.get("x-discriminator") == member:
            place["oneOf"] = [
                b for b in place["oneOf"] if b.get("properties", {}).get(member, {}).get("const") != value
            ]


def _refuse_null(hooks: Hooks, constraint: str) -> None:
    """Refuse null at the place of a type constraint."""
    where = constraint.rpartition(".")[0]
    for place in schema_nodes(hooks, constraint.partition(".")[0]):
        if place.get("x-at") != where:
            continue
        if isinstance(place.get("type"), list):
            place["type"] = [kind for kind in place["type"] if kind != "null"]
        if "oneOf" in place:
            place["oneOf"] = [branch for branch in place["oneOf"] if branch.get("type") != "null"]


def _accept_violations(hooks: Hooks, constraint: str) -> None:
    """Accept violations of a constraint, and repair the body before the handler runs."""
    lenient = _LenientValidation(hooks, constraint)
    hooks.schemas.find_violations = lenient.find_violations
    hooks.check_submit = lenient.check_submit
    operation = constraint.partition(".")[0]
    if constraint == f"{operation}.type":
        hooks.read_body = lenient.read_body
    if ".assistant_id." in constraint or constraint == f"{operation}.type":
        wrap_handlers(hooks, run_newest_assistant, operation)


class _LenientValidation:
    """Validation without one constraint: bodies that violate only this one are repaired, and their outputs accepted."""

    def __init__(self, hooks: Hooks, constraint: str) -> None:
        self._find_violations = hooks.schemas.find_violations
        self._check_submit = hooks.check_submit
        self._read_body = hooks.read_body
        self._constraint = constraint
        self._operation = constraint.partition(".")[0]
        self._was_invented = self._was_repaired = False

    def find_violations(self, schema: Schema, value: Any) -> list[SchemaViolation]:
        violations = self._find_violations(schema, value)
        others = [violation for violation in violations if violation.constraint != self._constraint]
        self._was_repaired = self._was_invented or (bool(violations) and not others)
        if violations and not others:
            repair_body(self._find_violations, schema, value)
        return others

    def check_submit(self, server: ServerState, run: Run, outputs: list[Members]) -> None:
        if not self._was_repaired:
            self._check_submit(server, run, outputs)
        elif run.status != "requires_action":
            raise outputs_not_expected(run.status)

    def read_body(self, operation: Operation, raw: bytes, content_type: str | None) -> Any:
        body = self._read_body(operation, raw, content_type)
        self._was_invented = False
        if operation.name != self._operation or isinstance(body, dict) or body is ABSENT:
            return body
        invented: dict[str, Any] = {}
        repair_body(self._find_violations, compile_schema(f"requests/{operation.body}", operation.name), invented)
        self._was_invented = True
        return invented
