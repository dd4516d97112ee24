"""Mutants of deletion, and of responses about deleted objects."""

from __future__ import annotations

from typing import Any

from runs_conformance.emulator.api_errors import ApiError, bad_request
from runs_conformance.emulator.context import Hooks, RequestContext
from runs_conformance.emulator.declaration import mutant
from runs_conformance.emulator.patching import wrap_handlers


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
def says_gone(hooks: Hooks) -> None:
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
