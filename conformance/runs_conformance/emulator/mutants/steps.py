"""Steps that do not record what happened, or name what is not there."""

from __future__ import annotations

from typing import Any

from runs_conformance.emulator import refusal
from runs_conformance.emulator.catalogue import blind, mutant
from runs_conformance.emulator.context import Call, World
from runs_conformance.emulator.hooks import Behaviour
from runs_conformance.emulator.model_actions import Beat
from runs_conformance.emulator.patching import around, each, shown
from runs_conformance.emulator.state import Members, Run, Step, Thread


@blind("L-41", level="should")
def does_not_record_outputs(behaviour: Behaviour) -> None:
    """A step does not show the outputs that were submitted."""

    def change(call: dict[str, Any]) -> None:
        if "arguments" in call:
            call["output"] = None

    shown(behaviour, "step", lambda step, *_: each(step["step_details"], change))


@blind("L-41", level="should")
def swaps_outputs(behaviour: Behaviour) -> None:
    """A step with several calls shows their outputs in reverse order."""

    def change(members: Members, step: Step, _: str) -> None:
        outputs = [call["function"]["output"] for call in step.calls if call["type"] == "function"]
        for call in members["step_details"].get("tool_calls", ()):
            if call["type"] == "function":
                call["function"]["output"] = outputs.pop()

    shown(behaviour, "step", change)


@blind("L-42")
def completes_steps_before_outputs(behaviour: Behaviour) -> None:
    """A step is completed while its run still waits for the outputs."""

    def change(members: Members, step: Step, channel: str) -> None:
        if step.status == "in_progress" and step.calls and channel == "json":
            members.update(status="completed", completed_at=members["created_at"])

    shown(behaviour, "step", change)


@blind("L-42")
def shows_outputs_as_empty(behaviour: Behaviour) -> None:
    """A function call whose output has not come shows an empty one."""

    def change(call: dict[str, Any]) -> None:
        if "arguments" in call and call.get("output") is None:
            call["output"] = ""

    shown(behaviour, "step", lambda step, *_: each(step["step_details"], change))


@blind("L-55")
def names_no_existing_message(behaviour: Behaviour) -> None:
    """A step names a message that does not exist."""

    def change(members: Members, step: Step, _: str) -> None:
        if step.message is not None:
            members["step_details"]["message_creation"] = {"message_id": "msg_" + "0" * 24}

    shown(behaviour, "step", change)


@blind("L-55")
def details_another_type(behaviour: Behaviour) -> None:
    """A step of tool calls says that it created a message."""
    shown(behaviour, "step", lambda step, *_: step.update(type="message_creation"))


@blind("L-55")
def steps_belong_to_another_run(behaviour: Behaviour) -> None:
    """A step names another run than its own."""
    shown(behaviour, "step", lambda step, *_: step.update(run_id="run_" + "0" * 24))


@blind("L-56")
def completes_steps_without_a_time(behaviour: Behaviour) -> None:
    """A completed step has no completed_at."""
    shown(behaviour, "step", lambda step, *_: step.update(completed_at=None))


@blind("L-56")
def finishes_steps(behaviour: Behaviour) -> None:
    """A completed step is "finished"."""
    shown(behaviour, "step", lambda step, *_: step.update(status=step["status"].replace("completed", "finished")))


@blind("L-57", level="should")
def never_counts_steps(behaviour: Behaviour) -> None:
    """A completed step has no usage."""
    shown(behaviour, "step", lambda step, *_: step.update(usage=None))


@blind(
    "L-58",
    level="should",
    broad="The steps are missing from the list after it was cut into pages, so pages are short as well.",
)
def writes_without_steps(behaviour: Behaviour) -> None:
    """A run that wrote a message shows no step for it."""

    async def look(inner: Any, call: Call) -> Any:
        answer = await inner(call)
        kept = [step for step in answer["data"] if step["type"] != "message_creation"]
        return call.world.behaviour.list_object(kept, answer["has_more"])

    around(behaviour, look, "list_run_steps")


@mutant("acceptance")
def shows_tool_steps_only(behaviour: Behaviour) -> None:
    """A step that created a message is listed, but not found by its id."""
    inner = behaviour.find_step

    def find(call: Call, run: Run, id_: str) -> Step:
        step = inner(call, run, id_)
        if step.type == "message_creation":
            raise refusal.unknown("run step", id_)
        return step

    behaviour.find_step = find


@mutant("L-21", level="should")
def dates_steps_back(behaviour: Behaviour) -> None:
    """A step was created a minute before its run."""
    shown(behaviour, "step", lambda step, *_: step.update(created_at=step["created_at"] - 60))


@mutant("L-07")
def completes_steps_with_an_error(behaviour: Behaviour) -> None:
    """A completed step has the error of an attempt that was repeated."""

    def change(members: Members, step: Step, _: str) -> None:
        if step.status == "completed":
            members["last_error"] = {"code": "rate_limit_exceeded", "message": "The model was busy."}

    shown(behaviour, "step", change)


@mutant("L-56", level="should")
def stamps_open_steps(behaviour: Behaviour) -> None:
    """A step in progress has completed_at already."""

    def change(members: Members, step: Step, _: str) -> None:
        if step.status == "in_progress":
            members["completed_at"] = members["created_at"]

    shown(behaviour, "step", change)


@mutant("L-56")
def stamps_listed_steps_by_the_look(behaviour: Behaviour) -> None:
    """A list shows steps as completed an hour later than they were, in the time of another zone."""

    async def look(inner: Any, call: Call) -> Any:
        answer = await inner(call)
        for step in answer["data"]:
            if step["completed_at"]:
                step["completed_at"] += 3600
        return answer

    around(behaviour, look, "list_run_steps")


@mutant("L-74", level="should")
def estimates_streamed_usage(behaviour: Behaviour) -> None:
    """The usage of a step is estimated in streams, and counted afterwards."""

    def change(members: Members, step: Step, channel: str) -> None:
        if channel == "stream" and members["usage"]:
            members["usage"] = {**members["usage"], "prompt_tokens": 0, "total_tokens": 0, "completion_tokens": 0}

    shown(behaviour, "step", change)


@mutant("ids")
def counts_steps_within_their_run(behaviour: Behaviour) -> None:
    """The steps of every run are called step_1, step_2 and so on."""
    perform, new_id = behaviour.perform, behaviour.new_id

    def performed(world: World, thread: Thread, run: Run, beat: Beat, at: float) -> None:
        world.notes["step"] = f"step_{len(run.steps) + 1}"
        perform(world, thread, run, beat, at)

    behaviour.perform = performed
    behaviour.new_id = lambda world, kind: world.notes["step"] if kind == "run_step" else new_id(world, kind)
