"""Payloads: valid bodies that carry boundary values, and negatives that violate the schema at exactly one place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from runs_conformance.contract.implementation_defined import implementation_defined
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.contract.schema import Schema
from runs_conformance.contract.validation import validate
from runs_conformance.errors import InternalError
from runs_conformance.generation.boundary.boundary_values import boundary_values
from runs_conformance.generation.boundary.deduplication import (
    DeduplicationKey,
    can_be_covered_elsewhere,
    deduplication_key,
)
from runs_conformance.generation.boundary.invalid_values import InvalidValue, invalid_values
from runs_conformance.generation.boundary.operation_profile import OperationProfile
from runs_conformance.generation.boundary.place import Path, Place, places
from runs_conformance.generation.boundary.sample import Sampler, depends_on_files
from runs_conformance.model.case import Mutation
from runs_conformance.model.json import JSON, Absent, at, is_array, is_object, json_pointer, replace_at

_SHALLOW_DEPTH = 1
"""The greatest depth at which a place gets every violation."""
_MAX_WRONG_TYPES = 3
"""How many wrong types, besides null, a shallow place and any number or boolean gets."""

_CHECKED_IN_EACH_ITEM = ("[].type.enum", "[].role.enum")
"""The ends of the constraints that are violated behind a valid item, which some servers check alone."""


@dataclass(frozen=True, slots=True)
class Payload:
    """A valid body. `exercises` are the constraints for which it carries a valid value.

    `values` are the boundary values that it was built for, by path; `parts` are the single-value payloads that it
    packs. `implementation_defined` says why a correct server may refuse it (empty: it must accept it). A `separate`
    payload changes how the response is delivered; an `optional` one does not justify a request of its own.
    """

    body: Mapping[str, JSON]
    exercises: frozenset[str]
    values: tuple[tuple[Path, JSON], ...]
    constraint: str
    implementation_defined: str = ""
    parts: tuple[Payload, ...] = ()
    separate: bool = False
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Negative:
    """A body with exactly one mutated place."""

    constraint: str
    body: JSON
    mutation: Mutation
    top_level_member: str
    """The member of the body that contains the mutation; empty for the body itself."""


@dataclass(frozen=True, slots=True)
class PayloadFactory:
    """Builds the bodies of one operation from its schema."""

    profile: OperationProfile
    schema: Schema
    sampler: Sampler

    def places(self) -> Iterator[Place]:
        """Yield every place of the body, starting with the body itself."""
        return places(self.schema, self.sampler, self.profile.complete_body)

    def negatives(self, covered_elsewhere: Container[DeduplicationKey] = ()) -> Iterator[Negative]:
        """Yield every negative except the unusual ones whose key is in `covered_elsewhere`.

        Raises InternalError if a negative does not violate its constraint, or violates another place.
        """
        sent_alone = set[str]()
        for place, violation, shareable in self._violations():
            if shareable and deduplication_key(place, violation) in covered_elsewhere:
                continue
            yield self._build_negative(place, violation)
            if violation.constraint in self.profile.sent_behind_control - sent_alone:
                sent_alone.add(violation.constraint)
                yield self._build_negative(place, violation, alone=True)

    def deduplication_keys(self) -> Iterator[DeduplicationKey]:
        """Yield the keys of the negatives that another operation may cover."""
        for place, violation, shareable in self._violations():
            if shareable:
                yield deduplication_key(place, violation)

    def shared_negatives(self) -> Iterator[tuple[DeduplicationKey, Negative]]:
        """Yield the negatives that another operation may cover, with their keys."""
        for place, violation, shareable in self._violations():
            if shareable:
                yield deduplication_key(place, violation), self._build_negative(place, violation)

    def _violations(self) -> Iterator[tuple[Place, InvalidValue, bool]]:
        """Yield every violation that is worth sending, and whether another operation may cover it."""
        for place in self.places():
            if place.missing_resource:
                continue
            violations = list(invalid_values(place, self.sampler))
            if not place.path and not OPERATIONS[self.profile.operation].body_required:
                # Null may mean that there is no body.
                violations = [violation for violation in violations if violation.invalid is not None]
            for number, violation in _select(violations, len(place.path)):
                is_nearest = not number and violation.invalid is not None
                yield place, violation, not is_nearest and can_be_covered_elsewhere(place, violation)

    def _build_negative(self, place: Place, violation: InvalidValue, *, alone: bool = False) -> Negative:
        """The negative of a violation; `alone` leaves out the items of the control that it would be sent behind."""
        path = (*place.path, *violation.path)
        constraint = violation.constraint
        valid_body, invalid_body = place.wrap(violation.valid), place.wrap(violation.invalid)
        if constraint.endswith(_CHECKED_IN_EACH_ITEM):
            path, valid_body, invalid_body = _move_behind_valid_item(path, valid_body, invalid_body)
        elif not alone:
            _, valid_body = self.profile.move_behind_control(constraint, path, valid_body)
            path, invalid_body = self.profile.move_behind_control(constraint, path, invalid_body)
        location = json_pointer(*path)
        self._check_valid(valid_body, violation.constraint)
        result = validate(self.schema, invalid_body)
        elsewhere = [found.place for found in result.violations if not _at_or_below(found.place, location)]
        if elsewhere or violation.constraint not in {found.constraint for found in result.violations}:
            actual = ", ".join(f"{found.constraint} at {found.place}" for found in result.violations)
            expected = f"the negative of {violation.constraint} at {location or 'the body'}"
            raise InternalError(f"{expected} violates {actual or 'nothing'}")
        mutation = Mutation(location, violation.keyword, at(valid_body, location), at(invalid_body, location))
        return Negative(violation.constraint, invalid_body, mutation, str(path[0]) if path else "")

    def _check_valid(self, body: JSON, constraint: str) -> None:
        if violations := validate(self.schema, body).violations:
            raise InternalError(
                f"the valid counterpart of {constraint} violates {violations[0].constraint} at {violations[0].place}"
            )

    def single_value_payloads(self) -> Iterator[Payload]:
        """Yield one payload for every boundary value."""
        for place in self.places():
            if place.missing_resource:
                continue
            for boundary in boundary_values(place, self.sampler):
                body = place.wrap(boundary.value)
                if is_object(body) and self.profile.matches_state(body):
                    single = self.build_payload(body, ((place.path, boundary.value),), boundary.constraint)
                    yield replace(single, optional=boundary.optional)

    def build_payload(
        self, body: Mapping[str, JSON], values: tuple[tuple[Path, JSON], ...], constraint: str
    ) -> Payload:
        """Build a payload from a valid body. Raises InternalError if the body is invalid."""
        result = validate(self.schema, body)
        if result.violations:
            found = result.violations[0]
            raise InternalError(f"the valid value for {constraint} violates {found.constraint} at {found.place}")
        separate = any(body.get(member) for member in self.profile.sent_separately)
        return Payload(
            body,
            frozenset(result.checked) - self._enums_left_out(body),
            values,
            constraint,
            self.implementation_defined_reason(body),
            separate=separate,
        )

    def exercised_constraints(self, body: Mapping[str, JSON]) -> tuple[str, ...]:
        """The constraints for which a body carries a valid value."""
        return tuple(sorted(set(validate(self.schema, body).checked) - self._enums_left_out(body)))

    def _enums_left_out(self, body: JSON) -> frozenset[str]:
        """The enums of which a body has null: a target that knows no name accepts it, too."""
        return frozenset(id_ for id_, path in _nullable_enums(self.schema) if at(body, json_pointer(*path)) is None)

    def implementation_defined_reason(self, body: Mapping[str, JSON]) -> str:
        """Why a correct server may refuse a valid body; empty if it must accept it."""
        if depends_on_files(body) and not self.sampler.accepts_any_file_id:
            return "depends on the target's files and vector stores"
        effective: dict[str, JSON] = dict(body)
        if "model" in self.schema["properties"] and not effective.get("model"):
            effective["model"] = self.sampler.model
        return "; ".join(dict.fromkeys(each.reason for each in implementation_defined(self.schema, effective)))


def _move_behind_valid_item(path: Path, valid_body: JSON, invalid_body: JSON) -> tuple[Path, JSON, JSON]:
    """Put a valid item before the one at a path, in two bodies that differ only there; the new path and bodies."""
    index = max(number for number, name in enumerate(path) if isinstance(name, int))
    array, item = path[:index], at(valid_body, json_pointer(*path[: index + 1]))

    def add_item(body: JSON) -> JSON:
        items = at(body, json_pointer(*array))
        if not is_array(items) or isinstance(item, Absent):
            raise InternalError(f"there is no item at {json_pointer(*path)}")
        return replace_at(body, array, [item, *items])

    return (*array, int(path[index]) + 1, *path[index + 1 :]), add_item(valid_body), add_item(invalid_body)


def _select(violations: Sequence[InvalidValue], depth: int) -> Iterator[tuple[int, InvalidValue]]:
    """Yield the violations of one place that distinguish servers, each with how many of its constraint precede it.

    A shallow place gets all except ever more unusual types, a deeper one the nearest violation of each constraint.
    Values that are easily mistaken for a number or boolean are sent at any depth, as are null, which careless clients
    send, and known common mistakes.
    """
    sent: Counter[str] = Counter()
    yielded: Counter[str] = Counter()
    for violation in violations:
        is_null = violation.keyword == "type" and violation.invalid is None
        if violation.common_mistake or is_null or sent[violation.constraint] < _max_count(violation, depth):
            sent[violation.constraint] += not (is_null or violation.common_mistake)
            yield yielded[violation.constraint], violation
            yielded[violation.constraint] += 1


def _max_count(violation: InvalidValue, depth: int) -> int:
    """How many violations of a constraint are sent at a depth."""
    if violation.keyword == "type":
        return _MAX_WRONG_TYPES if depth <= _SHALLOW_DEPTH or isinstance(violation.valid, (int, float)) else 1
    return 1_000 if depth <= _SHALLOW_DEPTH else 1


def _nullable_enums(schema: Schema, path: Path = ()) -> Iterator[tuple[str, Path]]:
    """Yield each enum of a member that may be null, in objects but not in lists, with the path of the member."""
    for name, member in schema.get("properties", {}).items():
        if None in member.get("enum", ()):
            yield f"{member['x-at']}.enum", (*path, name)
        yield from _nullable_enums(member, (*path, name))


def _at_or_below(place: str, location: str) -> bool:
    return place == location or place.startswith(location + "/")
