"""Random payloads of one operation: valid ones, and negatives derived from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from random import Random

from runs_conformance.contract.schema import Schema
from runs_conformance.contract.validation import validate
from runs_conformance.errors import InternalError
from runs_conformance.generation.boundary.payload_factory import Negative, Payload, PayloadFactory
from runs_conformance.generation.boundary.sample import TOOL_CALL_PLACEHOLDER, MissingResource
from runs_conformance.generation.payloads import text
from runs_conformance.generation.payloads.invalid import MutationPoint, mutation_points
from runs_conformance.generation.payloads.valid import ValueGenerator
from runs_conformance.model.case import Mutation
from runs_conformance.model.json import JSON, at, is_array, is_object, json_pointer, replace_at

DENSITIES = (0.95, 0.6, 0.3)
"""Shares of the optional members in successive valid bodies: full bodies and lean ones reveal different faults."""

_KEYWORD_WEIGHTS: Mapping[str, int] = {
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
_MAP_VALUE_WEIGHT = 12
"""How often keywords are violated relative to others (1), if the result depends on the rest of the body. Those in lists
and maps are violated twice as often, because the boundary cases cover only the first place of each.
"""

_TOP_LEVEL_WEIGHT, _BODY_TYPE_WEIGHT = 6, 0.2

_TRIES = 6
_MIN_MEMBERS = 3
"""Average number of members of small bodies: the density is raised to it, up to `_MAX_RAISED_DENSITY`."""
_MAX_RAISED_DENSITY = 0.75
_LATER_ITEM = 0.75
"""Probability of mutating a later item of a list, rather than any, if a constraint can be violated in several."""


@dataclass(slots=True)
class PayloadGenerator:
    """Draws payloads for one operation; negatives violate those constraints first that were violated least often.

    With `must_be_accepted`, valid payloads contain nothing implementation-defined.
    """

    factory: PayloadFactory
    random: Random
    must_be_accepted: bool = True
    times_broken: Counter[str] = field(default_factory=Counter)
    valid_count: int = 0

    def valid(self, density: float | None = None) -> Payload:
        """A valid payload; with `must_be_accepted`, one that a correct server must accept."""
        chosen = DENSITIES[self.valid_count % len(DENSITIES)] if density is None else density
        chosen = max(chosen, min(_MIN_MEMBERS / len(self.factory.schema["properties"]), _MAX_RAISED_DENSITY))
        self.valid_count += 1
        for _ in range(_TRIES):
            body = self._body(chosen)
            if is_object(body):
                payload = self._payload(body)
                if not (payload.implementation_defined and self.must_be_accepted):
                    return payload
            chosen /= 2
        return self._payload(self.factory.profile.control)

    def negative(self, base: Payload) -> Negative | None:
        """The base with one mutation as a negative; None if no single mutation of the base is a negative.

        Raises InternalError if a mutation does not violate its constraint.
        """
        generator = self._value_generator(0.1)
        points: dict[str, list[MutationPoint]] = {}
        for point in mutation_points(self.factory.schema, base.body, generator):
            points.setdefault(point.constraint, []).append(point)
        while points:
            chosen = self._choose_constraint(points)
            point = self._choose_point(points[chosen])
            try:
                replacement = point.mutate(self.random)
            except MissingResource:
                del points[chosen]
                continue
            body = replace_at(base.body, point.path, replacement)
            location = json_pointer(*point.path)
            if not self._violates_only(body, location, chosen):
                del points[chosen]
                continue
            self.times_broken[chosen] += 1
            mutation = Mutation(location, point.keyword, at(base.body, location), at(body, location))
            return Negative(chosen, body, mutation, str(point.path[0]) if point.path else "")
        return None

    def _choose_point(self, points: list[MutationPoint]) -> MutationPoint:
        later = [point for point in points if any(isinstance(step, int) and step for step in point.path)]
        return self.random.choice(later if later and self.random.random() < _LATER_ITEM else points)

    def _choose_constraint(self, points: Mapping[str, list[MutationPoint]]) -> str:
        """One of the constraints that were violated least often relative to their weights."""
        rarity = {id_: self.times_broken[id_] / _weight(id_) for id_ in points}
        least = min(rarity.values())
        rarest = [id_ for id_, often in rarity.items() if often <= least]
        return self.random.choices(rarest, [_weight(id_) for id_ in rarest])[0]

    def _violates_only(self, body: JSON, location: str, constraint: str) -> bool:
        """Whether all violations of a body are at one location; a member that bounds another may violate both."""
        violations = validate(self.factory.schema, body).violations
        if constraint not in {each.constraint for each in violations}:
            violated = ", ".join(f"{each.constraint} at {each.place}" for each in violations) or "nothing"
            raise InternalError(f"the negative of {constraint} at {location or 'the body'} violates {violated}")
        return all(each.place == location or each.place.startswith(location + "/") for each in violations)

    def _value_generator(self, density: float) -> ValueGenerator:
        return ValueGenerator(self.factory.sampler, density, self.must_be_accepted)

    def _body(self, density: float) -> JSON:
        if self.factory.profile.operation == "submit_tool_outputs":
            output = {"tool_call_id": TOOL_CALL_PLACEHOLDER, "output": text.random_text(self.random, 0, 4_000)}
            return {**self.factory.profile.control, "tool_outputs": [output]}
        try:
            body = self._value_generator(density).value(self.factory.schema, self.random)
        except MissingResource:
            return None
        if not is_object(body):
            return None
        return self._with_required_companions(
            {name: member for name, member in body.items() if name != "stream" or not member}
        )

    def _with_required_companions(self, body: dict[str, JSON]) -> dict[str, JSON]:
        """The body with the members that its own members require, such as the tools of a tool choice."""
        for member, required in self.factory.profile.required_with.items():
            if body.get(member) is not None:
                body |= {name: value for name, value in required(body[member]).items() if not body.get(name)}
        return body

    def _payload(self, body: Mapping[str, JSON]) -> Payload:
        return self.factory.build_payload(body, (), f"{self.factory.profile.operation}.type")


def _weight(constraint: str) -> float:
    """How often a constraint is violated relative to others: rarely the type of the body, which leaves nothing else to
    go wrong, and more often members of the top level, which have the most sibling members.
    """
    place, _, keyword = constraint.rpartition(".")
    depth = place.count(".")
    if not depth and keyword == "type":
        return _BODY_TYPE_WEIGHT
    if constraint.endswith("{}.type"):
        return _MAP_VALUE_WEIGHT
    weight = _KEYWORD_WEIGHTS.get(keyword, 1) * (2 if "[]" in constraint or "{}" in constraint else 1)
    return max(weight, _TOP_LEVEL_WEIGHT) if depth == 1 else weight


def referenced_values(schema: Schema, body: JSON) -> Iterator[JSON]:
    """The values in a body that refer to existing objects and therefore cannot be replaced."""
    if "x-references" in schema:
        yield body
    for branch in schema.get("oneOf", ()):
        yield from referenced_values(branch, body)
    if is_object(body):
        additional = schema.get("additionalProperties")
        for name, member in body.items():
            sub = schema.get("properties", {}).get(name, additional)
            if isinstance(sub, dict):
                yield from referenced_values(sub, member)
    elif is_array(body) and "items" in schema:
        for item in body:
            yield from referenced_values(schema["items"], item)
