"""Mutants of deletion, and of responses about deleted objects."""

from __future__ import annotations

from typing import Any

from runs_conformance.emulator.api_errors import ApiError, bad_request
from runs_conformance.emulator.context import Hooks, RequestContext
from runs_conformance.emulator.declaration import mutant
from runs_conformance.emulator.patching import wrap_handlers
from runs_conformance.emulator.state import Thread


@mutant("deletion")
def deletes_by_any_path(hooks: Hooks) -> None:
    """Deletes a message before it checks the thread, so a path with another thread deletes it too."""

    async def delete(inner: Any, request: RequestContext) -> Any:
        for thread in request.store.threads.values():
            if thread.id != request.path_params["thread_id"]:
                thread.messages.pop(request.path_params["message_id"], None)
        return await inner(request)

    wrap_handlers(hooks, delete, "delete_message")


@mutant("deleted-object-is-gone", level="should")
def refuses_deleted_objects_with_410(hooks: Hooks) -> None:
    """Responds with 410 to requests for deleted objects."""
    deleted: set[str] = set()

    async def delete(inner: Any, request: RequestContext) -> Any:
        response = await inner(request)
        deleted.add(response["id"])
        return response

    async def look(inner: Any, request: RequestContext) -> Any:
        if deleted & set(request.path_params.values()):
            raise ApiError(410, "It was deleted.")
        return await inner(request)

    wrap_handlers(hooks, look, *hooks.handlers)
    wrap_handlers(hooks, delete, "delete_assistant", "delete_thread", "delete_message")


@mutant("deleted-object-is-gone", level="should")
def deletes_no_answers(hooks: Hooks) -> None:
    """Messages written by a run cannot be deleted."""

    async def delete(inner: Any, request: RequestContext) -> Any:
        thread = request.server.hooks.find_thread(request, request.path_params["thread_id"])
        if request.server.hooks.find_message(request, thread, request.path_params["message_id"]).run_id is not None:
            raise bad_request("Messages of a run cannot be deleted.")
        return await inner(request)

    wrap_handlers(hooks, delete, "delete_message")


@mutant("deleted-object-is-gone", level="should")
def changes_what_a_deleted_thread_holds(hooks: Hooks) -> None:
    """The messages and runs of a deleted thread can be modified, but not read."""
    inner = hooks.remove_thread
    deleted: dict[str, Thread] = {}

    def remove(request: RequestContext, thread: Thread) -> None:
        deleted[thread.id] = thread
        inner(request, thread)

    async def modify(handler: Any, request: RequestContext) -> Any:
        thread = deleted.get(request.path_params["thread_id"])
        if thread is None:
            return await handler(request)
        request.store.threads[thread.id] = thread
        try:
            return await handler(request)
        finally:
            del request.store.threads[thread.id]

    hooks.remove_thread = remove
    wrap_handlers(hooks, modify, "modify_message", "modify_run")
