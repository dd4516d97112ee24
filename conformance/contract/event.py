"""The events of a stream: their names, and the kind of object that each carries."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from conformance.contract.lifecycle import TERMINAL
from conformance.contract.schema import document

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
def event_kinds() -> dict[str, EventKind]:
    """The events the contract names. Servers may send others, and clients tolerate them."""
    return {
        entry["name"]: EventKind(entry["name"], entry["kind"], tuple(entry.get("status") or ()), entry.get("since"))
        for entry in document("stream/events")["events"]
    }


def ends_stream(name: str) -> bool:
    """Whether a run event is the last of its stream but for `done`: a terminal status, or the wait for tool outputs."""
    suffix = name.removeprefix("thread.run.")
    return suffix in TERMINAL or suffix == "requires_action"
