"""The events of one message or step in one stream, and what its deltas add up to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

from runs_conformance.evidence.observation import Sighting
from runs_conformance.evidence.stream import Stream, streams
from runs_conformance.model.history import History
from runs_conformance.model.json import JSON, Absent, at, is_array, is_integer, is_object

PREFIXES = {"message": "thread.message.", "run_step": "thread.run.step."}
ENDS = frozenset({"completed", "incomplete", "failed", "cancelled", "expired"})


@dataclass(frozen=True, eq=False)
class Strand:
    """Every event of one object in one stream, in order, deltas among them."""

    kind: str
    id: str
    stream: Stream
    events: tuple[Sighting, ...]

    def happens(self, sighting: Sighting) -> str:
        """What an event says of the object: `created`, `delta`, `completed`, ..."""
        return (sighting.event or "").removeprefix(PREFIXES[self.kind])

    @cached_property
    def happenings(self) -> tuple[str, ...]:
        """What the events say, in order."""
        return tuple(self.happens(event) for event in self.events)

    @property
    def created(self) -> Sighting | None:
        """The event that created the object, if it was created in this stream."""
        return next((event for event in self.events if self.happens(event) == "created"), None)

    @property
    def deltas(self) -> tuple[Sighting, ...]:
        """The deltas."""
        return tuple(event for event in self.events if self.happens(event) == "delta")

    @property
    def end(self) -> Sighting | None:
        """The first event that ends the object."""
        return next((event for event in self.events if self.happens(event) in ENDS), None)

    @property
    def begins_here(self) -> bool:
        """Whether the object must have been created in this stream: before outputs were submitted, some were."""
        return self.stream.exchange.operation != "submit_tool_outputs" or self.created is not None


@lru_cache(maxsize=16)
def strands(history: History) -> tuple[Strand, ...]:
    """The strands of every message and step in every stream that was read to its end."""
    return tuple(
        Strand(kind, id_, stream, tuple(events))
        for stream in streams(history)
        for kind in PREFIXES
        for id_, events in _by_id(stream, kind).items()
    )


def message_strands(history: History) -> Iterator[Strand]:
    """The strands of messages."""
    return (strand for strand in strands(history) if strand.kind == "message")


def step_strands(history: History) -> Iterator[Strand]:
    """The strands of steps."""
    return (strand for strand in strands(history) if strand.kind == "run_step")


def _by_id(stream: Stream, kind: str) -> dict[str, list[Sighting]]:
    found: dict[str, list[Sighting]] = {}
    for sighting in stream.sightings:
        if sighting.kind in (kind, f"{kind}_delta") and sighting.id:
            found.setdefault(sighting.id, []).append(sighting)
    return found


def texts_of(content: JSON | Absent) -> dict[int, str]:
    """The texts of a message's content, by their place in it."""
    parts = enumerate(content) if is_array(content) else ()
    found = {place: at(part, "/text/value") for place, part in parts if at(part, "/type") == "text"}
    return {place: value for place, value in found.items() if isinstance(value, str)}


def texts_streamed(strand: Strand) -> dict[int, str]:
    """The texts that a message was created with and its deltas add up to, by their place in its content."""
    found = texts_of(strand.created.get("content")) if strand.created else {}
    for delta in strand.deltas:
        parts = delta.get("/delta/content")
        for part in parts if is_array(parts) else ():
            place, value = at(part, "/index"), at(part, "/text/value")
            if is_integer(place) and isinstance(value, str):
                found[int(place)] = found.get(int(place), "") + value
    return found


WRITTEN = ("/function/name", "/function/arguments", "/code_interpreter/input")
"""The members of a tool call that deltas write piece by piece."""


@dataclass(frozen=True, slots=True)
class Call:
    """One tool call: its id, if known, and the texts written to it, by their pointer."""

    id: str | None
    texts: dict[str, str]


def calls_of(calls: JSON | Absent) -> dict[int, Call]:
    """The tool calls of a list, by their place in it."""
    return {place: _call(call) for place, call in enumerate(calls if is_array(calls) else ())}


def calls_streamed(strand: Strand) -> dict[int, Call]:
    """The tool calls that a step was created with and its deltas add up to, by their place in it."""
    found = calls_of(strand.created.get("/step_details/tool_calls")) if strand.created else {}
    for delta in strand.deltas:
        parts = delta.get("/delta/step_details/tool_calls")
        for part in parts if is_array(parts) else ():
            place = at(part, "/index")
            if is_object(part) and is_integer(place):
                found[int(place)] = _joined(found.get(int(place)), _call(part))
    return found


def _call(value: JSON) -> Call:
    id_ = at(value, "/id")
    texts = {path: at(value, path) for path in WRITTEN}
    return Call(id_ if isinstance(id_, str) else None, {p: t for p, t in texts.items() if isinstance(t, str)})


def _joined(before: Call | None, more: Call) -> Call:
    if before is None:
        return more
    paths = before.texts.keys() | more.texts.keys()
    texts = {path: before.texts.get(path, "") + more.texts.get(path, "") for path in paths}
    return Call(before.id or more.id, texts)
