"""Modifications that do too much, or nothing."""

from __future__ import annotations

from typing import Any

from runs_conformance.emulator import refusal
from runs_conformance.emulator.catalogue import blind, mutant
from runs_conformance.emulator.context import Call, World
from runs_conformance.emulator.hooks import Behaviour
from runs_conformance.emulator.operations import get_run
from runs_conformance.emulator.patching import around
from runs_conformance.emulator.state import Run


@blind("L-43")
def modifies_instructions(behaviour: Behaviour) -> None:
    """Modifying a run's metadata changes its instructions."""

    async def modify(inner: Any, call: Call) -> Any:
        answer = await inner(call)
        run = call.store.threads[call.path["thread_id"]].runs[call.path["run_id"]]
        run.instructions = "modified"
        return {**answer, "instructions": "modified"}

    around(behaviour, modify, "modify_run")


@blind("L-43")
def modifies_the_end(behaviour: Behaviour) -> None:
    """Modifying a run's metadata moves its completed_at."""

    async def modify(inner: Any, call: Call) -> Any:
        await inner(call)
        run = call.store.threads[call.path["thread_id"]].runs[call.path["run_id"]]
        run.completed_at = (run.completed_at or call.world.clock.now()) + 5
        return await get_run(call)

    around(behaviour, modify, "modify_run")


@blind("L-44", level="should")
def forgets_modifications(behaviour: Behaviour) -> None:
    """Modifying a run is answered as if it had happened, but is not stored."""

    async def modify(inner: Any, call: Call) -> Any:
        run = call.store.threads[call.path["thread_id"]].runs[call.path["run_id"]]
        before = run.metadata
        answer = await inner(call)
        run.metadata = before
        return answer

    around(behaviour, modify, "modify_run")


@blind("L-44", level="should")
def never_modifies(behaviour: Behaviour) -> None:
    """Modifying a run is answered with the run as it is."""

    async def modify(inner: Any, call: Call) -> Any:
        return await get_run(call)

    around(behaviour, modify, "modify_run")


@blind("L-44", level="should")
def refuses_to_modify(behaviour: Behaviour) -> None:
    """Modifying a run that is over is refused."""

    def check(world: World, run: Run) -> None:
        raise refusal.cannot_update(run.status)

    behaviour.check_modify = check


@mutant("acceptance")
def wants_whole_messages(behaviour: Behaviour) -> None:
    """A modification of a message is refused unless it gives role and content, as when it was created."""

    async def modify(inner: Any, call: Call) -> Any:
        for name in ("role", "content"):
            if name not in call.body:
                raise refusal.missing(name)
        return await inner(call)

    around(behaviour, modify, "modify_message")


@mutant("modify")
def replaces_whole_messages(behaviour: Behaviour) -> None:
    """Modifying a message's metadata empties its content, which the request does not give."""

    async def modify(inner: Any, call: Call) -> Any:
        thread = call.world.behaviour.find_thread(call, call.path["thread_id"])
        call.world.behaviour.find_message(call, thread, call.path["message_id"]).content = []
        return await inner(call)

    around(behaviour, modify, "modify_message")


@mutant("modify", level="should")
def clears_metadata_that_is_not_given(behaviour: Behaviour) -> None:
    """A modification that says nothing of metadata empties it."""

    async def modify(inner: Any, call: Call) -> Any:
        if isinstance(call.body, dict):
            call.body.setdefault("metadata", {})
        return await inner(call)

    around(behaviour, modify, "modify_assistant", "modify_thread", "modify_run", "modify_message")


@mutant("L-75")
def wants_a_thread_to_run(behaviour: Behaviour) -> None:
    """A run is not created without a thread, though an empty one would do."""

    async def start(inner: Any, call: Call) -> Any:
        if call.body.get("thread") is None:
            raise refusal.missing("thread")
        return await inner(call)

    around(behaviour, start, "create_thread_and_run")


@mutant("modify")
def modifies_no_answers(behaviour: Behaviour) -> None:
    """The metadata of a message that a run wrote cannot be modified."""

    async def modify(inner: Any, call: Call) -> Any:
        thread = call.world.behaviour.find_thread(call, call.path["thread_id"])
        if call.world.behaviour.find_message(call, thread, call.path["message_id"]).run_id is not None:
            raise refusal.bad("Messages of a run cannot be modified.")
        return await inner(call)

    around(behaviour, modify, "modify_message")
