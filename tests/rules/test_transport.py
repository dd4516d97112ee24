"""Responses are valid HTTP: the rules on this, on literal histories."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from runs_conformance.model.exchange import MALFORMED, TRUNCATED, Completion
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT
from runs_conformance.rules import transport
from tests.rules.examples import fails, findings, inconclusive, passes, permitted, suspicious
from tests.rules.histories import HistoryBuilder, run, thread
from tests.rules.streams import plain


def answered(answer: Any, **rest: Any) -> History:
    builder = HistoryBuilder()
    builder.send("get_run", answer, **rest)
    return builder.history()


@passes(
    transport.success_is_a_json_object,
    transport.content_type_is_json,
    transport.json_is_valid,
    transport.json_is_unambiguous,
    transport.responses_are_complete,
    transport.responses_are_framed_as_http,
)
def test_plain_answer() -> History:
    return answered(run(), answered={"content-type": "application/json; charset=utf-8"})


@fails(transport.success_is_a_json_object)
def test_answer_is_an_array() -> History:
    return answered([run()])


@fails(transport.success_is_a_json_object)
def test_answer_is_not_json() -> History:
    return answered(ABSENT, defects=("not_json",))


@fails(transport.success_is_a_json_object)
def test_deeply_nested_answer_that_was_never_sent() -> History:
    return answered(ABSENT, defects=("too_deep",))


@permitted
def test_deep_nesting_that_was_sent_before() -> History:
    (exchange,) = answered(ABSENT, defects=("too_deep",))
    return History.of([replace(exchange, request=replace(exchange.request, text='{"tools": [[[...]]]}'))])


def list_of_deep_values() -> History:
    builder = HistoryBuilder()
    builder.send("list_assistants", ABSENT, defects=("too_deep",))
    return builder.history()


@permitted
def test_list_may_show_values_of_other_clients() -> History:
    return list_of_deep_values()


@inconclusive(transport.success_is_a_json_object, transport.json_is_unambiguous)
def test_list_of_values_that_are_too_deep_to_read() -> History:
    return list_of_deep_values()


@fails(transport.content_type_is_json)
def test_json_as_text() -> History:
    return answered(run(), answered={"content-type": "text/plain"})


@fails(transport.json_is_valid)
def test_nan() -> History:
    return answered(run(), defects=("not_a_number: NaN",))


@fails(transport.json_is_valid)
def test_invalid_utf8_in_a_stream() -> History:
    builder = HistoryBuilder()
    builder.send(
        "create_run", events=[*plain(), ("done", "[DONE]")], defects=("sse: invalid_utf8 in thread.message.delta",)
    )
    return builder.history()


@fails(transport.json_is_unambiguous)
def test_duplicate_member() -> History:
    return answered(run(), defects=("duplicate_key: status",))


@fails(transport.json_is_unambiguous)
def test_nesting_that_few_parsers_read() -> History:
    return answered(ABSENT, defects=("too_deep",))


@permitted
def test_duplicate_member_is_no_must_violation() -> History:
    return answered(run(), defects=("duplicate_key: status",))


def truncated(times: int) -> History:
    builder = HistoryBuilder()
    for _ in range(times):
        builder.send("get_thread", thread(), completion=Completion.UNKNOWN)
    return builder.history()


@fails(transport.responses_are_complete, times=2)
def test_answers_break_off() -> History:
    return truncated(2)


@permitted
def test_one_answer_breaks_off() -> History:
    return truncated(1)


def two_broken_streams(seconds_between: float) -> History:
    (first,) = broken_streams(f"{TRUNCATED}: peer closed connection", events=plain()[:4])
    started = first.ended + seconds_between
    second = replace(first, id="x2", index=2, operation="submit_tool_outputs", started=started, ended=started + 1)
    return History.of([first, second])


@fails(transport.responses_are_complete, times=2)
def test_streams_of_two_operations_break_off() -> History:
    return two_broken_streams(1.0)


@permitted
def test_one_outage_breaks_two_streams_off() -> History:
    return two_broken_streams(-0.5)


@passes(transport.responses_are_complete)
def test_answer_that_the_suite_stopped_reading() -> History:
    builder = HistoryBuilder()
    for _ in range(2):
        builder.send("get_thread", ABSENT, completion=Completion.UNKNOWN, defects=("too_large",))
    return builder.history()


def broken_streams(problem: str, times: int = 1, **sent: Any) -> History:
    builder = HistoryBuilder()
    for _ in range(times):
        exchange = builder.send("create_run", completion=Completion.UNKNOWN, **sent)
        builder.exchanges[-1] = replace(exchange, problem=problem)
    return builder.history()


FOOTER = f"{MALFORMED}: malformed chunk footer: bytearray(b'}}\\n')"


@fails(transport.responses_are_framed_as_http, times=1)
def test_chunk_whose_size_is_not_its_length() -> History:
    return broken_streams(FOOTER, events=plain()[:4])


@fails(transport.responses_are_framed_as_http, times=1)
def test_chunk_after_the_end_of_the_stream() -> History:
    (exchange,) = broken_streams(FOOTER, events=[*plain(), ("done", "[DONE]")])
    return History.of([replace(exchange, completion=Completion.ANSWERED)])


@suspicious(transport.responses_are_framed_as_http)
def test_page_without_a_head() -> History:
    (exchange,) = broken_streams(f"{MALFORMED}: illegal status line: bytearray(b'<!DOCTYPE html>')")
    return History.of([replace(exchange, response=None)])


@passes(transport.responses_are_complete)
def test_malformed_chunks_are_no_lost_connections() -> History:
    return broken_streams(FOOTER, times=2, events=plain()[:4])


@permitted
def test_lost_connection_says_nothing_about_the_framing() -> History:
    return broken_streams(f"{TRUNCATED}: peer closed connection", events=plain()[:4])


def stopped_streams(problem: str) -> History:
    builder = HistoryBuilder()
    for _ in range(2):
        exchange = builder.send("create_run", events=plain()[:4], completion=Completion.UNKNOWN, took=60.0)
        builder.exchanges[-1] = replace(exchange, problem=problem)
    return builder.history()


@passes(transport.responses_are_complete)
def test_streams_that_the_suite_stopped_waiting_for() -> History:
    return stopped_streams("no further data of the response for 60.0 s")


@fails(transport.responses_are_complete, times=2)
def test_streams_that_break_off_after_a_long_silence() -> History:
    return stopped_streams("the response was truncated: peer closed connection")


def test_message_says_in_words_why_json_is_invalid() -> None:
    defects = ("control_character: U+0001", "sse: invalid_utf8 in thread.message.delta")
    (result,) = findings(transport.json_is_valid, answered(run(), defects=defects))
    assert result.message == "the response contains bytes that are not UTF-8, raw control characters"
    assert result.actual == defects[0]
