"""Mutants that are right about the first run of a thread, and wrong about a later one, or late in an object's life."""

from __future__ import annotations

from typing import Any

from runs_conformance.emulator import api_errors
from runs_conformance.emulator.context import Events, Hooks, RequestContext, ServerState
from runs_conformance.emulator.declaration import mutant
from runs_conformance.emulator.patching import patch_events, patch_object, wrap_handlers
from runs_conformance.emulator.state import Members, Run, Thread


def _remember_thread(hooks: Hooks) -> None:
    """Note the thread, and the earlier runs on it, in each new run."""
    inner = hooks.new_run

    def create(request: RequestContext, thread: Thread, assistant: Any, body: Members) -> Run:
        earlier = list(thread.runs.values())
        run = inner(request, thread, assistant, body)
        run.notes |= {"thread": thread, "earlier": earlier}
        return run

    hooks.new_run = create


@mutant("stream-events-are-ordered", level="should")
def streams_the_first_answer_again(hooks: Hooks) -> None:
    """The stream of a later run ends with the first answer on the thread instead of its own."""
    _remember_thread(hooks)

    def change(server: ServerState, run: Run, name: str, data: Any) -> Events:
        if name == "thread.message.completed":
            messages = run.notes["thread"].messages.values()
            first = next((message for message in messages if message.role == "assistant"), None)
            if first is not None and first.run_id != run.id and run.notes["earlier"]:
                data = hooks.message_object(server, first, "stream")
        return ((name, data),)

    patch_events(hooks, change)


@mutant("tools", level="should")
def asks_for_the_calls_of_earlier_runs(hooks: Hooks) -> None:
    """A later run that waits for outputs shows the calls of the earlier runs of its thread before its own."""
    _remember_thread(hooks)
    inner = hooks.required_action

    def required_action(run: Run) -> Members | None:
        action = inner(run)
        if action is not None:
            earlier = [call for each in run.notes["earlier"] for step in each.steps for call in step.calls]
            shown = [{**call, "function": {**call["function"]}} for call in earlier if call["type"] == "function"]
            for call in shown:
                call["function"].pop("output", None)
            action["submit_tool_outputs"]["tool_calls"][:0] = shown
        return action

    hooks.required_action = required_action


@mutant("failed-run-has-last-error")
def fails_after_outputs_without_a_reason(hooks: Hooks) -> None:
    """A run that fails after its tool outputs were submitted has no last_error."""

    def change(members: Members, run: Run, _: str) -> None:
        if run.status == "failed" and run.round:
            members["last_error"] = None

    patch_object(hooks, "run", change)


@mutant("cancel-refused-after-end", level="should")
def cancels_the_cancelled_again(hooks: Hooks) -> None:
    """Cancelling a cancelled run returns the run."""

    async def cancel(inner: Any, request: RequestContext) -> Any:
        thread = request.server.hooks.find_thread(request, request.path_params["thread_id"])
        run = request.server.hooks.find_run(request, thread, request.path_params["run_id"])
        if run.status == "cancelled":
            return request.server.hooks.run_object(request.server, run, "json")
        return await inner(request)

    wrap_handlers(hooks, cancel, "cancel_run")


@mutant("end-of-run-releases-lock")
def runs_on_no_older_thread(hooks: Hooks) -> None:
    """A thread takes no runs a second after it was created."""
    inner = hooks.admit_run

    async def admit(request: RequestContext, thread: Thread) -> None:
        await inner(request, thread)
        if request.server.clock.now() - thread.created_at >= 1:
            raise api_errors.not_found("thread", thread.id)

    hooks.admit_run = admit
