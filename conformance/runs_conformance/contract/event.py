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
DONE_DATA = "[DONE]"
ERROR = "error"


@dataclass(frozen=True, slots=True)
class EventKind:
    """One event name. `object_kind` is the kind of object in its data, `statuses` are the allowed values of that
    object's `status` (empty: any).
    """

    name: str
    object_kind: str
    statuses: tuple[str, ...] = ()
    since: str | None = None


@cache
def event_kinds(edition: str = DEFAULT_EDITION) -> dict[str, EventKind]:
    """The events that the contract names, with their data in an edition.

    Names of later editions are included: servers may send unknown events, and clients tolerate them.
    """
    return {entry["name"]: _read(entry, edition) for entry in load_document("stream/events")["events"]}


def _read(entry: Mapping[str, Any], edition: str) -> EventKind:
    statuses = entry.get("status") or ()
    for overlay in entry.get("x-editions", ()):
        if in_force(edition, overlay.get("since"), overlay.get("until")):
            statuses = overlay["status"]
    return EventKind(entry["name"], entry["kind"], tuple(statuses), entry.get("since"))


def ends_stream(name: str) -> bool:
    """Whether only `done` may follow a run event in its stream: the run ended, or requires action."""
    suffix = name.removeprefix("thread.run.")
    return suffix in TERMINAL or suffix == "requires_action"
