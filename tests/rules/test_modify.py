from __future__ import annotations

from typing import Any

from runs_conformance.model.history import History
from runs_conformance.rules import modify
from tests.rules.examples import breaks, holds, legal, undecided
from tests.rules.histories import ASSISTANT, Told, assistant, function_tool, message, page, run, thread

NEW: dict[str, Any] = {"metadata": {"a": "1"}}


def _run_modified(**changes: Any) -> History:
    tell = Told()
    tell.looks("queued", "completed")
    tell.send("modify_run", run("completed", **{**NEW, **changes}), body=NEW)
    return tell.history()


@holds(modify.ended_run_can_be_modified, modify.run_changes_in_metadata_only)
def test_run_that_is_modified() -> History:
    return _run_modified()


@breaks(modify.ended_run_can_be_modified, times=1)
def test_ended_run_that_cannot_be_modified() -> History:
    tell = Told()
    tell.looks("queued", "completed")
    tell.refuse("modify_run", body=NEW)
    return tell.history()


@undecided(modify.ended_run_can_be_modified)
def test_metadata_that_is_too_much_where_it_is_merged() -> History:
    tell = Told()
    tell.create_run(body={"assistant_id": ASSISTANT, "metadata": {f"a{number}": "x" for number in range(10)}})
    tell.looks("completed")
    tell.refuse("modify_run", body={"metadata": {f"b{number}": "x" for number in range(10)}})
    return tell.history()


@undecided(modify.ended_run_can_be_modified)
def test_metadata_that_no_server_takes() -> History:
    tell = Told()
    tell.looks("queued", "completed")
    tell.refuse("modify_run", body={"metadata": {"a": True}})
    return tell.history()


@breaks(modify.run_changes_in_metadata_only, at="/instructions", times=1)
def test_modification_that_wipes_the_instructions() -> History:
    return _run_modified(instructions="")


def _others(said: str) -> History:
    tell = Told()
    tell.send("create_message", message("user", "Hello"), body={"role": "user", "content": "Hello"})
    tell.send("modify_message", message("user", said, **NEW, attachments=[]), body=NEW)
    tell.send("create_thread", thread())
    tell.send("modify_thread", thread(**NEW), body=NEW)
    return tell.history()


@holds(modify.message_and_thread_change_in_what_is_given_only)
def test_message_and_thread_that_are_modified() -> History:
    return _others("Hello")


@breaks(modify.message_and_thread_change_in_what_is_given_only, at="/content", times=1)
def test_modification_that_empties_the_message() -> History:
    return _others("")


def _assistant_modified(**changes: Any) -> History:
    tell = Told()
    tell.send("create_assistant", assistant(tools=[function_tool()]), body={"model": "gpt-4o"})
    body = {"name": "New", "temperature": 0.2}
    tell.send("modify_assistant", assistant(**{"tools": [function_tool()], **body, **changes}), body=body)
    return tell.history()


@holds(modify.assistant_keeps_what_is_not_given, modify.assistant_shows_what_is_given)
def test_assistant_that_is_modified() -> History:
    return _assistant_modified()


@breaks(modify.assistant_keeps_what_is_not_given, at="/tools", times=1)
def test_modification_that_wipes_the_tools() -> History:
    return _assistant_modified(tools=[])


@breaks(modify.assistant_shows_what_is_given, at="/temperature", times=1)
def test_modification_that_is_ignored() -> History:
    return _assistant_modified(temperature=1.0)


@legal
def test_modification_of_an_active_run_may_be_taken_or_not() -> History:
    tell = Told()
    tell.looks("queued", "in_progress")
    tell.refuse("modify_run", body=NEW)
    tell.send("modify_run", run("completed", **NEW), body=NEW)
    return tell.history()


@legal
def test_modified_message_without_attachments() -> History:
    tell = Told()
    tell.send("create_message", message("user", "Hello"), body={"role": "user", "content": "Hello"})
    tell.send("modify_message", {**message("user", "Hello", **NEW), "file_ids": []}, body=NEW)
    return tell.history()


def _renamed(**shown: Any) -> History:
    tell = Told()
    given = {"model": "gpt-4o", "metadata": {"team": "blue"}}
    tell.send("create_assistant", assistant(metadata={"team": "blue"}), body=given)
    tell.send("modify_assistant", assistant(name="New", **shown), body={"name": "New"})
    return tell.history()


@holds(modify.metadata_stays_where_none_is_given)
def test_assistant_that_is_renamed() -> History:
    return _renamed(metadata={"team": "blue"})


@breaks(modify.metadata_stays_where_none_is_given, at="/metadata", times=1)
def test_assistant_that_loses_its_metadata_with_its_name() -> History:
    return _renamed(metadata={})


HELLO: dict[str, Any] = {"role": "user", "content": "Hello"}


def _answer_modified(status: str, taken: bool, body: Any = NEW) -> History:
    tell = Told()
    tell.send("create_thread", thread(), body={"messages": [HELLO]})
    tell.looks("queued", status)
    tell.send("list_messages", page(message(), message("user", "Hello", "msg_u")))
    if taken:
        tell.send("modify_message", message(**NEW), body=body)
    else:
        tell.refuse("modify_message", body=body)
    return tell.history()


@holds(modify.message_can_be_modified)
def test_answer_that_is_modified() -> History:
    return _answer_modified("completed", True)


@breaks(modify.message_can_be_modified, times=1)
def test_answer_that_cannot_be_modified() -> History:
    return _answer_modified("completed", False)


@undecided(modify.message_can_be_modified)
def test_answer_of_a_run_that_is_active() -> History:
    return _answer_modified("in_progress", False)


@undecided(modify.message_can_be_modified)
def test_metadata_of_a_message_that_no_server_takes() -> History:
    return _answer_modified("completed", False, {"metadata": {"a": True}})
