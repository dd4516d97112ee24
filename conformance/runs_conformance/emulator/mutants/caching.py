"""Mutants with caches of responses, which not everything that changes an object keeps up to date."""

from __future__ import annotations

import time
from typing import Any

from runs_conformance.emulator.context import Hooks, RequestContext
from runs_conformance.emulator.declaration import mutant
from runs_conformance.emulator.patching import wrap_handlers

_KEPT_S = 0.8
_WRITES_TO_THREADS = (
    "create_message",
    "modify_message",
    "delete_message",
    "modify_thread",
    "delete_thread",
    "create_run",
    "modify_run",
    "cancel_run",
    "submit_tool_outputs",
)


@mutant("list-envelope-order-and-default-limit")
def caches_messages_until_a_request_changes_the_thread(hooks: Hooks) -> None:
    """Lists of messages are cached for a moment, until a request about the thread; what runs write clears no cache."""
    cached: dict[str, dict[str, tuple[float, Any]]] = {}

    async def look(inner: Any, request: RequestContext) -> Any:
        # The same thread is found for its owner only.
        request.server.hooks.find_thread(request, request.path_params["thread_id"])
        kept = cached.setdefault(request.path_params["thread_id"], {})
        query, now = repr(request.query), time.monotonic()
        if query in kept and now - kept[query][0] < _KEPT_S:
            return kept[query][1]
        response = await inner(request)
        kept[query] = now, response
        return response

    async def write(inner: Any, request: RequestContext) -> Any:
        cached.pop(request.path_params["thread_id"], None)
        return await inner(request)

    wrap_handlers(hooks, look, "list_messages")
    wrap_handlers(hooks, write, *_WRITES_TO_THREADS)


@mutant("tenancy")
def caches_assistants_for_all_tenants(hooks: Hooks) -> None:
    """An assistant that was just read is shown to every tenant, until it is modified or deleted."""
    cached: dict[str, tuple[float, Any]] = {}

    async def look(inner: Any, request: RequestContext) -> Any:
        id_, now = request.path_params["assistant_id"], time.monotonic()
        if id_ in cached and now - cached[id_][0] < _KEPT_S:
            return cached[id_][1]
        response = await inner(request)
        cached[id_] = now, response
        return response

    async def write(inner: Any, request: RequestContext) -> Any:
        response = await inner(request)
        cached.pop(request.path_params["assistant_id"], None)
        return response

    wrap_handlers(hooks, look, "get_assistant")
    wrap_handlers(hooks, write, "modify_assistant", "delete_assistant")
