"""The events of a stream: their names, and the kind of object in their data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from runs_conformance.contract.edition import DEFAULT_EDITION, in_force
from runs_conformance.contract.lifecycle import TERMINAL
from runs_conformance.contract.schema import load_document

DONE = "done"
"""The name of the last event of every stream."""

DONE_DATA = "[DONE]"
"""The data of `done`, which is not JSON."""

ERROR = "error"
"""The name of the event that reports an error of the server while it streams."""


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
