"""Mutants made from the request schemas: one keyword relaxed or tightened by the smallest step there is.

`relaxed:` takes what the contract refuses, and goes on without what it cannot use. `tightened:` refuses what just keeps
the contract. Left alone are limits so far out that no request can reach them, what a query cannot express, and values
that a correct server may refuse (`x-either`): that is no fault.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from runs_conformance.contract.constraint import constraints, keywords_within, request_bodies, request_queries
from runs_conformance.contract.implementation_defined import always_doubted, doubted_within, is_safe
from runs_conformance.contract.operation import Operation
from runs_conformance.contract.schema import Schema, compiled
from runs_conformance.contract.schema_violation import Fault, types_of
from runs_conformance.emulator.catalogue import Mutant
from runs_conformance.emulator.context import World
from runs_conformance.emulator.hooks import Behaviour
from runs_conformance.emulator.mutants.accepts_everything import mend, run_any_assistant
from runs_conformance.emulator.patching import around, keyword, places
from runs_conformance.emulator.refusal import no_outputs_wanted
from runs_conformance.emulator.state import Members, Run
from runs_conformance.model.json import ABSENT
from runs_conformance.model.rule import Constraint

_RELAXES = {"minimum": -1, "maximum": 1, "minLength": -1, "maxLength": 1, "minItems": -1, "maxItems": 1}
_RELAXES["maxProperties"] = 1
_REACHABLE = 1_000_000
_ALWAYS_TEXT = ("order.type", "after.type", "before.type", "run_id.type", "include.type", "include[].type")


def generate() -> Iterator[Mutant]:
    """Every constraint mutant of the newest edition."""
    known, seen = constraints(), set()
    for group in (request_bodies(), request_queries()):
        for operation, document in group.items():
            queried = group is request_queries()
            for id_, word, place, value, holders in keywords_within(compiled(document, operation)):
                if id_ in seen or (queried and (id_.endswith(_ALWAYS_TEXT) or id_ == f"{operation}.type")):
                    continue
                seen.add(id_)
                yield from _relaxed(known[id_], word, place, value)
                if not doubted_within(holders):
                    yield from _tightened(known[id_], word, place, value)


def _relaxed(constraint: Constraint, word: str, place: Schema, value: Any) -> Iterator[Mutant]:
    if word in _RELAXES:
        if abs(value) > _REACHABLE:
            return
        beyond = value + _RELAXES[word] * _unit(place, word)
        alter = partial(_move, constraint=constraint.id, value=beyond)
        yield _mutant("relaxed", constraint, f"Takes {beyond} where the contract says {value}.", alter)
    else:
        text = f"Takes what breaks {constraint.id}, and goes on without it."
        yield _mutant("relaxed", constraint, text, partial(_forgive, constraint=constraint.id))


def _tightened(constraint: Constraint, word: str, place: Schema, value: Any) -> Iterator[Mutant]:
    if word in _RELAXES:
        within = value - _RELAXES[word] * _unit(place, word)
        if abs(value) <= _REACHABLE and within >= 0 and _must_be_taken(_at_bound(word, value), place):
            alter = partial(_move, constraint=constraint.id, value=within)
            yield _mutant("tightened", constraint, f"Demands {within} where the contract says {value}.", alter)
    elif word == "enum":
        choices = [item for item in value if item is not None and _must_be_taken(item, place)]
        if choices and len(value) > 1:
            alter = partial(_take_out, constraint=constraint.id, value=choices[-1])
            yield _mutant("tightened", constraint, f"Refuses {choices[-1]!r}.", alter)
    elif word == "type" and "null" in types_of({"type": value}) and _must_be_taken(None, place):
        yield _mutant("tightened", constraint, "Refuses null.", partial(refuse_null, constraint=constraint.id))


def _at_bound(word: str, bound: Any) -> Any:
    """What a bound is about, at the bound: a number or a text; for the bounds of a list an empty one, whatever its
    length, since no item is in doubt.
    """
    return "x" * bound if word.endswith("Length") else [] if word.endswith("Items") else bound


def _must_be_taken(value: Any, place: Schema) -> bool:
    """Whether a correct server must take a value of a place, or a branch of a union that is named by its constant."""
    if "oneOf" in place and value is not None:
        named = (
            branch
            for branch in place["oneOf"]
            if value in (m.get("const") for m in branch.get("properties", {}).values())
        )
        return not any(map(always_doubted, named)) and not always_doubted(place)
    return all(is_safe(entry, value) for entry in place.get("x-either", ()))


def _unit(place: Schema, word: str) -> float:
    return 0.01 if word in ("minimum", "maximum") and "number" in place.get("type", ()) else 1


def _mutant(way: str, constraint: Constraint, text: str, alter: Any) -> Mutant:
    return Mutant(f"{way}:{constraint.id}", constraint.id, constraint.level, text, alter)


def _move(behaviour: Behaviour, constraint: str, value: float) -> None:
    keyword(behaviour, constraint, value)


def _take_out(behaviour: Behaviour, constraint: str, value: str) -> None:
    where = constraint.rpartition(".")[0]
    union, _, member = where.rpartition(".")
    for place in places(behaviour, constraint.partition(".")[0]):
        if place.get("x-at") == where and "enum" in place:
            place["enum"] = [item for item in place["enum"] if item != value]
        elif place.get("x-at") == union and place.get("x-discriminator") == member:
            place["oneOf"] = [
                b for b in place["oneOf"] if b.get("properties", {}).get(member, {}).get("const") != value
            ]


def refuse_null(behaviour: Behaviour, constraint: str) -> None:
    """Refuse null at the place whose type constraint is named."""
    where = constraint.rpartition(".")[0]
    for place in places(behaviour, constraint.partition(".")[0]):
        if place.get("x-at") != where:
            continue
        if isinstance(place.get("type"), list):
            place["type"] = [kind for kind in place["type"] if kind != "null"]
        if "oneOf" in place:
            place["oneOf"] = [branch for branch in place["oneOf"] if branch.get("type") != "null"]


def _forgive(behaviour: Behaviour, constraint: str) -> None:
    """Take what breaks a constraint, by mending it before the request is carried out."""
    forgiving = _Forgiving(behaviour, constraint)
    behaviour.schemas.judge = forgiving.judge
    behaviour.check_submit = forgiving.check_submit
    operation = constraint.partition(".")[0]
    if constraint == f"{operation}.type":
        behaviour.read_body = forgiving.read_body
    if ".assistant_id." in constraint or constraint == f"{operation}.type":
        around(behaviour, run_any_assistant, operation)


class _Forgiving:
    """Judges requests without one constraint; a request that needed it is mended, and its outputs are taken."""

    def __init__(self, behaviour: Behaviour, constraint: str) -> None:
        self._judge = behaviour.schemas.judge
        self._check_submit = behaviour.check_submit
        self._read_body = behaviour.read_body
        self._constraint = constraint
        self._operation = constraint.partition(".")[0]
        self._made_up = self._mended = False

    def judge(self, schema: Schema, value: Any) -> list[Fault]:
        faults = self._judge(schema, value)
        others = [fault for fault in faults if fault.constraint != self._constraint]
        self._mended = self._made_up or (bool(faults) and not others)
        if faults and not others:
            mend(self._judge, schema, value)
        return others

    def check_submit(self, world: World, run: Run, outputs: list[Members]) -> None:
        if not self._mended:
            self._check_submit(world, run, outputs)
        elif run.status != "requires_action":
            raise no_outputs_wanted(run.status)

    def read_body(self, operation: Operation, raw: bytes, content_type: str | None) -> Any:
        body = self._read_body(operation, raw, content_type)
        self._made_up = False
        if operation.name != self._operation or isinstance(body, dict) or body is ABSENT:
            return body
        made: dict[str, Any] = {}
        mend(self._judge, compiled(f"requests/{operation.body}", operation.name), made)
        self._made_up = True
        return made
