"""Mutants that cache responses and do not update the cache after every change of an object."""

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


async def _respond(cached: dict[str, tuple[float, Any]], key: str, inner: Any, request: RequestContext) -> Any:
    """The response in the cache, if it is not too old, else a new one, which is cached."""
    now = time.monotonic()
    if key not in cached or now - cached[key][0] >= _KEPT_S:
        cached[key] = now, await inner(request)
    return cached[key][1]


@mutant("list-envelope-order-and-default-limit")
def caches_messages_until_a_request_changes_the_thread(hooks: Hooks) -> None:
    """Lists of messages are cached for a moment. A request that changes the thread clears the cache, a run does not."""
    cached: dict[str, dict[str, tuple[float, Any]]] = {}

    async def read(inner: Any, request: RequestContext) -> Any:
        # Raises for a thread of another tenant, which must not see the cached list.
        request.server.hooks.find_thread(request, request.path_params["thread_id"])
        cached_lists = cached.setdefault(request.path_params["thread_id"], {})
        return await _respond(cached_lists, repr(request.query), inner, request)

    async def write(inner: Any, request: RequestContext) -> Any:
        cached.pop(request.path_params["thread_id"], None)
        return await inner(request)

    wrap_handlers(hooks, read, "list_messages")
    wrap_handlers(hooks, write, *_WRITES_TO_THREADS)


@mutant("tenancy")
def caches_assistants_for_all_tenants(hooks: Hooks) -> None:
    """An assistant that was just read is shown to every tenant, until it is modified or deleted."""
    cached: dict[str, tuple[float, Any]] = {}

    async def read(inner: Any, request: RequestContext) -> Any:
        return await _respond(cached, request.path_params["assistant_id"], inner, request)

    async def write(inner: Any, request: RequestContext) -> Any:
        response = await inner(request)
        cached.pop(request.path_params["assistant_id"], None)
        return response

    wrap_handlers(hooks, read, "get_assistant")
    wrap_handlers(hooks, write, "modify_assistant", "delete_assistant")
