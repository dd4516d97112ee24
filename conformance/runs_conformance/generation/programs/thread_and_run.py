"""Programs in which a thread and its run are created by one request."""

from __future__ import annotations

from typing import Any

from runs_conformance.generation.programs.decorator import program
from runs_conformance.generation.programs.fragments import Passage, aftermath, ended, finished, ready
from runs_conformance.generation.programs.overrides import every_member
from runs_conformance.generation.programs.responses import made, shown, status
from runs_conformance.generation.programs.steps import (
    assistant,
    at_root,
    function_tool,
    message,
    named,
    on_run,
    on_thread,
    page,
    poll,
    prompt,
    since,
)
from runs_conformance.model.case import Ref, Step
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.program import Play, Setting

_THREAD = Ref("run", "/thread_id")
_FORCED: dict[str, Any] = {"tools": [function_tool()], "tool_choice": named()}


def _both(name: str = "run", **members: Any) -> Step:
    body = {"assistant_id": Ref("assistant"), **members}
    return at_root("create_thread_and_run", body, name=name, stream=members.get("stream") is True)


def _new_thread(setting: Setting) -> dict[str, Any]:
    named: Any = "My name is Ada."
    if since(setting, "2024-05-09"):
        named = [{"type": "text", "text": "My name is"}, {"type": "text", "text": "Ada."}]
    return {
        "messages": [
            {"role": "user", "content": named},
            {"role": "assistant", "content": "Hello Ada."},
            {"role": "user", "content": prompt(setting), "metadata": {"last": "yes"}},
        ],
        "metadata": {"colour": "green"},
        "tool_resources": {"code_interpreter": {"file_ids": []}},
    }


def _stored(answer: Exchange) -> Passage:
    """The thread that a run says it belongs to, and what both hold."""
    if not isinstance(shown(answer).get("thread_id"), str):
        return False
    if not (yield from finished(thread=_THREAD)):
        return False
    yield on_thread("get_thread", _THREAD)
    yield from aftermath(thread=_THREAD)
    yield page("list_messages", _THREAD, order="asc")
    return True


@program("lifecycle", "create_and_run", runs=1, requests=23, quick=True)
def thread_and_run(setting: Setting) -> Play:
    """A thread with messages is created together with a run that overrides all it can, and is polled to its end."""
    if not (yield from ready(assistant(setting, temperature=0.7))):
        return
    started: Exchange = yield _both(thread=_new_thread(setting), **every_member(setting))
    yield from _stored(started)


@program("lifecycle", "create_and_run", runs=2, requests=26)
def thread_and_run_streamed(setting: Setting) -> Play:
    """A thread with messages is created together with a run, which is streamed to its end; the next run there, streamed
    until it waits for tool outputs, is left alone by a cancellation of the first, and ended by one of its own.
    """
    if not (yield from ready(assistant(setting))):
        return
    started: Exchange = yield _both(thread=_new_thread(setting), stream=True)
    if not (yield from _stored(started)):
        return
    second = {"assistant_id": Ref("assistant"), "stream": True, **_FORCED}
    if not (yield from ready(on_thread("create_run", _THREAD, second, name="second", stream=True))):
        return
    yield on_run("cancel_run", thread=_THREAD)
    yield on_run("get_run", "second", _THREAD)
    yield from ended("second", _THREAD)


@program("lifecycle", "create_and_run", runs=1, requests=26)
def run_on_an_empty_thread(setting: Setting) -> Play:
    """A run is created without a thread, for an assistant with instructions; it gets an empty one, and keeps messages
    out of it while it waits for tool outputs.
    """
    if not (yield from ready(assistant(setting))):
        return
    started: Exchange = yield _both(**_FORCED)
    if started.refused:
        # It may be for the model, and not for the thread.
        started = yield _both(thread=_new_thread(setting), **_FORCED)
    if not made(started):
        return
    seen: Exchange = yield poll(thread=_THREAD, name="waiting")
    if status(seen) == "requires_action":
        yield message("Not now.", _THREAD)
    yield from _stored(started)
