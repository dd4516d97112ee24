"""The events of streams as the real service sent them, in pieces that tests combine and alter."""

from __future__ import annotations

from typing import Any

from tests.rules.histories import (
    MESSAGE,
    STEP,
    Object,
    action,
    call,
    run,
    step,
    streamed_message,
    thread,
    usage,
)

Event = tuple[str, Any]


def opening() -> list[Event]:
    """The first events of every new run."""
    return [
        ("thread.run.created", run("queued")),
        ("thread.run.queued", run("queued")),
        ("thread.run.in_progress", run("in_progress")),
    ]


def delta(value: str, index: int = 0, id_: str = MESSAGE) -> Event:
    """A piece of a message's text."""
    part = {"index": index, "type": "text", "text": {"value": value}}
    return "thread.message.delta", {"id": id_, "object": "thread.message.delta", "delta": {"content": [part]}}


def writing(*pieces: str, written: str | None = None) -> list[Event]:
    """A step that writes a message, piece by piece; `written` is the final text of the message."""
    text = "".join(pieces) if written is None else written
    return [
        ("thread.run.step.created", step("in_progress")),
        ("thread.run.step.in_progress", step("in_progress")),
        ("thread.message.created", streamed_message("in_progress")),
        ("thread.message.in_progress", streamed_message("in_progress")),
        *(delta(piece) for piece in pieces),
        ("thread.message.completed", streamed_message("completed", text)),
        ("thread.run.step.completed", step("completed")),
    ]


def tool_delta(function: Object, **more: Any) -> Event:
    """A piece of a function call."""
    part = {"index": 0, "type": "function", "function": function, **more}
    details = {"type": "tool_calls", "tool_calls": [part]}
    return "thread.run.step.delta", {"id": STEP, "object": "thread.run.step.delta", "delta": {"step_details": details}}


def calling(*pieces: str, requested: str | None = None) -> list[Event]:
    """A step that calls a function, its arguments piece by piece, and the run that waits for the output.

    `requested` are the arguments that the run finally shows.
    """
    arguments = "".join(pieces) if requested is None else requested
    return [
        ("thread.run.step.created", step("in_progress", calls=[call(arguments="")])),
        ("thread.run.step.in_progress", step("in_progress", calls=[call(arguments="")])),
        *(tool_delta({"arguments": piece}) for piece in pieces),
        ("thread.run.requires_action", run("requires_action", required_action=action(call(arguments=arguments)))),
    ]


def wrapped(*events: Event) -> list[Event]:
    """The same events without `event:` lines, named in their data."""
    return [("message", {"event": name, "data": data}) for name, data in events]


def completed() -> Event:
    """The end of a run."""
    return "thread.run.completed", run("completed", usage=usage())


def plain(*pieces: str) -> list[Event]:
    """A complete stream except `done`."""
    return [*opening(), *writing(*(pieces or ("Hel", "lo."))), completed()]


def resumed(*pieces: str) -> list[Event]:
    """A complete stream except `done`, after tool outputs."""
    done = step("completed", "step_tool", calls=[call(output="18 degrees")])
    return [("thread.run.step.completed", done), *opening()[1:], *writing(*(pieces or ("Hello.",))), completed()]


def in_new_thread() -> list[Event]:
    """A complete stream of `create_thread_and_run` except `done`."""
    return [("thread.created", thread()), *plain()]
