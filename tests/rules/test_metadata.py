from __future__ import annotations

from typing import Any

from runs_conformance.model.history import History
from runs_conformance.rules import metadata
from tests.rules.examples import fails, passes, permitted
from tests.rules.histories import HistoryBuilder, message, page, run, thread


def _runs(*shown: dict[str, str]) -> History:
    """A run that is created with metadata, read, modified, and listed."""
    builder = HistoryBuilder()
    builder.create_run(run(metadata=shown[0]), body={"assistant_id": "asst_a", "metadata": {"a": "1", "b": ""}})
    builder.get_run(run("completed", metadata=shown[1]))
    builder.send("modify_run", run("completed", metadata=shown[2]), body={"metadata": {"a": "2"}})
    builder.send("list_runs", page(run("completed", metadata=shown[3])))
    return builder.history()


FIRST, REPLACED, MERGED = {"a": "1", "b": ""}, {"a": "2"}, {"a": "2", "b": ""}


@passes(
    metadata.is_shown_in_the_response,
    metadata.is_kept,
    metadata.holds_nothing_else,
    metadata.changes_only_when_modified,
)
def test_metadata_that_is_replaced() -> History:
    return _runs(FIRST, FIRST, REPLACED, REPLACED)


@passes(metadata.is_shown_in_the_response, metadata.is_kept, metadata.holds_nothing_else)
def test_metadata_that_is_merged() -> History:
    return _runs(FIRST, FIRST, MERGED, MERGED)


@fails(metadata.is_shown_in_the_response, at="/metadata", times=1)
def test_answer_that_shows_the_old_metadata() -> History:
    return _runs(FIRST, FIRST, FIRST, REPLACED)


@fails(metadata.is_shown_in_the_response, at="/metadata")
def test_creation_that_ignores_metadata() -> History:
    return _runs({}, {}, REPLACED, REPLACED)


@fails(metadata.is_kept, at="/data/0/metadata", times=1)
def test_list_that_shows_the_old_metadata() -> History:
    return _runs(FIRST, FIRST, REPLACED, FIRST)


@fails(metadata.holds_nothing_else, at="/metadata")
def test_run_that_inherits_the_metadata_of_its_thread() -> History:
    builder = HistoryBuilder()
    body: dict[str, Any] = {"assistant_id": "asst_a", "thread": {"metadata": {"thread": "x"}}}
    builder.send("create_thread_and_run", run(metadata={"thread": "x"}), body=body)
    return builder.history()


@fails(metadata.holds_nothing_else, at="/metadata")
def test_null_for_no_metadata() -> History:
    builder = HistoryBuilder()
    builder.send("create_thread", thread(metadata=None))
    return builder.history()


@permitted
def test_null_for_null_metadata() -> History:
    builder = HistoryBuilder()
    builder.send("create_thread", thread(metadata=None), body={"metadata": None})
    builder.send("get_thread", thread(metadata=None))
    return builder.history()


@fails(metadata.changes_only_when_modified, at="/metadata")
def test_metadata_that_disappears() -> History:
    builder = HistoryBuilder()
    sent = {"role": "user", "content": "Hello"}
    builder.send("create_message", message("user", "Hello", metadata={"a": "1"}), body={**sent, "metadata": {"a": "1"}})
    builder.send("get_message", message("user", "Hello", metadata={}))
    return builder.history()


@permitted
def test_modifications_at_once() -> History:
    builder = HistoryBuilder()
    builder.create_run(run("completed"))
    builder.send("modify_run", run("completed", metadata={"a": "1"}), body={"metadata": {"a": "1"}}, at=110.0, took=2.0)
    builder.send("modify_run", run("completed", metadata={"a": "2"}), body={"metadata": {"a": "2"}}, at=111.0, took=2.0)
    builder.get_run(run("completed", metadata={"a": "1"}), at=120.0)
    return builder.history()


@permitted
def test_modification_whose_answer_was_lost() -> History:
    builder = HistoryBuilder()
    builder.create_run(run("completed"))
    builder.lose_answer("modify_run", body={"metadata": {"a": "1"}})
    builder.get_run(run("completed", metadata={"a": "1"}))
    return builder.history()


@permitted
def test_metadata_of_a_thread_and_its_run() -> History:
    builder = HistoryBuilder()
    body = {"assistant_id": "asst_a", "thread": {"metadata": {"thread": "x"}}, "metadata": {"run": "y"}}
    builder.send("create_thread_and_run", run(metadata={"run": "y"}), body=body)
    builder.send("get_thread", thread(metadata={"thread": "x"}))
    return builder.history()
