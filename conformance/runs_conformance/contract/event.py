"""The events of a stream: their names, and the kind of object in their data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from runs_conformance.contract.edition import DEFAULT_EDITION, in_force
from runs_conformance.contract.lifecycle import TERMINAL
from runs_conformance.contract.schema import load_document
from runs_conformance.model.exchange import Event
from runs_conformance.model.json import JSON, is_object

DONE = "done"
"""The name of the last event of every stream."""

DONE_DATA = "[DONE]"
"""The data of `done`, which is not JSON."""

ERROR = "error"
"""The name of the event that reports an error of the server while it streams."""

UNNAMED = ("", "message")
"""The names of an event without an `event:` line."""


@dataclass(frozen=True, slots=True)
class EventType:
    """A kind of event that the contract names.

    `payload_kind` is the kind of object in its data, `statuses` are the allowed values of that object's `status`
    (empty: any). `since` is the first edition that names the event; None if the first edition does.
    """

    name: str
    payload_kind: str
    statuses: tuple[str, ...] = ()
    since: str | None = None


@cache
def event_types(edition: str = DEFAULT_EDITION) -> dict[str, EventType]:
    """The events that the contract names, with their data in an edition.

    Names of later editions are included: servers may send unknown events, and clients tolerate them.
    """
    return {entry["name"]: _read(entry, edition) for entry in load_document("stream/events")["events"]}


def _read(entry: Mapping[str, Any], edition: str) -> EventType:
    statuses = entry.get("status") or ()
    for overlay in entry.get("x-editions", ()):
        if in_force(edition, overlay.get("since"), overlay.get("until")):
            statuses = overlay["status"]
    return EventType(entry["name"], entry["kind"], tuple(statuses), entry.get("since"))


def pauses_or_ends_run(name: str) -> bool:
    """Whether an event shows that its run ended or requires action, so that only `done` may follow in the stream."""
    # A run that requires action is not over, but its later events belong to the stream that submits the tool outputs.
    suffix = name.removeprefix("thread.run.")
    return suffix in TERMINAL or suffix == "requires_action"


@dataclass(frozen=True, slots=True)
class ReadableEvent:
    """An event with the name and the data that it is about; `pointer` is the place of the data in the response."""

    name: str
    data: JSON
    pointer: str
    at: float


def readable_events(events: Sequence[Event]) -> Iterator[ReadableEvent]:
    """The events of a stream as a client can read them.

    Some servers write no `event:` line and put name and object into the data, as in
    `data: {"event": "thread.run.created", "data": {...}}`. If all events of a stream are so written, they
    are unwrapped.
    """
    wrapped = _are_wrapped(events)
    for index, event in enumerate(events):
        if wrapped and is_object(event.data):
            yield ReadableEvent(str(event.data["event"]), event.data["data"], f"/events/{index}/data/data", event.at)
        else:
            yield ReadableEvent(event.name, event.data, f"/events/{index}/data", event.at)


def name_in_data(event: Event) -> str | None:
    """The documented name that the data of an unnamed event gives, as in `data: {"event": "thread.run.created"}`."""
    name = event.data.get("event") if event.name in UNNAMED and is_object(event.data) else None
    return name if isinstance(name, str) and name in event_types() else None


def _are_wrapped(events: Sequence[Event]) -> bool:
    """Whether every event but `[DONE]` has its name and its object in its data, and the contract names one of them."""
    objects = [event for event in events if event.data != DONE_DATA]
    return any(name_in_data(event) for event in objects) and all(_is_wrapped(event) for event in objects)


def _is_wrapped(event: Event) -> bool:
    data = event.data if event.name in UNNAMED and is_object(event.data) else {}
    return isinstance(data.get("event"), str) and "data" in data
