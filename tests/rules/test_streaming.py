"""Streams come where they are requested: the rules on this, on literal histories."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from runs_conformance.model.exchange import Completion, Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT
from runs_conformance.model.verdict import Passed, Suspicion
from runs_conformance.rules.streaming import event_format, negotiation, stream_end
from tests.rules.examples import fails, findings, inconclusive, judge, passes, permitted
from tests.rules.histories import ASSISTANT, HistoryBuilder, call, run, step
from tests.rules.streams import calling, opening, plain, wrapped

ASKED = {"assistant_id": ASSISTANT, "stream": True}
DONE = ("done", "[DONE]")


def streamed(*events: tuple[str, Any], took: float = 1.0, **rest: Any) -> History:
    builder = HistoryBuilder()
    builder.send("create_run", events=events, body=ASKED, took=took, **rest)
    return builder.history()


def changed(history: History, **changes: Any) -> History:
    only: Exchange = history.exchanges[0]
    return History.of([replace(only, **changes)], "literal")


@passes(
    negotiation.a_stream_comes_where_one_is_asked_for,
    negotiation.content_type_is_event_stream,
    event_format.every_event_has_a_name,
    event_format.data_of_events_is_an_object,
    event_format.every_event_is_ended_by_an_empty_line,
    event_format.every_line_is_a_field,
    stream_end.a_stream_ends_with_done,
    stream_end.nothing_follows_done,
    stream_end.a_stream_lasts_until_its_run_stops,
    stream_end.nothing_but_done_follows_the_end_of_the_run,
    stream_end.the_connection_ends_with_the_stream,
)
def test_plain_stream() -> History:
    return streamed(*plain(), DONE)


def test_stream_of_a_cancelled_run_is_a_part_of_the_evidence() -> None:
    def parts(end: str) -> set[str]:
        ended = (f"thread.run.{end}", run(end))
        results = judge(stream_end.a_stream_lasts_until_its_run_stops, streamed(*plain()[:-1], ended, DONE))
        return {result.part for result in results if isinstance(result, Passed)}

    ((needed, _),) = stream_end.a_stream_lasts_until_its_run_stops.needs_parts
    assert (parts("cancelled"), parts("completed")) == ({needed}, {""})


@fails(negotiation.a_stream_comes_where_one_is_asked_for)
def test_json_instead_of_a_requested_stream() -> History:
    builder = HistoryBuilder()
    builder.create_run(body=ASKED)
    return builder.history()


@passes(negotiation.a_stream_comes_where_one_is_asked_for)
def test_stream_without_events_is_a_stream() -> History:
    return streamed()


@fails(stream_end.a_stream_ends_with_done, stream_end.a_stream_lasts_until_its_run_stops)
def test_stream_without_events_shows_no_end() -> History:
    return streamed()


@inconclusive(stream_end.a_stream_ends_with_done)
def test_recorded_stream_that_its_client_may_have_closed() -> History:
    return streamed(*plain()[:-1])


@fails(stream_end.a_stream_ends_with_done, at="/events/1/data", times=1)
def test_done_in_quotes() -> History:
    return streamed(("thread.run.completed", run("completed")), ("done", '"[DONE]"'))


@fails(stream_end.a_stream_ends_with_done, at="/events/1", times=1)
def test_done_without_its_event_line() -> History:
    return streamed(("thread.run.completed", run("completed")), ("message", "[DONE]"))


@passes(stream_end.a_stream_lasts_until_its_run_stops, event_format.data_of_events_is_an_object)
def test_events_that_are_named_only_in_their_data() -> History:
    return streamed(*wrapped(*plain()), ("message", "[DONE]"))


@fails(stream_end.a_stream_lasts_until_its_run_stops)
def test_events_that_are_named_only_in_their_data_and_show_no_end() -> History:
    return streamed(*wrapped(*plain()[:-1]), ("message", "[DONE]"))


@inconclusive(stream_end.a_stream_lasts_until_its_run_stops)
def test_events_that_are_named_in_their_data_without_an_object() -> History:
    return streamed(("message", {"event": "thread.run.completed"}), ("message", "[DONE]"))


@pytest.mark.parametrize("data", ["{bad", None, [1]])
def test_last_event_whose_data_is_no_object_still_shows_the_end(data: Any) -> None:
    history = streamed(*plain()[:-1], (plain()[-1][0], data), DONE)
    passes(stream_end.a_stream_lasts_until_its_run_stops)(lambda: history)()
    fails(event_format.data_of_events_is_an_object)(lambda: history)()


def mislabelled(body: dict[str, Any]) -> History:
    builder = HistoryBuilder()
    exchange = builder.create_run(body=body)
    assert exchange.response is not None
    text = 'event: thread.run.created\ndata: {"id"'
    headers = {"content-type": "application/json"}
    response = replace(exchange.response, body=ABSENT, text=text, defects=("not_json",), headers=headers)
    return History.of([replace(exchange, response=response)])


@fails(negotiation.content_type_is_event_stream)
def test_events_under_another_content_type() -> History:
    return mislabelled(ASKED)


@passes(negotiation.a_stream_comes_where_one_is_asked_for)
def test_events_under_another_content_type_are_events() -> History:
    return mislabelled(ASKED)


@passes(negotiation.no_stream_comes_unasked)
def test_json_without_a_requested_stream() -> History:
    builder = HistoryBuilder()
    builder.create_run()
    builder.create_run(body={"assistant_id": ASSISTANT, "stream": False})
    builder.create_run(body={"assistant_id": ASSISTANT, "stream": None})
    return builder.history()


@fails(negotiation.no_stream_comes_unasked, times=1)
def test_unrequested_stream() -> History:
    builder = HistoryBuilder()
    builder.send("create_run", events=plain(), body={"assistant_id": ASSISTANT, "stream": False})
    return builder.history()


@fails(event_format.every_event_has_a_name, at="/events/0")
def test_event_without_a_name() -> History:
    return streamed(("message", run("completed")), DONE)


@passes(event_format.every_event_has_a_name)
def test_done_without_a_name_is_no_object() -> History:
    return streamed(*plain(), ("message", "[DONE]"))


@fails(event_format.every_event_has_a_name, at="/events/0")
def test_event_that_is_named_only_in_its_data() -> History:
    return streamed(("message", {"event": "thread.run.completed", "data": run("completed")}), DONE)


@fails(event_format.data_of_events_is_an_object, at="/events/3/data")
def test_data_that_is_a_text() -> History:
    return streamed(*opening(), ("thread.run.completed", "completed"), DONE)


@fails(event_format.every_event_is_ended_by_an_empty_line)
def test_done_without_its_empty_line() -> History:
    return streamed(*plain(), DONE, defects=("sse: unfinished_event: done",))


@fails(event_format.every_line_is_a_field)
def test_json_over_several_lines() -> History:
    return streamed(*plain(), DONE, defects=('sse: stray_line:   "id": "run_a",',))


@fails(stream_end.a_stream_ends_with_done)
def test_no_done() -> History:
    return streamed(*plain())


def test_missing_done_is_named_where_the_run_waits() -> None:
    waits = streamed(*plain()[:-1], ("thread.run.requires_action", run("requires_action")))
    for history, ending in ((waits, " after thread.run.requires_action"), (streamed(*plain()), "")):
        (finding,) = findings(stream_end.a_stream_ends_with_done, history)
        assert finding.message == f"the stream ends without done{ending}"


@fails(stream_end.a_stream_ends_with_done)
def test_done_with_other_data() -> History:
    return streamed(*plain(), ("done", {}))


@fails(stream_end.a_stream_ends_with_done)
def test_silence_after_the_end_of_the_run() -> History:
    cut = streamed(*plain(), took=1.0)
    return changed(cut, completion=Completion.UNKNOWN, ended=200.0, problem="the answer had no end after 100.0 s")


@inconclusive(stream_end.a_stream_ends_with_done)
def test_stream_that_was_cut() -> History:
    return changed(streamed(*plain()[:6]), completion=Completion.UNKNOWN, problem="the response was cut")


@fails(stream_end.nothing_follows_done)
def test_event_after_done() -> History:
    return streamed(*plain(), DONE, ("thread.run.completed", run("completed")))


@fails(stream_end.a_stream_lasts_until_its_run_stops)
def test_done_before_the_end_of_the_run() -> History:
    return streamed(*plain()[:-1], DONE)


@pytest.mark.parametrize(
    ("status", "after", "message"),
    [
        ("cancelled", 0.1, "the run is 'cancelled' right after its stream, but its last event there is "),
        ("in_progress", 0.1, "the stream ends, but the run's last event is "),
        ("completed", 5.0, "the stream ends, but the run's last event is "),
    ],
)
def test_stream_without_the_last_event_says_how_its_run_is(status: str, after: float, message: str) -> None:
    builder = HistoryBuilder()
    exchange = builder.send("create_run", events=[*opening(), DONE], body=ASKED)
    builder.get_run(run(status), at=exchange.ended + after, took=0.1)
    (finding,) = findings(stream_end.a_stream_lasts_until_its_run_stops, builder.history())
    assert finding.message == f"{message}{opening()[-1][0]}"


@fails(stream_end.nothing_but_done_follows_the_end_of_the_run)
def test_event_after_the_end_of_the_run() -> History:
    return streamed(*plain(), plain()[-2], DONE)


@passes(stream_end.a_stream_closes_when_the_run_waits, stream_end.a_stream_lasts_until_its_run_stops)
def test_stream_that_waits_for_outputs() -> History:
    return streamed(*opening(), *calling("{}"), DONE)


@fails(stream_end.a_stream_closes_when_the_run_waits)
def test_stream_that_continues_while_the_run_waits() -> History:
    return streamed(*opening(), *calling("{}"), *plain()[3:], DONE)


@fails(stream_end.the_connection_ends_with_the_stream)
def test_stream_that_is_left_open() -> History:
    return changed(streamed(*plain(), DONE), problem="the stream was left open after its end")


WRAPPED = {"error": {"message": "Sorry.", "type": "server_error", "param": None, "code": None}}


@passes(event_format.error_events_say_what_happened)
def test_errors_in_both_shapes() -> History:
    return streamed(*opening(), ("error", WRAPPED), ("error", WRAPPED["error"]))


@fails(event_format.error_events_say_what_happened)
def test_error_without_message() -> History:
    return streamed(*opening(), ("error", {}))


@permitted
def test_stream_that_breaks_off_with_an_error() -> History:
    return streamed(*opening(), ("error", WRAPPED))


@permitted
def test_extra_events_after_the_end_of_the_run() -> History:
    return streamed(*plain(), ("thread.run.billed", {"id": "x"}), DONE)


@fails(stream_end.a_stream_ends_with_done)
def test_an_error_after_the_run_has_completed() -> History:
    return streamed(*plain(), ("error", WRAPPED))


@fails(stream_end.nothing_but_done_follows_the_end_of_the_run, times=1)
def test_an_error_after_the_run_has_failed() -> History:
    return streamed(*opening(), ("thread.run.failed", run("failed")), ("error", WRAPPED))


@fails(stream_end.the_connection_ends_with_the_stream, times=1)
def test_stream_that_is_left_open_after_an_error() -> History:
    history = streamed(*opening(), ("thread.run.failed", run("failed")), ("error", WRAPPED), took=1.0)
    return changed(history, completion=Completion.UNKNOWN, ended=200.0, problem="no end of the stream for 10.0 s")


def test_stream_that_was_cut_right_after_the_end_of_its_run_was_not_left_open() -> None:
    history = changed(streamed(*plain()), completion=Completion.UNKNOWN, problem="the response was cut")
    assert judge(stream_end.the_connection_ends_with_the_stream, history) == []


def _broken_off(status: str, *events: tuple[str, Any], after: float = 0.1) -> History:
    """A stream that an error breaks off, and its run as it was read some seconds later."""
    builder = HistoryBuilder()
    exchange = builder.send("create_run", events=[*opening(), *events, ("error", WRAPPED)], body=ASKED, took=80.0)
    builder.get_run(run(status), at=exchange.ended + after, took=0.1)
    return builder.history()


CALL = ("thread.run.step.created", step("in_progress", calls=[call()]))
UNFINISHED_CALL = ("thread.run.step.created", step("in_progress", calls=[call(arguments='{"city"')]))


@fails(stream_end.a_stream_closes_when_the_run_waits, at="/events", times=1)
def test_error_in_place_of_the_event_that_the_run_waits() -> History:
    return _broken_off("requires_action")


@pytest.mark.parametrize("status", ["requires_action", "completed"])
def test_error_in_place_of_the_end_of_the_run(status: str) -> None:
    (result,) = judge(stream_end.a_stream_lasts_until_its_run_stops, _broken_off(status))
    assert isinstance(result, Suspicion)


@pytest.mark.parametrize("status", ["failed", "expired", "in_progress", "cancelled"])
def test_error_that_the_state_of_the_run_explains(status: str) -> None:
    for rule in (stream_end.a_stream_lasts_until_its_run_stops, stream_end.a_stream_closes_when_the_run_waits):
        assert judge(rule, _broken_off(status)) == []


def test_run_that_stops_long_after_its_stream_broke_off() -> None:
    for rule in (stream_end.a_stream_lasts_until_its_run_stops, stream_end.a_stream_closes_when_the_run_waits):
        assert judge(rule, _broken_off("requires_action", after=5.0)) == []


@inconclusive(stream_end.a_stream_closes_when_the_run_waits)
def test_silence_after_a_function_call_until_an_error() -> History:
    return _pausing(CALL)


def test_silence_in_the_midst_of_a_function_call() -> None:
    assert judge(stream_end.a_stream_closes_when_the_run_waits, _pausing(UNFINISHED_CALL)) == []


def _pausing(event: tuple[str, Any]) -> History:
    """A stream in which nothing comes between an event and an error for a long time."""
    return _broken_off("expired", event)
