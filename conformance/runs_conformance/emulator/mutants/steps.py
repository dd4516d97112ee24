"""Mutants of steps: they do not match what happened, or name unknown objects."""

from __future__ import annotations

from typing import Any

from runs_conformance.emulator import api_errors
from runs_conformance.emulator.context import Hooks, RequestContext, ServerState
from runs_conformance.emulator.declaration import mutant, written_from_spec
from runs_conformance.emulator.model_actions import ModelAction
from runs_conformance.emulator.patching import patch_object, visit_objects, wrap_handlers
from runs_conformance.emulator.state import Members, Run, RunStep, Thread


@written_from_spec("step-records-outputs", level="should")
def does_not_record_outputs(hooks: Hooks) -> None:
    """A step does not show the submitted outputs."""

    def change(call: dict[str, Any]) -> None:
        if "arguments" in call:
            call["output"] = None

    patch_object(hooks, "step", lambda step, *_: visit_objects(step["step_details"], change))


@written_from_spec("step-records-outputs", level="should")
def swaps_outputs(hooks: Hooks) -> None:
    """A step with several calls shows their outputs in reverse order."""

    def change(members: Members, step: RunStep, _: str) -> None:
        outputs = [call["function"]["output"] for call in step.calls if call["type"] == "function"]
        for call in members["step_details"].get("tool_calls", ()):
            if call["type"] == "function":
                call["function"]["output"] = outputs.pop()

    patch_object(hooks, "step", change)


@written_from_spec("tool-step-open-until-outputs")
def completes_steps_before_outputs(hooks: Hooks) -> None:
    """A step is completed while its run waits for the outputs."""

    def change(members: Members, step: RunStep, channel: str) -> None:
        if step.status == "in_progress" and step.calls and channel == "json":
            members.update(status="completed", completed_at=members["created_at"])

    patch_object(hooks, "step", change)


@written_from_spec("tool-step-open-until-outputs")
def shows_outputs_as_empty(hooks: Hooks) -> None:
    """The output of a function call is an empty string before it is submitted."""

    def change(call: dict[str, Any]) -> None:
        if "arguments" in call and call.get("output") is None:
            call["output"] = ""

    patch_object(hooks, "step", lambda step, *_: visit_objects(step["step_details"], change))


@written_from_spec("step-type-matches-details")
def names_no_existing_message(hooks: Hooks) -> None:
    """A step names a message that does not exist."""

    def change(members: Members, step: RunStep, _: str) -> None:
        if step.message is not None:
            members["step_details"]["message_creation"] = {"message_id": "msg_" + "0" * 24}

    patch_object(hooks, "step", change)


@written_from_spec("step-type-matches-details")
def details_another_type(hooks: Hooks) -> None:
    """The type of a step of tool calls is message_creation."""
    patch_object(hooks, "step", lambda step, *_: step.update(type="message_creation"))


@written_from_spec("step-type-matches-details")
def steps_belong_to_another_run(hooks: Hooks) -> None:
    """A step has another run_id."""
    patch_object(hooks, "step", lambda step, *_: step.update(run_id="run_" + "0" * 24))


@mutant("steps")
def steps_name_another_assistant(hooks: Hooks) -> None:
    """A step has another assistant_id than its run."""
    patch_object(hooks, "step", lambda step, *_: step.update(assistant_id="asst_" + "0" * 24))


@written_from_spec("step-status-matches-timestamps")
def completes_steps_without_a_time(hooks: Hooks) -> None:
    """A completed step has no completed_at."""
    patch_object(hooks, "step", lambda step, *_: step.update(completed_at=None))


@written_from_spec("step-status-matches-timestamps")
def finishes_steps(hooks: Hooks) -> None:
    """The status of a completed step is "finished"."""
    patch_object(hooks, "step", lambda step, *_: step.update(status=step["status"].replace("completed", "finished")))


@written_from_spec("step-usage-null-until-done", level="should")
def never_counts_steps(hooks: Hooks) -> None:
    """A completed step has no usage."""
    patch_object(hooks, "step", lambda step, *_: step.update(usage=None))


@written_from_spec(
    "message-has-step-and-names-run",
    level="should",
    broad_reason="The steps are removed after paging, so pages are too short as well.",
)
def writes_without_steps(hooks: Hooks) -> None:
    """A message written by a run has no step."""

    async def handle(inner: Any, request: RequestContext) -> Any:
        response = await inner(request)
        steps = [step for step in response["data"] if step["type"] != "message_creation"]
        return request.server.hooks.list_object(steps, response["has_more"])

    wrap_handlers(hooks, handle, "list_run_steps")


@mutant("acceptance")
def shows_tool_steps_only(hooks: Hooks) -> None:
    """A step that created a message is listed, but get_run_step does not find it."""
    inner = hooks.find_step

    def find(request: RequestContext, run: Run, id_: str) -> RunStep:
        step = inner(request, run, id_)
        if step.type == "message_creation":
            raise api_errors.not_found("run step", id_)
        return step

    hooks.find_step = find


@mutant("timestamps-are-ordered-seconds", level="should")
def dates_steps_back(hooks: Hooks) -> None:
    """created_at of a step is a minute before that of its run."""
    patch_object(hooks, "step", lambda step, *_: step.update(created_at=step["created_at"] - 60))


@mutant("failed-run-has-last-error")
def completes_steps_with_an_error(hooks: Hooks) -> None:
    """A completed step has the error of a failed attempt."""

    def change(members: Members, step: RunStep, _: str) -> None:
        if step.status == "completed":
            members["last_error"] = {"code": "rate_limit_exceeded", "message": "The model was busy."}

    patch_object(hooks, "step", change)


@mutant("step-status-matches-timestamps", level="should")
def stamps_open_steps(hooks: Hooks) -> None:
    """A step in progress has completed_at."""

    def change(members: Members, step: RunStep, _: str) -> None:
        if step.status == "in_progress":
            members["completed_at"] = members["created_at"]

    patch_object(hooks, "step", change)


@mutant("step-status-matches-timestamps")
def stamps_listed_steps_by_the_look(hooks: Hooks) -> None:
    """completed_at of listed steps is an hour late, as if in another time zone."""

    async def handle(inner: Any, request: RequestContext) -> Any:
        response = await inner(request)
        for step in response["data"]:
            if step["completed_at"]:
                step["completed_at"] += 3600
        return response

    wrap_handlers(hooks, handle, "list_run_steps")


@mutant("stored-object-matches-stream", level="should")
def estimates_streamed_usage(hooks: Hooks) -> None:
    """The usage of a streamed step differs from that of the stored one."""

    def change(members: Members, step: RunStep, channel: str) -> None:
        if channel == "stream" and members["usage"]:
            members["usage"] = {**members["usage"], "prompt_tokens": 0, "total_tokens": 0, "completion_tokens": 0}

    patch_object(hooks, "step", change)


@mutant("ids")
def counts_steps_within_their_run(hooks: Hooks) -> None:
    """The ids of steps are step_1, step_2 and so on in every run."""
    perform, new_id = hooks.perform, hooks.new_id

    def perform_with_id(server: ServerState, thread: Thread, run: Run, action: ModelAction, at: float) -> None:
        server.notes["step"] = f"step_{len(run.steps) + 1}"
        perform(server, thread, run, action, at)

    hooks.perform = perform_with_id
    hooks.new_id = lambda server, kind: server.notes["step"] if kind == "run_step" else new_id(server, kind)
