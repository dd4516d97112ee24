"""Finding and removing the objects of a tenant."""

from __future__ import annotations

from runs_conformance.emulator.api_errors import malformed_id, not_found
from runs_conformance.emulator.context import RequestContext, ServerState
from runs_conformance.emulator.run_machine import advance
from runs_conformance.emulator.state import Assistant, Message, Run, RunStep, Store, Thread

_PREFIXES = {"thread_id": "thread", "assistant_id": "asst"}


def store_for_tenant(server: ServerState, tenant: str) -> Store:
    """The tenant's store, created on first use."""
    return server.stores.setdefault(tenant, Store())


def check_id(param: str, id_: str) -> None:
    """Refuse an id with a wrong prefix. The service distinguished it from an unknown id for these two kinds only."""
    prefix = _PREFIXES[param]
    if not id_.startswith(prefix):
        raise malformed_id(param, id_, prefix)


def find_assistant(request: RequestContext, id_: str) -> Assistant:
    """The assistant with that id. Raises ApiError if there is none."""
    assistant = request.store.assistants.get(id_)
    if assistant is None:
        raise not_found("assistant", id_)
    return assistant


def find_assistant_to_run(request: RequestContext, id_: str) -> Assistant:
    """The assistant that a request body names; here the service did distinguish a wrong prefix from an unknown id."""
    request.server.hooks.check_id("assistant_id", id_)
    return request.server.hooks.find_assistant(request, id_)


def find_thread(request: RequestContext, id_: str) -> Thread:
    """The thread with that id, its runs advanced to the current time. Raises ApiError if there is none."""
    request.server.hooks.check_id("thread_id", id_)
    thread = request.store.threads.get(id_)
    if thread is None:
        raise not_found("thread", id_)
    now = request.server.clock.now()
    for run in thread.runs.values():
        advance(request.server, thread, run, now)
    return thread


def find_message(request: RequestContext, thread: Thread, id_: str) -> Message:
    """The thread's message with that id. Raises ApiError if there is none."""
    message = thread.messages.get(id_)
    if message is None:
        raise not_found("message", id_)
    return message


def find_run(request: RequestContext, thread: Thread, id_: str) -> Run:
    """The thread's run with that id. Raises ApiError if there is none."""
    run = thread.runs.get(id_)
    if run is None:
        raise not_found("run", id_)
    return run


def find_step(request: RequestContext, run: Run, id_: str) -> RunStep:
    """The run's step with that id. Raises ApiError if there is none."""
    for step in run.steps:
        if step.id == id_:
            return step
    raise not_found("run step", id_)


def thread_messages(thread: Thread, run_id: str | None) -> list[Message]:
    """The thread's messages, or those that one run wrote."""
    return [message for message in thread.messages.values() if run_id is None or message.run_id == run_id]


def remove_thread(request: RequestContext, thread: Thread) -> None:
    """Remove a thread with everything in it, and end the streams of its runs."""
    del request.store.threads[thread.id]
    for run in thread.runs.values():
        run.is_deleted = True
        run.changed.set()


def remove_message(thread: Thread, message: Message) -> None:
    """Remove a message."""
    del thread.messages[message.id]
