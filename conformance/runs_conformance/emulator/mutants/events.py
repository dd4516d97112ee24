"""Events that are missing, too many, or in another order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from runs_conformance.contract.lifecycle import TERMINAL
from runs_conformance.emulator.catalogue import blind, mutant
from runs_conformance.emulator.context import Call, World
from runs_conformance.emulator.hooks import Behaviour, Events
from runs_conformance.emulator.operations import Following
from runs_conformance.emulator.patching import around, told
from runs_conformance.emulator.state import Run


def _without(behaviour: Behaviour, *names: str) -> None:
    told(behaviour, lambda world, run, name, data: () if name in names else ((name, data),))


@blind("L-61")
def shows_the_next_status(behaviour: Behaviour) -> None:
    """thread.run.created carries a run that is in progress."""

    def change(world: World, run: Run, name: str, data: Any) -> Events:
        if name == "thread.run.created":
            data = {**data, "status": "in_progress"}
        return ((name, data),)

    told(behaviour, change)


@blind("L-61")
def completes_in_progress(behaviour: Behaviour) -> None:
    """thread.run.completed carries a run that is still in progress."""

    def change(world: World, run: Run, name: str, data: Any) -> Events:
        if name == "thread.run.completed":
            data = {**data, "status": "in_progress", "completed_at": None, "usage": None}
        return ((name, data),)

    told(behaviour, change)


@blind("L-61")
def tells_incomplete_as_failed(behaviour: Behaviour) -> None:
    """An incomplete run is told as thread.run.failed."""
    told(
        behaviour,
        lambda world, run, name, data: ((name.replace("thread.run.incomplete", "thread.run.failed"), data),),
    )


@blind("L-63", level="should")
def skips_queued(behaviour: Behaviour) -> None:
    """A stream has no thread.run.queued."""
    _without(behaviour, "thread.run.queued")


@blind("L-63", level="should")
def skips_created(behaviour: Behaviour) -> None:
    """A stream has no thread.run.created."""
    _without(behaviour, "thread.run.created")


@blind("L-63", level="should")
def skips_the_end(behaviour: Behaviour) -> None:
    """A stream goes from the last step to done, without the end of the run."""
    _without(behaviour, *[f"thread.run.{status}" for status in TERMINAL])


@blind("L-63", level="should")
def skips_steps(behaviour: Behaviour) -> None:
    """A stream has no events of steps."""
    told(behaviour, lambda world, run, name, data: () if name.startswith("thread.run.step.") else ((name, data),))


@blind("L-63", level="should")
def starts_before_it_is_created(behaviour: Behaviour) -> None:
    """thread.run.in_progress comes before thread.run.created."""
    held: dict[str, list[tuple[str, Any]]] = {}

    def change(world: World, run: Run, name: str, data: Any) -> Events:
        if name in ("thread.run.created", "thread.run.queued") and run.round == 0:
            held.setdefault(run.id, []).append((name, data))
            return ()
        return ((name, data), *held.pop(run.id, ()))

    told(behaviour, change)


@blind("L-63", level="should")
def ends_twice(behaviour: Behaviour) -> None:
    """The end of a run is told twice."""
    ends = {f"thread.run.{status}" for status in TERMINAL}
    told(behaviour, lambda world, run, name, data: ((name, data),) * (2 if name in ends else 1))


@blind("L-63", level="should")
def goes_on_after_the_end(behaviour: Behaviour) -> None:
    """A run is told to be in progress after it was told to be completed."""

    def change(world: World, run: Run, name: str, data: Any) -> Events:
        if name != "thread.run.completed":
            return ((name, data),)
        return (name, data), ("thread.run.in_progress", {**data, "status": "in_progress"})

    told(behaviour, change)


@blind("L-63", level="should")
def skips_the_new_thread(behaviour: Behaviour) -> None:
    """The stream that creates a thread has no thread.created."""
    behaviour.opening = lambda world, run, opening: ()


@blind("L-67", level="should")
def completes_steps_before_messages(behaviour: Behaviour) -> None:
    """A message's step is told to be completed before the message."""
    held: dict[str, tuple[str, Any]] = {}

    def change(world: World, run: Run, name: str, data: Any) -> Events:
        if name == "thread.message.completed":
            held[run.id] = (name, data)
            return ()
        return ((name, data), held.pop(run.id)) if run.id in held else ((name, data),)

    told(behaviour, change)


@blind("L-63", level="should")
def never_completes_messages(behaviour: Behaviour) -> None:
    """A stream has no thread.message.completed."""
    _without(behaviour, "thread.message.completed")


@blind("L-68", level="should")
def does_not_tell_what_is_required(behaviour: Behaviour) -> None:
    """A stream stops without thread.run.requires_action."""
    _without(behaviour, "thread.run.requires_action")


@blind("L-69", level="should")
def forgets_the_step_after_outputs(behaviour: Behaviour) -> None:
    """The stream after outputs does not tell that the step is completed."""

    def change(world: World, run: Run, name: str, data: Any) -> Events:
        return () if name == "thread.run.step.completed" and run.status == "requires_action" else ((name, data),)

    told(behaviour, change)


@blind("L-69", level="should")
def begins_anew_after_outputs(behaviour: Behaviour) -> None:
    """The stream after outputs begins with all that was told before."""

    async def submit(inner: Any, call: Call) -> Any:
        answer = await inner(call)
        return replace(answer, start=0) if isinstance(answer, Following) else answer

    around(behaviour, submit, "submit_tool_outputs")


@blind("L-70")
def creates_threads_again(behaviour: Behaviour) -> None:
    """Every stream begins with thread.created."""

    async def run(inner: Any, call: Call) -> Any:
        answer = await inner(call)
        if not isinstance(answer, Following):
            return answer
        thread = call.world.behaviour.thread_object(call.world, answer.thread, "stream")
        return replace(answer, opening=(("thread.created", thread),))

    around(behaviour, run, "create_run")


@blind("L-74", level="should")
def streams_other_usage(behaviour: Behaviour) -> None:
    """The usage of a streamed run differs from that of the stored one."""

    def change(world: World, run: Run, name: str, data: Any) -> Events:
        if name.startswith("thread.run.") and data.get("usage") and data["object"] == "thread.run":
            spent = data["usage"]
            more = {"prompt_tokens": spent["prompt_tokens"] + 1, "total_tokens": spent["total_tokens"] + 1}
            data = {**data, "usage": {**spent, **more}}
        return ((name, data),)

    told(behaviour, change)


@blind("L-74", level="should")
def streams_other_steps(behaviour: Behaviour) -> None:
    """The steps of a stream have other ids than the stored ones."""

    def change(world: World, run: Run, name: str, data: Any) -> Events:
        if name.startswith("thread.run.step."):
            data = {**data, "id": data["id"].replace("step_", "step_x")}
        return ((name, data),)

    told(behaviour, change)


@blind("message.status.required")
def streams_messages_without_status(behaviour: Behaviour) -> None:
    """The messages of a stream have no status, as those of a JSON answer."""
    inner = behaviour.message_object
    behaviour.message_object = lambda world, message, channel: inner(world, message, "json")


@mutant("L-61", level="should")
def creates_messages_completed(behaviour: Behaviour) -> None:
    """A message that is created is told as completed at once."""

    def change(world: World, run: Run, name: str, data: Any) -> Events:
        if name == "thread.message.created":
            data = {**data, "status": "completed", "completed_at": data["created_at"]}
        return ((name, data),)

    told(behaviour, change)


@mutant("L-61", level="should")
def tells_no_end_of_messages(behaviour: Behaviour) -> None:
    """A message that is told to be completed has no completed_at."""

    def change(world: World, run: Run, name: str, data: Any) -> Events:
        return ((name, {**data, "completed_at": None} if name == "thread.message.completed" else data),)

    told(behaviour, change)


@mutant("L-63", level="should")
def begins_messages_without_a_word(behaviour: Behaviour) -> None:
    """No event says that a message is in progress."""
    told(behaviour, lambda world, run, name, data: () if name == "thread.message.in_progress" else ((name, data),))
