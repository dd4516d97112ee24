"""Mutants of tool outputs: when they are accepted, and which."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from runs_conformance.emulator import api_errors
from runs_conformance.emulator.context import EventStreamResponse, Hooks, RequestContext, ServerState
from runs_conformance.emulator.declaration import mutant, written_from_spec
from runs_conformance.emulator.handlers import get_run
from runs_conformance.emulator.patching import set_keyword, wrap_handlers
from runs_conformance.emulator.run_machine import begin, set_status
from runs_conformance.emulator.run_steps import open_step
from runs_conformance.emulator.state import Members, Run, Thread

_RACE_S = 0.03


def _ids(outputs: list[Members]) -> list[str]:
    return [str(output.get("tool_call_id")) for output in outputs]


@written_from_spec("outputs-only-while-required")
def swallows_late_outputs(hooks: Hooks) -> None:
    """Outputs for a run that does not wait for any are ignored, and the run is returned."""

    async def submit(inner: Any, request: RequestContext) -> Any:
        thread = request.server.hooks.find_thread(request, request.path_params["thread_id"])
        run = request.server.hooks.find_run(request, thread, request.path_params["run_id"])
        return await inner(request) if run.status == "requires_action" else await get_run(request)

    wrap_handlers(hooks, submit, "submit_tool_outputs")


@written_from_spec("outputs-only-while-required")
def takes_outputs_twice(hooks: Hooks) -> None:
    """Repeated outputs are accepted."""

    async def submit(inner: Any, request: RequestContext) -> Any:
        thread = request.server.hooks.find_thread(request, request.path_params["thread_id"])
        run = request.server.hooks.find_run(request, thread, request.path_params["run_id"])
        again = run.round > 0 and run.status != "requires_action"
        return await get_run(request) if again else await inner(request)

    wrap_handlers(hooks, submit, "submit_tool_outputs")


@mutant("outputs-only-while-required", broad_reason="A run that goes on after its end is not an ended run any more.")
def resumes_ended_runs_by_streams(hooks: Hooks) -> None:
    """A submission with `stream` is compared with the calls of the run, but not with its status."""

    async def submit(inner: Any, request: RequestContext) -> Any:
        thread = request.server.hooks.find_thread(request, request.path_params["thread_id"])
        run = request.server.hooks.find_run(request, thread, request.path_params["run_id"])
        own = {call["id"] for step in run.steps for call in step.calls}
        is_wrong = not own.issuperset(_ids(request.body["tool_outputs"]))
        if run.status != "completed" or not request.body.get("stream") or is_wrong:
            return await inner(request)
        start, run.is_streamed = len(run.events), True
        set_status(request.server, run, "queued")
        begin(request.server, thread, run, request.server.clock.now())
        return EventStreamResponse(thread, run, start)

    wrap_handlers(hooks, submit, "submit_tool_outputs")


@written_from_spec("outputs-only-while-required")
def checks_outputs_too_early(hooks: Hooks) -> None:
    """Checks the run some time before it stores the outputs, so two concurrent submissions both succeed."""
    inner, submit = hooks.admit_outputs, hooks.submit

    async def admit(request: RequestContext, run: Run) -> None:
        await inner(request, run)
        await asyncio.sleep(0.03)

    def submit_once(server: ServerState, thread: Thread, run: Run, outputs: list[Members], now: float) -> None:
        if run.status == "requires_action":
            submit(server, thread, run, outputs, now)

    hooks.admit_outputs, hooks.submit = admit, submit_once


@written_from_spec("outputs-all-in-one-request")
def takes_some_of_the_outputs(hooks: Hooks) -> None:
    """Outputs for only some of the calls are accepted, and the run continues."""

    def check(server: ServerState, run: Run, outputs: list[Members]) -> None:
        if run.status != "requires_action":
            raise api_errors.outputs_not_expected(run.status)
        expected = [call["id"] for call in run.pending_calls]
        if not set(_ids(outputs)) <= set(expected):
            raise api_errors.wrong_outputs(expected, _ids(outputs))

    hooks.check_submit = check


@mutant("outputs-all-in-one-request")
def counts_outputs_of_known_calls(hooks: Hooks) -> None:
    """Outputs are accepted if there are as many as calls and each is for one of them, even if two are for the same."""

    def check(server: ServerState, run: Run, outputs: list[Members]) -> None:
        if run.status != "requires_action":
            raise api_errors.outputs_not_expected(run.status)
        expected = [call["id"] for call in run.pending_calls]
        if len(outputs) != len(expected) or not set(_ids(outputs)) <= set(expected):
            raise api_errors.wrong_outputs(expected, _ids(outputs))

    hooks.check_submit = check


@written_from_spec("outputs-all-in-one-request")
def collects_outputs(hooks: Hooks) -> None:
    """Outputs may be submitted one by one; the run continues when all are there."""

    async def submit(inner: Any, request: RequestContext) -> Any:
        thread = request.server.hooks.find_thread(request, request.path_params["thread_id"])
        run = request.server.hooks.find_run(request, thread, request.path_params["run_id"])
        expected = {pending["id"] for pending in run.pending_calls}
        outputs = request.body["tool_outputs"]
        if not expected or not set(_ids(outputs)) < expected:
            collected = run.notes.pop("collected", {})
            request.body["tool_outputs"] = [*collected.values(), *outputs]
            return await inner(request)
        run.notes.setdefault("collected", {}).update({output["tool_call_id"]: output for output in outputs})
        if run.notes["collected"].keys() >= expected:
            request.body["tool_outputs"] = list(run.notes.pop("collected").values())
            return await inner(request)
        return await get_run(request)

    wrap_handlers(hooks, submit, "submit_tool_outputs")


@written_from_spec("outputs-for-unknown-calls-refused", level="should")
def takes_unknown_outputs(hooks: Hooks) -> None:
    """Outputs for unknown calls are ignored."""

    def check(server: ServerState, run: Run, outputs: list[Members]) -> None:
        if run.status != "requires_action":
            raise api_errors.outputs_not_expected(run.status)
        expected = [call["id"] for call in run.pending_calls]
        if not set(expected) <= set(_ids(outputs)):
            raise api_errors.wrong_outputs(expected, _ids(outputs))

    hooks.check_submit = check


@written_from_spec("outputs-for-unknown-calls-refused", level="should")
def matches_outputs_by_position(hooks: Hooks) -> None:
    """Outputs are matched to the calls by position, not by id."""
    inner = hooks.submit

    def check(server: ServerState, run: Run, outputs: list[Members]) -> None:
        if run.status != "requires_action":
            raise api_errors.outputs_not_expected(run.status)
        if len(outputs) != len(run.pending_calls):
            raise api_errors.wrong_outputs([call["id"] for call in run.pending_calls], _ids(outputs))

    def submit(server: ServerState, thread: Thread, run: Run, outputs: list[Members], now: float) -> None:
        matched = [
            {**output, "tool_call_id": call["id"]} for output, call in zip(outputs, run.pending_calls, strict=True)
        ]
        inner(server, thread, run, matched, now)

    hooks.check_submit, hooks.submit = check, submit


@mutant(
    "submit_tool_outputs.tool_outputs[].tool_call_id.type",
    broad_reason="An output whose id is not read stands for the call, which then has none of its own.",
)
def counts_outputs_of_any_id(hooks: Hooks) -> None:
    """Outputs are counted and matched by position; their ids are of any type, and not read."""
    matches_outputs_by_position(hooks)
    set_keyword(hooks, "submit_tool_outputs.tool_outputs[].tool_call_id.type", None)


@written_from_spec("refused-outputs-change-nothing", level="should")
def fails_on_wrong_outputs(hooks: Hooks) -> None:
    """Invalid outputs fail the run."""

    def fail(server: ServerState, run: Run, outputs: list[Members]) -> None:
        if run.status == "requires_action":
            server.hooks.finish(server, run, "failed", server.clock.now())

    _act_on_refused_outputs(hooks, fail)


@written_from_spec("refused-outputs-change-nothing", level="should")
def renames_calls_on_wrong_outputs(hooks: Hooks) -> None:
    """Invalid outputs change the ids of the pending calls."""

    def rename(server: ServerState, run: Run, outputs: list[Members]) -> None:
        for call in run.pending_calls:
            call["id"] = server.hooks.new_id(server, "tool_call")

    _act_on_refused_outputs(hooks, rename)


@written_from_spec("accepted-outputs-requeue-run", level="should")
def answers_outputs_while_waiting(hooks: Hooks) -> None:
    """submit_tool_outputs returns the run in requires_action."""

    async def submit(inner: Any, request: RequestContext) -> Any:
        before = await get_run(request)
        response = await inner(request)
        return before if isinstance(response, dict) else response

    wrap_handlers(hooks, submit, "submit_tool_outputs")


@mutant("outputs-for-unknown-calls-refused", level="may")
def takes_two_outputs_for_one_call(hooks: Hooks) -> None:
    """Of several outputs for one call, the last one is used."""
    inner = hooks.check_submit
    hooks.check_submit = lambda server, run, outputs: inner(
        server, run, list({output.get("tool_call_id"): output for output in outputs}.values())
    )


@mutant("accepted-outputs-requeue-run")
def wants_outputs_in_order(hooks: Hooks) -> None:
    """Outputs must be in the order of their calls."""
    inner = hooks.check_submit

    def check(server: ServerState, run: Run, outputs: list[dict[str, Any]]) -> None:
        inner(server, run, outputs)
        expected, actual = [call["id"] for call in run.pending_calls], [output["tool_call_id"] for output in outputs]
        if expected != actual:
            raise api_errors.wrong_outputs(expected, actual)

    hooks.check_submit = check


@mutant("outputs-only-while-required", level="should")
def refuses_outputs_that_collide(hooks: Hooks) -> None:
    """Two concurrent submissions are both refused."""
    inner = hooks.admit_outputs

    async def admit(request: RequestContext, run: Run) -> None:
        run.notes["concurrent"] = run.notes.get("concurrent", 0) + 1
        await asyncio.sleep(_RACE_S)
        collided = run.notes["concurrent"] > 1
        await asyncio.sleep(_RACE_S)
        run.notes["concurrent"] -= 1
        if collided:
            raise api_errors.bad_request("The run is being changed by another request.")
        await inner(request, run)

    hooks.admit_outputs = admit


@mutant("tool-step-open-until-outputs", level="should")
def drops_the_arguments_with_the_outputs(hooks: Hooks) -> None:
    """After submission, the step shows its calls without arguments."""
    inner = hooks.submit

    def submit(server: ServerState, thread: Thread, run: Run, outputs: list[Members], now: float) -> None:
        calls = [pending["function"] for step in run.steps for pending in step.calls]
        inner(server, thread, run, outputs, now)
        for function in calls:
            function["arguments"] = "{}"

    hooks.submit = submit


@mutant("tool-step-open-until-outputs")
def stores_outputs_before_the_check(hooks: Hooks) -> None:
    """A refused submission leaves its outputs on the step of the calls."""

    def store(server: ServerState, run: Run, outputs: list[Members]) -> None:
        if run.status == "requires_action":
            by_id = {output.get("tool_call_id"): output.get("output") for output in outputs}
            for call in open_step(run).calls:
                call["function"]["output"] = by_id.get(call["id"], call["function"].get("output"))

    _act_on_refused_outputs(hooks, store)


def _act_on_refused_outputs(hooks: Hooks, act: Callable[[ServerState, Run, list[Members]], None]) -> None:
    """Let a submission that is refused have an effect nevertheless."""
    inner = hooks.check_submit

    def check(server: ServerState, run: Run, outputs: list[Members]) -> None:
        try:
            inner(server, run, outputs)
        except api_errors.ApiError:
            act(server, run, outputs)
            raise

    hooks.check_submit = check
