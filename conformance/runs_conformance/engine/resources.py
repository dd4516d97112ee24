"""Tracks the objects that a test run created on a target, and deletes what is left."""

from __future__ import annotations

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from runs_conformance.client.prepared_request import MAX_ID_LENGTH
from runs_conformance.contract.event import readable_events
from runs_conformance.contract.lifecycle import ACTIVE
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.engine.program_runner import Sender
from runs_conformance.model.case import Key, Role, Step
from runs_conformance.model.error_message import error_message
from runs_conformance.model.exchange import RETRY_LATER_STATUSES, UNAUTHORIZED_STATUSES, Completion, Exchange
from runs_conformance.model.json import ABSENT, JSON, is_object

PROGRAM = "cleanup"
"""The program of the cleanup requests at the end, which are not evidence."""

INTERRUPTED_CLEANUP_SECONDS = 10.0
"""Time limit of the cleanup after an interrupt."""

CLEANUP_SECONDS = 60.0
"""Time limit of the cleanup at the end."""


MAX_NOT_OFFERED = 2
"""Number of deletions with HTTP 405 or 501 after which no other object of the kind is deleted."""

_NOT_OFFERED = frozenset({405, 501})

_UNREADABLE = frozenset({"too_deep", "too_large", "not_json"})
_LEADING_ID = re.compile(r'\s*\{(?:\s*"(?:object|created_at)"\s*:\s*(?:"[^"\\]*"|\d+)\s*,)*\s*"id"\s*:\s*"([^"\\]+)"')
"""The id of the object itself, behind nothing but what servers write in front of it: a nested object may have an id."""

_CREATED_BY_ID = ("create_assistant", "create_thread", "create_message")
"""The operations whose objects can be deleted by an id that the response shows."""


@dataclass(frozen=True, slots=True)
class Leftover:
    """An object left on a target, with the step that deletes it (or cancels it, for a run)."""

    kind: str
    id: str
    deletion: Step

    def __str__(self) -> str:
        return self.describe()

    def describe(self, redact: Callable[[str], str] = str) -> str:
        """Its kind and id, safe to print on a terminal."""
        printable = "".join(char if char.isprintable() else "?" for char in redact(self.id)[:80])
        return f"{self.kind} {printable}"


@dataclass(slots=True)
class ResourceTracker:
    """Tracks the objects that exchanges created and deleted. Thread-safe.

    `protected` are ids supplied by the user, which are never deleted. `unknown_creations` counts creations without a
    response, or with one that cannot be read, whose objects have unknown ids.
    """

    protected: frozenset[str] = frozenset()
    unknown_creations: int = 0
    _created: dict[str, tuple[str, Mapping[str, str], Key]] = field(default_factory=dict)
    _active_runs: dict[str, tuple[str, Key]] = field(default_factory=dict)
    _deleted: set[str] = field(default_factory=set)
    _creators: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def record(self, exchange: Exchange) -> None:
        """Record the objects that an exchange created, changed or deleted."""
        name = exchange.operation
        if name is None:
            return
        with self._lock:
            if name.startswith("delete_"):
                self._record_deletion(exchange)
            elif name == "cancel_run" and _ends_attempts(exchange):
                # The run is cancelled or had already ended: nothing more can be done.
                self._active_runs.pop(exchange.path.get("run_id", ""), None)
            elif exchange.accepted or exchange.events or _is_unreadable_creation(exchange):
                # A stream that broke off, or ended in an error, may have shown a new thread before.
                key = exchange.step.key if exchange.step else Key.PRIMARY
                body = exchange.body
                if _is_unreadable_creation(exchange):
                    body = {"id": _leading_id(exchange)}
                    # A page for people shows no creation.
                    self.unknown_creations += body["id"] is None and exchange.accepted
                for value in (body, *(event.data for event in readable_events(exchange.events))):
                    if is_object(value) and isinstance(id_ := value.get("id"), str) and len(id_) <= MAX_ID_LENGTH:
                        self._record_object(id_, value, name, exchange.path, key)
                        if name.startswith("create_"):
                            self._creators[id_] = exchange.program
            elif OPERATIONS[name].creates and exchange.completion is Completion.UNKNOWN:
                self.unknown_creations += 1

    def add(self, kind: str, id_: str) -> None:
        """Add an object that belongs to this test run although no exchange shows its creation."""
        with self._lock:
            if id_ not in self._created:
                self._add_created(f"delete_{kind}", {f"{kind}_id": id_}, Key.PRIMARY)

    def may_belong_to_others(self, id_: str, programs: Collection[str]) -> bool:
        """Whether another program created an object with this id last, as on a server that was restarted."""
        with self._lock:
            return id_ in self._creators and self._creators[id_] not in programs

    def leftovers(self) -> list[Leftover]:
        """The objects that are left: active runs first, then all other objects, newest first."""
        with self._lock:
            return [*self._active_run_leftovers(), *self._object_leftovers()]

    def _record_deletion(self, exchange: Exchange) -> None:
        if exchange.accepted or (_is_cleanup(exchange) and reports_missing(exchange)):
            id_ = exchange.path.get(OPERATIONS[exchange.operation or ""].parameters[-1], "")
            self._created.pop(id_, None)
            self._deleted.add(id_)

    def _record_object(self, id_: str, value: JSON, name: str, path: Mapping[str, str], key: Key) -> None:
        assert is_object(value)
        kind, thread = value.get("object"), value.get("thread_id")
        if name == "create_assistant":
            self._add_created("delete_assistant", {"assistant_id": id_}, key)
        elif name == "create_thread" or (name == "create_thread_and_run" and kind == "thread"):
            self._add_created("delete_thread", {"thread_id": id_}, key)
        elif name == "create_message":
            self._add_created("delete_message", {**path, "message_id": id_}, key)
        elif kind == "thread.run" and isinstance(thread, str):
            if name == "create_thread_and_run":
                self._add_created("delete_thread", {"thread_id": thread}, key)
            status = value.get("status")
            if isinstance(status, str) and status in ACTIVE:
                self._active_runs[id_] = (thread, key)
            else:
                self._active_runs.pop(id_, None)

    def _add_created(self, deletion: str, path: Mapping[str, str], key: Key) -> None:
        id_ = list(path.values())[-1]
        if id_ not in self._deleted:
            self._created[id_] = (deletion, path, key)

    def _active_run_leftovers(self) -> Iterator[Leftover]:
        for id_, (thread, key) in reversed(self._active_runs.items()):
            if thread not in self._deleted:
                yield _leftover("run", "cancel_run", {"thread_id": thread, "run_id": id_}, key)

    def _object_leftovers(self) -> Iterator[Leftover]:
        for id_, (deletion, path, key) in reversed(self._created.items()):
            kind = deletion.removeprefix("delete_")
            # A message is deleted with its thread; only one on a protected thread needs its own deletion.
            deleted_with_thread = kind == "message" and any(
                path["thread_id"] in ids for ids in (self._created, self._deleted)
            )
            if id_ not in self.protected and not deleted_with_thread:
                yield _leftover(kind, deletion, path, key)


def reports_missing(exchange: Exchange) -> bool:
    """Whether a response says that the object, rather than the route, does not exist."""
    if exchange.status != 404:
        return exchange.status == 410
    id_ = list(exchange.path.values())[-1] if exchange.path else ""
    text = exchange.response.text if exchange.response is not None else None
    body = json.dumps(exchange.body) if is_object(exchange.body) else text or ""
    return error_message(exchange.body) is not None or bool(id_ and id_ in body)


def find_undeletable(tracker: ResourceTracker, sender: Sender, program: str) -> frozenset[str]:
    """Delete what is left, and return the kinds of assistants and threads that the target answered but did not delete.

    A target that is overloaded or does not respond may delete them later.
    """
    answered: set[str] = set()

    def record(leftover: Leftover, exchange: Exchange | None) -> None:
        if exchange is not None and exchange.status is not None and exchange.status not in RETRY_LATER_STATUSES:
            answered.add(leftover.id)

    delete_leftovers(tracker.leftovers, sender, program, max_unanswered=1, on_attempt=record)
    kinds = {each.kind for each in tracker.leftovers() if each.id in answered}
    return frozenset(kinds & {"assistant", "thread"})


def _was_not_served(exchange: Exchange) -> bool:
    """Whether a request got no response, or one that asks to retry later; one that was withheld has no id."""
    return exchange.id != "" and exchange.status in (None, *RETRY_LATER_STATUSES)


def _is_unreadable_creation(exchange: Exchange) -> bool:
    """Whether a creation succeeded with a response that is too large, too deeply nested or no JSON."""
    response = exchange.response
    is_creation = exchange.has_success_status and bool(OPERATIONS[exchange.operation or ""].creates)
    return is_creation and response is not None and not _UNREADABLE.isdisjoint(response.defects)


def _leading_id(exchange: Exchange) -> str | None:
    text = exchange.response.text if exchange.response is not None else None
    match = _LEADING_ID.match(text or "") if exchange.operation in _CREATED_BY_ID else None
    return match[1] if match else None


def _is_cleanup(exchange: Exchange) -> bool:
    return exchange.step is not None and exchange.step.role is Role.CLEANUP


def _ends_attempts(exchange: Exchange) -> bool:
    """Whether another cancellation is of no use: this one got a response in a cleanup, or a usual one refused."""
    if _is_cleanup(exchange):
        return exchange.response is not None
    step = exchange.step
    is_usual = step is not None and step.role is Role.ACT and step.body is ABSENT and not step.headers
    return is_usual and exchange.status in (400, 409) and exchange.refused


def _leftover(kind: str, operation: str, path: Mapping[str, str], key: Key) -> Leftover:
    return Leftover(kind, list(path.values())[-1], Step(operation=operation, path=path, key=key, role=Role.CLEANUP))


def track_resources(exchanges: Iterable[Exchange], protected: Iterable[str] = ()) -> ResourceTracker:
    """Track the resources of these exchanges."""
    tracker = ResourceTracker(frozenset(protected))
    for exchange in exchanges:
        tracker.record(exchange)
    return tracker


def delete_leftovers(
    leftovers: Callable[[], Sequence[Leftover]],
    sender: Sender,
    program: str = PROGRAM,
    *,
    seconds: float = CLEANUP_SECONDS,
    max_unanswered: int = 3,
    on_attempt: Callable[[Leftover, Exchange | None], object] = lambda leftover, exchange: None,
    now: Callable[[], float] = time.monotonic,
) -> None:
    """Try to delete each leftover once, in order, and call `on_attempt` with it and its exchange.

    If the key that created an object may not delete it, the primary key may: a server that checks keys for only some
    operations also creates objects without one.

    Ends after `seconds`, or after `max_unanswered` consecutive requests without a response or with HTTP 429 or 503.
    Leaves out what the target does not let delete. What cannot be deleted stays in the tracker. Failures are not
    evidence about the target, except that it may not offer the operation.
    """
    attempted: set[str] = set()
    not_offered: Counter[str] = Counter()
    deadline, unanswered = now() + seconds, 0
    while now() < deadline and unanswered < max_unanswered:
        remaining = (leftover for leftover in leftovers() if leftover.id not in attempted)
        leftover = next((each for each in remaining if not_offered[each.deletion.operation] < MAX_NOT_OFFERED), None)
        if leftover is None:
            return
        attempted.add(leftover.id)
        exchange = None
        # Go on cleaning up even if the history can no longer be written.
        with suppress(Exception):
            exchange = sender.send(leftover.deletion, program, {})
            if leftover.deletion.key is not Key.PRIMARY and exchange.status in UNAUTHORIZED_STATUSES:
                exchange = sender.send(replace(leftover.deletion, key=Key.PRIMARY), program, {})
        if exchange is not None:
            not_offered[leftover.deletion.operation] += exchange.status in _NOT_OFFERED
        unanswered = unanswered + 1 if exchange is not None and _was_not_served(exchange) else 0
        on_attempt(leftover, exchange)
