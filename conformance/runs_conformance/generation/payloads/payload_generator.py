"""Batches: the random payloads of one operation, legal ones first, then negatives made of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from random import Random

from runs_conformance.contract.schema import Schema
from runs_conformance.contract.schema_violation import examine_schema
from runs_conformance.errors import SuiteFault
from runs_conformance.generation.boundary.payload_factory import Bench, Negative, Payload
from runs_conformance.generation.boundary.sample import TOOL_CALL, Lacking
from runs_conformance.generation.payloads import text
from runs_conformance.generation.payloads.invalid import Weakness, changed, weaknesses
from runs_conformance.generation.payloads.valid import Maker
from runs_conformance.model.case import Mutation
from runs_conformance.model.json import JSON, at, is_array, is_object, pointer

DENSITIES = (0.95, 0.6, 0.3)
"""How many of its optional members a legal body has, in turn: what goes wrong in full bodies, and in lean ones."""

_WEIGHTS: Mapping[str, int] = {
    "maxItems": 8,
    "maxProperties": 8,
    "maxLength": 6,
    "minimum": 4,
    "maximum": 4,
    "pattern": 4,
    "not": 4,
    "additionalProperties": 6,
    "enum": 2,
}
_WEIGHT_OF_VALUES = 12
"""How much more often than others a keyword is broken whose breaking depends on the rest of the body; what is inside a
list or a map comes twice as often again, since only its first place is sure to be tried otherwise.
"""

_WEIGHT_OF_MEMBERS, _WHOLE = 6, 0.2

_TRIES = 6
_SMALL = 3
"""Of a body's members, so many are there on average, whatever the density, but not always all."""
_MOST = 0.75
_LATER = 0.75
"""How often, of the places where a constraint can be broken, one is taken that is not the first item of its list."""


@dataclass(slots=True)
class Batch:
    """Draws payloads for one operation. `used` counts which constraints were broken so far, the rarest come next."""

    bench: Bench
    random: Random
    certain: bool = True
    used: Counter[str] = field(default_factory=Counter)
    drawn: int = 0

    def legal(self, density: float | None = None) -> Payload:
        """A legal payload; from a certain batch one that a correct server must accept."""
        chosen = DENSITIES[self.drawn % len(DENSITIES)] if density is None else density
        chosen = max(chosen, min(_SMALL / len(self.bench.schema["properties"]), _MOST))
        self.drawn += 1
        for _ in range(_TRIES):
            body = self._body(chosen)
            if is_object(body):
                payload = self._payload(body)
                if not (payload.doubt and self.certain):
                    return payload
            chosen /= 2
        return self._payload(self.bench.subject.control)

    def negative(self, base: Payload) -> Negative | None:
        """A negative that is the base with one mutation; None where the base has no place that can be broken.

        Raises SuiteFault where a mutation does not break what it should.
        """
        maker = self._maker(0.1)
        found: dict[str, list[Weakness]] = {}
        for weakness in weaknesses(self.bench.schema, base.body, maker):
            found.setdefault(weakness.constraint, []).append(weakness)
        while found:
            chosen = self._choice(found)
            weakness = self._place(found[chosen])
            try:
                became = weakness.spoil(self.random)
            except Lacking:
                del found[chosen]
                continue
            body = changed(base.body, weakness.path, became)
            where = pointer(*weakness.path)
            if not self._breaks_only(body, where, chosen):
                del found[chosen]
                continue
            self.used[chosen] += 1
            mutation = Mutation(where, weakness.keyword, at(base.body, where), at(body, where))
            return Negative(chosen, body, mutation, str(weakness.path[0]) if weakness.path else "")
        return None

    def _place(self, found: list[Weakness]) -> Weakness:
        later = [weakness for weakness in found if any(isinstance(step, int) and step for step in weakness.path)]
        return self.random.choice(later if later and self.random.random() < _LATER else found)

    def _choice(self, found: Mapping[str, list[Weakness]]) -> str:
        """One of the constraints that were broken least often, given what they weigh."""
        rarity = {id_: self.used[id_] / _weight(id_) for id_ in found}
        least = min(rarity.values())
        rarest = [id_ for id_, often in rarity.items() if often <= least]
        return self.random.choices(rarest, [_weight(id_) for id_ in rarest])[0]

    def _breaks_only(self, body: JSON, where: str, constraint: str) -> bool:
        """Whether all that is wrong with a body is at one place; a member may bound another, which then breaks too."""
        faults = examine_schema(self.bench.schema, body).faults
        if constraint not in {fault.constraint for fault in faults}:
            found = ", ".join(f"{fault.constraint} at {fault.place}" for fault in faults) or "nothing"
            raise SuiteFault(f"the negative of {constraint} at {where or 'the body'} breaks {found}")
        return all(fault.place == where or fault.place.startswith(where + "/") for fault in faults)

    def _maker(self, density: float) -> Maker:
        return Maker(self.bench.sampler, density, self.certain)

    def _body(self, density: float) -> JSON:
        if self.bench.subject.operation == "submit_tool_outputs":
            output = {"tool_call_id": TOOL_CALL, "output": text.text(self.random, 0, 4_000)}
            return {**self.bench.subject.control, "tool_outputs": [output]}
        try:
            body = self._maker(density).value(self.bench.schema, self.random)
        except Lacking:
            return None
        if not is_object(body):
            return None
        return self._companied({name: member for name, member in body.items() if name != "stream" or not member})

    def _companied(self, body: dict[str, JSON]) -> dict[str, JSON]:
        """The body with what its members cannot do without: a tool to choose."""
        for member, others in self.bench.subject.companions.items():
            if body.get(member) is not None:
                body |= {name: value for name, value in others.items() if not body.get(name)}
        return body

    def _payload(self, body: Mapping[str, JSON]) -> Payload:
        return self.bench.payload(body, (), f"{self.bench.subject.operation}.type")


def _weight(constraint: str) -> float:
    """How often a constraint is broken beside others. What is wrong with the whole body has nothing beside it, and the
    members of a body have the more beside them the fewer places they are inside of.
    """
    place, _, keyword = constraint.rpartition(".")
    depth = place.count(".")
    if not depth and keyword == "type":
        return _WHOLE
    if constraint.endswith("{}.type"):
        return _WEIGHT_OF_VALUES
    weight = _WEIGHTS.get(keyword, 1) * (2 if "[]" in constraint or "{}" in constraint else 1)
    return max(weight, _WEIGHT_OF_MEMBERS) if depth == 1 else weight


def references(schema: Schema, body: JSON) -> Iterator[JSON]:
    """The values in a body that name something which exists: they cannot be replaced by others."""
    if "x-references" in schema:
        yield body
    for branch in schema.get("oneOf", ()):
        yield from references(branch, body)
    if is_object(body):
        rest = schema.get("additionalProperties")
        for name, member in body.items():
            sub = schema.get("properties", {}).get(name, rest)
            if isinstance(sub, dict):
                yield from references(sub, member)
    elif is_array(body) and "items" in schema:
        for item in body:
            yield from references(schema["items"], item)
