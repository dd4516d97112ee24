"""A limit on the objects that a long-running emulator keeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runs_conformance.contract.lifecycle import TERMINAL
from runs_conformance.emulator.context import ServerState
from runs_conformance.emulator.state import Store, Thread

_FULL, _KEPT = 0.95, 0.9
"""A kind of objects is thinned out when it is this full, down to this part, so that counting them stays rare."""


@dataclass(slots=True)
class ObjectLimit:
    """Keeps at most `max_objects` assistants, files and vector stores each, and as many objects in threads.

    Beyond that the oldest are deleted: threads with all that they hold, and in the last thread its oldest messages and
    ended runs.
    """

    server: ServerState
    max_objects: int
    after_deletion: Callable[[], None] = lambda: None
    _created: int = field(default=0, init=False)
    _slack: int = field(default=-1, init=False)

    def install(self) -> None:
        """Count the objects that the emulator creates."""
        hooks = self.server.hooks
        new_id = hooks.new_id

        def count(server: ServerState, kind: str) -> str:
            self._created += 1
            return new_id(server, kind)

        hooks.new_id = count

    def wrap(self, app: ASGIApp) -> ASGIApp:
        """The application with the limit enforced before each response, and after each stream."""

        async def limit(scope: Scope, receive: Receive, send: Send) -> None:
            async def limiting_send(message: Message) -> None:
                if message["type"] == "http.response.start":
                    self.enforce()
                await send(message)

            try:
                await app(scope, receive, limiting_send)
            finally:
                self.enforce()

        return limit

    def enforce(self) -> None:
        """Delete the oldest objects of each kind that has too many, if enough were created since the last time."""
        if self._created <= self._slack and len(self.server.stores) <= self.max_objects:
            return
        stores = list(self.server.stores.values())
        sizes = [self._limit_threads(stores)]
        for kind in ("assistants", "files", "vector_stores"):
            sizes.append(self._limit_kind([getattr(store, kind) for store in stores]))
        for name, store in list(self.server.stores.items()):
            if not (store.threads or store.assistants or store.files or store.vector_stores):
                del self.server.stores[name]
        self.after_deletion()
        self._created, self._slack = 0, max(self.max_objects - max(sizes), 0)

    def _limit_kind(self, kept: list[dict[str, Any]]) -> int:
        """Limit objects by their order in the store; returns the number that remain."""
        size = sum(len(objects) for objects in kept)
        if size > self.max_objects * _FULL:
            surplus = size - int(self.max_objects * _KEPT)
            oldest = sorted(
                (_seq(item), position, index, id_)
                for index, one in enumerate(kept)
                for position, (id_, item) in enumerate(one.items())
            )
            for _, _, index, id_ in oldest[:surplus]:
                del kept[index][id_]
            size -= surplus
        return size

    def _limit_threads(self, stores: list[Store]) -> int:
        size = sum(_size(thread) for store in stores for thread in store.threads.values())
        if size <= self.max_objects * _FULL:
            return size
        allowed = int(self.max_objects * _KEPT)
        oldest = sorted(((thread.seq, store) for store in stores for thread in store.threads.values()), key=_first)
        by_seq = {thread.seq: thread for store in stores for thread in store.threads.values()}
        for seq, store in oldest[:-1]:
            if size <= allowed:
                return size
            size -= _size(by_seq[seq])
            _remove(store, by_seq[seq])
        last = by_seq[oldest[-1][0]]
        if size > allowed:
            _thin_out(last, size - allowed)
        return _size(last) if size > allowed else size


def _first(pair: tuple[int, Store]) -> int:
    return pair[0]


def _seq(item: Any) -> int:
    """The order of creation. Times would not show it, since each session can have a clock of its own."""
    return int(item.get("seq", 0) if isinstance(item, dict) else item.seq)


def _size(thread: Thread) -> int:
    return 1 + len(thread.messages) + sum(1 + len(run.steps) for run in thread.runs.values())


def _remove(store: Store, thread: Thread) -> None:
    store.threads.pop(thread.id, None)
    for run in thread.runs.values():
        run.is_deleted = True
        run.changed.set()


def _thin_out(thread: Thread, surplus: int) -> None:
    """Delete the oldest messages and ended runs of a thread."""
    ended = [(run.seq, run.id) for run in thread.runs.values() if run.status in TERMINAL]
    for _, id_ in sorted([*((message.seq, message.id) for message in thread.messages.values()), *ended]):
        if surplus <= 0:
            return
        if id_ in thread.messages:
            del thread.messages[id_]
            surplus -= 1
        else:
            surplus -= 1 + len(thread.runs.pop(id_).steps)
