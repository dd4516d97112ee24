"""Objects that are found where they are not, and what deletion leaves."""

from __future__ import annotations

from typing import Any

from runs_conformance.emulator.catalogue import blind
from runs_conformance.emulator.context import Call
from runs_conformance.emulator.hooks import Behaviour
from runs_conformance.emulator.patching import around
from runs_conformance.emulator.state import Message, Run, Step, Thread


@blind("ids", level="should")
def counts_ids(behaviour: Behaviour) -> None:
    """Ids are counters."""
    prefixes = {"message": "msg", "run_step": "step", "tool_call": "call", "assistant": "asst"}
    behaviour.new_id = lambda world, kind: f"{prefixes.get(kind, kind)}_{world.seq():024d}"


def _everywhere(call: Call) -> list[Thread]:
    return list(call.store.threads.values())


@blind("L-90", level="should")
def finds_runs_in_any_thread(behaviour: Behaviour) -> None:
    """A run is found under any thread."""
    inner = behaviour.find_run

    def find(call: Call, thread: Thread, id_: str) -> Run:
        return next((other.runs[id_] for other in _everywhere(call) if id_ in other.runs), None) or inner(
            call, thread, id_
        )

    behaviour.find_run = find


@blind("L-90", level="should")
def finds_steps_in_any_run(behaviour: Behaviour) -> None:
    """A step is found under any run."""
    inner = behaviour.find_step

    def find(call: Call, run: Run, id_: str) -> Step:
        for thread in _everywhere(call):
            for other in thread.runs.values():
                for step in other.steps:
                    if step.id == id_:
                        return step
        return inner(call, run, id_)

    behaviour.find_step = find


@blind("L-90", level="should")
def finds_messages_in_any_thread(behaviour: Behaviour) -> None:
    """A message is found under any thread."""
    inner = behaviour.find_message

    def find(call: Call, thread: Thread, id_: str) -> Message:
        for other in _everywhere(call):
            if id_ in other.messages:
                return other.messages[id_]
        return inner(call, thread, id_)

    behaviour.find_message = find


@blind("L-88", level="should")
def keeps_deleted_messages(behaviour: Behaviour) -> None:
    """A deleted message can still be read."""
    behaviour.remove_message = lambda thread, message: None


@blind("L-88", level="should")
def lists_deleted_messages(behaviour: Behaviour) -> None:
    """A deleted message cannot be read, but stays in the list."""
    gone: set[str] = set()
    inner = behaviour.find_message

    def find(call: Call, thread: Thread, id_: str) -> Message:
        return inner(call, thread, "" if id_ in gone else id_)

    behaviour.remove_message = lambda thread, message: gone.add(message.id)
    behaviour.find_message = find


@blind("L-88", level="should")
def keeps_deleted_threads(behaviour: Behaviour) -> None:
    """A deleted thread can still be read."""
    behaviour.remove_thread = lambda call, thread: None


@blind("L-88", level="should")
def keeps_runs_of_deleted_threads(behaviour: Behaviour) -> None:
    """The runs of a deleted thread can still be read."""
    gone: dict[str, Thread] = {}
    remove = behaviour.remove_thread

    def forget(call: Call, thread: Thread) -> None:
        gone[thread.id] = thread
        remove(call, thread)

    async def look(inner: Any, call: Call) -> Any:
        thread = gone.get(call.path["thread_id"])
        if thread is not None and call.path["run_id"] in thread.runs:
            return call.world.behaviour.run_object(call.world, thread.runs[call.path["run_id"]], "json")
        return await inner(call)

    behaviour.remove_thread = forget
    around(behaviour, look, "get_run")


@blind("L-88", level="should")
def runs_deleted_assistants(behaviour: Behaviour) -> None:
    """A deleted assistant can still be run."""
    known: dict[str, Any] = {}
    inner = behaviour.find_assistant_to_run

    def find(call: Call, id_: str) -> Any:
        if id_ in call.store.assistants:
            known[id_] = call.store.assistants[id_]
        return known.get(id_) or inner(call, id_)

    async def delete(handler: Any, call: Call) -> Any:
        if call.path["assistant_id"] in call.store.assistants:
            known[call.path["assistant_id"]] = call.store.assistants[call.path["assistant_id"]]
        return await handler(call)

    behaviour.find_assistant_to_run = find
    around(behaviour, delete, "delete_assistant")


@blind("L-88", level="should")
def says_not_deleted(behaviour: Behaviour) -> None:
    """The deletion of a message is answered with deleted false."""
    inner = behaviour.deletion_object
    behaviour.deletion_object = lambda kind, id_: {**inner(kind, id_), "deleted": kind != "message"}
