"""A stream is complete, cut, or ended by an error."""

from __future__ import annotations

from runs_conformance.evidence.stream import Stream, streams
from runs_conformance.model.exchange import Completion
from tests.rules.histories import HistoryBuilder, run
from tests.rules.streams import opening, plain, wrapped


def only(builder: HistoryBuilder) -> Stream:
    (stream,) = streams(builder.history())
    return stream


def test_complete_stream() -> None:
    builder = HistoryBuilder()
    builder.stream("create_run", *plain())
    stream = only(builder)
    assert stream.is_complete
    assert stream.has_done
    assert not stream.has_error
    assert stream.names[0] == "thread.run.created"
    assert len(stream.of_kind("run")) == 4
    assert stream.of_kind("thread") == ()


def test_truncated_stream() -> None:
    builder = HistoryBuilder()
    builder.send("create_run", events=opening(), completion=Completion.UNKNOWN)
    stream = only(builder)
    assert not stream.is_complete
    assert not stream.has_done


def test_stream_with_an_error() -> None:
    builder = HistoryBuilder()
    builder.send("create_run", events=[*opening(), ("error", {"message": "Sorry."})])
    assert only(builder).has_error


def test_events_that_are_named_in_their_data() -> None:
    builder = HistoryBuilder()
    builder.send("create_run", events=[*wrapped(*plain()), ("message", "[DONE]")])
    stream = only(builder)
    assert stream.names[:2] == ("thread.run.created", "thread.run.queued")
    assert [run.status for run in stream.of_kind("run")][-1] == "completed"
    assert stream.observations[0].pointer == "/events/0/data/data"
    assert stream.events[0].name == "message"


def test_events_of_which_some_are_named_in_their_data() -> None:
    builder = HistoryBuilder()
    builder.send("create_run", events=[*wrapped(*opening()), ("message", run("completed"))])
    assert only(builder).observations == ()


def test_json_answer_is_no_stream() -> None:
    builder = HistoryBuilder()
    builder.create_run(run())
    assert streams(builder.history()) == ()
