"""Lists that lag behind: one rule reports them, and the rules on what they show only suspect."""

from __future__ import annotations

from typing import Any

from runs_conformance.model.history import History
from runs_conformance.model.rule import AnyRule
from runs_conformance.model.verdict import Finding, Suspicion
from runs_conformance.rules import lifecycle, metadata, traces
from runs_conformance.rules.listing import list_contents
from runs_conformance.rules.messages import stored_messages, supplied_with_run
from runs_conformance.rules.paging import page_size, traversal
from runs_conformance.rules.races import modifications
from runs_conformance.rules.steps import step_end
from runs_conformance.rules.threads import messages_in_thread
from tests.rules.examples import fails, findings, inconclusive, judge, passes
from tests.rules.histories import ASSISTANT, HistoryBuilder, deleted, message, page, run, step, text, thread

HELLO = {"role": "user", "content": "Hello."}
OLD, NEW = {"a": "1"}, {"b": "2"}


def _check_reported(history: History, *pointers: str) -> None:
    found = findings(list_contents.what_was_created_is_listed, history)
    assert [each.pointer for each in found] == [*pointers]


def _check_suspected(rule: AnyRule, history: History) -> None:
    results = judge(rule, history)
    assert any(isinstance(result, Suspicion) for result in results)
    assert not any(isinstance(result, Finding) for result in results)


def _run_listed_late() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "in_progress")
    builder.send("list_runs", page(run("queued")))
    builder.get_run(run("completed"))
    builder.send("list_runs", page(run("in_progress")))
    builder.get_run(run("completed"))
    return builder.history()


def test_run_that_is_listed_in_earlier_statuses() -> None:
    _check_reported(_run_listed_late(), "/data/0/status", "/data/0/status")


def test_run_that_lists_show_in_earlier_statuses_only() -> None:
    _check_suspected(lifecycle.terminal_status_is_final, _run_listed_late())
    _check_suspected(lifecycle.follows_the_graph, _run_listed_late())


@fails(lifecycle.terminal_status_is_final, times=2)
def test_run_that_reads_and_lists_show_reopened() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "completed")
    builder.send("list_runs", page(run("in_progress")))
    builder.get_run(run("in_progress"))
    return builder.history()


def _step_listed_late() -> History:
    builder = HistoryBuilder()
    builder.send("get_run_step", step("completed"))
    builder.send("list_run_steps", page(step("in_progress")))
    builder.send("get_run_step", step("completed"))
    return builder.history()


def test_step_that_is_listed_in_an_earlier_status() -> None:
    _check_reported(_step_listed_late(), "/data/0/status")


def test_step_that_a_list_shows_in_an_earlier_status_only() -> None:
    _check_suspected(step_end.ended_step_stays_ended, _step_listed_late())


def _metadata_listed_late(*, is_read_afterwards: bool = True) -> History:
    builder = HistoryBuilder()
    builder.send("create_message", message("user", "Hello.", metadata=OLD), body={**HELLO, "metadata": OLD})
    builder.send("modify_message", message("user", "Hello.", metadata=NEW), body={"metadata": NEW})
    builder.send("get_message", message("user", "Hello.", metadata=NEW))
    builder.send("list_messages", page(message("user", "Hello.", metadata=OLD)))
    if is_read_afterwards:
        builder.send("get_message", message("user", "Hello.", metadata=NEW))
    return builder.history()


def test_metadata_that_are_listed_as_they_were_before() -> None:
    _check_reported(_metadata_listed_late(), "/data/0/metadata")


def test_metadata_that_a_list_shows_as_they_were_before() -> None:
    _check_suspected(metadata.changes_only_when_modified, _metadata_listed_late())
    _check_suspected(metadata.is_kept, _metadata_listed_late())


def test_list_is_named_if_only_it_shows_other_metadata() -> None:
    (found,) = findings(metadata.changes_only_when_modified, _metadata_listed_late(is_read_afterwards=False))
    assert found.message == "the list shows other metadata than the object has"


def _modified_while_running(*, is_listed_last: bool) -> History:
    builder, changed = HistoryBuilder(), {"while": "running"}
    builder.create_run()
    builder.get_run(run("in_progress"))
    builder.send("modify_run", run("in_progress", metadata=changed), body={"metadata": changed})
    builder.get_run(run("in_progress", metadata=changed))
    builder.get_run(run("completed", metadata=changed))
    builder.send("list_runs", page(run("completed")))
    if not is_listed_last:
        builder.get_run(run("completed", metadata=changed))
        builder.send("list_runs", page(run("completed")))
    return builder.history()


@passes(modifications.changes_outlive_the_run)
def test_modified_run_that_lists_show_as_it_was_before() -> History:
    return _modified_while_running(is_listed_last=False)


@fails(modifications.changes_outlive_the_run, times=1)
def test_modified_run_that_only_the_last_list_shows_otherwise() -> History:
    return _modified_while_running(is_listed_last=True)


def _refused(listed: Any) -> History:
    """A message whose metadata were set and cleared, then deleted; a refused modification precedes a list."""
    builder = HistoryBuilder()
    builder.send("create_message", message("user", "Hello."), body=HELLO)
    builder.send("modify_message", message("user", "Hello.", metadata=OLD), body={"metadata": OLD})
    builder.send("modify_message", message("user", "Hello."), body={"metadata": {}})
    builder.send("delete_message", deleted("msg_a"))
    builder.refuse("modify_message", 404, body={"metadata": {"too": "late"}})
    builder.send("list_messages", page(message("user", "Hello.", metadata=listed)))
    return builder.history()


@inconclusive(traces.refused_modification_keeps_metadata)
def test_list_that_shows_metadata_from_before_the_refused_modification() -> History:
    return _refused(OLD)


@fails(traces.refused_modification_keeps_metadata, times=1)
def test_list_that_shows_metadata_of_the_refused_modification() -> History:
    return _refused({"too": "late"})


def _thread_listed_late(*later: dict[str, Any]) -> History:
    builder = HistoryBuilder()
    builder.send("create_thread", thread(), body={"messages": [HELLO]})
    builder.send("list_messages", page())
    builder.send("list_messages", page(*later))
    return builder.history()


@inconclusive(messages_in_thread.begin_with_the_messages_given)
def test_initial_message_that_only_a_later_list_shows() -> History:
    return _thread_listed_late(message("user", "Hello."))


def test_initial_message_that_is_listed_only_later() -> None:
    _check_reported(_thread_listed_late(message("user", "Hello.")), "/data")


@fails(messages_in_thread.begin_with_the_messages_given, times=1)
def test_initial_message_that_no_list_shows() -> History:
    return _thread_listed_late()


@inconclusive(supplied_with_run.additional_messages_are_in_the_thread)
def test_additional_message_that_only_a_later_list_shows() -> History:
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    builder.create_run(body={"assistant_id": ASSISTANT, "additional_messages": [HELLO]})
    builder.get_run(run("completed"))
    builder.send("list_messages", page())
    builder.send("list_messages", page(message("user", "Hello.")))
    return builder.history()


@passes(stored_messages.stays_as_it_is)
def test_message_that_a_list_still_shows_in_progress_may_grow() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "completed")
    builder.send("list_messages", page(message(content=text("Hel"), status="in_progress")))
    builder.send("get_message", message())
    builder.send("get_message", message())
    return builder.history()


def _messages(*pages: int) -> History:
    """A thread with a message and one list after another, each with this number of messages."""
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    builder.send("create_message", message("user", "Hello."), body=HELLO)
    for count in pages:
        builder.send("list_messages", page(*[message("user", "Hello.")] * count))
    return builder.history()


@inconclusive(page_size.twenty_is_the_default, traversal.pages_hold_what_comes_next)
def test_empty_page_of_a_list_that_lags_behind_is_compared_with_none() -> History:
    return _messages(0, 1)


@passes(traversal.pages_hold_what_comes_next)
def test_pages_after_a_list_that_lags_behind_are_compared_with_each_other() -> History:
    return _messages(0, 1, 1)


def test_object_that_is_listed_later_is_told_from_one_that_is_lost() -> None:
    late, lost = (findings(list_contents.what_was_created_is_listed, _messages(*pages)) for pages in ((0, 1), (0,)))
    assert [each.message for each in late] == ["msg_a, which was created before, is listed only later"]
    assert [each.message for each in lost] == ["msg_a, which was created before, is not listed"]
