"""Finding what a request names, in the name of its tenant."""

from __future__ import annotations

from runs_conformance.emulator.context import Call
from runs_conformance.emulator.refusal import unknown, wrong_prefix
from runs_conformance.emulator.run_machine import advance
from runs_conformance.emulator.state import Assistant, Message, Run, Step, Thread

_PREFIXES = {"thread_id": "thread", "assistant_id": "asst"}


def check_id(param: str, id_: str) -> None:
    """Refuse an id of another kind; the service told it apart from an unknown one for threads and assistants only."""
    prefix = _PREFIXES[param]
    if not id_.startswith(prefix):
        raise wrong_prefix(param, id_, prefix)


def find_assistant(call: Call, id_: str) -> Assistant:
    """The assistant of that id, or a refusal."""
    assistant = call.store.assistants.get(id_)
    if assistant is None:
        raise unknown("assistant", id_)
    return assistant


def find_assistant_to_run(call: Call, id_: str) -> Assistant:
    """The assistant that a request body names; there an id of another kind was told apart from an unknown one."""
    call.world.behaviour.check_id("assistant_id", id_)
    return call.world.behaviour.find_assistant(call, id_)


def find_thread(call: Call, id_: str) -> Thread:
    """The thread of that id with everything due in it done, or a refusal."""
    call.world.behaviour.check_id("thread_id", id_)
    thread = call.store.threads.get(id_)
    if thread is None:
        raise unknown("thread", id_)
    now = call.world.clock.now()
    for run in thread.runs.values():
        advance(call.world, thread, run, now)
    return thread


def find_message(call: Call, thread: Thread, id_: str) -> Message:
    """The thread's message of that id, or a refusal."""
    message = thread.messages.get(id_)
    if message is None:
        raise unknown("message", id_)
    return message


def find_run(call: Call, thread: Thread, id_: str) -> Run:
    """The thread's run of that id, or a refusal."""
    run = thread.runs.get(id_)
    if run is None:
        raise unknown("run", id_)
    return run


def find_step(call: Call, run: Run, id_: str) -> Step:
    """The run's step of that id, or a refusal."""
    for step in run.steps:
        if step.id == id_:
            return step
    raise unknown("run step", id_)
