"""Defects that need a particular sequence of requests, which only fuzzing reaches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from runs_conformance.emulator.api_errors import ApiError
from runs_conformance.emulator.context import Hooks, RequestContext, ServerState
from runs_conformance.emulator.declaration import fuzzing_only
from runs_conformance.emulator.list_pages import ListPage
from runs_conformance.emulator.patching import patch_object, wrap_handlers
from runs_conformance.emulator.state import Members, Message, Run, Thread


@fuzzing_only("cancel")
def cannot_cancel_what_was_modified(hooks: Hooks) -> None:
    """Cancelling has no effect on a run after an attempt to modify it."""
    inner = hooks.cancel

    async def mark_modified(handler: Any, request: RequestContext) -> Any:
        thread = hooks.find_thread(request, request.path_params["thread_id"])
        hooks.find_run(request, thread, request.path_params["run_id"]).notes["modified"] = True
        return await handler(request)

    def cancel(server: ServerState, thread: Thread, run: Run, now: float) -> None:
        if not run.notes.get("modified"):
            inner(server, thread, run, now)

    wrap_handlers(hooks, mark_modified, "modify_run")
    hooks.cancel = cancel


@fuzzing_only("lock")
def opens_the_thread_after_two_refusals(hooks: Hooks) -> None:
    """Accepts the third message to a locked thread."""
    inner = hooks.admit_message
    refusals: dict[str, int] = {}

    async def admit(request: RequestContext, thread: Thread) -> None:
        try:
            await inner(request, thread)
        except ApiError:
            refusals[thread.id] = refusals.get(thread.id, 0) + 1
            if refusals[thread.id] <= 2:
                raise

    hooks.admit_message = admit


@fuzzing_only("settings")
def keeps_no_metadata_of_a_second_run(hooks: Hooks) -> None:
    """Drops the metadata of all runs of a thread except the first."""
    inner = hooks.new_run

    def create(request: RequestContext, thread: Thread, assistant: Any, body: Members) -> Run:
        run = inner(request, thread, assistant, body)
        if thread.runs:
            run.metadata = {}
        return run

    hooks.new_run = create


@fuzzing_only("deletion")
def shows_deleted_messages_in_ascending_lists(hooks: Hooks) -> None:
    """Includes deleted messages in ascending lists with a limit."""
    deleted: dict[str, list[Message]] = {}
    remove, page = hooks.remove_message, hooks.paginate

    def remember_deleted(thread: Thread, message: Message) -> None:
        deleted.setdefault(thread.id, []).append(message)
        remove(thread, message)

    def paginate_with_deleted(items: Sequence[Any], query: dict[str, Any]) -> ListPage[Any]:
        thread = getattr(items[0], "thread_id", "") if items and isinstance(items[0], Message) else ""
        if query.get("order") == "asc" and "limit" in query and thread in deleted:
            items = sorted([*items, *deleted[thread]], key=lambda item: item.seq)
        return page(items, query)

    hooks.remove_message, hooks.paginate = remember_deleted, paginate_with_deleted


@fuzzing_only("modify")
def forgets_the_temperature_of_a_modified_run(hooks: Hooks) -> None:
    """Shows the default temperature of a run after it was modified."""

    async def mark_modified(handler: Any, request: RequestContext) -> Any:
        await handler(request)
        thread = hooks.find_thread(request, request.path_params["thread_id"])
        run = hooks.find_run(request, thread, request.path_params["run_id"])
        run.notes["modified"] = True
        return hooks.run_object(request.server, run, "json")

    def change(members: Members, run: Run, channel: str) -> None:
        if run.notes.get("modified"):
            members["temperature"] = 1.0

    wrap_handlers(hooks, mark_modified, "modify_run")
    patch_object(hooks, "run", change)


@fuzzing_only("messages")
def takes_no_messages_with_a_second_run(hooks: Hooks) -> None:
    """Drops the additional messages of a second run of a thread."""
    inner = hooks.add_messages

    def add_to_first_run(request: RequestContext, thread: Thread, messages: list[Members]) -> None:
        if not thread.runs:
            inner(request, thread, messages)

    hooks.add_messages = add_to_first_run
