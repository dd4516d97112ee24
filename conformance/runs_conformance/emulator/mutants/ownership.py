"""Mutants of ownership: objects are found under other parents, or remain after deletion."""

from __future__ import annotations

from typing import Any

from runs_conformance.emulator.context import Hooks, RequestContext
from runs_conformance.emulator.declaration import mutant, written_from_spec
from runs_conformance.emulator.patching import patch_object, wrap_handlers
from runs_conformance.emulator.state import Members, Message, Run, RunStep, Thread


@written_from_spec("ids", level="should")
def counts_ids(hooks: Hooks) -> None:
    """Ids are sequential numbers."""
    prefixes = {"message": "msg", "run_step": "step", "tool_call": "call", "assistant": "asst"}
    hooks.new_id = lambda server, kind: f"{prefixes.get(kind, kind)}_{server.seq():024d}"


@mutant("identity")
def takes_ids_from_metadata(hooks: Hooks) -> None:
    """Members of messages and threads that are ids are overwritten by metadata of the same names."""

    def change(members: Members, *_: Any) -> None:
        names = ("thread_id", "run_id") if members["object"] == "thread.message" else ("id",)
        members.update({name: members["metadata"][name] for name in names if name in members["metadata"]})

    patch_object(hooks, "message", change)
    patch_object(hooks, "thread", change)


def _all_threads(request: RequestContext) -> list[Thread]:
    return list(request.store.threads.values())


@written_from_spec("run-only-under-own-thread", level="should")
def finds_runs_in_any_thread(hooks: Hooks) -> None:
    """A run is found under any thread."""
    inner = hooks.find_run

    def find(request: RequestContext, thread: Thread, id_: str) -> Run:
        return next((other.runs[id_] for other in _all_threads(request) if id_ in other.runs), None) or inner(
            request, thread, id_
        )

    hooks.find_run = find


@written_from_spec("run-only-under-own-thread", level="should")
def finds_steps_in_any_run(hooks: Hooks) -> None:
    """A step is found under any run."""
    inner = hooks.find_step

    def find(request: RequestContext, run: Run, id_: str) -> RunStep:
        for thread in _all_threads(request):
            for other in thread.runs.values():
                for step in other.steps:
                    if step.id == id_:
                        return step
        return inner(request, run, id_)

    hooks.find_step = find


@written_from_spec("run-only-under-own-thread", level="should")
def finds_messages_in_any_thread(hooks: Hooks) -> None:
    """A message is found under any thread."""
    inner = hooks.find_message

    def find(request: RequestContext, thread: Thread, id_: str) -> Message:
        for other in _all_threads(request):
            if id_ in other.messages:
                return other.messages[id_]
        return inner(request, thread, id_)

    hooks.find_message = find


@mutant("messages")
def deletes_the_last_message_instead(hooks: Hooks) -> None:
    """Deleting a message through the path of another thread deletes the last message of that thread instead."""
    inner, remove = hooks.find_message, hooks.remove_message

    def find(request: RequestContext, thread: Thread, id_: str) -> Message:
        threads = _all_threads(request) if request.operation.name == "delete_message" else ()
        return next((other.messages[id_] for other in threads if id_ in other.messages), None) or inner(
            request, thread, id_
        )

    def remove_from_path(thread: Thread, message: Message) -> None:
        if message.id in thread.messages:
            remove(thread, message)
        elif thread.messages:
            thread.messages.popitem()

    hooks.find_message, hooks.remove_message = find, remove_from_path


@written_from_spec("deleted-object-is-gone", level="should")
def keeps_deleted_messages(hooks: Hooks) -> None:
    """A deleted message can still be read."""
    hooks.remove_message = lambda thread, message: None


@written_from_spec("deleted-object-is-gone", level="should")
def lists_deleted_messages(hooks: Hooks) -> None:
    """A deleted message cannot be read, but remains in the list."""
    deleted: set[str] = set()
    inner = hooks.find_message

    def find(request: RequestContext, thread: Thread, id_: str) -> Message:
        return inner(request, thread, "" if id_ in deleted else id_)

    hooks.remove_message = lambda thread, message: deleted.add(message.id)
    hooks.find_message = find


@written_from_spec("deleted-object-is-gone", level="should")
def keeps_deleted_threads(hooks: Hooks) -> None:
    """A deleted thread can still be read."""
    hooks.remove_thread = lambda request, thread: None


@written_from_spec("deleted-object-is-gone", level="should")
def keeps_runs_of_deleted_threads(hooks: Hooks) -> None:
    """The runs of a deleted thread can still be read."""
    deleted: dict[str, Thread] = {}
    remove = hooks.remove_thread

    def forget(request: RequestContext, thread: Thread) -> None:
        deleted[thread.id] = thread
        remove(request, thread)

    async def handle(inner: Any, request: RequestContext) -> Any:
        thread = deleted.get(request.path_params["thread_id"])
        if thread is not None and request.path_params["run_id"] in thread.runs:
            return request.server.hooks.run_object(request.server, thread.runs[request.path_params["run_id"]], "json")
        return await inner(request)

    hooks.remove_thread = forget
    wrap_handlers(hooks, handle, "get_run")


@written_from_spec("deleted-object-is-gone", level="should")
def runs_deleted_assistants(hooks: Hooks) -> None:
    """A deleted assistant can still be run."""
    known: dict[str, Any] = {}
    inner = hooks.find_assistant_to_run

    def find(request: RequestContext, id_: str) -> Any:
        if id_ in request.store.assistants:
            known[id_] = request.store.assistants[id_]
        return known.get(id_) or inner(request, id_)

    async def delete(handler: Any, request: RequestContext) -> Any:
        if request.path_params["assistant_id"] in request.store.assistants:
            known[request.path_params["assistant_id"]] = request.store.assistants[request.path_params["assistant_id"]]
        return await handler(request)

    hooks.find_assistant_to_run = find
    wrap_handlers(hooks, delete, "delete_assistant")


@written_from_spec("deleted-object-is-gone", level="should")
def says_not_deleted(hooks: Hooks) -> None:
    """The deleted member of a message deletion is false."""
    inner = hooks.deletion_object
    hooks.deletion_object = lambda kind, id_: {**inner(kind, id_), "deleted": kind != "message"}
