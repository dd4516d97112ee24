"""The events of one message or step in one stream, and the text that its deltas add up to."""

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
    """Every event of one object in one stream, in order, including deltas."""

    kind: str
    id: str
    stream: Stream
    events: tuple[Observation, ...]

    def event_kind(self, event: Observation) -> str:
        """The last part of the name of an event: `created`, `delta`, `completed`, ..."""
        return (event.event or "").removeprefix(EVENT_PREFIXES[self.kind])

    @cached_property
    def event_kinds(self) -> tuple[str, ...]:
        """The kinds of all events, in order."""
        return tuple(self.event_kind(event) for event in self.events)

    @property
    def created(self) -> Observation | None:
        """The `created` event; None if the object was not created in this stream."""
        return next((event for event in self.events if self.event_kind(event) == "created"), None)

    @property
    def deltas(self) -> tuple[Observation, ...]:
        """The delta events."""
        return tuple(event for event in self.events if self.event_kind(event) == "delta")

    @property
    def end(self) -> Observation | None:
        """The first event with a final status."""
        return next((event for event in self.events if self.event_kind(event) in END_EVENTS), None)

    @property
    def ended_as(self) -> str:
        """How the object ended: the status that its last event shows, or else the kind of this event."""
        end = self.end
        if end is None:
            return ""
        return end.status if end.status in END_EVENTS else self.event_kind(end)

    def explain_event_without_id(self, *kinds: str) -> str | None:
        """Explain that an event without an id may belong to the object; None if there is none of these kinds."""
        for event in self.stream.observations:
            if self.event_kind(event) in kinds and not event.id:
                return f"an event {event.event} has no id, and may belong to {self.id}"
        return None

    @property
    def must_be_created_here(self) -> bool:
        """Whether the object must be created in this stream; one resumed by tool outputs may be older."""
        return self.stream.exchange.operation != "submit_tool_outputs" or self.created is not None


@lru_cache(maxsize=16)
def object_events(history: History) -> tuple[ObjectEvents, ...]:
    """The events of every message and step, per object and stream."""
    return tuple(
        ObjectEvents(kind, id_, stream, tuple(events))
        for stream in streams(history)
        for kind in EVENT_PREFIXES
        for id_, events in _by_id(stream, kind).items()
    )


def message_events(history: History) -> Iterator[ObjectEvents]:
    """The events of every message, per message and stream."""
    return (events for events in object_events(history) if events.kind == "message")


def step_events(history: History) -> Iterator[ObjectEvents]:
    """The events of every step, per step and stream."""
    return (events for events in object_events(history) if events.kind == "run_step")


def _by_id(stream: Stream, kind: str) -> dict[str, list[Observation]]:
    grouped: dict[str, list[Observation]] = {}
    for observation in stream.observations:
        if observation.kind in (kind, f"{kind}_delta") and observation.id:
            grouped.setdefault(observation.id, []).append(observation)
    return grouped


def content_texts(content: JSON | Absent) -> dict[int, str]:
    """The texts of a message's content, by index. Content that is a text, which constraints report, is its only one."""
    if isinstance(content, str):
        return {0: content}
    parts = enumerate(content) if is_array(content) else ()
    texts = {index: at(part, "/text/value") for index, part in parts if at(part, "/type") == "text"}
    return {index: text for index, text in texts.items() if isinstance(text, str)}


_PLACES_OF_PARTS = {"message": "/delta/content", "run_step": "/delta/step_details/tool_calls"}


def has_parts_without_index(events: ObjectEvents) -> bool:
    """Whether a delta has a part of a message's content, or of a tool call, that no integer `index` places."""
    lists = (delta.get(_PLACES_OF_PARTS[events.kind]) for delta in events.deltas)
    parts = (part for items in lists if is_array(items) for part in items)
    return any(not is_integer(at(part, "/index")) for part in parts)


def streamed_texts(events: ObjectEvents) -> dict[int, str]:
    """The texts of a message by index: those it was created with, extended by its deltas."""
    return _extend_by_deltas(content_texts(events.created.get("content")) if events.created else {}, events)


def texts_of_deltas(events: ObjectEvents) -> dict[int, str]:
    """The texts of a message by index that its deltas alone add up to."""
    return _extend_by_deltas({}, events)


def _extend_by_deltas(texts: dict[int, str], events: ObjectEvents) -> dict[int, str]:
    for delta in events.deltas:
        parts = delta.get("/delta/content")
        if isinstance(parts, str):
            texts[0] = texts.get(0, "") + parts
        for part in parts if is_array(parts) else ():
            index, text = at(part, "/index"), at(part, "/text/value")
            if is_integer(index) and isinstance(text, str):
                texts[int(index)] = texts.get(int(index), "") + text
    return texts
