"""Steps that do not record what happened, or name what is not there."""

from __future__ import annotations

from typing import Any

from conformance.emulator.behaviour import Behaviour
from conformance.emulator.catalogue import blind
from conformance.emulator.spoiling import around, each, shown
from conformance.emulator.state import Members, Step
from conformance.emulator.world import Call


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
