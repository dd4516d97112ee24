"""Writes to the metadata of an object, and the metadata that later answers must show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

from runs_conformance.evidence.creation import creations
from runs_conformance.evidence.observation import Observation
from runs_conformance.evidence.request_expectation import is_interpretable
from runs_conformance.evidence.run_action import may_have_taken_effect
from runs_conformance.evidence.timeline import Timeline, timelines
from runs_conformance.model.exchange import Completion, Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import JSON, Absent, at, is_object

KINDS = ("assistant", "thread", "message", "run")


@dataclass(frozen=True, eq=False)
class MetadataWrite:
    """One request that may have set the metadata of an object. `value` is None if it sent no metadata."""

    exchange: Exchange
    value: Mapping[str, JSON] | None
    creates: bool


@dataclass(frozen=True, eq=False)
class ExpectedMetadata:
    """The metadata that an observation must show: all pairs of the latest write, and no pair that was never written.

    Whether keys of earlier writes remain is not specified. `all_written` is None unless every write is known.
    """

    observation: Observation
    latest_write: MetadataWrite
    all_written: tuple[Mapping[str, JSON], ...] | None


class PairWithoutWrite(NamedTuple):
    """Two observations, and the requests between them that were answered but did not modify the object."""

    earlier: Observation
    later: Observation
    ineffective_requests: tuple[Exchange, ...]


@dataclass(frozen=True, eq=False)
class MetadataTimeline:
    """The metadata of one object over time. `modify_requests` are all requests to modify the object."""

    timeline: Timeline
    writes: tuple[MetadataWrite, ...]
    modify_requests: tuple[Exchange, ...]

    @property
    def creation_is_known(self) -> bool:
        """Whether the creation of the object was recorded."""
        return any(write.creates for write in self.writes)

    @cached_property
    def expectations(self) -> tuple[ExpectedMetadata, ...]:
        """The expected metadata of each observation for which it is certain."""
        return tuple(
            e for observation in self.timeline.observations if (e := self._find_expected(observation)) is not None
        )

    def _find_expected(self, observation: Observation) -> ExpectedMetadata | None:
        certain = [
            write
            for write in self.writes
            if write.exchange is observation.exchange or write.exchange.ended <= observation.earliest
        ]
        concurrent = [
            write for write in self.writes if write not in certain and write.exchange.started < observation.latest
        ]
        if (
            not certain
            or concurrent
            or not all(write.exchange.accepted and is_interpretable(write.exchange) for write in certain)
        ):
            return None
        latest = max(certain, key=lambda write: write.exchange.started)
        if any(write is not latest and write.exchange.ended > latest.exchange.started for write in certain):
            return None
        knows_creation = any(write.creates for write in certain)
        return ExpectedMetadata(
            observation, latest, tuple(write.value or {} for write in certain) if knows_creation else None
        )

    def pairs_without_write(self) -> Iterator[PairWithoutWrite]:
        """Pairs of observations between which no request can have changed the metadata."""
        for earlier, later in self.timeline.pairs():
            between = tuple(
                exchange
                for exchange in self.modify_requests
                if exchange is not earlier.exchange
                and exchange.completion is not Completion.NOT_CONNECTED
                and exchange.ended > earlier.earliest
                and exchange.started < later.latest
            )
            if not any(may_have_taken_effect(exchange) for exchange in between):
                yield PairWithoutWrite(earlier, later, between)


@lru_cache(maxsize=16)
def metadata_timelines(history: History) -> tuple[MetadataTimeline, ...]:
    """The metadata of every observed object in a history."""
    created_by = {(creation.kind, creation.id): creation.exchange for creation in creations(history)}
    return tuple(
        _of(timeline, created_by.get((kind, timeline.id)), history)
        for kind in KINDS
        for timeline in timelines(kind, history)
    )


def _of(timeline: Timeline, creation: Exchange | None, history: History) -> MetadataTimeline:
    modify_requests = tuple(
        exchange
        for exchange in history
        if exchange.operation == f"modify_{timeline.kind}" and exchange.path.get(f"{timeline.kind}_id") == timeline.id
    )
    writes = [
        MetadataWrite(each, _metadata_in(each.request.body, "/metadata"), False)
        for each in modify_requests
        if may_have_taken_effect(each)
    ]
    if creation is not None:
        nested = creation.operation == "create_thread_and_run" and timeline.kind == "thread"
        pointer = "/thread/metadata" if nested else "/metadata"
        writes.insert(0, MetadataWrite(creation, _metadata_in(creation.request.body, pointer), True))
    return MetadataTimeline(timeline, tuple(writes), modify_requests)


def _metadata_in(body: JSON | Absent, pointer: str) -> Mapping[str, JSON] | None:
    value = at(body, pointer)
    return value if is_object(value) else None


MAX_PAIRS = 16
"""Maximum number of pairs of an object: openai-openapi f85dbe2 openapi.yaml Metadata."""


def may_exceed_pair_limit(history: Iterable[Exchange], exchange: Exchange) -> bool:
    """Whether a modification exceeds the maximum number of pairs on a target that merges old and new metadata.

    Whether metadata is merged or replaced is not specified.
    """
    if not (exchange.operation or "").startswith("modify_"):
        return False
    id_ = list(exchange.path.values())[-1]
    names = set(_names(exchange))
    for other in history:
        same_object = other.path == exchange.path or at(other.body, "/id") == id_
        if same_object and other.started < exchange.ended:
            names |= {*_names(other), *_keys(at(other.body, "/metadata"))}
    return len(names) > MAX_PAIRS


def _names(exchange: Exchange) -> Iterator[str]:
    return _keys(at(exchange.request.body, "/metadata"))


def _keys(pairs: JSON | Absent) -> Iterator[str]:
    yield from pairs if is_object(pairs) else ()
