"""The events of a stream are grouped by object, and deltas add up."""

from __future__ import annotations

from runs_conformance.evidence.object_events import (
    ObjectEvents,
    content_texts,
    message_events,
    object_events,
    step_events,
    streamed_texts,
)
from runs_conformance.model.json import JSON
from tests.rules.histories import HistoryBuilder, streamed_message, text
from tests.rules.streams import completed, delta, opening, plain, resumed


def events_of_message(*events: object, operation: str = "create_run") -> ObjectEvents:
    builder = HistoryBuilder()
    builder.stream(operation, *(events or plain("Hel", "lo.")))
    (message,) = message_events(builder.history())
    return message


def test_events_are_grouped_by_object() -> None:
    builder = HistoryBuilder()
    builder.stream("create_run", *plain())
    history = builder.history()
    assert sorted(each.kind for each in object_events(history)) == ["message", "run_step"]
    assert len(list(step_events(history))) == 1


def test_kinds_of_events() -> None:
    message = events_of_message()
    assert message.event_kinds == ("created", "in_progress", "delta", "delta", "completed")
    assert message.created is message.events[0]
    assert len(message.deltas) == 2
    assert message.end is message.events[-1]


def test_object_without_creation_and_end() -> None:
    message = events_of_message(*opening(), delta("Hello."), completed())
    assert message.created is None
    assert message.end is None


def test_object_must_be_created_in_the_stream_of_a_new_run() -> None:
    assert events_of_message(*opening(), delta("Hello.")).must_be_created_here
    assert events_of_message(*resumed(), operation="submit_tool_outputs").must_be_created_here
    assert not events_of_message(delta("Hello."), operation="submit_tool_outputs").must_be_created_here


def test_deltas_add_up() -> None:
    assert streamed_texts(events_of_message()) == {0: "Hello."}
    created = "thread.message.created", streamed_message("in_progress", content=text("A"))
    assert streamed_texts(events_of_message(created, delta("B"), delta("C", 1))) == {0: "AB", 1: "C"}


def test_texts_of_content() -> None:
    image: JSON = {"type": "image_file", "image_file": {"file_id": "file_a"}}
    assert content_texts([image, *text("Hello.")]) == {1: "Hello."}
    assert content_texts(None) == {}
    assert content_texts("Hello.") == {0: "Hello."}


def test_content_of_a_delta_that_is_a_text_is_added_to_the_first_text() -> None:
    plain = "thread.message.delta", {"id": "msg_a", "object": "thread.message.delta", "delta": {"content": "lo."}}
    assert streamed_texts(events_of_message(delta("Hel"), plain)) == {0: "Hello."}
