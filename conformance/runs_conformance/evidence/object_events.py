"""The events of one message or step in one stream, and what its deltas add up to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

from runs_conformance.evidence.observation import Observation
from runs_conformance.evidence.stream import Stream, streams
from runs_conformance.model.history import History
from runs_conformance.model.json import JSON, Absent, at, is_array, is_integer

EVENT_PREFIXES = {"message": "thread.message.", "run_step": "thread.run.step."}
END_EVENTS = frozenset({"completed", "incomplete", "failed", "cancelled", "expired"})


@dataclass(frozen=True, eq=False)
class ObjectEvents:
    """Every event of one object in one stream, in order, deltas among them."""

    kind: str
    id: str
    stream: Stream
    events: tuple[Observation, ...]

    def event_kind(self, sighting: Observation) -> str:
        """What an event says of the object: `created`, `delta`, `completed`, ..."""
        return (sighting.event or "").removeprefix(EVENT_PREFIXES[self.kind])

    @cached_property
    def event_kinds(self) -> tuple[str, ...]:
        """What the events say, in order."""
        return tuple(self.event_kind(event) for event in self.events)

    @property
    def created(self) -> Observation | None:
        """The event that created the object, if it was created in this stream."""
        return next((event for event in self.events if self.event_kind(event) == "created"), None)

    @property
    def deltas(self) -> tuple[Observation, ...]:
        """The deltas."""
        return tuple(event for event in self.events if self.event_kind(event) == "delta")

    @property
    def end(self) -> Observation | None:
        """The first event that ends the object."""
        return next((event for event in self.events if self.event_kind(event) in END_EVENTS), None)

    @property
    def must_be_created_here(self) -> bool:
        """Whether the object must have been created in this stream: before outputs were submitted, some were."""
        return self.stream.exchange.operation != "submit_tool_outputs" or self.created is not None


@lru_cache(maxsize=16)
def object_events(history: History) -> tuple[ObjectEvents, ...]:
    """The strands of every message and step in every stream that was read to its end."""
    return tuple(
        ObjectEvents(kind, id_, stream, tuple(events))
        for stream in streams(history)
        for kind in EVENT_PREFIXES
        for id_, events in _by_id(stream, kind).items()
    )


def message_events(history: History) -> Iterator[ObjectEvents]:
    """The strands of messages."""
    return (strand for strand in object_events(history) if strand.kind == "message")


def step_events(history: History) -> Iterator[ObjectEvents]:
    """The strands of steps."""
    return (strand for strand in object_events(history) if strand.kind == "run_step")


def _by_id(stream: Stream, kind: str) -> dict[str, list[Observation]]:
    found: dict[str, list[Observation]] = {}
    for sighting in stream.observations:
        if sighting.kind in (kind, f"{kind}_delta") and sighting.id:
            found.setdefault(sighting.id, []).append(sighting)
    return found


def content_texts(content: JSON | Absent) -> dict[int, str]:
    """The texts of a message's content, by their place in it."""
    parts = enumerate(content) if is_array(content) else ()
    found = {place: at(part, "/text/value") for place, part in parts if at(part, "/type") == "text"}
    return {place: value for place, value in found.items() if isinstance(value, str)}


def streamed_texts(strand: ObjectEvents) -> dict[int, str]:
    """The texts that a message was created with and its deltas add up to, by their place in its content."""
    found = content_texts(strand.created.get("content")) if strand.created else {}
    for delta in strand.deltas:
        parts = delta.get("/delta/content")
        for part in parts if is_array(parts) else ():
            place, value = at(part, "/index"), at(part, "/text/value")
            if is_integer(place) and isinstance(value, str):
                found[int(place)] = found.get(int(place), "") + value
    return found
