"""Threads that are not locked while a run is active, or stay locked afterwards; and cancellation."""

from __future__ import annotations

import asyncio
from typing import Any

from runs_conformance.contract.lifecycle import TERMINAL
from runs_conformance.emulator import refusal
from runs_conformance.emulator.catalogue import blind, mutant
from runs_conformance.emulator.context import Call, World
from runs_conformance.emulator.hooks import Behaviour
from runs_conformance.emulator.patching import around, shown
from runs_conformance.emulator.run_machine import advance, move, schedule
from runs_conformance.emulator.state import Assistant, Members, Run, Thread

_RACE = 0.03


async def _admit(call: Call, thread: Thread) -> None:
    return None


@blind("L-25")
def adds_messages_to_locked_threads(behaviour: Behaviour) -> None:
    """A message is added while a run is active."""
    behaviour.admit_message = _admit


@blind("L-26")
def runs_twice_at_once(behaviour: Behaviour) -> None:
    """A second run is started while one is active."""
    behaviour.admit_run = _admit


@blind("L-26")
def replaces_the_active_run(behaviour: Behaviour) -> None:
    """A second run is started, and ends the active one as cancelled."""

    async def admit(call: Call, thread: Thread) -> None:
        for run in thread.runs.values():
            if run.status not in TERMINAL:
                call.world.behaviour.finish(call.world, run, "cancelled", call.world.clock.now())

    behaviour.admit_run = admit


@blind("L-26", level="must")
def checks_the_lock_too_early(behaviour: Behaviour) -> None:
    """The lock is looked at some time before the run is stored, so that two at once both pass."""
    inner = behaviour.admit_run

    async def admit(call: Call, thread: Thread) -> None:
        await inner(call, thread)
        await asyncio.sleep(_RACE)

    behaviour.admit_run = admit


@blind("L-25")
def forgets_the_lock_after_outputs(behaviour: Behaviour) -> None:
    """The lock is gone once outputs were submitted."""
    behaviour.holds_lock = lambda run: run.status not in TERMINAL and run.round == 0


@blind("L-27", level="should")
def locks_only_in_progress(behaviour: Behaviour) -> None:
    """A thread is locked only while its run is in progress."""
    behaviour.holds_lock = lambda run: run.status == "in_progress"


@blind("L-27", level="should")
def unlocks_while_waiting(behaviour: Behaviour) -> None:
    """A thread is not locked while its run waits for outputs."""
    behaviour.holds_lock = lambda run: run.status not in TERMINAL and run.status != "requires_action"


@blind("L-27", level="should")
def unlocks_while_cancelling(behaviour: Behaviour) -> None:
    """A thread is not locked while its run is being cancelled."""
    behaviour.holds_lock = lambda run: run.status not in TERMINAL and run.status != "cancelling"


@blind("L-28")
def never_unlocks(behaviour: Behaviour) -> None:
    """A thread stays locked after its run."""
    behaviour.holds_lock = lambda run: True


@blind("L-28")
def stays_locked_after_cancelling(behaviour: Behaviour) -> None:
    """A thread stays locked after a run that was cancelled."""
    behaviour.holds_lock = lambda run: run.status not in TERMINAL or run.status == "cancelled"


@blind("L-28")
def locks_all_threads(behaviour: Behaviour) -> None:
    """An active run locks every thread of its owner."""

    async def admit(call: Call, thread: Thread) -> None:
        for other in call.store.threads.values():
            for run in other.runs.values():
                # Runs go on when they are looked at, and nobody else may look at these.
                advance(call.world, other, run, call.world.clock.now())
                if call.world.behaviour.holds_lock(run):
                    raise refusal.already_active(thread.id, run.id)

    behaviour.admit_run = admit


@blind("L-29", level="should")
def hides_locked_threads(behaviour: Behaviour) -> None:
    """The messages of a thread cannot be listed while it is locked."""

    async def look(inner: Any, call: Call) -> Any:
        thread = call.world.behaviour.find_thread(call, call.path["thread_id"])
        for run in thread.runs.values():
            if run.status not in TERMINAL:
                raise refusal.bad(f"Thread {thread.id} is locked by {run.id}.")
        return await inner(call)

    around(behaviour, look, "list_messages")


@blind("L-29", level="should")
def freezes_locked_threads(behaviour: Behaviour) -> None:
    """A thread's metadata cannot be modified while it is locked."""

    async def modify(inner: Any, call: Call) -> Any:
        thread = call.world.behaviour.find_thread(call, call.path["thread_id"])
        for run in thread.runs.values():
            if run.status not in TERMINAL:
                raise refusal.bad(f"Thread {thread.id} is locked by {run.id}.")
        return await inner(call)

    around(behaviour, modify, "modify_thread")


@blind("L-31", level="should")
def never_finishes_cancelling(behaviour: Behaviour) -> None:
    """A run that is being cancelled stays so."""

    def cancel(world: World, thread: Thread, run: Run, now: float) -> None:
        run.pending = ()
        move(world, run, "cancelling")
        schedule(world, run, [], now)

    behaviour.cancel = cancel


@blind("L-31", level="should")
def answers_cancels_and_goes_on(behaviour: Behaviour) -> None:
    """Cancelling is answered with the run as it is, and nothing else happens."""
    behaviour.cancel = lambda world, thread, run, now: None


@blind("L-31", level="should")
def refuses_to_cancel(behaviour: Behaviour) -> None:
    """Cancelling a run in progress is refused."""

    def check(world: World, run: Run) -> None:
        raise refusal.cannot_cancel(run.status)

    behaviour.check_cancel = check


@blind("L-32", level="should")
def does_not_cancel_what_waits(behaviour: Behaviour) -> None:
    """Cancelling a run that waits for outputs is refused."""
    inner = behaviour.check_cancel

    def check(world: World, run: Run) -> None:
        if run.status == "requires_action":
            raise refusal.cannot_cancel(run.status)
        inner(world, run)

    behaviour.check_cancel = check


@blind("L-33", level="should")
def answers_late_cancels(behaviour: Behaviour) -> None:
    """Cancelling a run that is over is answered with the run as it is."""

    async def cancel(inner: Any, call: Call) -> Any:
        thread = call.world.behaviour.find_thread(call, call.path["thread_id"])
        run = call.world.behaviour.find_run(call, thread, call.path["run_id"])
        if run.status in TERMINAL:
            return call.world.behaviour.run_object(call.world, run, "json")
        return await inner(call)

    around(behaviour, cancel, "cancel_run")


@blind("L-35", level="should")
def leaves_steps_in_progress(behaviour: Behaviour) -> None:
    """The steps of a cancelled run stay in progress."""
    inner = behaviour.finish

    def finish(world: World, run: Run, status: str, at: float) -> None:
        steps, run.steps = run.steps, [step for step in run.steps if step.status != "in_progress"]
        inner(world, run, status, at)
        run.steps = steps

    behaviour.finish = finish


@blind("L-35", level="should")
def removes_cancelled_steps(behaviour: Behaviour) -> None:
    """A cancelled run has no steps any more."""
    inner = behaviour.finish

    def finish(world: World, run: Run, status: str, at: float) -> None:
        inner(world, run, status, at)
        if status == "cancelled":
            run.steps.clear()

    behaviour.finish = finish


@blind("L-35", level="should")
def completes_cancelled_steps(behaviour: Behaviour) -> None:
    """The unfinished steps of a cancelled run are completed."""

    def change(members: dict[str, Any], *_: Any) -> None:
        if members["status"] == "cancelled":
            members.update(status="completed", completed_at=members["cancelled_at"], cancelled_at=None)

    shown(behaviour, "step", change)


@mutant("L-28")
def locks_the_assistant(behaviour: Behaviour) -> None:
    """An active run locks its assistant, so that it can run on one thread at a time."""
    inner = behaviour.new_run

    def new(call: Call, thread: Thread, assistant: Assistant, body: Members) -> Run:
        for other in call.store.threads.values():
            for run in other.runs.values():
                if run.assistant_id == assistant.id and run.status not in TERMINAL:
                    raise refusal.already_active(other.id, run.id)
        return inner(call, thread, assistant, body)

    behaviour.new_run = new
