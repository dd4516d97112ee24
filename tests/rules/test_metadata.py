"""Metadata change only when modified: the rules on this, on literal histories."""

from __future__ import annotations

from typing import Any

from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT
from runs_conformance.model.verdict import Passed
from runs_conformance.rules import metadata
from tests.rules.examples import fails, findings, judge, passes, permitted
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


OF_OTHER = {"only": "mine"}


def _another_is_modified(shown: dict[str, str], *, operation: str = "create_thread", sent: Any = ABSENT) -> History:
    """Two threads or runs that one operation creates; the second is modified, and the first is read."""
    builder = HistoryBuilder()
    body = {"assistant_id": "asst_a"} if operation.endswith("run") else ABSENT if sent is ABSENT else {"metadata": sent}
    for letter in "ab":
        created = run(id_=f"run_{letter}", thread_id=f"thread_{letter}")
        value = created if operation.endswith("run") else thread(f"thread_{letter}", metadata=sent or {})
        builder.send(operation, value, body=body, thread_id=f"thread_{letter}")
        builder.send("get_thread", thread(f"thread_{letter}", metadata=sent or {}), thread_id=f"thread_{letter}")
    changed = thread("thread_b", metadata=OF_OTHER)
    builder.send("modify_thread", changed, body={"metadata": OF_OTHER}, thread_id="thread_b")
    builder.send("get_thread", thread("thread_a", metadata=shown), thread_id="thread_a")
    return builder.history()


def _parts(history: History) -> set[str]:
    results = judge(metadata.changes_only_when_modified, history)
    return {result.part for result in results if isinstance(result, Passed)} - {""}


@fails(metadata.changes_only_when_modified, at="/metadata", times=1)
def test_threads_that_share_their_metadata() -> History:
    return _another_is_modified(OF_OTHER)


@fails(metadata.changes_only_when_modified, at="/metadata", times=1)
def test_threads_of_runs_that_share_their_metadata() -> History:
    return _another_is_modified(OF_OTHER, operation="create_thread_and_run")


def test_metadata_of_another_object_is_named() -> None:
    (finding,) = findings(metadata.changes_only_when_modified, _another_is_modified(OF_OTHER))
    assert finding.message == "metadata changed when another thread was modified"


def test_each_creating_operation_is_a_part_of_the_evidence() -> None:
    needed = {part for part, *_ in metadata.changes_only_when_modified.needs_parts}
    alone = _parts(_another_is_modified({}))
    with_run = _parts(_another_is_modified({}, operation="create_thread_and_run"))
    assert len(alone) == len(with_run) == 1
    assert alone != with_run
    assert alone | with_run < needed


def test_objects_with_metadata_of_their_own_prove_nothing_about_shared_metadata() -> None:
    assert not _parts(_another_is_modified({"a": "1"}, sent={"a": "1"}))
