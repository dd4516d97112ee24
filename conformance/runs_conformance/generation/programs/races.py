"""Programs that send requests at the same moment. Nothing is certain of their order; what is seen afterwards is."""

from __future__ import annotations

from dataclasses import replace

from runs_conformance.generation.programs.decorator import program
from runs_conformance.generation.programs.fragments import Passage, aftermath, ended, finished, ready, submit, waiting
from runs_conformance.generation.programs.responses import made
from runs_conformance.generation.programs.steps import (
    OVER,
    assistant,
    message,
    on_run,
    on_thread,
    page,
    poll,
    prompt,
    run,
    thread,
    vain,
)
from runs_conformance.model.case import Together
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.program import Play, Setting
from runs_conformance.model.tag import DELETED_ID

SOON = 0.1
"""Seconds after which something that was just begun is probably under way."""


@program("races", "core", runs=4, requests=44)
def two_runs_at_once(setting: Setting) -> Play:
    """Two runs are created on one thread at once, and what was started is cancelled twice at once; then again."""
    if not (yield from ready(assistant(setting), thread(setting, text=prompt(setting, "long")))):
        return
    for number in range(2):
        names = (f"left_{number}", f"right_{number}")
        answers = yield Together(tuple(run(name) for name in names))
        yield page("list_runs", tag="")
        started = [name for name, answer in zip(names, answers, strict=True) if made(answer)]
        for name in started:
            yield poll(name, until=("in_progress",))
        yield page("list_runs", tag="")
        for name in started:
            yield Together((on_run("cancel_run", name), on_run("cancel_run", name), on_run("get_run", name)))
            yield poll(name, until=OVER)
            yield on_run("get_run", name)
    yield page("list_runs")


@program("races", "messages", requests=14)
def messages_at_once(setting: Setting) -> Play:
    """Four messages are added to one thread at the same moment; each that was accepted is there, once."""
    if not (yield from ready(thread(setting))):
        return
    yield Together(tuple(message(f"Message {number}.", name=f"message_{number}") for number in range(4)))
    yield page("list_messages")
    yield page("list_messages", order="asc")
    changes = ({"left": "yes"}, {"right": "yes"})
    yield Together(tuple(on_thread("modify_thread", body={"metadata": metadata}) for metadata in changes))
    yield on_thread("get_thread")


@program("races", "tools", runs=1, requests=32)
def submitted_twice_at_once(setting: Setting) -> Play:
    """Tool outputs are submitted twice at the same moment; the run takes them once."""
    if not (yield from _waiting(setting)):
        return
    yield Together((submit(outputs=("The first.",)), submit(outputs=("The second.",))))
    yield on_run("get_run")
    if (yield from finished(seen="resumed")):
        yield from aftermath()


@program("races", "cancel", runs=1, requests=25)
def cancelled_in_mid_stream(setting: Setting) -> Play:
    """A run is cancelled from elsewhere while the stream that its tool outputs were submitted with goes on."""
    talk = thread(setting, text=prompt(setting, "call_one") + " Then: " + prompt(setting, "long"))
    if not (yield from ready(assistant(setting), talk)):
        return
    if not (yield from waiting()):
        return
    yield Together((submit(stream=True), replace(on_run("cancel_run"), pause=SOON)))
    yield poll(until=OVER)
    yield from aftermath()


@program("races", "core", runs=1, requests=26)
def changed_while_running(setting: Setting) -> Play:
    """A run begins as a message comes, is modified along with its thread, and has the thread deleted under it."""
    if not (yield from ready(assistant(setting), thread(setting, text=prompt(setting, "long")))):
        return
    _, started = yield Together((message("At the same moment."), run()))
    yield page("list_messages", tag="", order="asc")
    yield page("list_runs", tag="")
    if not made(started):
        return
    yield poll(until=("in_progress",))
    changed = {"metadata": {"while": "running"}}
    yield Together((on_run("modify_run", body=changed), on_thread("modify_thread", body=changed), on_run("get_run")))
    yield on_run("get_run")
    yield on_thread("get_thread")
    deleted: Exchange = yield on_thread("delete_thread")
    if deleted.accepted:
        for step in (on_thread("get_thread"), on_run("get_run"), page("list_runs"), on_run("cancel_run")):
            yield vain(step, DELETED_ID)
    else:
        yield from ended()


def _waiting(setting: Setting) -> Passage:
    if not (yield from ready(assistant(setting), thread(setting, text=prompt(setting, "call_one")))):
        return False
    return (yield from waiting())
