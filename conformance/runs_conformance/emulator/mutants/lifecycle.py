"""Mutants of the run lifecycle: forbidden transitions, and members that must not change."""

from __future__ import annotations

from collections import deque
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runs_conformance.contract.lifecycle import TERMINAL
from runs_conformance.emulator.context import EventStreamResponse, Hooks, RequestContext, ServerState
from runs_conformance.emulator.declaration import mutant, written_from_spec
from runs_conformance.emulator.model_actions import AwaitOutputs, EndRun, StartRun
from runs_conformance.emulator.patching import patch_object, wrap_handlers
from runs_conformance.emulator.run_machine import set_status
from runs_conformance.emulator.state import Members, Run, Thread


@written_from_spec("created-run-is-queued", level="should")
def answers_with_another_assistant(hooks: Hooks) -> None:
    """The response to create_run has an unknown assistant_id."""

    def change(members: Members, run: Run, _: str) -> None:
        if run.status == "queued":
            members["assistant_id"] = "asst_000000000000000000000000"

    patch_object(hooks, "run", change)


@written_from_spec("cancel-ends-run-in-progress", level="should")
def cancels_when_the_client_leaves(hooks: Hooks) -> None:
    """A run is cancelled if the client closes its stream before the end."""
    streamed: ContextVar[list[tuple[RequestContext, EventStreamResponse]]] = ContextVar("streamed")

    async def note(inner: Any, request: RequestContext) -> Any:
        response = await inner(request)
        if isinstance(response, EventStreamResponse):
            streamed.get().append((request, response))
        return response

    def wrap(app: ASGIApp) -> ASGIApp:
        async def outer(scope: Scope, receive: Receive, send: Send) -> None:
            streamed.set([])
            has_ended = False

            async def send_and_note(message: Message) -> None:
                nonlocal has_ended
                has_ended = message["type"] == "http.response.body" and not message.get("more_body")
                await send(message)

            async def receive_and_cancel() -> Message:
                message = await receive()
                if message["type"] == "http.disconnect" and not has_ended:
                    for request, response in streamed.get():
                        if response.run.status not in TERMINAL:
                            hooks.cancel(request.server, response.thread, response.run, request.server.clock.now())
                return message

            await app(scope, receive_and_cancel, send_and_note)

        return outer

    hooks.middleware.append(wrap)
    wrap_handlers(hooks, note, "create_run", "create_thread_and_run", "submit_tool_outputs")


@written_from_spec("terminal-status-is-final")
def revives_on_modify(hooks: Hooks) -> None:
    """Modifying an ended run queues it again."""

    async def modify(inner: Any, request: RequestContext) -> Any:
        response = await inner(request)
        run = request.store.threads[request.path_params["thread_id"]].runs[request.path_params["run_id"]]
        run.status = "queued"
        run.actions = deque([(request.server.clock.now(), EndRun("completed"))])
        return response

    wrap_handlers(hooks, modify, "modify_run")


@written_from_spec("terminal-status-is-final")
def cancels_what_is_over(hooks: Hooks) -> None:
    """Cancelling a completed run makes it cancelled."""
    hooks.check_cancel = lambda server, run: None


@written_from_spec("terminal-status-is-final")
def reopens_ended_runs(hooks: Hooks) -> None:
    """An ended run is in progress again from the third read on."""

    def change(members: Members, run: Run, _: str) -> None:
        if run.status in TERMINAL:
            run.notes["reads"] = run.notes.get("reads", 0) + 1
            if run.notes["reads"] > 2:
                members["status"] = "in_progress"

    patch_object(hooks, "run", change)


@written_from_spec("terminal-status-is-final")
def fails_after_completing(hooks: Hooks) -> None:
    """A completed run becomes failed when its messages are listed."""

    async def look(inner: Any, request: RequestContext) -> Any:
        response = await inner(request)
        for run in request.store.threads[request.path_params["thread_id"]].runs.values():
            if run.status == "completed":
                run.status, run.failed_at, run.completed_at = "failed", run.completed_at, None
                run.last_error = {"code": "server_error", "message": "Sorry, something went wrong."}
        return response

    wrap_handlers(hooks, look, "list_messages")


@written_from_spec("transitions-follow-the-graph")
def goes_back_to_queued(hooks: Hooks) -> None:
    """A run in progress is queued on every second read."""

    def change(members: Members, run: Run, _: str) -> None:
        if run.status == "in_progress":
            run.notes["reads"] = run.notes.get("reads", 0) + 1
            if run.notes["reads"] % 2 == 0:
                members["status"] = "queued"

    patch_object(hooks, "run", change)


@written_from_spec("transitions-follow-the-graph")
def waits_again_after_cancelling(hooks: Hooks) -> None:
    """A cancelled run that waited for outputs returns to requires_action once before it ends."""
    inner = hooks.cancel

    def cancel(server: ServerState, thread: Thread, run: Run, now: float) -> None:
        pending = run.pending_calls
        inner(server, thread, run, now)
        if pending:
            run.notes["pending"] = pending

    hooks.cancel = cancel

    async def look(inner: Any, request: RequestContext) -> Any:
        response = await inner(request)
        run = request.store.threads[request.path_params["thread_id"]].runs[request.path_params["run_id"]]
        if pending := run.notes.pop("pending", None):
            ghost = replace(run, status="requires_action", pending_calls=pending, cancelled_at=None, usage=None)
            return request.server.hooks.run_object(request.server, ghost, "json")
        return response

    wrap_handlers(hooks, look, "get_run")


@mutant("transitions-follow-the-graph")
def calls_after_cancelling(hooks: Hooks) -> None:
    """A run that is cancelled shortly before it calls functions still calls them, and waits for their outputs."""
    inner = hooks.cancel

    def cancel(server: ServerState, thread: Thread, run: Run, now: float) -> None:
        if not any(isinstance(action, AwaitOutputs) for _, action in run.actions):
            inner(server, thread, run, now)
            return
        run.started_at = run.started_at or now
        run.actions = deque((due, action) for due, action in run.actions if not isinstance(action, StartRun))
        set_status(server, run, "cancelling")

    hooks.cancel = cancel


@mutant("transitions-follow-the-graph")
def waits_after_cancelling_in_progress(hooks: Hooks) -> None:
    """Only a run that is in progress and about to call functions still waits for their outputs after cancelling."""
    inner = hooks.cancel

    def cancel(server: ServerState, thread: Thread, run: Run, now: float) -> None:
        if run.status != "in_progress" or not any(isinstance(action, AwaitOutputs) for _, action in run.actions):
            inner(server, thread, run, now)
            return
        set_status(server, run, "cancelling")

    hooks.cancel = cancel


@written_from_spec("run-identity-never-changes")
def is_always_new(hooks: Hooks) -> None:
    """created_at of a run increases with every read."""
    inner = hooks.run_object

    def show(server: ServerState, run: Run, channel: str) -> Members:
        run.notes["reads"] = run.notes.get("reads", -1) + 1
        members = inner(server, run, channel)
        return {**members, "created_at": members["created_at"] + run.notes["reads"]}

    hooks.run_object = show


@written_from_spec("run-identity-never-changes")
def forgets_its_thread(hooks: Hooks) -> None:
    """An ended run has another thread_id."""

    def change(members: Members, run: Run, _: str) -> None:
        if run.status in TERMINAL:
            members["thread_id"] = "thread_" + "0" * 24

    patch_object(hooks, "run", change)


@written_from_spec("run-identity-never-changes")
def renames_itself(hooks: Hooks) -> None:
    """get_run returns another id than create_run did."""

    async def look(inner: Any, request: RequestContext) -> Any:
        response = await inner(request)
        return {**response, "id": response["id"][:-1] + ("A" if response["id"][-1] != "A" else "B")}

    wrap_handlers(hooks, look, "get_run")
