"""Outputs of tool calls: when they are taken, and which."""

from __future__ import annotations

import asyncio
from typing import Any

from runs_conformance.emulator import refusal
from runs_conformance.emulator.catalogue import blind, mutant
from runs_conformance.emulator.context import Call, World
from runs_conformance.emulator.hooks import Behaviour
from runs_conformance.emulator.operations import get_run
from runs_conformance.emulator.patching import around
from runs_conformance.emulator.state import Members, Run, Thread

_MEETING_S = 0.03


def _ids(outputs: list[Members]) -> list[str]:
    return [str(output.get("tool_call_id")) for output in outputs]


@blind("L-36")
def swallows_late_outputs(behaviour: Behaviour) -> None:
    """Outputs for a run that does not wait for any are answered with the run as it is."""

    async def submit(inner: Any, call: Call) -> Any:
        thread = call.world.behaviour.find_thread(call, call.path["thread_id"])
        run = call.world.behaviour.find_run(call, thread, call.path["run_id"])
        return await inner(call) if run.status == "requires_action" else await get_run(call)

    around(behaviour, submit, "submit_tool_outputs")


@blind("L-36")
def takes_outputs_twice(behaviour: Behaviour) -> None:
    """Outputs that come twice are taken twice."""

    async def submit(inner: Any, call: Call) -> Any:
        thread = call.world.behaviour.find_thread(call, call.path["thread_id"])
        run = call.world.behaviour.find_run(call, thread, call.path["run_id"])
        again = run.round > 0 and run.status != "requires_action"
        return await get_run(call) if again else await inner(call)

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
        return await get_run(call)

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
        before = await get_run(call)
        answer = await inner(call)
        return before if isinstance(answer, dict) else answer

    around(behaviour, submit, "submit_tool_outputs")


@mutant("L-38", level="may")
def takes_two_outputs_for_one_call(behaviour: Behaviour) -> None:
    """Of several outputs for one call the last one counts."""
    inner = behaviour.check_submit
    behaviour.check_submit = lambda world, run, outputs: inner(
        world, run, list({output.get("tool_call_id"): output for output in outputs}.values())
    )


@mutant("L-40")
def wants_outputs_in_order(behaviour: Behaviour) -> None:
    """Outputs are refused unless they come in the order of their calls."""
    inner = behaviour.check_submit

    def check(world: World, run: Run, outputs: list[dict[str, Any]]) -> None:
        inner(world, run, outputs)
        wanted, got = [call["id"] for call in run.pending], [output["tool_call_id"] for output in outputs]
        if wanted != got:
            raise refusal.other_outputs_wanted(wanted, got)

    behaviour.check_submit = check


@mutant("L-36", level="should")
def refuses_outputs_that_collide(behaviour: Behaviour) -> None:
    """Of two submissions at once each finds the other in its way, and both are refused."""
    inner = behaviour.admit_outputs

    async def admit(call: Call, run: Run) -> None:
        run.notes["comers"] = run.notes.get("comers", 0) + 1
        await asyncio.sleep(_MEETING_S)
        met = run.notes["comers"] > 1
        await asyncio.sleep(_MEETING_S)
        run.notes["comers"] -= 1
        if met:
            raise refusal.bad("The run is being changed by another request.")
        await inner(call, run)

    behaviour.admit_outputs = admit


@mutant("L-42", level="should")
def drops_the_arguments_with_the_outputs(behaviour: Behaviour) -> None:
    """Once the outputs are there, the step shows the calls without their arguments."""
    inner = behaviour.submit

    def submit(world: World, thread: Thread, run: Run, outputs: list[Members], now: float) -> None:
        calls = [pending["function"] for step in run.steps for pending in step.calls]
        inner(world, thread, run, outputs, now)
        for function in calls:
            function["arguments"] = "{}"

    behaviour.submit = submit
