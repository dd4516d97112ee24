"""Reconstructs metadata updates, and the metadata that later responses should show."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

from runs_conformance.evidence.creation import creations
from runs_conformance.evidence.observation import Observation
from runs_conformance.evidence.request_effect import may_have_taken_effect
from runs_conformance.evidence.request_expectation import is_interpretable
from runs_conformance.evidence.timeline import Timeline, timelines
from runs_conformance.model.exchange import Completion, Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import JSON, Absent, at, is_object

KINDS = ("assistant", "thread", "message", "run")


@dataclass(frozen=True, eq=False)
class MetadataWrite:
    """One request that may have set the metadata of an object. `metadata` is None if it sent none, or null."""

    exchange: Exchange
    metadata: Mapping[str, JSON] | None
    is_creation: bool
    is_null: bool = False


@dataclass(frozen=True, eq=False)
class ExpectedMetadata:
    """The metadata that an observation must show: all entries of the latest write, and no entry that was never written.

    Whether entries of earlier writes remain is not specified. `all_written_or_unknown` is None unless every write is
    known.
    """

    observation: Observation
    latest_write: MetadataWrite
    all_written_or_unknown: tuple[Mapping[str, JSON], ...] | None


class ObservationPairWithoutWrite(NamedTuple):
    """Two observations, and the requests between them that got a response but did not modify the object."""

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
        return any(write.is_creation for write in self.writes)

    @cached_property
    def expectations(self) -> tuple[ExpectedMetadata, ...]:
        """The expected metadata of each observation that has exactly one possible expected value."""
        return tuple(
            e for observation in self.timeline.observations if (e := self._find_expected(observation)) is not None
        )

    def _find_expected(self, observation: Observation) -> ExpectedMetadata | None:
        preceding_writes = [
            write
            for write in self.writes
            if write.exchange is observation.exchange or write.exchange.ended <= observation.earliest
        ]
        concurrent = [
            write
            for write in self.writes
            if write not in preceding_writes and write.exchange.started < observation.latest
        ]
        if (
            not preceding_writes
            or concurrent
            or not all(write.exchange.accepted and is_interpretable(write.exchange) for write in preceding_writes)
        ):
            return None
        latest = max(preceding_writes, key=lambda write: write.exchange.started)
        if any(write is not latest and write.exchange.ended > latest.exchange.started for write in preceding_writes):
            return None
        creation_is_known = any(write.is_creation for write in preceding_writes)
        return ExpectedMetadata(
            observation,
            latest,
            tuple(write.metadata or {} for write in preceding_writes) if creation_is_known else None,
        )

    def observation_pairs_without_write(self) -> Iterator[ObservationPairWithoutWrite]:
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
                yield ObservationPairWithoutWrite(earlier, later, between)


@lru_cache(maxsize=16)
def metadata_timelines(history: History) -> tuple[MetadataTimeline, ...]:
    """The metadata of every observed object in a history."""
    created_by = {(creation.kind, creation.id): creation.exchange for creation in creations(history)}
    return tuple(
        _build_timeline(timeline, created_by.get((kind, timeline.id)), history)
        for kind in KINDS
        for timeline in timelines(kind, history)
    )


def _build_timeline(timeline: Timeline, creation: Exchange | None, history: History) -> MetadataTimeline:
    modify_requests = tuple(
        exchange
        for exchange in history.select(f"modify_{timeline.kind}")
        if exchange.path.get(f"{timeline.kind}_id") == timeline.id
    )
    writes = [
        _write(request, "/metadata", is_creation=False) for request in modify_requests if may_have_taken_effect(request)
    ]
    if creation is not None:
        nested = creation.operation == "create_thread_and_run" and timeline.kind == "thread"
        pointer = "/thread/metadata" if nested else "/metadata"
        writes.insert(0, _write(creation, pointer, is_creation=True))
    return MetadataTimeline(timeline, tuple(writes), modify_requests)


def _write(request: Exchange, pointer: str, *, is_creation: bool) -> MetadataWrite:
    value = at(request.request.body, pointer)
    return MetadataWrite(request, value if is_object(value) else None, is_creation, value is None)


_ORDINARY_KEY, _ORDINARY_VALUE = re.compile(r"[A-Za-z]\w{0,15}", re.ASCII), re.compile(r"[\w .,-]{1,32}", re.ASCII)
_MAX_ORDINARY_ENTRIES = 4


def is_ordinary_metadata(metadata: JSON | Absent) -> bool:
    """Whether metadata has only few, short entries of common characters.

    A server that refuses such a modification does not refuse it for its value.
    """
    return (
        is_object(metadata)
        and 0 < len(metadata) <= _MAX_ORDINARY_ENTRIES
        and all(
            _ORDINARY_KEY.fullmatch(key) and isinstance(value, str) and _ORDINARY_VALUE.fullmatch(value)
            for key, value in metadata.items()
        )
    )


MAX_METADATA_ENTRIES = 16
"""Maximum number of entries in the metadata of an object: openai-openapi f85dbe2 openapi.yaml Metadata."""


def may_exceed_metadata_limit(exchanges: Iterable[Exchange], exchange: Exchange) -> bool:
    """Whether a modification exceeds the maximum number of entries on a server that merges old and new metadata.

    Whether metadata is merged or replaced is not specified. The last response to a creation or modification shows what
    the server has kept until then. A server that was seen to replace metadata merges none.
    """
    exchanges = list(exchanges)
    if not (exchange.operation or "").startswith("modify_") or _replaces_metadata(exchanges, exchange.operation):
        return False
    object_id = list(exchange.path.values())[-1]
    others = [
        each
        for each in exchanges
        if each is not exchange and each.started < exchange.ended and may_have_taken_effect(each)
        if each.path == exchange.path or at(each.body, "/id") == object_id
    ]
    shown = (
        each
        for each in others
        if each.request.method == "POST" and each.happened_before(exchange)
        if at(each.body, "/id") == object_id and is_object(at(each.body, "/metadata"))
    )
    latest = max(shown, key=lambda each: each.started, default=None)
    keys = {*_keys_sent(exchange), *(_keys(at(latest.body, "/metadata")) if latest is not None else ())}
    for each in others:
        if latest is None or not (each is latest or each.happened_before(latest)):
            keys |= {*_keys_sent(each), *_keys(at(each.body, "/metadata"))}
    return len(keys) > MAX_METADATA_ENTRIES


def _replaces_metadata(exchanges: Iterable[Exchange], operation: str | None) -> bool:
    """Whether an accepted modification with metadata left out an entry that the one before it had set.

    One with `metadata: null`, or without a clear outcome, may have removed entries on any server.
    """
    latest: dict[tuple[str, ...], Exchange] = {}
    for each in exchanges:
        metadata = at(each.request.body, "/metadata")
        if each.operation != operation or not may_have_taken_effect(each) or isinstance(metadata, Absent):
            continue
        path = tuple(each.path.values())
        if not each.accepted or not is_object(metadata):
            latest.pop(path, None)
            continue
        before, shown = latest.get(path), at(each.body, "/metadata")
        if (
            before is not None
            and before.happened_before(each)
            and is_object(shown)
            and {*_keys(at(before.body, "/metadata"))} - shown.keys() - {*_keys_sent(each)}
        ):
            return True
        latest[path] = each
    return False


def _keys_sent(exchange: Exchange) -> Iterator[str]:
    return _keys(at(exchange.request.body, "/metadata"))


def _keys(metadata: JSON | Absent) -> Iterator[str]:
    yield from metadata if is_object(metadata) else ()
