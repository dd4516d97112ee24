"""Mutants that lose or hide objects, or what was sent with them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from runs_conformance.emulator import api_errors
from runs_conformance.emulator.context import Hooks, RequestContext, ServerState
from runs_conformance.emulator.declaration import mutant
from runs_conformance.emulator.patching import patch_object, wrap_handlers
from runs_conformance.emulator.state import Members, Message, Run, Thread

_MOST_MESSAGES = 3


@mutant("messages")
def forgets_the_first_messages(hooks: Hooks) -> None:
    """A thread keeps its last three messages only."""
    inner = hooks.thread_messages

    def keep_last(thread: Thread, run_id: str | None) -> list[Message]:
        for id_ in list(thread.messages)[:-_MOST_MESSAGES]:
            del thread.messages[id_]
        return inner(thread, run_id)

    hooks.thread_messages = keep_last


@mutant("thread-and-run-creates-messages")
def truncates_the_thread(hooks: Hooks) -> None:
    """A run with `last_messages` deletes the older messages of its thread, which it only must not read."""
    inner = hooks.finish

    def finish(server: ServerState, run: Run, status: str, at: float) -> None:
        inner(server, run, status, at)
        last = (run.settings.get("truncation_strategy") or {}).get("last_messages")
        thread = next(
            (store.threads[run.thread_id] for store in server.stores.values() if run.thread_id in store.threads), None
        )
        if isinstance(last, int) and thread is not None:
            for id_ in list(thread.messages)[:-last]:
                del thread.messages[id_]

    hooks.finish = finish


@mutant("messages")
def deletes_the_messages_that_follow(hooks: Hooks) -> None:
    """Deleting a message deletes those that were added after it."""
    inner = hooks.remove_message

    def remove(thread: Thread, message: Message) -> None:
        ids = list(thread.messages)
        for id_ in ids[ids.index(message.id) + 1 :]:
            del thread.messages[id_]
        inner(thread, message)

    hooks.remove_message = remove


@mutant("thread-and-run-creates-messages")
def hides_threads_of_runs(hooks: Hooks) -> None:
    """A thread that was created with its run cannot be read."""
    hidden: set[str] = set()

    async def create(inner: Any, request: RequestContext) -> Any:
        before = {*request.store.threads}
        response = await inner(request)
        hidden.update(request.store.threads.keys() - before)
        return response

    async def read(inner: Any, request: RequestContext) -> Any:
        if request.path_params["thread_id"] in hidden:
            raise api_errors.not_found("thread", request.path_params["thread_id"])
        return await inner(request)

    wrap_handlers(hooks, create, "create_thread_and_run")
    wrap_handlers(hooks, read, "get_thread")


@mutant("list-envelope-order-and-default-limit")
def lists_all_runs_but_the_newest(hooks: Hooks) -> None:
    """The newest run of a thread is missing in the list of its runs."""
    inner = hooks.sort_items

    def sort(items: Iterable[Any], order: str) -> list[Any]:
        ordered = inner(items, order)
        if ordered and all(isinstance(item, Run) for item in ordered):
            ordered.remove(max(ordered, key=lambda run: run.seq))
        return ordered

    hooks.sort_items = sort


@mutant("messages", level="should")
def shows_images_in_automatic_detail(hooks: Hooks) -> None:
    """The detail of every image in a message is `auto`."""

    def change(members: Members, *_: Any) -> None:
        for part in members["content"]:
            image = part.get("image_url") or part.get("image_file")
            if image is not None:
                image["detail"] = "auto"

    patch_object(hooks, "message", change)


@mutant("assistants", level="should")
def drops_tool_resources_of_assistants(hooks: Hooks) -> None:
    """The tool resources of a new assistant are not stored."""

    async def create(inner: Any, request: RequestContext) -> Any:
        if isinstance(request.body, dict) and request.body.get("tool_resources"):
            request.body["tool_resources"] = {}
        return await inner(request)

    wrap_handlers(hooks, create, "create_assistant")


@mutant("tenancy", level="should")
def forbids_threads_of_others(hooks: Hooks) -> None:
    """A request for a thread of another tenant gets 403."""
    inner = hooks.find_thread

    def find(request: RequestContext, id_: str) -> Thread:
        stores = request.server.stores.values()
        if id_ not in request.store.threads and any(id_ in store.threads for store in stores):
            raise api_errors.ApiError(403, "You have no access to this thread.", code="forbidden")
        return inner(request, id_)

    hooks.find_thread = find


@mutant("threads", level="should")
def drops_files_beside_a_run(hooks: Hooks) -> None:
    """A thread that is created with its run has none of the tool resources in the request."""

    async def create(inner: Any, request: RequestContext) -> Any:
        if isinstance(request.body.get("thread"), dict):
            request.body = {**request.body, "thread": {**request.body["thread"], "tool_resources": None}}
        return await inner(request)

    wrap_handlers(hooks, create, "create_thread_and_run")
