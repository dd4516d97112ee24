"""Mutants in which objects that are created without metadata share what is later stored in one of them."""

from __future__ import annotations

from typing import Any

from runs_conformance.emulator.context import EventStreamResponse, Hooks, RequestContext
from runs_conformance.emulator.declaration import mutant
from runs_conformance.emulator.patching import patch_object, wrap_handlers
from runs_conformance.emulator.state import Members
from runs_conformance.model.json import is_object


@mutant("metadata-is-echoed")
def shares_metadata_of_threads_created_with_runs(hooks: Hooks) -> None:
    """All threads that create_thread_and_run creates without `thread` have one metadata object."""
    _share(hooks, "create_thread_and_run", "thread")


@mutant("metadata-is-echoed")
def shares_metadata_of_threads(hooks: Hooks) -> None:
    """All threads that create_thread creates without metadata have one metadata object."""
    _share(hooks, "create_thread", "thread")


@mutant("metadata-is-echoed")
def shares_metadata_of_runs(hooks: Hooks) -> None:
    """All runs that create_run creates without metadata have one metadata object."""
    _share(hooks, "create_run", "run")


@mutant("metadata-is-echoed")
def shares_metadata_of_runs_created_with_threads(hooks: Hooks) -> None:
    """All runs that create_thread_and_run creates without metadata have one metadata object."""
    _share(hooks, "create_thread_and_run", "run")


@mutant("metadata-is-echoed")
def shares_metadata_of_assistants(hooks: Hooks) -> None:
    """All assistants that are created without metadata have one metadata object."""
    shared: dict[str, str] = {}
    sharing: set[str] = set()

    def show_shared(members: Members, subject: Any, _: str) -> None:
        if subject.id in sharing:
            members["metadata"] = dict(shared)

    async def create(inner: Any, request: RequestContext) -> Any:
        response = await inner(request)
        if not request.body.get("metadata"):
            sharing.add(response["id"])
            response["metadata"] = dict(shared)
        return response

    async def modify(inner: Any, request: RequestContext) -> Any:
        response = await inner(request)
        if response["id"] in sharing and "metadata" in request.body:
            shared.clear()
            shared.update(request.body["metadata"] or {})
            response["metadata"] = dict(shared)
        return response

    patch_object(hooks, "assistant", show_shared)
    wrap_handlers(hooks, create, "create_assistant")
    wrap_handlers(hooks, modify, "modify_assistant")


def _share(hooks: Hooks, operation: str, kind: str) -> None:
    """Give all threads or runs that an operation creates without metadata the same one."""
    shared: dict[str, str] = {}

    async def create(inner: Any, request: RequestContext) -> Any:
        body = request.body if is_object(request.body) else {}
        is_nested = operation == "create_thread_and_run" and kind == "thread"
        has_metadata = bool(body.get("thread") if is_nested else body.get("metadata"))
        response = await inner(request)
        if not has_metadata:
            _find_created(request, response, kind).metadata = shared
            if not isinstance(response, EventStreamResponse) and not is_nested:
                response["metadata"] = shared
        return response

    async def modify(inner: Any, request: RequestContext) -> Any:
        thread = request.store.threads.get(request.path_params["thread_id"])
        owner: Any = thread if kind == "thread" or thread is None else thread.runs.get(request.path_params["run_id"])
        is_shared = owner is not None and owner.metadata is shared
        response = await inner(request)
        if is_shared:
            changed = dict(owner.metadata)
            shared.clear()
            shared.update(changed)
            owner.metadata = shared
        return response

    wrap_handlers(hooks, create, operation)
    wrap_handlers(hooks, modify, f"modify_{kind}")


def _find_created(request: RequestContext, response: Any, kind: str) -> Any:
    """The thread or run that a request created."""
    if isinstance(response, EventStreamResponse):
        return response.thread if kind == "thread" else response.run
    if kind == "thread":
        return request.store.threads[response.get("thread_id", response["id"])]
    return request.store.threads[response["thread_id"]].runs[response["id"]]
