"""Tool calls, the outputs that are submitted for them, and the steps that record both."""

from __future__ import annotations

import asyncio
from typing import Any

from conformance.emulator import refusal
from conformance.emulator.behaviour import Behaviour
from conformance.emulator.catalogue import blind
from conformance.emulator.spoiling import around, each, shown
from conformance.emulator.state import Members, Run, Step, Thread
from conformance.emulator.world import Call, World


async def _show(call: Call) -> Any:
    thread = call.world.behaviour.find_thread(call, call.path["thread_id"])
    run = call.world.behaviour.find_run(call, thread, call.path["run_id"])
    return call.world.behaviour.run_object(call.world, run, "json")


def _ids(outputs: list[Members]) -> list[str]:
    return [str(output.get("tool_call_id")) for output in outputs]


@blind("L-36")
def swallows_late_outputs(behaviour: Behaviour) -> None:
    """Outputs for a run that does not wait for any are answered with the run as it is."""

    async def submit(inner: Any, call: Call) -> Any:
        thread = call.world.behaviour.find_thread(call, call.path["thread_id"])
        run = call.world.behaviour.find_run(call, thread, call.path["run_id"])
        return await inner(call) if run.status == "requires_action" else await _show(call)

    around(behaviour, submit, "submit_tool_outputs")


@blind("L-36")
def takes_outputs_twice(behaviour: Behaviour) -> None:
    """Outputs that come twice are taken twice."""

    async def submit(inner: Any, call: Call) -> Any:
        thread = call.world.behaviour.find_thread(call, call.path["thread_id"])
        run = call.world.behaviour.find_run(call, thread, call.path["run_id"])
        again = run.round > 0 and run.status != "requires_action"
        return await _show(call) if again else await inner(call)

    around(behaviour, submit, "submit_tool_outputs")


@blind("L-36")
def checks_outputs_too_early(behaviour: Behaviour) -> None:
    """The run is looked at some time before the outputs are taken in, so that two at once both pass."""
    inner, submit = behaviour.admit_outputs, behaviour.submit

    async def admit(call: Call, run: Run) -> None:
        await inner(call, run)
        await asyncio.sleep(0.03)

    def take(world: World, thread: Thread, run: Run, outputs: list[Members], now: float) -> None:
        if run.status == "requires_action":
            submit(world, thread, run, outputs, now)

    behaviour.admit_outputs, behaviour.submit = admit, take


@blind("L-37")
def takes_some_of_the_outputs(behaviour: Behaviour) -> None:
    """Outputs for only some of the calls are taken, and the run goes on."""

    def check(world: World, run: Run, outputs: list[Members]) -> None:
        if run.status != "requires_action":
            raise refusal.no_outputs_wanted(run.status)
        wanted = [call["id"] for call in run.pending]
        if not set(_ids(outputs)) <= set(wanted):
            raise refusal.other_outputs_wanted(wanted, _ids(outputs))

    behaviour.check_submit = check


@blind("L-37")
def collects_outputs(behaviour: Behaviour) -> None:
    """Outputs may come one by one; the run goes on when it has them all."""

    async def submit(inner: Any, call: Call) -> Any:
        thread = call.world.behaviour.find_thread(call, call.path["thread_id"])
        run = call.world.behaviour.find_run(call, thread, call.path["run_id"])
        wanted = {pending["id"] for pending in run.pending}
        given = call.body["tool_outputs"]
        if not wanted or not set(_ids(given)) < wanted:
            kept = run.notes.pop("collected", {})
            call.body["tool_outputs"] = [*kept.values(), *given]
            return await inner(call)
        run.notes.setdefault("collected", {}).update({output["tool_call_id"]: output for output in given})
        if run.notes["collected"].keys() >= wanted:
            call.body["tool_outputs"] = list(run.notes.pop("collected").values())
            return await inner(call)
        return await _show(call)

    around(behaviour, submit, "submit_tool_outputs")


@blind("L-38", level="should")
def takes_unknown_outputs(behaviour: Behaviour) -> None:
    """Outputs for calls that do not exist are dropped instead of refused."""

    def check(world: World, run: Run, outputs: list[Members]) -> None:
        if run.status != "requires_action":
            raise refusal.no_outputs_wanted(run.status)
        wanted = [call["id"] for call in run.pending]
        if not set(wanted) <= set(_ids(outputs)):
            raise refusal.other_outputs_wanted(wanted, _ids(outputs))

    behaviour.check_submit = check


@blind("L-38", level="should")
def matches_outputs_by_position(behaviour: Behaviour) -> None:
    """Outputs are matched with the calls by position, whatever ids they name."""
    inner = behaviour.submit

    def check(world: World, run: Run, outputs: list[Members]) -> None:
        if run.status != "requires_action":
            raise refusal.no_outputs_wanted(run.status)
        if len(outputs) != len(run.pending):
            raise refusal.other_outputs_wanted([call["id"] for call in run.pending], _ids(outputs))

    def submit(world: World, thread: Thread, run: Run, outputs: list[Members], now: float) -> None:
        named = [{**output, "tool_call_id": call["id"]} for output, call in zip(outputs, run.pending, strict=True)]
        inner(world, thread, run, named, now)

    behaviour.check_submit, behaviour.submit = check, submit


@blind("L-39", level="should")
def fails_on_wrong_outputs(behaviour: Behaviour) -> None:
    """Refused outputs end the run as failed."""
    inner = behaviour.check_submit

    def check(world: World, run: Run, outputs: list[Members]) -> None:
        try:
            inner(world, run, outputs)
        except refusal.Refusal:
            if run.status == "requires_action":
                world.behaviour.finish(world, run, "failed", world.clock.now())
            raise

    behaviour.check_submit = check


@blind("L-39", level="should")
def renames_calls_on_wrong_outputs(behaviour: Behaviour) -> None:
    """Refused outputs give the pending calls new ids."""
    inner = behaviour.check_submit

    def check(world: World, run: Run, outputs: list[Members]) -> None:
        try:
            inner(world, run, outputs)
        except refusal.Refusal:
            for call in run.pending:
                call["id"] = world.behaviour.new_id(world, "tool_call")
            raise

    behaviour.check_submit = check


@blind("L-40", level="should")
def answers_outputs_while_waiting(behaviour: Behaviour) -> None:
    """Accepted outputs are answered with the run as it was before, waiting."""

    async def submit(inner: Any, call: Call) -> Any:
        before = await _show(call)
        answer = await inner(call)
        return before if isinstance(answer, dict) else answer

    around(behaviour, submit, "submit_tool_outputs")


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


@blind("L-58", level="should")
def writes_without_steps(behaviour: Behaviour) -> None:
    """A run that wrote a message shows no step for it."""

    async def look(inner: Any, call: Call) -> Any:
        answer = await inner(call)
        kept = [step for step in answer["data"] if step["type"] != "message_creation"]
        return call.world.behaviour.list_object(kept, answer["has_more"])

    around(behaviour, look, "list_run_steps")


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
        return await _show(call)

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
        return await _show(call)

    around(behaviour, modify, "modify_run")


@blind("L-44", level="should")
def refuses_to_modify(behaviour: Behaviour) -> None:
    """Modifying a run that is over is refused."""

    def check(world: World, run: Run) -> None:
        raise refusal.cannot_update(run.status)

    behaviour.check_modify = check
