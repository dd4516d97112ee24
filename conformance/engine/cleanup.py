"""Takes away what a program left on a target: best effort, after its evidence was judged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from conformance.contract.lifecycle import ACTIVE
from conformance.contract.operation import OPERATIONS
from conformance.model.case import Key, Role, Step
from conformance.model.exchange import Exchange
from conformance.model.json import JSON, is_object


def leftovers(exchanges: Iterable[Exchange]) -> list[Step]:
    """The steps that cancel what still runs and delete the threads and assistants left behind, the newest first.

    Only what these exchanges created is deleted, so what the user gave to work with stays.
    """
    left = _Left()
    for exchange in exchanges:
        if exchange.accepted and exchange.operation is not None:
            left.note(exchange, exchange.operation)
    return left.steps()


@dataclass(slots=True)
class _Left:
    """What is left so far: ids of created objects and of active runs, with the key they belong to."""

    created: dict[str, tuple[str, Key]] = field(default_factory=dict)
    active: dict[str, tuple[str, Key]] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)

    def note(self, exchange: Exchange, operation: str) -> None:
        key = exchange.step.key if exchange.step else Key.OWN
        for value in (exchange.body, *(event.data for event in exchange.events)):
            if is_object(value) and isinstance(value.get("id"), str):
                self._note_object(str(value["id"]), value, operation, key)
        if operation in ("delete_thread", "delete_assistant"):
            gone = next(iter(exchange.path.values()), "")
            self.created.pop(gone, None)
            self.deleted.add(gone)

    def _note_object(self, id_: str, value: JSON, operation: str, key: Key) -> None:
        assert is_object(value)
        kind, thread = value.get("object"), value.get("thread_id")
        if operation == "create_assistant":
            self.created[id_] = ("delete_assistant", key)
        elif operation == "create_thread" or (operation == "create_thread_and_run" and kind == "thread"):
            self.created[id_] = ("delete_thread", key)
        elif kind == "thread.run" and isinstance(thread, str):
            if operation == "create_thread_and_run":
                self.created[thread] = ("delete_thread", key)
            if value.get("status") in ACTIVE:
                self.active[id_] = (thread, key)
            else:
                self.active.pop(id_, None)

    def steps(self) -> list[Step]:
        return [*self._cancels(), *self._deletes()]

    def _cancels(self) -> Iterator[Step]:
        for id_, (thread, key) in reversed(self.active.items()):
            if thread not in self.deleted:
                yield Step(
                    operation="cancel_run", path={"thread_id": thread, "run_id": id_}, key=key, role=Role.CLEANUP
                )

    def _deletes(self) -> Iterator[Step]:
        for id_, (operation, key) in reversed(self.created.items()):
            parameter = OPERATIONS[operation].parameters[0]
            yield Step(operation=operation, path={parameter: id_}, key=key, role=Role.CLEANUP)
