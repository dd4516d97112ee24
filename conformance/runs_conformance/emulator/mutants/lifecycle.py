"""Runs that change when they may not, or forget who they are."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import Any

from runs_conformance.contract.lifecycle import TERMINAL
from runs_conformance.emulator.catalogue import blind
from runs_conformance.emulator.context import Call, World
from runs_conformance.emulator.hooks import Behaviour
from runs_conformance.emulator.model_actions import End
from runs_conformance.emulator.patching import around, shown
from runs_conformance.emulator.state import Members, Run, Thread


@blind("L-01", level="should")
def answers_with_another_assistant(behaviour: Behaviour) -> None:
    """A created run is answered with the id of no assistant."""

    def change(members: Members, run: Run, _: str) -> None:
        if run.status == "queued":
            members["assistant_id"] = "asst_000000000000000000000000"

    shown(behaviour, "run", change)


@blind("L-03")
def revives_on_modify(behaviour: Behaviour) -> None:
    """Modifying a run that is over queues it again."""

    async def modify(inner: Any, call: Call) -> Any:
        answer = await inner(call)
        run = call.store.threads[call.path["thread_id"]].runs[call.path["run_id"]]
        run.status = "queued"
        run.beats = deque([(call.world.clock.now(), End("completed"))])
        return answer

    around(behaviour, modify, "modify_run")


@blind("L-03")
def cancels_what_is_over(behaviour: Behaviour) -> None:
    """Cancelling a completed run makes it cancelled."""
    behaviour.check_cancel = lambda world, run: None


@blind("L-03")
def forgets_that_it_ended(behaviour: Behaviour) -> None:
    """A run that is over is shown in progress again from the third look on."""

    def change(members: Members, run: Run, _: str) -> None:
        if run.status in TERMINAL:
            run.notes["looks"] = run.notes.get("looks", 0) + 1
            if run.notes["looks"] > 2:
                members["status"] = "in_progress"

    shown(behaviour, "run", change)


@blind("L-03")
def fails_after_completing(behaviour: Behaviour) -> None:
    """A completed run is shown as failed once its messages were listed."""

    async def look(inner: Any, call: Call) -> Any:
        answer = await inner(call)
        for run in call.store.threads[call.path["thread_id"]].runs.values():
            if run.status == "completed":
                run.status, run.failed_at, run.completed_at = "failed", run.completed_at, None
                run.last_error = {"code": "server_error", "message": "Sorry, something went wrong."}
        return answer

    around(behaviour, look, "list_messages")


@blind("L-04")
def goes_back_to_queued(behaviour: Behaviour) -> None:
    """A run in progress is shown queued at every second look."""

    def change(members: Members, run: Run, _: str) -> None:
        if run.status == "in_progress":
            run.notes["looks"] = run.notes.get("looks", 0) + 1
            if run.notes["looks"] % 2 == 0:
                members["status"] = "queued"

    shown(behaviour, "run", change)


@blind("L-04")
def waits_again_after_cancelling(behaviour: Behaviour) -> None:
    """A cancelled run that waited for outputs is shown waiting once more before it is cancelled."""
    inner = behaviour.cancel

    def cancel(world: World, thread: Thread, run: Run, now: float) -> None:
        pending = run.pending
        inner(world, thread, run, now)
        if pending:
            run.notes["pending"] = pending

    behaviour.cancel = cancel

    async def look(inner: Any, call: Call) -> Any:
        answer = await inner(call)
        run = call.store.threads[call.path["thread_id"]].runs[call.path["run_id"]]
        if pending := run.notes.pop("pending", None):
            ghost = replace(run, status="requires_action", pending=pending, cancelled_at=None, usage=None)
            return call.world.behaviour.run_object(call.world, ghost, "json")
        return answer

    around(behaviour, look, "get_run")


@blind("L-54")
def is_always_new(behaviour: Behaviour) -> None:
    """A run's created_at is the time at which it is shown."""
    inner = behaviour.run_object

    def show(world: World, run: Run, channel: str) -> Members:
        run.notes["shown"] = run.notes.get("shown", -1) + 1
        members = inner(world, run, channel)
        return {**members, "created_at": members["created_at"] + run.notes["shown"]}

    behaviour.run_object = show


@blind("L-54")
def forgets_its_thread(behaviour: Behaviour) -> None:
    """A run that is over shows another thread_id."""

    def change(members: Members, run: Run, _: str) -> None:
        if run.status in TERMINAL:
            members["thread_id"] = "thread_" + "0" * 24

    shown(behaviour, "run", change)


@blind("L-54")
def renames_itself(behaviour: Behaviour) -> None:
    """A run that is read has another id than the one it was created with."""

    async def look(inner: Any, call: Call) -> Any:
        answer = await inner(call)
        return {**answer, "id": answer["id"][:-1] + ("A" if answer["id"][-1] != "A" else "B")}

    around(behaviour, look, "get_run")
