"""Valid requests with several optional members, and whether each of their values was accepted in another request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from runs_conformance.contract.json_type import json_type_of
from runs_conformance.evidence.random_refusal import random_refusals
from runs_conformance.evidence.refusal_reason import named_members, required_members
from runs_conformance.evidence.request_expectation import must_be_accepted
from runs_conformance.model.case import Role
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import JSON, Absent, is_array, is_object, json_equal


@dataclass(frozen=True, slots=True)
class CombinedRequest:
    """A valid request with several optional members, and the other valid requests of its operation.

    `may_be_chance` says that the operation accepted and refused equal requests.
    """

    exchange: Exchange
    others: list[Exchange]
    may_be_chance: bool = False

    @property
    def parts_were_accepted(self) -> bool:
        """Whether all tested values were accepted in other requests, and no smaller request was refused.

        A value counts as accepted if others of its type were, at its place: a number between two of them, a text that
        is no longer and no shorter than all. Empty values are of a type of their own: some servers accept only them,
        others all but them. So are arrays of one item, which some frameworks confuse with the item. For `type` members,
        which choose an alternative, the value itself must have been accepted.
        """
        size, shown, forms, ranges = _size(self.exchange), set[str](), set[tuple[str, str]](), _Ranges()
        for other in self.others:
            if other.accepted:
                shown.update(_exercises(other))
                forms.update(_forms_in(other))
                ranges.add(other.request.body)
            elif _size(other) < size:
                return False
        return (
            shown.issuperset(_exercises(self.exchange))
            and forms.issuperset(_forms_in(self.exchange))
            and ranges.include(self.exchange.request.body)
        )

    @property
    def places(self) -> tuple[str, ...]:
        """The places of the values in the body, and the parameters of the query."""
        forms = _forms_in(self.exchange)
        return tuple(dict.fromkeys(place for place, form in forms if form not in (_ONE_ITEM, _SEVERAL_ITEMS)))

    @property
    def has_one_value(self) -> bool:
        """Whether the body has but one member that it need not have, with a value that is no list and no object."""
        body = self.exchange.request.body
        optional = set(body) - required_members(self.exchange) if is_object(body) else ()
        return is_object(body) and len(optional) == 1 and not any(map(_is_container, map(body.get, optional)))

    @property
    def doubtful_member(self) -> str:
        """A member that the refusal names, and of which no other request had this value accepted; empty if none."""
        body = self.exchange.request.body
        if not is_object(body):
            return ""
        accepted = [each.request.body for each in self.others if each.accepted]
        named = sorted(named_members(self.exchange) & body.keys())
        return next((name for name in named if not any(_has_member(other, name, body) for other in accepted)), "")


@dataclass(slots=True)
class _Ranges:
    """The least and the greatest number, and length of a text, of each place in some bodies."""

    by_place: dict[str, tuple[float, float]] = field(default_factory=dict)

    def add(self, body: JSON | Absent) -> None:
        for place, size in _sizes(body):
            low, high = self.by_place.get(place, (size, size))
            self.by_place[place] = min(low, size), max(high, size)

    def include(self, body: JSON | Absent) -> bool:
        """Whether every number and text of a body is within the range of its place."""
        return all(
            place in self.by_place and self.by_place[place][0] <= size <= self.by_place[place][1]
            for place, size in _sizes(body)
        )


def _sizes(value: JSON | Absent, place: str = "") -> Iterator[tuple[str, float]]:
    """The place of each number with its value, and of each text but ids with its length."""
    if is_object(value):
        for name, member in value.items():
            yield from _sizes(member, f"{place}.{name}")
    elif is_array(value):
        for item in value:
            yield from _sizes(item, f"{place}[]")
    elif isinstance(value, str) and not place.endswith("_id"):
        yield f"{place} text", len(value)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield f"{place} number", value


def _is_container(value: object) -> bool:
    return is_object(value) or is_array(value)


def _has_member(body: JSON | Absent, name: str, other: Mapping[str, JSON]) -> bool:
    return is_object(body) and name in body and json_equal(body[name], other[name])


def _exercises(exchange: Exchange) -> tuple[str, ...]:
    return exchange.step.exercises if exchange.step is not None else ()


def _size(exchange: Exchange) -> int:
    """The number of members of the body and parameters of the query."""
    members = len(exchange.request.body) if is_object(exchange.request.body) else 0
    return members + len(exchange.step.query if exchange.step is not None else ())


_ONE_ITEM, _SEVERAL_ITEMS = "one item", "several items"


def _forms_in(exchange: Exchange) -> Iterator[tuple[str, str]]:
    """The forms in the body of a request, and each parameter of its query with its value, which is always a text."""
    if not isinstance(exchange.request.body, Absent):
        yield from _forms(exchange.request.body)
    for name, value in exchange.step.query if exchange.step is not None else ():
        yield name, f"value {value}"


def _forms(value: JSON | Absent, place: str = "") -> Iterator[tuple[str, str]]:
    """The place and the type of each value in a body, and how many items an array has, which share their place."""
    if is_object(value) and value:
        for name, member in value.items():
            yield from _forms(member, f"{place}.{name}" if place else name)
    elif is_array(value) and value:
        yield place, _ONE_ITEM if len(value) == 1 else _SEVERAL_ITEMS
        for item in value:
            yield from _forms(item, f"{place}[]")
    else:
        kind = json_type_of(value).replace("integer", "number")
        is_choice = isinstance(value, str) and place.rpartition(".")[2] == "type"
        yield place, f"empty {kind}" if value in ("", [], {}) else f"type {value}" if is_choice else kind


def combined_requests(history: History) -> Iterator[CombinedRequest]:
    """Every request that tests several constraints with valid values and must be accepted."""
    valid = [each for each in history if each.step is not None and each.step.role is Role.VALID]
    for exchange in valid:
        if len(_exercises(exchange)) > 1 and must_be_accepted(exchange):
            others = [each for each in valid if each.operation == exchange.operation and each is not exchange]
            yield CombinedRequest(exchange, others, exchange.operation in random_refusals(history))
