"""Deletions that reach too far, and what is said of what is gone."""

from __future__ import annotations

from typing import Any

from runs_conformance.emulator.catalogue import mutant
from runs_conformance.emulator.context import Call
from runs_conformance.emulator.hooks import Behaviour
from runs_conformance.emulator.patching import around
from runs_conformance.emulator.refusal import Refusal, bad


@mutant("deletion")
def deletes_by_any_path(behaviour: Behaviour) -> None:
    """A message is deleted before its thread is looked at, so that a path with another thread deletes it, too."""

    async def delete(inner: Any, call: Call) -> Any:
        for thread in call.store.threads.values():
            if thread.id != call.path["thread_id"]:
                thread.messages.pop(call.path["message_id"], None)
        return await inner(call)

    around(behaviour, delete, "delete_message")


@mutant("L-88", level="should")
def says_gone(behaviour: Behaviour) -> None:
    """What was deleted is answered with HTTP status 410."""
    deleted: set[str] = set()

    async def delete(inner: Any, call: Call) -> Any:
        answer = await inner(call)
        deleted.add(answer["id"])
        return answer

    async def look(inner: Any, call: Call) -> Any:
        if deleted & set(call.path.values()):
            raise Refusal(410, "It was deleted.")
        return await inner(call)

    around(behaviour, look, *behaviour.handlers)
    around(behaviour, delete, "delete_assistant", "delete_thread", "delete_message")


@mutant("L-88", level="should")
def deletes_no_answers(behaviour: Behaviour) -> None:
    """A message that a run wrote cannot be deleted."""

    async def delete(inner: Any, call: Call) -> Any:
        thread = call.world.behaviour.find_thread(call, call.path["thread_id"])
        if call.world.behaviour.find_message(call, thread, call.path["message_id"]).run_id is not None:
            raise bad("Messages of a run cannot be deleted.")
        return await inner(call)

    around(behaviour, delete, "delete_message")
