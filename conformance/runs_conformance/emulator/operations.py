"""What each of the 23 operations does: from a call to the answer's JSON, or to a run to follow."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from runs_conformance.emulator.context import Call
from runs_conformance.emulator.factories import new_assistant_members, resources
from runs_conformance.emulator.run_machine import begin
from runs_conformance.emulator.state import Assistant, Members, Run, Thread
from runs_conformance.emulator.telling import tell
from runs_conformance.model.json import ABSENT


@dataclass(frozen=True, slots=True)
class Following:
    """The answer is an event stream: what is told of a run from `start` on."""

    thread: Thread
    run: Run
    start: int
    opening: tuple[tuple[str, Any], ...] = ()


Answer: TypeAlias = "Members | Following"
Handler: TypeAlias = Callable[[Call], Awaitable[Answer]]


async def create_assistant(call: Call) -> Answer:
    """Create an assistant."""
    world = call.world
    made = Assistant(
        id=world.behaviour.new_id(world, "assistant"),
        seq=world.seq(),
        created_at=world.clock.now(),
        members=new_assistant_members(world.options.edition, call.body),
    )
    call.store.assistants[made.id] = made
    return world.behaviour.assistant_object(world, made)


async def get_assistant(call: Call) -> Answer:
    """Show an assistant."""
    behaviour = call.world.behaviour
    return behaviour.assistant_object(call.world, behaviour.find_assistant(call, call.path["assistant_id"]))


async def modify_assistant(call: Call) -> Answer:
    """Replace the members of an assistant that the request names."""
    behaviour = call.world.behaviour
    assistant = behaviour.find_assistant(call, call.path["assistant_id"])
    wanted = new_assistant_members(call.world.options.edition, call.body)
    members = {**assistant.members}
    for name in members.keys() & call.body.keys():
        members[name] = wanted[name] if name != "metadata" else behaviour.new_metadata(members[name], call.body[name])
    if call.body.get("model") is None:
        members["model"] = assistant.members["model"]
    assistant.members = members
    return behaviour.assistant_object(call.world, assistant)


async def delete_assistant(call: Call) -> Answer:
    """Delete an assistant."""
    behaviour = call.world.behaviour
    assistant = behaviour.find_assistant(call, call.path["assistant_id"])
    del call.store.assistants[assistant.id]
    return behaviour.deletion_object("assistant", assistant.id)


async def list_assistants(call: Call) -> Answer:
    """Show a page of assistants."""
    world = call.world
    return _page(call, call.store.assistants.values(), lambda item: world.behaviour.assistant_object(world, item))


async def create_thread(call: Call) -> Answer:
    """Create a thread, with its first messages if any are given."""
    thread = _thread(call, {} if call.body is ABSENT else call.body)
    call.store.threads[thread.id] = thread
    return call.world.behaviour.thread_object(call.world, thread, "json")


async def get_thread(call: Call) -> Answer:
    """Show a thread."""
    behaviour = call.world.behaviour
    return behaviour.thread_object(call.world, behaviour.find_thread(call, call.path["thread_id"]), "json")


async def modify_thread(call: Call) -> Answer:
    """Change a thread's metadata and tool resources."""
    behaviour = call.world.behaviour
    thread = behaviour.find_thread(call, call.path["thread_id"])
    if "metadata" in call.body:
        thread.metadata = behaviour.new_metadata(thread.metadata, call.body["metadata"])
    if "tool_resources" in call.body:
        thread.tool_resources = resources(call.body["tool_resources"])
    return behaviour.thread_object(call.world, thread, "json")


async def delete_thread(call: Call) -> Answer:
    """Delete a thread and everything in it."""
    behaviour = call.world.behaviour
    thread = behaviour.find_thread(call, call.path["thread_id"])
    behaviour.remove_thread(call, thread)
    return behaviour.deletion_object("thread", thread.id)


async def create_message(call: Call) -> Answer:
    """Add a message to a thread."""
    behaviour = call.world.behaviour
    thread = behaviour.find_thread(call, call.path["thread_id"])
    await behaviour.admit_message(call, thread)
    message = behaviour.new_message(call, thread, call.body)
    thread.messages[message.id] = message
    return behaviour.message_object(call.world, message, "json")


async def get_message(call: Call) -> Answer:
    """Show a message."""
    behaviour = call.world.behaviour
    thread = behaviour.find_thread(call, call.path["thread_id"])
    return behaviour.message_object(call.world, behaviour.find_message(call, thread, call.path["message_id"]), "json")


async def modify_message(call: Call) -> Answer:
    """Change a message's metadata."""
    behaviour = call.world.behaviour
    thread = behaviour.find_thread(call, call.path["thread_id"])
    message = behaviour.find_message(call, thread, call.path["message_id"])
    if "metadata" in call.body:
        message.metadata = behaviour.new_metadata(message.metadata, call.body["metadata"])
    return behaviour.message_object(call.world, message, "json")


async def delete_message(call: Call) -> Answer:
    """Delete a message."""
    behaviour = call.world.behaviour
    thread = behaviour.find_thread(call, call.path["thread_id"])
    message = behaviour.find_message(call, thread, call.path["message_id"])
    behaviour.remove_message(thread, message)
    return behaviour.deletion_object("message", message.id)


async def list_messages(call: Call) -> Answer:
    """Show a page of a thread's messages, of one run's if asked."""
    world = call.world
    thread = world.behaviour.find_thread(call, call.path["thread_id"])
    messages = world.behaviour.messages_of(thread, call.query.get("run_id"))
    return _page(call, messages, lambda item: world.behaviour.message_object(world, item, "json"))


async def create_run(call: Call) -> Answer:
    """Start a run on a thread."""
    behaviour = call.world.behaviour
    thread = behaviour.find_thread(call, call.path["thread_id"])
    await behaviour.admit_run(call, thread)
    assistant = behaviour.find_assistant_to_run(call, call.body["assistant_id"])
    behaviour.check_runnable(thread, assistant, call.body)
    behaviour.add_messages(call, thread, call.body.get("additional_messages") or [])
    return _started(call, thread, assistant, ())


_OF_CREATE_RUN = ("additional_instructions", "additional_messages", "reasoning_effort")
"""Members of create run that are none of create thread and run: taken, whatever they hold, and not looked at."""


async def create_thread_and_run(call: Call) -> Answer:
    """Create a thread and start a run on it."""
    behaviour = call.world.behaviour
    for name in _OF_CREATE_RUN:
        call.body.pop(name, None)
    assistant = behaviour.find_assistant_to_run(call, call.body["assistant_id"])
    thread = _thread(call, call.body.get("thread") or {})
    behaviour.check_runnable(thread, assistant, call.body)
    call.store.threads[thread.id] = thread
    opening = (("thread.created", behaviour.thread_object(call.world, thread, "stream")),)
    return _started(call, thread, assistant, opening)


def _started(call: Call, thread: Thread, assistant: Assistant, opening: tuple[tuple[str, Any], ...]) -> Answer:
    world = call.world
    run = world.behaviour.new_run(call, thread, assistant, call.body)
    thread.runs[run.id] = run
    run.followed = bool(call.body.get("stream"))
    tell(world, run, "thread.run.created", run)
    tell(world, run, "thread.run.queued", run)
    begin(world, thread, run, world.clock.now())
    if run.followed:
        return Following(thread, run, 0, opening)
    return world.behaviour.run_object(world, run, "json")


async def get_run(call: Call) -> Answer:
    """Show a run."""
    _, run = _run(call)
    return call.world.behaviour.run_object(call.world, run, "json")


async def modify_run(call: Call) -> Answer:
    """Change a run's metadata."""
    behaviour = call.world.behaviour
    _, run = _run(call)
    behaviour.check_modify(call.world, run)
    if "metadata" in call.body:
        run.metadata = behaviour.new_metadata(run.metadata, call.body["metadata"])
    return behaviour.run_object(call.world, run, "json")


async def cancel_run(call: Call) -> Answer:
    """Begin to cancel a run."""
    behaviour = call.world.behaviour
    thread, run = _run(call)
    behaviour.check_cancel(call.world, run)
    behaviour.cancel(call.world, thread, run, call.world.clock.now())
    return behaviour.run_object(call.world, run, "json")


async def submit_tool_outputs(call: Call) -> Answer:
    """Hand in the outputs that a run waits for."""
    behaviour, world = call.world.behaviour, call.world
    thread, run = _run(call)
    await behaviour.admit_outputs(call, run)
    run.followed = bool(call.body.get("stream"))
    start = len(run.events)
    behaviour.submit(world, thread, run, call.body["tool_outputs"], world.clock.now())
    if run.followed:
        return Following(thread, run, start)
    return behaviour.run_object(world, run, "json")


async def list_runs(call: Call) -> Answer:
    """Show a page of a thread's runs."""
    world = call.world
    thread = world.behaviour.find_thread(call, call.path["thread_id"])
    return _page(call, thread.runs.values(), lambda item: world.behaviour.run_object(world, item, "json"))


async def list_run_steps(call: Call) -> Answer:
    """Show a page of a run's steps."""
    world = call.world
    _, run = _run(call)
    include = frozenset(call.query.get("include", ()))
    return _page(call, run.steps, lambda item: world.behaviour.step_object(world, item, "json", include))


async def get_run_step(call: Call) -> Answer:
    """Show a step of a run."""
    behaviour = call.world.behaviour
    _, run = _run(call)
    step = behaviour.find_step(call, run, call.path["step_id"])
    return behaviour.step_object(call.world, step, "json", frozenset(call.query.get("include", ())))


def _run(call: Call) -> tuple[Thread, Run]:
    behaviour = call.world.behaviour
    thread = behaviour.find_thread(call, call.path["thread_id"])
    return thread, behaviour.find_run(call, thread, call.path["run_id"])


def _thread(call: Call, body: Members) -> Thread:
    world = call.world
    thread = Thread(
        id=world.behaviour.new_id(world, "thread"),
        seq=world.seq(),
        created_at=world.clock.now(),
        metadata=world.behaviour.new_metadata({}, body.get("metadata")),
        tool_resources=resources(body.get("tool_resources")),
    )
    world.behaviour.add_messages(call, thread, body.get("messages") or [])
    return thread


def _page(call: Call, items: Any, show: Callable[[Any], Members]) -> Members:
    behaviour = call.world.behaviour
    found = behaviour.page(behaviour.ordered(items, call.query.get("order", "desc")), call.query)
    return behaviour.list_object([show(item) for item in found.items], found.has_more)


def handlers() -> dict[str, Handler]:
    """The handler of each operation."""
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
