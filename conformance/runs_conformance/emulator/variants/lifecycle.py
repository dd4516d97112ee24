"""Permitted choices about timestamps, cancellation, modification and members."""

from __future__ import annotations

from typing import Any

from runs_conformance.contract.lifecycle import TERMINAL
from runs_conformance.emulator import api_errors
from runs_conformance.emulator.context import Hooks, RequestContext, ServerState
from runs_conformance.emulator.declaration import variant
from runs_conformance.emulator.model_actions import AwaitOutputs, FinishCancelling, ModelAction, StartRun
from runs_conformance.emulator.patching import patch_object, patch_response, remove_members, wrap_handlers
from runs_conformance.emulator.run_machine import set_status
from runs_conformance.emulator.state import Assistant, Members, Message, Run, Thread

_MAX_PAIRS = 16


@variant()
def cancels_at_once(hooks: Hooks) -> None:
    """cancel_run returns a cancelled run."""
    hooks.cancel = lambda server, thread, run, now: server.hooks.finish(server, run, "cancelled", now)


@variant()
def completes_all_the_same(hooks: Hooks) -> None:
    """Cancelling is too late: the run is cancelling for a while, and then completes."""

    def cancel(server: ServerState, thread: Thread, run: Run, now: float) -> None:
        is_idle = run.status == "requires_action" or not run.actions
        set_status(server, run, "cancelling")
        run.pending_calls = ()
        if is_idle:
            run.actions.append((now + 0.05, FinishCancelling()))

    inner = hooks.perform

    def perform(server: ServerState, thread: Thread, run: Run, action: ModelAction, at: float) -> None:
        if isinstance(action, StartRun) and run.status == "cancelling":
            run.started_at = at
            return
        gives_up = isinstance(action, AwaitOutputs) and run.status == "cancelling"
        inner(server, thread, run, FinishCancelling() if gives_up else action, at)

    hooks.cancel, hooks.perform = cancel, perform


@variant()
def answers_a_second_cancel(hooks: Hooks) -> None:
    """Cancelling a run in cancelling returns the run."""

    async def cancel(inner: Any, request: RequestContext) -> Any:
        thread = request.server.hooks.find_thread(request, request.path_params["thread_id"])
        run = request.server.hooks.find_run(request, thread, request.path_params["run_id"])
        if run.status == "cancelling":
            return request.server.hooks.run_object(request.server, run, "json")
        return await inner(request)

    wrap_handlers(hooks, cancel, "cancel_run")


@variant()
def keeps_started_at(hooks: Hooks) -> None:
    """started_at is not reset when a run resumes after its outputs."""
    inner = hooks.perform

    def perform(server: ServerState, thread: Thread, run: Run, action: ModelAction, at: float) -> None:
        started = run.started_at
        inner(server, thread, run, action, at if started is None or not isinstance(action, StartRun) else started)

    hooks.perform = perform


@variant()
def keeps_expires_at(hooks: Hooks) -> None:
    """An ended run keeps its expires_at."""

    def change(members: Members, run: Run, _: str) -> None:
        members["expires_at"] = int(run.expires_at)

    patch_object(hooks, "run", change)


@variant()
def stamps_only_completion(hooks: Hooks) -> None:
    """Incomplete and expired runs have no completed_at."""

    def change(members: Members, run: Run, _: str) -> None:
        if run.status in ("incomplete", "expired"):
            members["completed_at"] = None

    patch_object(hooks, "run", change)


@variant()
def shows_empty_instructions(hooks: Hooks) -> None:
    """The instructions of a run without any are an empty string."""
    inner = hooks.run_instructions
    hooks.run_instructions = lambda assistant, body: inner(assistant, body) or ""


@variant()
def hides_additional_instructions(hooks: Hooks) -> None:
    """The instructions of a run do not include the additional ones."""
    inner = hooks.run_instructions

    def instructions(assistant: Assistant, body: Members) -> str | None:
        return inner(assistant, {**body, "additional_instructions": None})

    hooks.run_instructions = instructions


@variant()
def completes_functions(hooks: Hooks) -> None:
    """Runs and assistants show the members of functions that their requests omitted, with their defaults."""

    def change(members: Members, *_: Any) -> None:
        members["tools"] = [
            {**tool, "function": {"parameters": {}, "strict": False, **tool["function"]}}
            if "function" in tool
            else tool
            for tool in members["tools"]
        ]

    patch_object(hooks, "run", change)
    patch_object(hooks, "assistant", change)


@variant()
def modifies_active_runs(hooks: Hooks) -> None:
    """An active run can be modified."""
    hooks.check_modify = lambda server, run: None


@variant()
def merges_metadata(hooks: Hooks) -> None:
    """New metadata is merged with the old; if the limit is exceeded, old pairs are dropped."""

    def merge(old: dict[str, str], added_pairs: dict[str, str] | None) -> dict[str, str]:
        new = added_pairs or {}
        retained = [name for name in old if name not in new][: _MAX_PAIRS - len(new)]
        return {**{name: old[name] for name in retained}, **new}

    hooks.new_metadata = merge


@variant()
def runs_on_nothing(hooks: Hooks) -> None:
    """A run on an empty thread is accepted even without instructions."""
    hooks.check_runnable = lambda thread, assistant, body: None


@variant()
def protects_locked_threads(hooks: Hooks) -> None:
    """A locked thread and its messages cannot be deleted."""

    async def delete(inner: Any, request: RequestContext) -> Any:
        thread = request.server.hooks.find_thread(request, request.path_params["thread_id"])
        if "message_id" in request.path_params:
            request.server.hooks.find_message(request, thread, request.path_params["message_id"])
        for run in thread.runs.values():
            if run.status not in TERMINAL:
                raise api_errors.bad_request(f"Thread {thread.id} has an active run {run.id}.")
        return await inner(request)

    wrap_handlers(hooks, delete, "delete_thread", "delete_message")


@variant()
def shows_the_status_of_messages(hooks: Hooks) -> None:
    """Messages have a status in every response, not only in streams."""
    inner = hooks.message_object
    hooks.message_object = lambda server, message, channel: inner(server, message, "stream")


@variant()
def modifies_messages_without_attachments(hooks: Hooks) -> None:
    """modify_message returns file_ids instead of attachments, as the service did."""

    def change(request: RequestContext, response: Members) -> Members:
        members = {name: value for name, value in response.items() if name != "attachments"}
        return {**members, "file_ids": []}

    patch_response(hooks, change, "modify_message")


@variant()
def shows_empty_resources_when_read(hooks: Hooks) -> None:
    """get_thread shows an empty code interpreter for a thread without resources, as the service did."""

    def change(request: RequestContext, response: Members) -> Members:
        return {**response, "tool_resources": response["tool_resources"] or {"code_interpreter": {"file_ids": []}}}

    patch_response(hooks, change, "get_thread")


@variant()
def shows_what_is_documented(hooks: Hooks) -> None:
    """Objects have exactly the members of the published OpenAPI document."""
    shows_the_status_of_messages(hooks)
    shows_empty_instructions(hooks)
    remove_members(hooks, "run", "tool_resources", "reasoning_effort")
    remove_members(hooks, "step", "expires_at")
    patch_object(hooks, "step", lambda step, *_: step.update(metadata={}, expired_at=None))
    counts_without_details(hooks)


@variant()
def counts_without_details(hooks: Hooks) -> None:
    """Usage has no details."""
    inner = hooks.usage_object
    names = ("prompt_tokens", "completion_tokens", "total_tokens")

    def usage(spent: Any) -> Members | None:
        original = inner(spent)
        return None if original is None else {name: original[name] for name in names}

    hooks.usage_object = usage


@variant()
def leaves_defaults_null(hooks: Hooks) -> None:
    """The default temperature and top_p are null."""
    inner = hooks.run_settings

    def settings(assistant: Assistant, body: Members) -> Members:
        original = inner(assistant, body)
        defaults = [
            name for name in ("temperature", "top_p") if assistant.members[name] == 1.0 and body.get(name) is None
        ]
        return {**original, **dict.fromkeys(defaults)}

    hooks.run_settings = settings


@variant()
def names_the_run_of_what_it_was_given(hooks: Hooks) -> None:
    """The run_id of additional messages is that of their run."""
    inner = hooks.new_run

    def make(request: RequestContext, thread: Thread, *rest: Any) -> Run:
        run = inner(request, thread, *rest)
        count = len(request.body.get("additional_messages") or ())
        added: list[Message] = list(thread.messages.values())[-count:] if count else []
        for message in added:
            message.run_id = run.id
        return run

    hooks.new_run = make


@variant()
def has_more_members(hooks: Hooks) -> None:
    """Every object has members that the contract does not define."""
    extra = {"x_vendor": {"region": "north", "tier": None}, "project_id": "proj_1"}
    for kind in ("assistant", "thread", "message", "run", "step"):
        patch_object(hooks, kind, lambda members, *_: members.update(extra))
    inner = hooks.error_body
    hooks.error_body = lambda error: {**inner(error), "request_id": "req_1"}
    listing = hooks.list_object
    hooks.list_object = lambda data, has_more: {**listing(data, has_more), "total": len(data)}


@variant()
def stamps_alike(hooks: Hooks) -> None:
    """Timestamps are multiples of ten seconds, so most are equal."""
    hooks.timestamp = lambda at: int(at) // 10 * 10


@variant()
def is_two_minutes_ahead(hooks: Hooks) -> None:
    """The server's clock is two minutes ahead."""
    hooks.timestamp = lambda at: int(at) + 120


@variant()
def is_two_minutes_behind(hooks: Hooks) -> None:
    """The server's clock is two minutes behind."""
    hooks.timestamp = lambda at: int(at) - 120
