"""Locks with a way round them or held for nothing, and cancellations of another run or of none."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from runs_conformance.contract.lifecycle import TERMINAL
from runs_conformance.emulator import refusal
from runs_conformance.emulator.catalogue import mutant
from runs_conformance.emulator.context import Call, World
from runs_conformance.emulator.hooks import Behaviour
from runs_conformance.emulator.patching import around
from runs_conformance.emulator.state import Run, Thread


@mutant("L-25")
def unlocks_when_modified(behaviour: Behaviour) -> None:
    """Modifying a locked thread or its run releases the lock."""

    async def modify(inner: Any, call: Call) -> Any:
        call.world.notes.setdefault("unlocked", set()).add(call.path["thread_id"])
        return await inner(call)

    around(behaviour, modify, "modify_thread", "modify_run")
    _lets_in(behaviour, lambda call, thread: thread.id in call.world.notes.get("unlocked", ()))


@mutant("L-26")
def locks_each_assistant_by_itself(behaviour: Behaviour) -> None:
    """A second run is started while one of another assistant is active."""
    _lets_in(behaviour, _of_another_assistant)


@mutant("L-26")
def streams_past_the_lock(behaviour: Behaviour) -> None:
    """A second run is started while one is active if it is to be streamed."""
    _lets_in(behaviour, lambda call, thread: bool(call.body.get("stream")))


@mutant("L-25")
def locks_no_thread_that_came_with_its_run(behaviour: Behaviour) -> None:
    """A message is added while a run is active that was created together with its thread."""

    async def create(inner: Any, call: Call) -> Any:
        known = set(call.store.threads)
        answer = await inner(call)
        call.world.notes.setdefault("together", set()).update(set(call.store.threads) - known)
        return answer

    around(behaviour, create, "create_thread_and_run")
    _lets_in(behaviour, lambda call, thread: thread.id in call.world.notes.get("together", ()))


@mutant("L-28")
def locks_for_a_run_that_is_refused(behaviour: Behaviour) -> None:
    """A run that is refused for its unknown assistant leaves its thread locked."""

    async def create(inner: Any, call: Call) -> Any:
        try:
            return await inner(call)
        except refusal.Refusal:
            if call.body["assistant_id"] not in call.store.assistants:
                call.world.notes.setdefault("stuck", set()).add(call.path["thread_id"])
            raise

    admit_message = behaviour.admit_message

    async def admit(call: Call, thread: Thread) -> None:
        if thread.id in call.world.notes.get("stuck", ()):
            raise refusal.bad(f"Can't add messages to {thread.id} while a run is active.")
        await admit_message(call, thread)

    around(behaviour, create, "create_run")
    behaviour.admit_message = admit


@mutant("L-04")
def cancels_whatever_is_active(behaviour: Behaviour) -> None:
    """Cancelling a run that is over is refused, and cancels the active run of its thread."""

    async def cancel(inner: Any, call: Call) -> Any:
        thread = call.world.behaviour.find_thread(call, call.path["thread_id"])
        run = call.world.behaviour.find_run(call, thread, call.path["run_id"])
        for other in thread.runs.values():
            if run.status in TERMINAL and other.status not in TERMINAL and other.status != "cancelling":
                call.world.behaviour.cancel(call.world, thread, other, call.world.clock.now())
        return await inner(call)

    around(behaviour, cancel, "cancel_run")


@mutant("L-32", level="should")
def cancels_nothing_that_was_streamed(behaviour: Behaviour) -> None:
    """Cancelling a run that was started by a stream is refused."""
    inner = behaviour.check_cancel

    def check(world: World, run: Run) -> None:
        if run.followed:
            raise refusal.cannot_cancel(run.status)
        inner(world, run)

    behaviour.check_cancel = check


def _of_another_assistant(call: Call, thread: Thread) -> bool:
    active = {run.assistant_id for run in thread.runs.values() if run.status not in TERMINAL}
    return call.operation.name == "create_run" and call.body["assistant_id"] not in active


def _lets_in(behaviour: Behaviour, passes: Callable[[Call, Thread], bool]) -> None:
    """Have nothing keep a message or a run out of a thread where `passes` says so."""
    for name in ("admit_message", "admit_run"):
        setattr(behaviour, name, _letting(getattr(behaviour, name), passes))


def _letting(
    inner: Callable[[Call, Thread], Awaitable[None]], passes: Callable[[Call, Thread], bool]
) -> Callable[[Call, Thread], Awaitable[None]]:
    async def admit(call: Call, thread: Thread) -> None:
        if not passes(call, thread):
            await inner(call, thread)

    return admit
