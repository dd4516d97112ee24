"""Objects that one operation created without metadata, of which one is modified between two observations of another.

A server that gives all of them the same empty metadata to change shows the modification in each.
"""

from __future__ import annotations

from bisect import bisect_left
from functools import lru_cache
from itertools import islice, takewhile

from runs_conformance.evidence.metadata import MetadataTimeline, MetadataWrite, metadata_timelines
from runs_conformance.evidence.observation import Observation
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History

_CREATORS = (
    ("thread", "create_thread"),
    ("thread", "create_thread_and_run"),
    ("run", "create_run"),
    ("run", "create_thread_and_run"),
    ("message", "create_message"),
    ("assistant", "create_assistant"),
)


def _part(kind: str, operation: str) -> str:
    return f"a read after another {kind} of {operation} was modified"


PARTS_OF_SIBLINGS = tuple((_part(kind, operation), operation, f"modify_{kind}") for kind, operation in _CREATORS)
"""The evidence that metadata is not shared, for each operation and kind of object, with the operations it needs."""


def part_of_sibling(timeline: MetadataTimeline, earlier: Observation, later: Observation) -> str:
    """The part of the evidence that a pair of observations provides; empty if no sibling was modified between them."""
    creation = _creation_without_metadata(timeline)
    if creation is None:
        return ""
    key = (timeline.timeline.kind, creation.exchange.operation or "")
    writes = _writes_to_siblings(timeline.timeline.history).get(key, ())
    first = bisect_left(writes, earlier.latest, key=lambda each: each[1].started)
    between = takewhile(lambda each: each[1].started <= later.earliest, islice(writes, first, None))
    is_modified = any(id_ != timeline.timeline.id and write.ended <= later.earliest for id_, write in between)
    return _part(*key) if is_modified else ""


def _creation_without_metadata(timeline: MetadataTimeline) -> MetadataWrite | None:
    return next((write for write in timeline.writes if write.is_creation and not write.metadata), None)


@lru_cache(maxsize=16)
def _writes_to_siblings(history: History) -> dict[tuple[str, str], list[tuple[str, Exchange]]]:
    """The accepted requests that set metadata of objects created without any, by kind and creating operation.

    Each comes after the id of its object; they are in the order of their start.
    """
    found: dict[tuple[str, str], list[tuple[str, Exchange]]] = {}
    for timeline in metadata_timelines(history):
        creation = _creation_without_metadata(timeline)
        if creation is not None:
            key = (timeline.timeline.kind, creation.exchange.operation or "")
            writes = ((timeline.timeline.id, write.exchange) for write in timeline.writes if _sets_pairs(write))
            found.setdefault(key, []).extend(writes)
    return {key: sorted(writes, key=lambda each: each[1].started) for key, writes in found.items()}


def _sets_pairs(write: MetadataWrite) -> bool:
    return not write.is_creation and bool(write.metadata) and write.exchange.accepted
