"""An item of a list is stale if it shows an earlier state of its object."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from runs_conformance.evidence.run_timeline import runs
from runs_conformance.evidence.stale_item import is_list_item, mark_stale, stale_items
from runs_conformance.model.history import History
from tests.rules.histories import T0, HistoryBuilder, message, page, run, step


def stale(history: History) -> list[tuple[str, str]]:
    """The id of the exchange and the name of the member of each stale item."""
    return [(each.item.exchange.id, each.name) for each in stale_items(history)]


def listed_between(*before: str, listed: str, after: tuple[str, ...] = ()) -> History:
    """A run that was read in these statuses before and after a list showed it in another."""
    builder = HistoryBuilder()
    builder.see_statuses(*before)
    builder.send("list_runs", page(run(listed)))
    for status in after:
        builder.get_run(run(status))
    return builder.history()


@pytest.mark.parametrize(
    ("before", "listed", "after"),
    [
        (("queued", "completed"), "in_progress", ("completed",)),
        (("queued", "in_progress"), "queued", ("in_progress",)),
        (("queued", "in_progress"), "queued", ("completed",)),
        (("queued", "requires_action"), "in_progress", ("requires_action",)),
    ],
)
def test_item_in_an_earlier_status_is_stale(before: tuple[str, ...], listed: str, after: tuple[str, ...]) -> None:
    history = listed_between(*before, listed=listed, after=after)
    assert [name for _, name in stale(history)] == ["status"]
    (timeline,) = runs(history)
    assert [each.is_consequence for each in timeline.observations].count(True) == 1
    assert not any(is_list_item(earlier) for earlier, _ in timeline.pairs())


@pytest.mark.parametrize(
    ("before", "listed", "after"),
    [
        (("queued", "completed"), "in_progress", ("in_progress",)),
        (("queued", "completed"), "in_progress", ()),
        (("queued", "completed"), "failed", ("completed",)),
        (("queued", "in_progress"), "completed", ("completed",)),
        (("queued", "in_progress"), "queued", ("queued",)),
        (("queued", "completed"), "odd", ("completed",)),
    ],
)
def test_other_item_is_not_stale(before: tuple[str, ...], listed: str, after: tuple[str, ...]) -> None:
    history = listed_between(*before, listed=listed, after=after)
    assert not stale(history)
    assert not any(mark_stale(each, history).is_consequence for each in runs(history)[0].observations)


def test_nothing_is_stale_in_a_history_that_lacks_requests() -> None:
    history = listed_between("queued", "completed", listed="in_progress", after=("completed",))
    assert stale(history)
    assert not stale(replace(history, partial=True))


def test_run_that_may_have_been_resumed_is_not_stale() -> None:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "requires_action", "in_progress")
    builder.send("submit_tool_outputs", run("queued"), body={"tool_outputs": []}, at=builder.clock, took=20.0)
    builder.send("list_runs", page(run("queued")))
    builder.get_run(run("in_progress"))
    assert not stale(builder.history())


def test_item_is_stale_beside_a_modification_that_is_to_be_sent_later() -> None:
    builder = HistoryBuilder()
    builder.send("create_message", message(metadata={}))
    builder.send("modify_message", message(metadata={"a": "1"}), body={"metadata": {"a": "1"}})
    builder.refuse("modify_message", 429, body={"metadata": {}})
    builder.send("list_messages", page(message(metadata={})))
    builder.send("get_message", message(metadata={"a": "1"}))
    assert stale(builder.history()) == [("x3", "metadata")]


def modified(*listed: Any, after: Any, modified_again: bool = False) -> History:
    """A message whose metadata was modified from {} to {"a": "1"}, as lists and a later read show it."""
    builder = HistoryBuilder()
    sent = {"role": "user", "content": "Hello."}
    builder.send("create_message", message("user"), body=sent)
    builder.send("modify_message", message("user", metadata={"a": "1"}), body={"metadata": {"a": "1"}})
    for metadata in listed:
        builder.send("list_messages", page(message("user", metadata=metadata)))
    if modified_again:
        builder.send("modify_message", message("user", metadata={"a": "1"}), body={"metadata": {"a": "1"}})
    builder.send("get_message", message("user", metadata=after))
    return builder.history()


def test_item_with_earlier_metadata_is_stale() -> None:
    assert stale(modified({}, after={"a": "1"})) == [("x2", "metadata")]
    assert stale(modified(None, {"a": "1"}, after={"a": "1"})) == [("x2", "metadata")]


def test_item_with_metadata_that_are_invented_lost_or_modified_is_not_stale() -> None:
    assert not stale(modified({"b": "2"}, after={"a": "1"}))
    assert not stale(modified({}, after={}))
    assert not stale(modified({}, after={"a": "1"}, modified_again=True))


def test_last_item_is_stale_if_another_one_of_such_lists_is() -> None:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "completed")
    builder.send("list_runs", page(run("in_progress")))
    builder.get_run(run("completed"))
    builder.send("list_runs", page(run("in_progress")))
    assert stale(builder.history()) == [("x2", "status"), ("x4", "status")]


def test_step_that_a_later_list_shows_as_it_was_read_is_stale() -> None:
    builder = HistoryBuilder()
    builder.send("get_run_step", step("completed"))
    builder.send("list_run_steps", page(step("in_progress")))
    builder.send("list_run_steps", page(step("completed")))
    assert stale(builder.history()) == [("x1", "status")]


def test_list_is_not_stale_where_runs_go_back_to_an_earlier_status() -> None:
    """The run in the list may have been queued again, too."""
    builder = HistoryBuilder()
    builder.see_statuses("queued", "in_progress")
    builder.send("list_runs", page(run("queued")))
    builder.get_run(run("in_progress"))
    assert stale(builder.history())
    for status in ("in_progress", "queued"):
        builder.get_run(run(status, "run_other"))
    assert not stale(builder.history())


def test_queued_run_that_has_started_is_no_earlier_copy() -> None:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "in_progress")
    builder.send("list_runs", page(run("queued", started_at=T0 + 1)))
    builder.get_run(run("in_progress"))
    assert not stale(builder.history())
