"""The handlers of the 23 operations. Each returns the JSON of its response, or an event stream of a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from runs_conformance.emulator.context import EventStreamResponse, Handler, HandlerResponse, RequestContext
from runs_conformance.emulator.event_log import emit
from runs_conformance.emulator.factories import new_assistant_members, new_thread, normalize_tool_resources
from runs_conformance.emulator.run_machine import begin
from runs_conformance.emulator.state import Assistant, Members, Run, Thread
from runs_conformance.model.json import ABSENT


async def create_assistant(request: RequestContext) -> HandlerResponse:
    """Create an assistant."""
    server = request.server
    assistant = Assistant(
        id=server.hooks.new_id(server, "assistant"),
        seq=server.seq(),
        created_at=server.clock.now(),
        members=new_assistant_members(server.options.edition, request.body),
    )
    request.store.assistants[assistant.id] = assistant
    return server.hooks.assistant_object(server, assistant)


async def get_assistant(request: RequestContext) -> HandlerResponse:
    """Get an assistant."""
    hooks = request.server.hooks
    return hooks.assistant_object(request.server, hooks.find_assistant(request, request.path_params["assistant_id"]))


async def modify_assistant(request: RequestContext) -> HandlerResponse:
    """Replace the members of an assistant that the request contains."""
    hooks = request.server.hooks
    assistant = hooks.find_assistant(request, request.path_params["assistant_id"])
    new_members = new_assistant_members(request.server.options.edition, request.body)
    members = {**assistant.members}
    for name in members.keys() & request.body.keys():
        members[name] = (
            new_members[name] if name != "metadata" else hooks.new_metadata(members[name], request.body[name])
        )
    if request.body.get("model") is None:
        members["model"] = assistant.members["model"]
    assistant.members = members
    return hooks.assistant_object(request.server, assistant)


async def delete_assistant(request: RequestContext) -> HandlerResponse:
    """Delete an assistant."""
    hooks = request.server.hooks
    assistant = hooks.find_assistant(request, request.path_params["assistant_id"])
    del request.store.assistants[assistant.id]
    return hooks.deletion_object("assistant", assistant.id)


async def list_assistants(request: RequestContext) -> HandlerResponse:
    """List assistants."""
    server = request.server
    return _page(request, request.store.assistants.values(), lambda item: server.hooks.assistant_object(server, item))


async def create_thread(request: RequestContext) -> HandlerResponse:
    """Create a thread with its initial messages."""
    thread = new_thread(request, {} if request.body is ABSENT else request.body)
    request.store.threads[thread.id] = thread
    return request.server.hooks.thread_object(request.server, thread, "json")


async def get_thread(request: RequestContext) -> HandlerResponse:
    """Get a thread."""
    hooks = request.server.hooks
    return hooks.thread_object(request.server, hooks.find_thread(request, request.path_params["thread_id"]), "json")


async def modify_thread(request: RequestContext) -> HandlerResponse:
    """Change a thread's metadata and tool resources."""
    hooks = request.server.hooks
    thread = hooks.find_thread(request, request.path_params["thread_id"])
    if "metadata" in request.body:
        thread.metadata = hooks.new_metadata(thread.metadata, request.body["metadata"])
    if "tool_resources" in request.body:
        thread.tool_resources = normalize_tool_resources(request.body["tool_resources"])
    return hooks.thread_object(request.server, thread, "json")


async def delete_thread(request: RequestContext) -> HandlerResponse:
    """Delete a thread and everything in it."""
    hooks = request.server.hooks
    thread = hooks.find_thread(request, request.path_params["thread_id"])
    hooks.remove_thread(request, thread)
    return hooks.deletion_object("thread", thread.id)


async def create_message(request: RequestContext) -> HandlerResponse:
    """Add a message to a thread."""
    hooks = request.server.hooks
    thread = hooks.find_thread(request, request.path_params["thread_id"])
    await hooks.admit_message(request, thread)
    message = hooks.new_message(request, thread, request.body)
    thread.messages[message.id] = message
    return hooks.message_object(request.server, message, "json")


async def get_message(request: RequestContext) -> HandlerResponse:
    """Get a message."""
    hooks = request.server.hooks
    thread = hooks.find_thread(request, request.path_params["thread_id"])
    return hooks.message_object(
        request.server, hooks.find_message(request, thread, request.path_params["message_id"]), "json"
    )


async def modify_message(request: RequestContext) -> HandlerResponse:
    """Change a message's metadata."""
    hooks = request.server.hooks
    thread = hooks.find_thread(request, request.path_params["thread_id"])
    message = hooks.find_message(request, thread, request.path_params["message_id"])
    if "metadata" in request.body:
        message.metadata = hooks.new_metadata(message.metadata, request.body["metadata"])
    return hooks.message_object(request.server, message, "json")


async def delete_message(request: RequestContext) -> HandlerResponse:
    """Delete a message."""
    hooks = request.server.hooks
    thread = hooks.find_thread(request, request.path_params["thread_id"])
    message = hooks.find_message(request, thread, request.path_params["message_id"])
    hooks.remove_message(thread, message)
    return hooks.deletion_object("message", message.id)


async def list_messages(request: RequestContext) -> HandlerResponse:
    """List the messages of a thread, optionally only those of one run."""
    server = request.server
    thread = server.hooks.find_thread(request, request.path_params["thread_id"])
    messages = server.hooks.thread_messages(thread, request.query.get("run_id"))
    return _page(request, messages, lambda item: server.hooks.message_object(server, item, "json"))


async def create_run(request: RequestContext) -> HandlerResponse:
    """Start a run on a thread."""
    hooks = request.server.hooks
    thread = hooks.find_thread(request, request.path_params["thread_id"])
    await hooks.admit_run(request, thread)
    assistant = hooks.find_assistant_to_run(request, request.body["assistant_id"])
    hooks.check_runnable(thread, assistant, request.body)
    hooks.add_messages(request, thread, request.body.get("additional_messages") or [])
    return _start_run(request, thread, assistant, ())


_IGNORED_MEMBERS = ("additional_instructions", "additional_messages", "reasoning_effort")
"""Members of create_run that create_thread_and_run accepts with any value and ignores."""


async def create_thread_and_run(request: RequestContext) -> HandlerResponse:
    """Create a thread and start a run on it."""
    hooks = request.server.hooks
    for name in _IGNORED_MEMBERS:
        request.body.pop(name, None)
    assistant = hooks.find_assistant_to_run(request, request.body["assistant_id"])
    thread = new_thread(request, request.body.get("thread") or {})
    hooks.check_runnable(thread, assistant, request.body)
    request.store.threads[thread.id] = thread
    opening_events = (("thread.created", hooks.thread_object(request.server, thread, "stream")),)
    return _start_run(request, thread, assistant, opening_events)


def _start_run(
    request: RequestContext, thread: Thread, assistant: Assistant, opening_events: tuple[tuple[str, Any], ...]
) -> HandlerResponse:
    server = request.server
    run = server.hooks.new_run(request, thread, assistant, request.body)
    thread.runs[run.id] = run
    run.is_streamed = bool(request.body.get("stream"))
    emit(server, run, "thread.run.created", run)
    emit(server, run, "thread.run.queued", run)
    begin(server, thread, run, server.clock.now())
    if run.is_streamed:
        return EventStreamResponse(thread, run, 0, opening_events)
    return server.hooks.run_object(server, run, "json")


async def get_run(request: RequestContext) -> HandlerResponse:
    """Get a run."""
    _, run = _find_run(request)
    return request.server.hooks.run_object(request.server, run, "json")


async def modify_run(request: RequestContext) -> HandlerResponse:
    """Change a run's metadata."""
    hooks = request.server.hooks
    _, run = _find_run(request)
    hooks.check_modify(request.server, run)
    if "metadata" in request.body:
        run.metadata = hooks.new_metadata(run.metadata, request.body["metadata"])
    return hooks.run_object(request.server, run, "json")


async def cancel_run(request: RequestContext) -> HandlerResponse:
    """Start cancelling a run."""
    hooks = request.server.hooks
    thread, run = _find_run(request)
    hooks.check_cancel(request.server, run)
    hooks.cancel(request.server, thread, run, request.server.clock.now())
    return hooks.run_object(request.server, run, "json")


async def submit_tool_outputs(request: RequestContext) -> HandlerResponse:
    """Submit the tool outputs that a run waits for."""
    hooks, server = request.server.hooks, request.server
    thread, run = _find_run(request)
    await hooks.admit_outputs(request, run)
    run.is_streamed = bool(request.body.get("stream"))
    start = len(run.events)
    hooks.submit(server, thread, run, request.body["tool_outputs"], server.clock.now())
    if run.is_streamed:
        return EventStreamResponse(thread, run, start)
    return hooks.run_object(server, run, "json")


async def list_runs(request: RequestContext) -> HandlerResponse:
    """List the runs of a thread."""
    server = request.server
    thread = server.hooks.find_thread(request, request.path_params["thread_id"])
    return _page(request, thread.runs.values(), lambda item: server.hooks.run_object(server, item, "json"))


async def list_run_steps(request: RequestContext) -> HandlerResponse:
    """List the steps of a run."""
    server = request.server
    _, run = _find_run(request)
    include = frozenset(request.query.get("include", ()))
    return _page(request, run.steps, lambda item: server.hooks.step_object(server, item, "json", include))


async def get_run_step(request: RequestContext) -> HandlerResponse:
    """Get a step of a run."""
    hooks = request.server.hooks
    _, run = _find_run(request)
    step = hooks.find_step(request, run, request.path_params["step_id"])
    return hooks.step_object(request.server, step, "json", frozenset(request.query.get("include", ())))


def _find_run(request: RequestContext) -> tuple[Thread, Run]:
    hooks = request.server.hooks
    thread = hooks.find_thread(request, request.path_params["thread_id"])
    return thread, hooks.find_run(request, thread, request.path_params["run_id"])


def _page(request: RequestContext, items: Any, serialize: Callable[[Any], Members]) -> Members:
    hooks = request.server.hooks
    page = hooks.paginate(hooks.sort_items(items, request.query.get("order", "desc")), request.query)
    return hooks.list_object([serialize(item) for item in page.items], page.has_more)


def handlers() -> dict[str, Handler]:
    """The handlers by operation."""
    return {
        "list_assistants": list_assistants,
        "create_assistant": create_assistant,
        "get_assistant": get_assistant,
        "modify_assistant": modify_assistant,
        "delete_assistant": delete_assistant,
        "create_thread": create_thread,
        "create_thread_and_run": create_thread_and_run,
        "get_thread": get_thread,
        "modify_thread": modify_thread,
        "delete_thread": delete_thread,
        "list_messages": list_messages,
        "create_message": create_message,
        "get_message": get_message,
        "modify_message": modify_message,
        "delete_message": delete_message,
        "list_runs": list_runs,
        "create_run": create_run,
        "get_run": get_run,
        "modify_run": modify_run,
        "cancel_run": cancel_run,
        "submit_tool_outputs": submit_tool_outputs,
        "list_run_steps": list_run_steps,
        "get_run_step": get_run_step,
    }
