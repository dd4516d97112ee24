"""The events of one message or step in one stream, and what its deltas add up to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

from runs_conformance.evidence.observation import Observation
from runs_conformance.evidence.stream import Stream, streams
from runs_conformance.model.history import History
from runs_conformance.model.json import JSON, Absent, at, is_array, is_integer, is_object

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


STREAMED_MEMBERS = ("/function/name", "/function/arguments", "/code_interpreter/input")
"""The members of a tool call that deltas write piece by piece."""


@dataclass(frozen=True, slots=True)
class StreamedToolCall:
    """One tool call: its id, if known, and the texts written to it, by their pointer."""

    id: str | None
    texts: dict[str, str]


def tool_calls_by_index(calls: JSON | Absent) -> dict[int, StreamedToolCall]:
    """The tool calls of a list, by their place in it."""
    return {place: _call(call) for place, call in enumerate(calls if is_array(calls) else ())}


def streamed_tool_calls(strand: ObjectEvents) -> dict[int, StreamedToolCall]:
    """The tool calls that a step was created with and its deltas add up to, by their place in it."""
    found = tool_calls_by_index(strand.created.get("/step_details/tool_calls")) if strand.created else {}
    for delta in strand.deltas:
        parts = delta.get("/delta/step_details/tool_calls")
        for part in parts if is_array(parts) else ():
            place = at(part, "/index")
            if is_object(part) and is_integer(place):
                found[int(place)] = _append(found.get(int(place)), _call(part))
    return found


def _call(value: JSON) -> StreamedToolCall:
    id_ = at(value, "/id")
    texts = {path: at(value, path) for path in STREAMED_MEMBERS}
    return StreamedToolCall(
        id_ if isinstance(id_, str) else None, {p: t for p, t in texts.items() if isinstance(t, str)}
    )


def _append(before: StreamedToolCall | None, more: StreamedToolCall) -> StreamedToolCall:
    if before is None:
        return more
    paths = before.texts.keys() | more.texts.keys()
    texts = {path: before.texts.get(path, "") + more.texts.get(path, "") for path in paths}
    return StreamedToolCall(before.id or more.id, texts)
