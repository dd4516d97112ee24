"""What was created on a target and is still there, and how it is taken away again."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from runs_conformance.contract.lifecycle import ACTIVE
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.engine.program_runner import Sender
from runs_conformance.model.case import Key, Role, Step
from runs_conformance.model.exchange import LATER, Completion, Exchange
from runs_conformance.model.json import JSON, at, is_object

PROGRAM = "cleanup"
"""The program of the requests that clean up at the end; it is no evidence."""

HURRY = 10.0
"""Seconds that cleaning up may take when somebody waits for the end."""

SECONDS = 60.0
"""Cleaning up at the end takes no longer than this."""


@dataclass(frozen=True, slots=True)
class Left:
    """An object that a run left on a target, with the step that takes it away."""

    kind: str
    id: str
    step: Step

    def __str__(self) -> str:
        return self.named()

    def named(self, redact: Callable[[str], str] = str) -> str:
        """Its kind and id, fit for a terminal."""
        shown = "".join(char if char.isprintable() else "?" for char in redact(self.id)[:80])
        return f"{self.kind} {shown}"


@dataclass(slots=True)
class Ledger:
    """Keeps book of what exchanges created and deleted; told from any thread, in any order of programs.

    `spared` are ids that the user gave to work with: they are never taken away. `unknown` counts the creations whose
    answer never came, so that nobody knows the id of what they may have made.
    """

    spared: frozenset[str] = frozenset()
    unknown: int = 0
    _made: dict[str, tuple[str, Mapping[str, str], Key]] = field(default_factory=dict)
    _active: dict[str, tuple[str, Key]] = field(default_factory=dict)
    _gone: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, exchange: Exchange) -> None:
        """Enter what one exchange created, changed or deleted."""
        name = exchange.operation
        if name is None:
            return
        with self._lock:
            if name.startswith("delete_"):
                self._note_deletion(exchange)
            elif name == "cancel_run" and _cleans(exchange) and exchange.response is not None:
                # Whether it was cancelled or was over already, there is nothing more to do about it.
                self._active.pop(exchange.path.get("run_id", ""), None)
            elif exchange.accepted:
                key = exchange.step.key if exchange.step else Key.OWN
                for value in (exchange.body, *(event.data for event in exchange.events)):
                    if is_object(value) and isinstance(value.get("id"), str):
                        self._note_object(str(value["id"]), value, name, exchange.path, key)
            elif OPERATIONS[name].creates and exchange.completion is Completion.UNKNOWN:
                self.unknown += 1

    def found(self, kind: str, id_: str) -> None:
        """Enter an object that is known to be this run's although no exchange shows that it made it."""
        with self._lock:
            if id_ not in self._made:
                self._make(f"delete_{kind}", {f"{kind}_id": id_}, Key.OWN)

    def left(self) -> list[Left]:
        """What is still there: the active runs, then everything else, the newest first."""
        with self._lock:
            return [*self._runs(), *self._objects()]

    def _note_deletion(self, exchange: Exchange) -> None:
        if exchange.accepted or (_cleans(exchange) and says_gone(exchange)):
            id_ = exchange.path.get(OPERATIONS[exchange.operation or ""].parameters[-1], "")
            self._made.pop(id_, None)
            self._gone.add(id_)

    def _note_object(self, id_: str, value: JSON, name: str, path: Mapping[str, str], key: Key) -> None:
        assert is_object(value)
        kind, thread = value.get("object"), value.get("thread_id")
        if name == "create_assistant":
            self._make("delete_assistant", {"assistant_id": id_}, key)
        elif name == "create_thread" or (name == "create_thread_and_run" and kind == "thread"):
            self._make("delete_thread", {"thread_id": id_}, key)
        elif name == "create_message":
            self._make("delete_message", {**path, "message_id": id_}, key)
        elif kind == "thread.run" and isinstance(thread, str):
            if name == "create_thread_and_run":
                self._make("delete_thread", {"thread_id": thread}, key)
            if value.get("status") in ACTIVE:
                self._active[id_] = (thread, key)
            else:
                self._active.pop(id_, None)

    def _make(self, deletion: str, path: Mapping[str, str], key: Key) -> None:
        id_ = list(path.values())[-1]
        if id_ not in self._gone:
            self._made[id_] = (deletion, path, key)

    def _runs(self) -> Iterator[Left]:
        for id_, (thread, key) in reversed(self._active.items()):
            if thread not in self._gone:
                yield _left("run", "cancel_run", {"thread_id": thread, "run_id": id_}, key)

    def _objects(self) -> Iterator[Left]:
        for id_, (deletion, path, key) in reversed(self._made.items()):
            kind = deletion.removeprefix("delete_")
            # A message goes with its thread; only one on a thread that stays has to be taken away by itself.
            goes_along = kind == "message" and any(path["thread_id"] in ids for ids in (self._made, self._gone))
            if id_ not in self.spared and not goes_along:
                yield _left(kind, deletion, path, key)


def says_gone(exchange: Exchange) -> bool:
    """Whether an answer says that there is no such object (any more), and not that there is no such route."""
    if exchange.status != 404:
        return exchange.status == 410
    id_ = list(exchange.path.values())[-1] if exchange.path else ""
    text = exchange.response.text if exchange.response is not None else None
    said = json.dumps(exchange.body) if is_object(exchange.body) else text or ""
    return isinstance(at(exchange.body, "/error/message"), str) or bool(id_ and id_ in said)


def _cleans(exchange: Exchange) -> bool:
    return exchange.step is not None and exchange.step.role is Role.CLEANUP


def _left(kind: str, operation: str, path: Mapping[str, str], key: Key) -> Left:
    return Left(kind, list(path.values())[-1], Step(operation=operation, path=path, key=key, role=Role.CLEANUP))


def ledger(exchanges: Iterable[Exchange], spared: Iterable[str] = ()) -> Ledger:
    """The ledger of these exchanges."""
    made = Ledger(frozenset(spared))
    for exchange in exchanges:
        made.note(exchange)
    return made


def sweep(
    left: Callable[[], Sequence[Left]],
    sender: Sender,
    program: str = PROGRAM,
    *,
    seconds: float = SECONDS,
    silences: int = 3,
    done: Callable[[Left, Exchange | None], object] = lambda thing, exchange: None,
    now: Callable[[], float] = time.monotonic,
) -> None:
    """Take away what is left, the newest first, each once; `done` is told of each and of what came of it.

    It ends when the time is over, or when so many requests in a row got no answer, or none but to come back later.
    What cannot be deleted stays on the ledger. Whatever goes wrong says nothing about the target.
    """
    tried: set[str] = set()
    ends, silent = now() + seconds, 0
    while now() < ends and silent < silences:
        thing = next((thing for thing in left() if thing.id not in tried), None)
        if thing is None:
            return
        tried.add(thing.id)
        exchange = None
        # A history that cannot be written any more is no reason to leave things behind.
        with suppress(Exception):
            exchange = sender.send(thing.step, program, {})
        silent = silent + 1 if exchange is not None and exchange.status in (None, *LATER) else 0
        done(thing, exchange)
