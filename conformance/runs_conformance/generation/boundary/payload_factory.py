"""Payloads: legal bodies that show edges of constraints, and negatives that break exactly one place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from runs_conformance.contract.implementation_defined import doubts
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.contract.schema import Schema
from runs_conformance.contract.schema_violation import examine_schema
from runs_conformance.errors import SuiteFault
from runs_conformance.generation.boundary.boundary_values import edges
from runs_conformance.generation.boundary.deduplication import Kin, kin, shared
from runs_conformance.generation.boundary.invalid_values import Break, breaks
from runs_conformance.generation.boundary.operation_profile import Subject
from runs_conformance.generation.boundary.place import Path, Place, places
from runs_conformance.generation.boundary.sample import Sampler, depends_on_files
from runs_conformance.model.case import Mutation
from runs_conformance.model.json import JSON, at, is_object, pointer

_SHALLOW, _DEEP = 1, 3
"""How many steps into the body a place is that gets every break and edge, and one that still gets null."""
_TYPES = 3
"""How many wrong types a shallow place, and one of a number or truth value, gets besides null."""


@dataclass(frozen=True, slots=True)
class Payload:
    """A legal body. `shows` are the constraints of which it carries a legal value, `doubt` is why a correct server may
    refuse it (empty: it must not).

    `values` are the edges that it was made for, by path; `parts` the payloads of one edge each that it was packed from.
    One that is `alone` changes how the answer comes; one that is `further` is no reason to send a request.
    """

    body: Mapping[str, JSON]
    shows: frozenset[str]
    values: tuple[tuple[Path, JSON], ...]
    constraint: str
    doubt: str = ""
    parts: tuple[Payload, ...] = ()
    alone: bool = False
    further: bool = False


@dataclass(frozen=True, slots=True)
class Negative:
    """A body with exactly one mutated place."""

    constraint: str
    body: JSON
    mutation: Mutation
    section: str
    """The member of the body that the mutation is in; nothing for the body itself."""


@dataclass(frozen=True, slots=True)
class Bench:
    """One operation's schema, and what is needed to make bodies for it."""

    subject: Subject
    schema: Schema
    sampler: Sampler

    def places(self) -> Iterator[Place]:
        """Every place of the body, the body itself first."""
        return places(self.schema, self.sampler, self.subject.whole)

    def negatives(self, elsewhere: Container[Kin] = ()) -> Iterator[Negative]:
        """Every negative but odder ones whose like is sent `elsewhere`. Raises SuiteFault where one is not what it is
        said to be.
        """
        for place, each, odd in self._breaks():
            if not (odd and kin(place, each) in elsewhere):
                yield self._negative(place, each)

    def kin(self) -> Iterator[Kin]:
        """What the odder negatives have in common with those of other operations."""
        for place, each, odd in self._breaks():
            if odd:
                yield kin(place, each)

    def _breaks(self) -> Iterator[tuple[Place, Break, bool]]:
        """Every break that is worth sending, and whether it is one that may be left to another operation."""
        for place in self.places():
            if place.lacks:
                continue
            found = list(breaks(place, self.sampler))
            if not place.path and not OPERATIONS[self.subject.operation].body_required:
                found = [each for each in found if each.bad is not None]  # null may stand for no body at all
            for number, each in _worth_sending(found, len(place.path)):
                yield place, each, number > 0 and shared(place, each)

    def _negative(self, place: Place, each: Break) -> Negative:
        path = (*place.path, *each.path)
        good, bad = place.wrap(each.good), place.wrap(each.bad)
        where = pointer(*path)
        self._must_be_legal(good, each.constraint)
        examination = examine_schema(self.schema, bad)
        stray = [fault.place for fault in examination.faults if not _at_or_below(fault.place, where)]
        if stray or each.constraint not in {fault.constraint for fault in examination.faults}:
            found = ", ".join(f"{fault.constraint} at {fault.place}" for fault in examination.faults) or "nothing"
            raise SuiteFault(f"the negative of {each.constraint} at {where or 'the body'} breaks {found}")
        mutation = Mutation(where, each.keyword, at(good, where), at(bad, where))
        return Negative(each.constraint, bad, mutation, str(path[0]) if path else "")

    def _must_be_legal(self, body: JSON, constraint: str) -> None:
        if faults := examine_schema(self.schema, body).faults:
            raise SuiteFault(f"the legal neighbour for {constraint} breaks {faults[0].constraint} at {faults[0].place}")

    def singles(self) -> Iterator[Payload]:
        """One payload for every legal edge."""
        for place in self.places():
            if place.lacks:
                continue
            for edge in edges(place, self.sampler):
                body = place.wrap(edge.value)
                if is_object(body) and self.subject.fits(body):
                    single = self.payload(body, ((place.path, edge.value),), edge.constraint)
                    yield replace(single, further=edge.further)

    def payload(self, body: Mapping[str, JSON], values: tuple[tuple[Path, JSON], ...], constraint: str) -> Payload:
        """A legal body as a payload. Raises SuiteFault where it is not legal."""
        examination = examine_schema(self.schema, body)
        if examination.faults:
            fault = examination.faults[0]
            raise SuiteFault(f"the legal value for {constraint} breaks {fault.constraint} at {fault.place}")
        alone = any(body.get(member) for member in self.subject.alone)
        return Payload(body, frozenset(examination.judged), values, constraint, self.doubt(body), alone=alone)

    def shown(self, body: Mapping[str, JSON]) -> tuple[str, ...]:
        """The constraints of which a body carries a legal value."""
        return tuple(sorted(set(examine_schema(self.schema, body).judged)))

    def doubt(self, body: Mapping[str, JSON]) -> str:
        """Why a correct server may refuse a legal body; nothing where it must not."""
        if depends_on_files(body) and not self.sampler.any_file:
            return "depends on the target's files and vector stores"
        known: dict[str, JSON] = dict(body)
        if "model" in self.schema["properties"] and not known.get("model"):
            known["model"] = self.sampler.model
        return "; ".join(dict.fromkeys(doubt.reason for doubt in doubts(self.schema, known)))


def _worth_sending(found: Sequence[Break], depth: int) -> Iterator[tuple[int, Break]]:
    """The breaks of one place that tell servers apart, each with how many of its constraint come before it: all of a
    shallow place but for ever odder types, the nearest of each constraint of a deeper one, and what is easily taken for
    a number or a truth value at any depth; null, which careless clients send, but for the deepest; and what is known
    to be taken by mistake.
    """
    sent: Counter[str] = Counter()
    yielded: Counter[str] = Counter()
    for each in found:
        null = each.keyword == "type" and each.bad is None
        if each.tempting or (depth <= _DEEP if null else sent[each.constraint] < _most(each, depth)):
            sent[each.constraint] += not (null or each.tempting)
            yield yielded[each.constraint], each
            yielded[each.constraint] += 1


def _most(each: Break, depth: int) -> int:
    """How many breaks of a constraint are sent at such a depth."""
    if each.keyword == "type":
        return _TYPES if depth <= _SHALLOW or isinstance(each.good, (int, float)) else 1
    return 1_000 if depth <= _SHALLOW else 1


def _at_or_below(place: str, where: str) -> bool:
    return place == where or place.startswith(where + "/")
