"""Writes to the metadata of one object, and what a later look at it should show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from runs_conformance.evidence.creation import creations
from runs_conformance.evidence.observation import Observation
from runs_conformance.evidence.request_expectation import is_interpretable
from runs_conformance.evidence.run_action import may_have_taken_effect
from runs_conformance.evidence.timeline import Timeline, timelines
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import JSON, Absent, at, is_object

KINDS = ("assistant", "thread", "message", "run")


@dataclass(frozen=True, eq=False)
class MetadataWrite:
    """One request that may have set the metadata of an object. `value` is None where it gave none."""

    exchange: Exchange
    value: Mapping[str, JSON] | None
    creates: bool


@dataclass(frozen=True, eq=False)
class ExpectedMetadata:
    """What a look should show: all of `last`, which the latest write gave, and nothing that is not in `ever`.

    Whether an earlier write's keys stay is not stated. `ever` is None where not every write is known.
    """

    observation: Observation
    latest_write: MetadataWrite
    all_written: tuple[Mapping[str, JSON], ...] | None


@dataclass(frozen=True, eq=False)
class MetadataTimeline:
    """The metadata of one object through time."""

    timeline: Timeline
    writes: tuple[MetadataWrite, ...]
    attempts: tuple[Exchange, ...]

    @property
    def creation_is_known(self) -> bool:
        """Whether the creation of the object was recorded."""
        return any(write.creates for write in self.writes)

    @cached_property
    def expectations(self) -> tuple[ExpectedMetadata, ...]:
        """What each look should show, where that is certain."""
        return tuple(e for seen in self.timeline.observations if (e := self._expected(seen)) is not None)

    def _expected(self, seen: Observation) -> ExpectedMetadata | None:
        done = [
            write for write in self.writes if write.exchange is seen.exchange or write.exchange.ended <= seen.earliest
        ]
        racing = [write for write in self.writes if write not in done and write.exchange.started < seen.latest]
        if (
            not done
            or racing
            or not all(write.exchange.accepted and is_interpretable(write.exchange) for write in done)
        ):
            return None
        last = max(done, key=lambda write: write.exchange.started)
        if any(write is not last and write.exchange.ended > last.exchange.started for write in done):
            return None
        known = any(write.creates for write in done)
        return ExpectedMetadata(seen, last, tuple(write.value or {} for write in done) if known else None)

    def pairs_without_writes(self) -> Iterator[tuple[Observation, Observation, bool]]:
        """Looks between which nothing can have changed the metadata, and whether a refused write lies between."""
        for earlier, later in self.timeline.pairs():
            between = [e for e in self.attempts if e.ended > earlier.earliest and e.started < later.latest]
            between = [e for e in between if e is not earlier.exchange]
            if not any(may_have_taken_effect(exchange) for exchange in between):
                yield earlier, later, bool(between)


@lru_cache(maxsize=16)
def metadata_timelines(history: History) -> tuple[MetadataTimeline, ...]:
    """The metadata of every object that was seen in a history."""
    made = {(creation.kind, creation.id): creation.exchange for creation in creations(history)}
    return tuple(_of(line, made.get((kind, line.id)), history) for kind in KINDS for line in timelines(kind, history))


def _of(line: Timeline, creation: Exchange | None, history: History) -> MetadataTimeline:
    attempts = tuple(
        exchange
        for exchange in history
        if exchange.operation == f"modify_{line.kind}" and exchange.path.get(f"{line.kind}_id") == line.id
    )
    writes = [
        MetadataWrite(each, _metadata_in(each.request.body, "/metadata"), False)
        for each in attempts
        if may_have_taken_effect(each)
    ]
    if creation is not None:
        nested = creation.operation == "create_thread_and_run" and line.kind == "thread"
        where = "/thread/metadata" if nested else "/metadata"
        writes.insert(0, MetadataWrite(creation, _metadata_in(creation.request.body, where), True))
    return MetadataTimeline(line, tuple(writes), attempts)


def _metadata_in(body: JSON | Absent, pointer: str) -> Mapping[str, JSON] | None:
    value = at(body, pointer)
    return value if is_object(value) else None


MAX_PAIRS = 16
"""So many pairs an object may have: openai-openapi f85dbe2 openapi.yaml Metadata."""


def may_exceed_pair_limit(history: Iterable[Exchange], exchange: Exchange) -> bool:
    """Whether a modification gives an object more pairs than it may have on a target that merges them with the old.

    Whether metadata is merged or replaced is not stated.
    """
    if not (exchange.operation or "").startswith("modify_"):
        return False
    id_ = list(exchange.path.values())[-1]
    names = set(_names(exchange))
    for other in history:
        of_it = other.path == exchange.path or at(other.body, "/id") == id_
        if of_it and other.started < exchange.ended:
            names |= {*_names(other), *_keys(at(other.body, "/metadata"))}
    return len(names) > MAX_PAIRS


def _names(exchange: Exchange) -> Iterator[str]:
    return _keys(at(exchange.request.body, "/metadata"))


def _keys(pairs: JSON | Absent) -> Iterator[str]:
    yield from pairs if is_object(pairs) else ()
