"""Deltas add up to what is stored: the rules on this, on literal histories."""

from __future__ import annotations

from typing import Any

import pytest

from runs_conformance.model.history import History
from runs_conformance.model.verdict import Passed
from runs_conformance.rules import deltas
from tests.rules.examples import fails, findings, inconclusive, judge, passes, permitted
from tests.rules.histories import STEP, HistoryBuilder, action, call, run, step, streamed_message, text
from tests.rules.streams import calling, completed, delta, opening, plain, tool_delta, writing


def streamed(*events: tuple[str, Any], operation: str = "create_run") -> History:
    builder = HistoryBuilder()
    builder.stream(operation, *events)
    return builder.history()


@passes(deltas.message_deltas_come_while_it_is_written, deltas.message_deltas_add_up, deltas.text_is_streamed)
def test_one_character_at_a_time() -> History:
    return streamed(*plain(*"Hello."))


@permitted
def test_text_in_a_single_delta() -> History:
    return streamed(*opening(), *writing("Hello."), completed())


@permitted
def test_message_without_text() -> History:
    return streamed(*opening(), *writing(""), completed())


@fails(deltas.message_deltas_come_while_it_is_written)
def test_delta_before_the_message_is_created() -> History:
    return streamed(*opening(), delta("x"), *writing("x"), completed())


@fails(deltas.message_deltas_come_while_it_is_written)
def test_delta_after_the_message_is_completed() -> History:
    return streamed(*opening(), *writing("x"), delta("x"), completed())


@fails(deltas.message_deltas_add_up, at="/events/9/data/content/0/text/value")
def test_delta_is_lost() -> History:
    return streamed(*opening(), *writing("Hel", "lo", written="Hello."), completed())


@fails(deltas.message_deltas_add_up, times=1)
def test_delta_cut_within_a_character() -> History:
    return streamed(*opening(), *writing("晴\ufffd", "\ufffd曇", written="晴時曇"), completed())


def test_text_beyond_ascii_is_a_part_of_the_evidence() -> None:
    def parts(text: str) -> set[str]:
        results = judge(deltas.message_deltas_add_up, streamed(*plain(*text)))
        return {result.part for result in results if isinstance(result, Passed)}

    ((needed, _),) = deltas.message_deltas_add_up.needs_parts
    assert (parts("18 °C"), parts("18 degrees")) == ({needed}, {""})


@inconclusive(deltas.message_deltas_add_up)
def test_deltas_without_an_index_add_up_to_nothing() -> History:
    events = [*opening(), *writing("Hel", "lo."), completed()]
    for name, data in events:
        if name == "thread.message.delta":
            del data["delta"]["content"][0]["index"]
    return streamed(*events)


def _without(member: str, kind: str, *events: tuple[str, Any], times: int = 100) -> History:
    """A stream in which the first events of a kind lack a member."""
    changed: list[tuple[str, Any]] = []
    for name, data in events:
        is_meant = name == kind and times > 0
        times -= is_meant
        changed.append((name, {key: value for key, value in data.items() if key != member} if is_meant else data))
    return streamed(*changed)


@inconclusive(deltas.message_deltas_come_while_it_is_written)
def test_message_whose_creation_has_no_id() -> History:
    return _without("id", "thread.message.created", *plain())


@inconclusive(deltas.step_deltas_come_while_it_works)
def test_step_whose_creation_has_no_id() -> History:
    return _without("id", "thread.run.step.created", *opening(), *calling("{}"))


@fails(deltas.message_deltas_come_while_it_is_written)
def test_delta_after_the_end_of_a_message_whose_creation_has_no_id() -> History:
    return _without("id", "thread.message.created", *opening(), *writing("x"), delta("y"), completed())


@inconclusive(deltas.message_deltas_add_up)
def test_one_delta_without_an_id_may_be_what_is_lacking() -> History:
    return _without("id", "thread.message.delta", *plain("Hel", "lo."), times=1)


@inconclusive(deltas.message_deltas_add_up, deltas.text_is_streamed)
def test_deltas_without_an_id_may_be_those_of_the_message() -> History:
    return _without("id", "thread.message.delta", *plain("Hel", "lo."))


@inconclusive(deltas.tool_call_deltas_add_up, deltas.calls_are_streamed)
def test_deltas_without_an_id_may_be_those_of_the_step() -> History:
    return _without("id", "thread.run.step.delta", *opening(), *calling('{"a"', ": 1}"))


@inconclusive(deltas.tool_call_deltas_add_up)
def test_deltas_of_calls_without_an_index_add_up_to_nothing() -> History:
    events = [*opening(), *calling('{"a"', ": 1}")]
    for name, data in events:
        if name == "thread.run.step.delta":
            del data["delta"]["step_details"]["tool_calls"][0]["index"]
    return streamed(*events)


def _created_with(text_value: str, *pieces: str, written: str) -> History:
    """A stream whose message is created with a text and then extended by deltas."""
    events = [*opening(), *writing(*pieces, written=written), completed()]
    for name, data in events:
        if name == "thread.message.created":
            data["content"] = text(text_value)
    return streamed(*events)


@passes(deltas.message_deltas_add_up)
def test_deltas_that_add_up_although_the_creation_shows_the_whole_text() -> History:
    return _created_with("Hello.", "Hel", "lo.", written="Hello.")


@passes(deltas.message_deltas_add_up)
def test_deltas_that_add_to_the_text_of_the_creation() -> History:
    return _created_with("Hel", "lo.", written="Hello.")


@fails(deltas.message_deltas_add_up)
def test_deltas_that_add_up_neither_alone_nor_with_the_creation() -> History:
    return _created_with("Hel", "o.", written="Hello.")


@passes(deltas.tool_call_deltas_add_up)
def test_deltas_that_add_up_although_the_creation_shows_the_whole_call() -> History:
    events = [*opening(), *calling('{"a"', ": 1}")]
    for name, data in events:
        if name == "thread.run.step.created":
            data["step_details"]["tool_calls"][0]["function"]["arguments"] = '{"a": 1}'
    return streamed(*events)


@fails(deltas.message_deltas_add_up)
def test_delta_is_repeated() -> History:
    return streamed(*opening(), *writing("Hello", ".", ".", written="Hello."), completed())


def _with_plain_content(written: str, *pieces: str) -> History:
    """A stream in which the content of the completed message is a text instead of a list."""
    events = [*opening(), *writing(*pieces, written=written), completed()]
    for name, data in events:
        if name == "thread.message.completed":
            data["content"] = written
    return streamed(*events)


@passes(deltas.message_deltas_add_up, deltas.text_is_streamed)
def test_content_that_is_a_text_is_added_up() -> History:
    return _with_plain_content("Hello.", "Hel", "lo.")


@fails(deltas.message_deltas_add_up, at="/events/9/data/content")
def test_delta_of_content_that_is_a_text_is_lost() -> History:
    return _with_plain_content("Hello.", "Hel", "lo")


def _cut(final: str, *pieces: str) -> History:
    shown = streamed_message("incomplete", final) if final else streamed_message("incomplete", content=[])
    *before, _, _ = writing(*pieces)
    return streamed(*opening(), *before, ("thread.message.incomplete", shown))


@passes(deltas.cut_message_keeps_its_text)
def test_message_that_is_truncated() -> History:
    return _cut("Hello, my na", "Hello, ", "my na")


@passes(deltas.cut_message_keeps_its_text)
def test_truncated_message_that_was_created_with_its_first_text() -> History:
    *before, _, _ = writing("Hello, ", "my na")
    before[2] = ("thread.message.created", streamed_message("in_progress", content=text("Hello, ")))
    shown = streamed_message("incomplete", "Hello, my na")
    return streamed(*opening(), *before, ("thread.message.incomplete", shown))


@passes(deltas.cut_message_keeps_its_text)
def test_truncated_message_lacks_the_last_delta() -> History:
    return _cut("Hello, ", "Hello, ", "my na")


@inconclusive(deltas.cut_message_keeps_its_text)
def test_truncated_message_with_a_delta_without_an_id() -> History:
    *before, _, _ = writing("Hello, ", "my ", "na")
    shown = streamed_message("incomplete", "Hello, my na")
    del before[5][1]["id"]
    return streamed(*opening(), *before, ("thread.message.incomplete", shown))


@fails(deltas.cut_message_keeps_its_text, times=1)
def test_truncated_message_loses_its_text() -> History:
    return _cut("", "Hello, ", "my na")


def _cut_in_a_completed_event(final: str) -> History:
    *before, _, _ = writing("Hello, ", "my na")
    content = text(final) if final else []
    return streamed(*opening(), *before, ("thread.message.completed", streamed_message("incomplete", content=content)))


@passes(deltas.cut_message_keeps_its_text)
def test_truncated_message_in_a_completed_event() -> History:
    return _cut_in_a_completed_event("Hello, my na")


@fails(deltas.cut_message_keeps_its_text, times=1)
def test_truncated_message_in_a_completed_event_loses_its_text() -> History:
    return _cut_in_a_completed_event("")


@fails(deltas.text_is_streamed)
def test_text_without_deltas() -> History:
    return streamed(*opening(), *writing(written="Hello."), completed())


@fails(deltas.calls_are_streamed)
def test_calls_without_deltas() -> History:
    return streamed(*opening(), *calling(requested='{"city":"Paris"}'))


@passes(deltas.step_deltas_come_while_it_works, deltas.tool_call_deltas_add_up, deltas.calls_are_streamed)
def test_arguments_in_pieces() -> History:
    return streamed(*opening(), *calling('{"city":', '"Paris"}'))


@passes(deltas.tool_call_deltas_add_up)
def test_call_that_only_deltas_tell_of() -> History:
    first = tool_delta({"name": "get_weather", "arguments": "", "output": None}, id="call_a")
    begun, waiting = step("in_progress", calls=[]), calling("{}")
    begun["step_details"] = {"type": "tool_calls", "tool_calls": []}
    return streamed(*opening(), ("thread.run.step.created", begun), first, *waiting[2:])


@fails(deltas.tool_call_deltas_add_up)
def test_arguments_differ_from_the_required_action() -> History:
    return streamed(*opening(), *calling('{"city":', requested='{"city":"Paris"}'))


@fails(deltas.tool_call_deltas_add_up, at="/events/4/data/step_details/tool_calls/0/function/arguments")
def test_arguments_differ_from_the_completed_step() -> History:
    events = calling("{")
    events[1:] = [events[2], ("thread.run.step.completed", step("completed", calls=[call(arguments="{}")]))]
    return streamed(*opening()[:2], *events, ("thread.run.completed", run("completed")))


@fails(deltas.step_deltas_come_while_it_works)
def test_delta_of_an_unknown_step() -> History:
    return streamed(*opening(), tool_delta({"arguments": "{}"}), *calling("{}"))


@passes(deltas.step_deltas_come_while_it_works)
def test_delta_of_a_step_from_before_the_outputs() -> History:
    return streamed(tool_delta({"arguments": ""}), *opening()[1:], completed(), operation="submit_tool_outputs")


def _calling_by_id(streamed_id: str, awaited: str) -> History:
    piece = tool_delta({"name": "get_weather", "arguments": "{}"}, id=streamed_id)
    waits = run("requires_action", required_action=action(call(awaited)))
    begun = ("thread.run.step.created", step("in_progress", calls=[]))
    return streamed(*opening(), begun, piece, ("thread.run.requires_action", waits))


@passes(deltas.awaited_calls_were_streamed)
def test_call_awaited_by_the_id_it_was_streamed_with() -> History:
    return _calling_by_id("call_1", "call_1")


@passes(deltas.awaited_calls_were_streamed)
def test_two_awaited_calls_that_were_streamed_at_one_index() -> History:
    pieces = [tool_delta({"name": "get_weather", "arguments": "{}"}, id=id_) for id_ in ("call_1", "call_2")]
    waits = run("requires_action", required_action=action(call("call_1"), call("call_2")))
    begun = ("thread.run.step.created", step("in_progress", calls=[]))
    return streamed(*opening(), begun, *pieces, ("thread.run.requires_action", waits))


@pytest.mark.parametrize(
    ("second", "message"),
    [("call_2", "give two calls the index 0"), ("call_3", "do not add up to its tool call")],
)
def test_calls_that_deltas_do_not_distinguish_are_said_to_share_their_index(second: str, message: str) -> None:
    pieces = [tool_delta({"name": "get_weather", "arguments": "{}"}, id=id_) for id_ in ("call_1", second)]
    waits = run("requires_action", required_action=action(call("call_1"), call("call_2")))
    begun = ("thread.run.step.created", step("in_progress", calls=[]))
    history = streamed(*opening(), begun, *pieces, ("thread.run.requires_action", waits))
    found = findings(deltas.tool_call_deltas_add_up, history)
    assert {finding.message for finding in found} == {f"the deltas of {STEP} {message}"}


@fails(deltas.awaited_calls_were_streamed, at="/events/5/data/required_action")
def test_call_awaited_by_another_id() -> History:
    return _calling_by_id("call_1", "call_2")


@permitted
def test_deltas_without_ids() -> History:
    return streamed(*opening(), *calling("{}"))
