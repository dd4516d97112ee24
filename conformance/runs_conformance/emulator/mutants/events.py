"""Mutants of events: missing, additional, or in the wrong order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from runs_conformance.contract.lifecycle import TERMINAL
from runs_conformance.emulator.context import Events, EventStreamResponse, Hooks, RequestContext, ServerState
from runs_conformance.emulator.declaration import mutant, written_from_spec
from runs_conformance.emulator.patching import patch_events, wrap_handlers
from runs_conformance.emulator.state import Run


def _without(hooks: Hooks, *names: str) -> None:
    patch_events(hooks, lambda server, run, name, data: () if name in names else ((name, data),))


@written_from_spec("event-name-matches-run-status")
def shows_the_next_status(hooks: Hooks) -> None:
    """thread.run.created carries a run that is in progress."""

    def change(server: ServerState, run: Run, name: str, data: Any) -> Events:
        if name == "thread.run.created":
            data = {**data, "status": "in_progress"}
        return ((name, data),)

    patch_events(hooks, change)


@mutant("event-name-matches-run-status", level="should")
def creates_messages_with_an_empty_part(hooks: Hooks) -> None:
    """A message has an empty part of text when it is created."""
    part = {"type": "text", "text": {"value": "", "annotations": []}}

    def change(server: ServerState, run: Run, name: str, data: Any) -> Events:
        if name == "thread.message.created":
            data = {**data, "content": [part]}
        return ((name, data),)

    patch_events(hooks, change)


@written_from_spec("event-name-matches-run-status")
def completes_in_progress(hooks: Hooks) -> None:
    """thread.run.completed carries a run that is still in progress."""

    def change(server: ServerState, run: Run, name: str, data: Any) -> Events:
        if name == "thread.run.completed":
            data = {**data, "status": "in_progress", "completed_at": None, "usage": None}
        return ((name, data),)

    patch_events(hooks, change)


@written_from_spec("event-name-matches-run-status")
def sends_incomplete_as_failed(hooks: Hooks) -> None:
    """An incomplete run is sent as thread.run.failed."""
    patch_events(
        hooks,
        lambda server, run, name, data: ((name.replace("thread.run.incomplete", "thread.run.failed"), data),),
    )


@written_from_spec("stream-events-are-ordered", level="should")
def skips_queued(hooks: Hooks) -> None:
    """A stream has no thread.run.queued."""
    _without(hooks, "thread.run.queued")


@written_from_spec("stream-events-are-ordered", level="should")
def skips_created(hooks: Hooks) -> None:
    """A stream has no thread.run.created."""
    _without(hooks, "thread.run.created")


@written_from_spec("stream-events-are-ordered", level="should")
def skips_the_end(hooks: Hooks) -> None:
    """A stream has no event for the end of the run."""
    _without(hooks, *[f"thread.run.{status}" for status in TERMINAL])


@written_from_spec("stream-events-are-ordered", level="should")
def skips_steps(hooks: Hooks) -> None:
    """A stream has no step events."""
    patch_events(hooks, lambda server, run, name, data: () if name.startswith("thread.run.step.") else ((name, data),))


@mutant("streamed-run-shows-its-message")
def streams_no_messages(hooks: Hooks) -> None:
    """A stream has no message events, although the run writes a message."""
    patch_events(hooks, lambda server, run, name, data: () if name.startswith("thread.message.") else ((name, data),))


@written_from_spec("stream-events-are-ordered", level="should")
def starts_before_it_is_created(hooks: Hooks) -> None:
    """thread.run.in_progress comes before thread.run.created."""
    held: dict[str, list[tuple[str, Any]]] = {}

    def change(server: ServerState, run: Run, name: str, data: Any) -> Events:
        if name in ("thread.run.created", "thread.run.queued") and run.round == 0:
            held.setdefault(run.id, []).append((name, data))
            return ()
        return ((name, data), *held.pop(run.id, ()))

    patch_events(hooks, change)


@written_from_spec("stream-events-are-ordered", level="should")
def ends_twice(hooks: Hooks) -> None:
    """The event for the end of a run is sent twice."""
    ends = {f"thread.run.{status}" for status in TERMINAL}
    patch_events(hooks, lambda server, run, name, data: ((name, data),) * (2 if name in ends else 1))


@written_from_spec("stream-events-are-ordered", level="should")
def goes_on_after_the_end(hooks: Hooks) -> None:
    """thread.run.in_progress is sent after thread.run.completed."""

    def change(server: ServerState, run: Run, name: str, data: Any) -> Events:
        if name != "thread.run.completed":
            return ((name, data),)
        return (name, data), ("thread.run.in_progress", {**data, "status": "in_progress"})

    patch_events(hooks, change)


@written_from_spec("stream-events-are-ordered", level="should")
def skips_the_new_thread(hooks: Hooks) -> None:
    """The stream that creates a thread has no thread.created."""
    hooks.opening_events = lambda server, run, opening: ()


@written_from_spec("step-completes-after-its-message", level="should")
def completes_steps_before_messages(hooks: Hooks) -> None:
    """The step of a message is completed before the message."""
    held: dict[str, tuple[str, Any]] = {}

    def change(server: ServerState, run: Run, name: str, data: Any) -> Events:
        if name == "thread.message.completed":
            held[run.id] = (name, data)
            return ()
        return ((name, data), held.pop(run.id)) if run.id in held else ((name, data),)

    patch_events(hooks, change)


@written_from_spec("stream-events-are-ordered", level="should")
def never_completes_messages(hooks: Hooks) -> None:
    """A stream has no thread.message.completed."""
    _without(hooks, "thread.message.completed")


@written_from_spec("stream-closes-on-required-action", level="should")
def does_not_tell_what_is_required(hooks: Hooks) -> None:
    """A stream ends without thread.run.requires_action."""
    _without(hooks, "thread.run.requires_action")


@written_from_spec("submit-stream-opens-with-completed-step", level="should")
def forgets_the_step_after_outputs(hooks: Hooks) -> None:
    """The stream after outputs has no thread.run.step.completed for the tool calls."""

    def change(server: ServerState, run: Run, name: str, data: Any) -> Events:
        return () if name == "thread.run.step.completed" and run.status == "requires_action" else ((name, data),)

    patch_events(hooks, change)


@written_from_spec("submit-stream-opens-with-completed-step", level="should")
def begins_anew_after_outputs(hooks: Hooks) -> None:
    """The stream after outputs repeats all earlier events."""

    async def submit(inner: Any, request: RequestContext) -> Any:
        response = await inner(request)
        return replace(response, start=0) if isinstance(response, EventStreamResponse) else response

    wrap_handlers(hooks, submit, "submit_tool_outputs")


@written_from_spec("thread-created-only-with-new-thread")
def creates_threads_again(hooks: Hooks) -> None:
    """Every stream begins with thread.created."""

    async def run(inner: Any, request: RequestContext) -> Any:
        response = await inner(request)
        if not isinstance(response, EventStreamResponse):
            return response
        thread = request.server.hooks.thread_object(request.server, response.thread, "stream")
        return replace(response, opening_events=(("thread.created", thread),))

    wrap_handlers(hooks, run, "create_run")


@written_from_spec("stored-object-matches-stream", level="should")
def streams_other_usage(hooks: Hooks) -> None:
    """The usage of a streamed run differs from that of the stored one."""

    def change(server: ServerState, run: Run, name: str, data: Any) -> Events:
        if name.startswith("thread.run.") and data.get("usage") and data["object"] == "thread.run":
            spent = data["usage"]
            more = {"prompt_tokens": spent["prompt_tokens"] + 1, "total_tokens": spent["total_tokens"] + 1}
            data = {**data, "usage": {**spent, **more}}
        return ((name, data),)

    patch_events(hooks, change)


@written_from_spec("stored-object-matches-stream", level="should")
def streams_other_steps(hooks: Hooks) -> None:
    """The steps of a stream have other ids than the stored ones."""

    def change(server: ServerState, run: Run, name: str, data: Any) -> Events:
        if name.startswith("thread.run.step."):
            data = {**data, "id": data["id"].replace("step_", "step_x")}
        return ((name, data),)

    patch_events(hooks, change)


@written_from_spec("message.status.required")
def streams_messages_without_status(hooks: Hooks) -> None:
    """Streamed messages have no status."""
    inner = hooks.message_object
    hooks.message_object = lambda server, message, channel: inner(server, message, "json")


@mutant("event-name-matches-run-status", level="should")
def creates_messages_completed(hooks: Hooks) -> None:
    """thread.message.created carries a message that is already completed."""

    def change(server: ServerState, run: Run, name: str, data: Any) -> Events:
        if name == "thread.message.created":
            data = {**data, "status": "completed", "completed_at": data["created_at"]}
        return ((name, data),)

    patch_events(hooks, change)


@mutant("event-name-matches-run-status", level="should")
def tells_no_end_of_messages(hooks: Hooks) -> None:
    """A message in thread.message.completed has no completed_at."""

    def change(server: ServerState, run: Run, name: str, data: Any) -> Events:
        return ((name, {**data, "completed_at": None} if name == "thread.message.completed" else data),)

    patch_events(hooks, change)


@mutant("stream-events-are-ordered", level="should")
def begins_messages_without_a_word(hooks: Hooks) -> None:
    """A stream has no thread.message.in_progress."""
    patch_events(hooks, lambda server, run, name, data: () if name == "thread.message.in_progress" else ((name, data),))


@mutant("stream-events-are-ordered", level="should")
def begins_no_step_of_calls(hooks: Hooks) -> None:
    """A stream has no thread.run.step.in_progress for a step of tool calls."""

    def change(server: ServerState, run: Run, name: str, data: Any) -> Events:
        is_left_out = name == "thread.run.step.in_progress" and data["type"] == "tool_calls"
        return () if is_left_out else ((name, data),)

    patch_events(hooks, change)
