"""Refused requests leave no traces: the rules on this, on literal histories."""

from __future__ import annotations

from typing import Any

import pytest

from runs_conformance.evidence.complete_list import NOT_SHOWN_TO_ITS_END
from runs_conformance.evidence.spontaneous_change import CHANGES_ANYWAY
from runs_conformance.model.case import REFUSES_BODY, Step
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT
from runs_conformance.model.rule import AnyRule
from runs_conformance.model.verdict import PASSED, Inconclusive, Suspicion
from runs_conformance.rules import traces
from tests.rules.examples import fails, findings, inconclusive, judge, passes, permitted
from tests.rules.histories import ASSISTANT, HistoryBuilder, assistant, error, message, page, run, thread

FIRST = {"role": "user", "content": "Hello"}
LATE = {"role": "user", "content": "Too early."}


def _refused(runs: list[Any], messages: list[Any], has_more: bool = False) -> History:
    builder = HistoryBuilder()
    builder.send("create_thread", thread(), body={"messages": [FIRST]})
    builder.see_statuses("queued", "in_progress")
    builder.refuse("create_message", body=LATE)
    builder.refuse("create_run", body={"assistant_id": ASSISTANT})
    builder.get_run(run("completed"))
    builder.send("list_runs", page(*runs, has_more=has_more))
    builder.send("list_messages", page(*messages, has_more=has_more))
    return builder.history()


HELLO = message("user", "Hello", "msg_1")


@passes(traces.refused_run_is_not_created, traces.refused_message_is_not_added)
def test_refusals_without_effect() -> History:
    return _refused([run("completed")], [message(), HELLO])


@pytest.mark.parametrize("rule", [traces.refused_run_is_not_created, traces.refused_message_is_not_added])
def test_lists_that_show_nothing_of_what_was_accepted_are_suspicious(rule: AnyRule) -> None:
    assert [type(result) for result in judge(rule, _refused([], []))] == [Suspicion]


@passes(traces.refused_run_is_not_created)
def test_list_of_a_thread_without_runs() -> History:
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    builder.refuse("create_run", body={"assistant_id": ASSISTANT})
    builder.send("list_runs", page())
    return builder.history()


@inconclusive(traces.refused_message_is_not_added)
def test_list_that_shows_no_contents() -> History:
    return _refused([], [message(content=ABSENT), message("user", id_="msg_1", content=ABSENT)])


@inconclusive(traces.refused_message_is_not_added)
def test_empty_list_where_no_list_shows_a_message() -> History:
    return _all_refused()


@passes(traces.refused_message_is_not_added)
def test_empty_list_where_another_shows_a_message() -> History:
    return _all_refused(message(thread_id="thread_b"))


def _all_refused(*elsewhere: dict[str, Any]) -> History:
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    builder.refuse("create_message", body=LATE)
    builder.send("list_messages", page())
    builder.send("list_messages", page(*elsewhere), thread_id="thread_b")
    return builder.history()


def test_lists_that_are_not_shown_to_their_end_are_inconclusive() -> None:
    shown = _refused([run("completed")], [HELLO], has_more=True)
    for rule in (traces.refused_run_is_not_created, traces.refused_message_is_not_added):
        assert judge(rule, shown) == [Inconclusive(NOT_SHOWN_TO_ITS_END)]


@fails(traces.refused_run_is_not_created, at="/data", times=1)
def test_run_that_was_refused_and_created() -> History:
    return _refused([run("queued", id_="run_b"), run("completed")], [HELLO])


@fails(traces.refused_message_is_not_added, at="/data", times=1)
def test_message_that_was_refused_and_added() -> History:
    return _refused([run("completed")], [message("user", "Too early.", "msg_2"), HELLO])


def _refused_again(*shown: dict[str, Any]) -> History:
    """The message that the thread begins with is sent again and refused."""
    builder = HistoryBuilder()
    builder.send("create_thread", thread(), body={"messages": [FIRST]})
    builder.refuse("create_message", body=FIRST)
    builder.send("list_messages", page(*shown))
    return builder.history()


@inconclusive(traces.refused_message_is_not_added)
def test_list_that_repeats_a_message_that_was_refused_again() -> History:
    return _refused_again(HELLO, HELLO)


@fails(traces.refused_message_is_not_added, at="/data", times=1)
def test_message_that_was_refused_again_and_added() -> History:
    return _refused_again(message("user", "Hello", "msg_2"), HELLO)


def test_refused_message_that_is_added_is_found_with_its_first_refusal() -> None:
    builder = HistoryBuilder()
    builder.send("create_thread", thread(), body={"messages": [FIRST]})
    body = {"assistant_id": "asst_b", "additional_messages": [LATE]}
    builder.send("create_run", error("No assistant found."), 404, body=body)
    builder.refuse("create_message", body=LATE)
    builder.send("list_messages", page(message("user", "Too early.", "msg_2"), HELLO))
    (finding,) = findings(traces.refused_message_is_not_added, builder.history())
    assert finding.message == "a refused message is in the thread (HTTP 404 No assistant found)"


@fails(traces.refused_message_is_not_added, at="/data", times=1)
def test_refused_message_that_is_added_beside_an_accepted_invalid_one() -> History:
    builder = HistoryBuilder()
    builder.send("create_thread", thread(), body={"messages": [FIRST]})
    builder.refuse("create_run", body={"assistant_id": ASSISTANT, "additional_messages": [LATE]})
    invalid = {"assistant_id": ASSISTANT, "temperature": 3, "additional_messages": [{"role": "user", "content": "x"}]}
    builder.create_run(body=invalid, step=Step(operation="create_run", expectation=REFUSES_BODY))
    builder.get_run(run("completed"))
    stored = (HELLO, message("user", "Too early.", "msg_2"), message("user", "x", "msg_3"))
    builder.send("list_messages", page(*stored), query={"order": "asc"})
    return builder.history()


def _metadata(later: dict[str, str]) -> History:
    builder = HistoryBuilder()
    builder.create_run(run("completed", metadata={"a": "1"}), body={"assistant_id": ASSISTANT, "metadata": {"a": "1"}})
    builder.refuse("modify_run", body={"metadata": {"b": "2", "c": 3}})
    builder.get_run(run("completed", metadata=later))
    return builder.history()


@passes(traces.refused_modification_keeps_metadata)
def test_refused_metadata() -> History:
    return _metadata({"a": "1"})


@fails(traces.refused_modification_keeps_metadata, at="/metadata", times=1)
def test_refused_metadata_that_is_stored_in_part() -> History:
    return _metadata({"a": "1", "b": "2"})


@inconclusive(traces.refused_modification_keeps_metadata)
def test_refused_metadata_and_pairs_that_no_refused_request_had() -> History:
    """Another object shares the metadata, and was modified by another client."""
    return _metadata({"theirs": "9"})


@fails(traces.refused_modification_keeps_metadata, at="/metadata", times=1)
def test_refused_metadata_that_is_stored_beside_other_pairs() -> History:
    return _metadata({"theirs": "9", "b": "2"})


@fails(traces.refused_modification_keeps_metadata, at="/metadata", times=1)
def test_refused_metadata_whose_value_is_stored_under_another_name() -> History:
    return _metadata({"a": "1", "B": "2"})


def _metadata_after_refusal(*shown: Any, reads: tuple[Any, ...] = ()) -> History:
    """A thread gets metadata, is read, refuses a modification and is read again; other `reads` are of thread_b."""
    builder = HistoryBuilder()
    builder.send("create_thread", thread(metadata={"a": "b"}), body={"metadata": {"a": "b"}})
    for metadata in shown[:-1]:
        builder.send("get_thread", thread(metadata=metadata))
    builder.refuse("modify_thread", body={"metadata": {"x": 5}})
    builder.send("get_thread", thread(metadata=shown[-1]))
    for metadata in reads:
        builder.send("get_thread", thread("thread_b", metadata=metadata), thread_id="thread_b")
    return builder.history()


@inconclusive(traces.refused_modification_keeps_metadata)
def test_metadata_that_only_the_creation_shows() -> History:
    return _metadata_after_refusal({})


@fails(traces.refused_modification_keeps_metadata, at="/metadata", times=1)
def test_refused_modification_that_clears_the_metadata() -> History:
    return _metadata_after_refusal({"a": "b"}, {})


@fails(traces.refused_modification_keeps_metadata, at="/metadata", times=1)
def test_refused_modification_that_clears_the_metadata_before_the_first_read() -> History:
    return _metadata_after_refusal({}, reads=({"c": "d"},))


@inconclusive(traces.refused_modification_keeps_metadata)
def test_metadata_that_differs_in_every_read() -> History:
    return _metadata_after_refusal({"a": "b"}, {"at": "1"}, {"at": "2"})


@inconclusive(traces.refused_modification_keeps_metadata)
def test_metadata_that_is_different_in_every_read_of_another_thread() -> History:
    return _metadata_after_refusal({"at": "1"}, reads=({"at": "2"}, {"at": "3"}))


def _assistant(**later: Any) -> History:
    builder = HistoryBuilder()
    builder.send("create_assistant", assistant(name="Ada"), body={"model": "gpt-4o", "name": "Ada"})
    builder.refuse("modify_assistant", body={"name": "Eve", "temperature": 9})
    builder.send("get_assistant", assistant(**{"name": "Ada", **later}))
    return builder.history()


@passes(traces.refused_modification_keeps_the_assistant)
def test_refused_assistant() -> History:
    return _assistant()


@fails(traces.refused_modification_keeps_the_assistant, at="/name", times=1)
def test_refused_assistant_that_is_renamed() -> History:
    return _assistant(name="Eve")


def _assistant_with_invalid_temperature(**later: Any) -> History:
    """An invalid temperature is accepted, and the assistant shows `later` after a modification that is refused."""
    builder = HistoryBuilder()
    builder.send("create_assistant", assistant(), body={"model": "gpt-4o"})
    step = Step(operation="modify_assistant", expectation=REFUSES_BODY)
    builder.send("modify_assistant", assistant(temperature=9), body={"temperature": 9}, step=step)
    builder.refuse("modify_assistant", body={"name": "Eve", "top_p": 9})
    builder.send("get_assistant", assistant(**{"temperature": 9, **later}))
    return builder.history()


@fails(traces.refused_modification_keeps_the_assistant, at="/name", times=1)
def test_refused_assistant_that_is_renamed_after_an_invalid_temperature_was_accepted() -> History:
    return _assistant_with_invalid_temperature(name="Eve")


@passes(traces.refused_modification_keeps_the_assistant)
def test_invalid_temperature_that_is_repaired_after_a_refusal() -> History:
    return _assistant_with_invalid_temperature(temperature=1)


@permitted
def test_refused_assistant_with_a_member_of_another_type() -> History:
    return _assistant(temperature="1.0")


def _assistant_that_changes(*shown: dict[str, Any]) -> HistoryBuilder:
    """An assistant is created and read, a modification is refused, and the assistant is read again."""
    builder = HistoryBuilder()
    builder.send("create_assistant", assistant(), body={"model": "gpt-4o"})
    for changes in shown[:-1]:
        builder.send("get_assistant", assistant(**changes))
    builder.refuse("modify_assistant", body={"temperature": 9})
    builder.send("get_assistant", assistant(**shown[-1]))
    return builder


def test_member_that_changes_without_a_modification_is_suspicious() -> None:
    history = _assistant_that_changes({"temperature": 0.5}, {"temperature": 0.25}).history()
    results = judge(traces.refused_modification_keeps_the_assistant, history)
    assert [each for each in results if each != PASSED] == [Suspicion(CHANGES_ANYWAY.format("temperature"))]


@passes(traces.refused_modification_keeps_the_assistant)
def test_creation_time_that_changes_is_judged_elsewhere() -> History:
    return _assistant_that_changes({}, {"created_at": 5}).history()


@fails(traces.refused_modification_keeps_the_assistant, at="/temperature", times=1)
def test_member_that_only_the_refused_modification_changes() -> History:
    return _assistant_that_changes({}, {}, {"temperature": 0.25}).history()


@fails(traces.refused_modification_keeps_the_assistant, at="/temperature", times=1)
def test_member_that_the_response_to_a_modification_shows_otherwise() -> History:
    """The response is wrong, which does not mean that the member changes by itself."""
    builder = HistoryBuilder()
    builder.send("create_assistant", assistant(), body={"model": "gpt-4o"})
    builder.send("modify_assistant", assistant(name="Ada", temperature=0.5), body={"name": "Ada"})
    builder.send("get_assistant", assistant(name="Ada"))
    builder.refuse("modify_assistant", body={"temperature": 9})
    builder.send("get_assistant", assistant(name="Ada", temperature=0.25))
    return builder.history()


@permitted
def test_refused_modification_with_an_accepted_one_after_it() -> History:
    builder = HistoryBuilder()
    builder.send("create_assistant", assistant(name=None), body={"model": "gpt-4o"})
    builder.refuse("modify_assistant", 413, body={"name": "Ada", "instructions": "x" * 300})
    builder.send("modify_assistant", assistant(name="Ada"), body={"name": "Ada"})
    return builder.history()


@permitted
def test_creations_whose_answers_were_lost() -> History:
    builder = HistoryBuilder()
    builder.send("create_thread", thread(), body={"messages": [FIRST]})
    builder.refuse("create_run", body={"assistant_id": ASSISTANT, "temperature": 9})
    builder.lose_answer("create_run", body={"assistant_id": ASSISTANT})
    builder.send("list_runs", page(run("queued")))
    return builder.history()


@inconclusive(traces.refused_run_is_not_created)
def test_list_of_all_threads_shows_no_refused_run() -> History:
    return _refused([run("queued", id_="run_b", thread_id="thread_b"), run("completed")], [message(), HELLO])


@inconclusive(traces.refused_run_is_not_created)
def test_list_of_a_locked_thread_shows_no_refused_run() -> History:
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    builder.refuse("create_run", body={"assistant_id": ASSISTANT, "temperature": 3})
    builder.send("create_run", error("Thread thread_a already has an active run run_b."), 400)
    builder.send("list_runs", page())
    return builder.history()


@passes(traces.refused_modification_keeps_the_assistant)
def test_unknown_members_may_change() -> History:
    builder = HistoryBuilder()
    builder.send("create_assistant", {**assistant(), "updated_at": 1}, body={"model": "gpt-4o"})
    builder.refuse("modify_assistant", body={"name": 5})
    builder.send("get_assistant", {**assistant(), "updated_at": 2})
    return builder.history()


def _run_listed_as(id_: object, *more: Any) -> History:
    """A run was created with one id, another was refused, and a list shows the first one with another id."""
    builder = HistoryBuilder()
    builder.send("create_thread", thread(), body={"messages": [FIRST]})
    builder.see_statuses("queued", "completed")
    builder.refuse("create_run", body={"assistant_id": "asst_b"})
    builder.send("list_runs", {**page(), "data": [*more, {**run("completed"), "id": id_}]})
    return builder.history()


@inconclusive(traces.refused_run_is_not_created)
def test_list_that_shows_the_created_run_with_another_id() -> History:
    return _run_listed_as("run_stored")


@inconclusive(traces.refused_run_is_not_created)
def test_list_that_shows_the_created_run_with_an_id_that_is_no_text() -> History:
    return _run_listed_as(7)


@fails(traces.refused_run_is_not_created, at="/data", times=1)
def test_list_that_shows_more_runs_than_were_created() -> History:
    return _run_listed_as("run_stored", run(id_="run_b"))
