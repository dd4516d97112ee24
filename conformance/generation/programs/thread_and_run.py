"""Programs in which a thread and its run are created by one request."""

from __future__ import annotations

from typing import Any

from conformance.generation.programs.answer import shown
from conformance.generation.programs.declaration import program
from conformance.generation.programs.overrides import every_member
from conformance.generation.programs.passage import Passage, aftermath, finished, ready
from conformance.generation.programs.steps import assistant, at_root, on_thread, page, prompt, since
from conformance.model.case import Ref, Step
from conformance.model.exchange import Exchange
from conformance.model.program import Play, Setting

_THREAD = Ref("run", "/thread_id")


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


@program("lifecycle", "create_and_run", runs=1, requests=16)
def thread_and_run_streamed(setting: Setting) -> Play:
    """A thread with messages is created together with a run, which is streamed to its end."""
    if not (yield from ready(assistant(setting))):
        return
    started: Exchange = yield _both(thread=_new_thread(setting), stream=True)
    yield from _stored(started)


@program("lifecycle", "create_and_run", runs=1, requests=20)
def run_on_an_empty_thread(setting: Setting) -> Play:
    """A run is created without a thread, for an assistant with instructions; it gets an empty one."""
    if not (yield from ready(assistant(setting))):
        return
    started: Exchange = yield _both()
    if started.refused:
        # It may be for the model, and not for the thread.
        yield _both(thread=_new_thread(setting))
    yield from _stored(started)
