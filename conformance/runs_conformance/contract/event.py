"""The events of a stream: their names, and the kind of object that each carries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from runs_conformance.contract.edition import DEFAULT_EDITION, in_force
from runs_conformance.contract.lifecycle import TERMINAL
from runs_conformance.contract.schema import document

DONE = "done"
DONE_DATA = "[DONE]"
ERROR = "error"


@dataclass(frozen=True, slots=True)
class EventKind:
    """One event name. `kind` is the kind of object its data is, `statuses` what that object's `status` may be (empty:
    no demand).
    """

    name: str
    kind: str
    statuses: tuple[str, ...] = ()
    since: str | None = None


@cache
def event_kinds(edition: str = DEFAULT_EDITION) -> dict[str, EventKind]:
    """The events the contract names, with what they carry in an edition.

    A name that enters later is known all the same: servers may send events that the contract does not name, and clients
    tolerate them.
    """
    return {entry["name"]: _read(entry, edition) for entry in document("stream/events")["events"]}


def _read(entry: Mapping[str, Any], edition: str) -> EventKind:
    statuses = entry.get("status") or ()
    for overlay in entry.get("x-editions", ()):
        if in_force(edition, overlay.get("since"), overlay.get("until")):
            statuses = overlay["status"]
    return EventKind(entry["name"], entry["kind"], tuple(statuses), entry.get("since"))


def ends_stream(name: str) -> bool:
    """Whether a run event is the last of its stream but for `done`: a terminal status, or the wait for tool outputs."""
    suffix = name.removeprefix("thread.run.")
    return suffix in TERMINAL or suffix == "requires_action"
