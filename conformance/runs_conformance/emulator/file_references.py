"""The files and vector stores that request bodies name: created where a body describes them, checked on request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from runs_conformance.emulator.api_errors import ApiError
from runs_conformance.emulator.context import Handler, HandlerResponse, Hooks, RequestContext
from runs_conformance.emulator.vector_stores import add_vector_store, check_file

_MESSAGE_LISTS = ("messages", "additional_messages")


def install(hooks: Hooks) -> None:
    """Let the handlers resolve the files and vector stores of each body first."""

    def resolving(handler: Handler) -> Handler:
        async def handle(request: RequestContext) -> HandlerResponse:
            _resolve(request)
            return await handler(request)

        return handle

    hooks.handlers = {name: resolving(handler) for name, handler in hooks.handlers.items()}


def _resolve(request: RequestContext) -> None:
    """Check the references of a body, if they are checked, then replace descriptions of vector stores by new ones."""
    bodies = [part for part in _message_holders(request.body) if isinstance(part, dict)]
    if request.server.options.check_files:
        for body in bodies:
            for param, file_id in _file_ids(body):
                check_file(request.server, request.store, file_id, param)
            for store_id in _strings(_member(body, "tool_resources", "file_search", "vector_store_ids")):
                if store_id not in request.store.vector_stores:
                    message = f"No vector store found with id '{store_id}'."
                    raise ApiError(404, message, "tool_resources.file_search.vector_store_ids")
    for body in bodies:
        search = _member(body, "tool_resources", "file_search")
        described = search.get("vector_stores") if isinstance(search, dict) else None
        if isinstance(search, dict) and isinstance(described, list):
            added = [add_vector_store(request.server, request.store, one)["id"] for one in described]
            search["vector_store_ids"] = [*_strings(search.get("vector_store_ids")), *added]
            del search["vector_stores"]


def _message_holders(body: Any) -> Iterator[Any]:
    """A body, the thread in it, and their messages."""
    yield body
    if isinstance(body, dict):
        yield from _message_holders(body.get("thread"))
        for name in _MESSAGE_LISTS:
            messages = body.get(name)
            yield from messages if isinstance(messages, list) else ()


def _file_ids(body: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The file ids of a body with the places where they stand."""
    path = "tool_resources.code_interpreter.file_ids"
    yield from ((path, id_) for id_ in _strings(_member(body, *path.split("."))))
    for name, below in (("attachments", ()), ("content", ("image_file",))):
        parts = body.get(name)
        for part in parts if isinstance(parts, list) else ():
            file_id = _member(part, *below, "file_id")
            if isinstance(file_id, str):
                yield name, file_id
    stores = _member(body, "tool_resources", "file_search", "vector_stores")
    for store in stores if isinstance(stores, list) else ():
        yield from (("tool_resources.file_search.vector_stores", id_) for id_ in _strings(_member(store, "file_ids")))


def _member(value: Any, *names: str) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _strings(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
