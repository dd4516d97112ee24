"""Modifications change what they name: the rules on this, on literal histories."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from runs_conformance.evidence.spontaneous_change import CHANGES_ANYWAY
from runs_conformance.model.case import REFUSES_BODY, Either, Mutation, Role, Step
from runs_conformance.model.history import History
from runs_conformance.model.verdict import PASSED, Passed, Suspicion
from runs_conformance.rules import identity, modify
from tests.rules.examples import fails, findings, inconclusive, judge, passes, permitted
from tests.rules.histories import (
    ASSISTANT,
    T0,
    HistoryBuilder,
    assistant,
    error,
    function_tool,
    message,
    page,
    run,
    thread,
)

NEW: dict[str, Any] = {"metadata": {"a": "1"}}


def _run_modified(**changes: Any) -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "completed")
    builder.send("modify_run", run(**{"status": "completed", **NEW, **changes}), body=NEW)
    return builder.history()


@passes(modify.ended_run_can_be_modified, modify.run_changes_in_metadata_only)
def test_run_that_is_modified() -> History:
    return _run_modified()


@fails(modify.ended_run_can_be_modified, times=1)
def test_ended_run_that_cannot_be_modified() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "completed")
    builder.refuse("modify_run", body=NEW)
    return builder.history()


@inconclusive(modify.ended_run_can_be_modified)
def test_metadata_that_may_exceed_the_limit_when_merged() -> History:
    builder = HistoryBuilder()
    given = {f"a{number}": "x" for number in range(10)}
    builder.create_run(run(metadata=given), body={"assistant_id": ASSISTANT, "metadata": given})
    builder.get_run(run("completed", metadata=given))
    builder.refuse("modify_run", body={"metadata": {f"b{number}": "x" for number in range(10)}})
    return builder.history()


def test_value_that_is_refused_is_no_refusal_of_all_modifications() -> None:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "completed")
    builder.send("modify_run", run("completed", metadata=NEW["metadata"]), body=NEW)
    builder.send("modify_run", error("Too long.", "metadata"), 400, body={"metadata": {"a": "é" * 512}})
    assert not findings(modify.ended_run_can_be_modified, builder.history())


LONGEST_KEY: dict[str, Any] = {"metadata": {"k" * 64: "1"}}
"""Metadata that a server with a wrong limit refuses, often without naming a member of the request."""


@inconclusive(modify.ended_run_can_be_modified)
def test_refused_values_are_no_ended_run_that_cannot_be_modified() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "completed")
    for metadata in (LONGEST_KEY["metadata"], {"a": "é"}, {"a": ""}, {}, None):
        builder.refuse("modify_run", body={"metadata": metadata})
    return builder.history()


@fails(modify.ended_run_can_be_modified, times=1)
def test_run_that_can_be_modified_only_while_it_is_active() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "in_progress")
    builder.send("modify_run", run("in_progress", **NEW), body=NEW)
    builder.get_run(run("completed", **NEW))
    builder.send("modify_run", error("The metadata of an ended run is final.", "metadata"), 400, body=NEW)
    return builder.history()


@inconclusive(modify.ended_run_can_be_modified)
def test_invalid_metadata() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "completed")
    builder.refuse("modify_run", body={"metadata": {"a": True}})
    return builder.history()


@fails(modify.run_changes_in_metadata_only, at="/instructions", times=1)
def test_modification_that_erases_the_instructions() -> History:
    return _run_modified(instructions="")


def _run_modified_after_invalid_metadata(step: Step, modified: dict[str, Any], **shown: Any) -> History:
    """Invalid metadata is accepted, and `modified` is sent next and answered with `shown`."""
    builder = HistoryBuilder()
    builder.see_statuses("queued", "completed")
    builder.send("modify_run", run("completed", metadata={"a": 9}), body={"metadata": {"a": 9}}, step=step)
    builder.send("modify_run", run("completed", **{"metadata": {"a": 9}, **shown}), body=modified)
    return builder.history()


_WITHOUT_MUTATION = Step(operation="modify_run", role=Role.NEGATIVE, expectation=REFUSES_BODY)
_WITH_MUTATION = replace(_WITHOUT_MUTATION, mutation=Mutation("/metadata/a", "type", "b", 9))


@fails(modify.run_changes_in_metadata_only, at="/instructions", times=1)
def test_modification_that_changes_the_instructions_after_invalid_metadata_was_accepted() -> History:
    changes = {"instructions": "Changed."}
    return _run_modified_after_invalid_metadata(_WITH_MUTATION, changes, **changes)


@fails(modify.run_changes_in_metadata_only, at="/instructions", times=1)
def test_modification_that_changes_the_instructions_after_some_invalid_request_was_accepted() -> History:
    changes = {"instructions": "Changed."}
    return _run_modified_after_invalid_metadata(_WITHOUT_MUTATION, changes, **changes)


@inconclusive(modify.run_changes_in_metadata_only)
def test_invalid_modification_that_is_accepted_may_change_anything() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "completed")
    shown = run("completed", metadata={"a": 9}, instructions="")
    builder.send("modify_run", shown, body={"metadata": {"a": 9}}, step=_WITH_MUTATION)
    return builder.history()


@inconclusive(modify.metadata_stays_where_none_is_given)
def test_invalid_metadata_that_the_next_modification_drops() -> History:
    return _run_modified_after_invalid_metadata(_WITH_MUTATION, {}, metadata={})


def _assistant_modified_after_invalid_temperature(**shown: Any) -> History:
    builder = HistoryBuilder()
    builder.send("create_assistant", assistant(), body={"model": "gpt-4o"})
    step = replace(_WITHOUT_MUTATION, operation="modify_assistant")
    builder.send("modify_assistant", assistant(temperature=9), body={"temperature": 9}, step=step)
    builder.send("modify_assistant", assistant(**{"name": "Ada", "temperature": 9, **shown}), body={"name": "Ada"})
    return builder.history()


@fails(modify.assistant_keeps_what_is_not_given, at="/instructions", times=1)
def test_assistant_that_loses_its_instructions_after_an_invalid_temperature_was_accepted() -> History:
    return _assistant_modified_after_invalid_temperature(instructions="Other.")


@permitted
def test_invalid_temperature_that_the_next_modification_repairs() -> History:
    return _assistant_modified_after_invalid_temperature(temperature=1)


@fails(modify.metadata_stays_where_none_is_given, times=1)
def test_metadata_that_vanishes_after_an_invalid_temperature_was_accepted() -> History:
    return _assistant_modified_after_invalid_temperature(metadata={"new": "pair"})


@permitted
def test_modification_that_shows_a_member_in_another_type() -> History:
    return _run_modified(temperature="1.0")


@permitted
def test_modification_that_shows_no_attachments_as_null() -> History:
    return _others("Hello", attachments=None)


@inconclusive(modify.run_changes_in_metadata_only)
def test_run_that_is_revived_by_its_modification() -> History:
    return _run_modified(status="in_progress", usage=None)


def _run_modified_after(*ends: int, others: tuple[int, ...] = (), modified: int) -> History:
    """A run is read with these values of `completed_at`, and modified; `others` are those of reads of another run."""
    builder = HistoryBuilder()
    builder.see_statuses("queued", "in_progress")
    for end in ends:
        builder.get_run(run("completed", completed_at=end))
    for end in others:
        builder.get_run(run("completed", "run_b", completed_at=end))
    builder.send("modify_run", run("completed", completed_at=modified, **NEW), body=NEW)
    return builder.history()


def test_end_that_is_the_time_of_the_read_is_suspicious() -> None:
    own = _run_modified_after(T0 + 2, T0 + 4, modified=T0 + 6)
    of_another_run = _run_modified_after(T0 + 2, others=(T0 + 3, T0 + 4), modified=T0 + 6)
    for history in (own, of_another_run):
        results = judge(modify.run_changes_in_metadata_only, history)
        assert [each for each in results if each != PASSED] == [Suspicion(CHANGES_ANYWAY.format("completed_at"))]


@fails(modify.run_changes_in_metadata_only, at="/completed_at", times=1)
def test_end_that_the_modification_changes() -> History:
    return _run_modified_after(T0 + 2, T0 + 2, others=(T0 + 4, T0 + 4), modified=T0 + 6)


@fails(modify.message_and_thread_change_in_what_is_given_only, at="/attachments", times=1)
def test_attachments_that_the_modification_changes_while_a_run_writes_an_answer() -> History:
    file = {"file_id": "file_a", "tools": []}
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    builder.send("create_message", message("user", "Hello", "msg_u"), body={"role": "user", "content": "Hello"})
    builder.see_statuses("queued", "in_progress")
    for attachments in ([], [file]):
        builder.send("get_message", message(attachments=attachments))
    changed = message("user", "Hello", "msg_u", attachments=[file], **NEW)
    builder.send("modify_message", changed, body=NEW, message_id="msg_u")
    return builder.history()


@inconclusive(modify.metadata_stays_where_none_is_given)
def test_metadata_that_changes_without_a_modification() -> History:
    builder = HistoryBuilder()
    builder.send("create_assistant", assistant(metadata={"at": "1"}), body={"model": "gpt-4o"})
    builder.send("get_assistant", assistant(metadata={"at": "2"}))
    builder.send("modify_assistant", assistant(name="New", metadata={"at": "3"}), body={"name": "New"})
    return builder.history()


@passes(modify.run_changes_in_metadata_only)
def test_null_members_that_the_answer_leaves_out() -> History:
    return _run_modified(truncation_strategy={"type": "auto"})


def _others(text_value: str, **changes: Any) -> History:
    builder = HistoryBuilder()
    builder.send("create_message", message("user", "Hello"), body={"role": "user", "content": "Hello"})
    builder.send("modify_message", message("user", text_value, **{**NEW, "attachments": [], **changes}), body=NEW)
    return builder.history()


@passes(modify.message_and_thread_change_in_what_is_given_only)
def test_message_that_is_modified() -> History:
    return _others("Hello")


def _files(*ids: str) -> dict[str, Any]:
    return {"tool_resources": {"code_interpreter": {"file_ids": [*ids]}}}


def _thread_modified(shown: dict[str, Any], body: dict[str, Any] = NEW, after: dict[str, Any] | None = None) -> History:
    builder = HistoryBuilder()
    builder.send("create_thread", thread(**_files("file_1")), body=_files("file_1"))
    builder.send("modify_thread", thread(**NEW, **shown), body=body)
    builder.send("get_thread", thread(**NEW, **(after or shown)))
    return builder.history()


@passes(modify.message_and_thread_change_in_what_is_given_only)
def test_thread_that_keeps_its_files() -> History:
    return _thread_modified(_files("file_2", "file_1"))


@fails(modify.message_and_thread_change_in_what_is_given_only, at="/tool_resources/code_interpreter/file_ids", times=1)
def test_thread_that_loses_its_files_with_its_metadata() -> History:
    return _thread_modified({"tool_resources": {}})


@passes(modify.message_and_thread_change_in_what_is_given_only)
def test_answer_that_shows_less_than_is_stored() -> History:
    return _thread_modified({"tool_resources": {}}, after=_files("file_1"))


@inconclusive(modify.message_and_thread_change_in_what_is_given_only)
def test_files_that_the_request_takes_away() -> History:
    return _thread_modified(_files(), body=_files())


@fails(modify.message_and_thread_change_in_what_is_given_only, at="/content", times=1)
def test_modification_that_empties_the_message() -> History:
    return _others("")


def _assistant_modified(**changes: Any) -> History:
    builder = HistoryBuilder()
    builder.send("create_assistant", assistant(tools=[function_tool()]), body={"model": "gpt-4o"})
    body = {"name": "New", "temperature": 0.2}
    builder.send("modify_assistant", assistant(**{"tools": [function_tool()], **body, **changes}), body=body)
    return builder.history()


@passes(modify.assistant_keeps_what_is_not_given, modify.assistant_shows_what_is_given)
def test_assistant_that_is_modified() -> History:
    return _assistant_modified()


@fails(modify.assistant_keeps_what_is_not_given, at="/tools", times=1)
def test_modification_that_erases_the_tools() -> History:
    return _assistant_modified(tools=[])


@passes(modify.assistant_keeps_what_is_not_given, modify.metadata_stays_where_none_is_given)
def test_modification_after_a_stale_read() -> History:
    builder = HistoryBuilder()
    current: dict[str, Any] = {"name": "Ada", "metadata": {"a": "1"}}
    builder.send("create_assistant", assistant(name="Bob"), body={"model": "gpt-4o", "name": "Bob"})
    builder.send("modify_assistant", assistant(**current), body=current)
    builder.send("get_assistant", assistant(name="Bob"))
    changed = assistant(**current, temperature=0.5)
    builder.send("modify_assistant", changed, body={"temperature": 0.5})
    return builder.history()


@fails(modify.assistant_shows_what_is_given, at="/temperature", times=1)
def test_modification_that_is_ignored() -> History:
    return _assistant_modified(temperature=1.0)


def _name_cleared(shown: str | None) -> History:
    builder = HistoryBuilder()
    builder.send("create_assistant", assistant(name="Old"), body={"model": "gpt-4o", "name": "Old"})
    builder.send("modify_assistant", assistant(name=shown), body={"name": ""})
    return builder.history()


@passes(modify.assistant_shows_what_is_given)
def test_name_that_is_cleared_is_shown_as_null() -> History:
    return _name_cleared(None)


@passes(modify.assistant_shows_what_is_given)
def test_name_that_is_cleared_is_shown_as_an_empty_text() -> History:
    return _name_cleared("")


@fails(modify.assistant_shows_what_is_given, at="/name", times=1)
def test_name_that_should_be_cleared() -> History:
    return _name_cleared("Old")


@permitted
def test_members_of_responses_that_a_modification_ignores() -> History:
    return _assistant_sent_back(assistant(temperature=0.5))


@fails(identity.never_changes, at="/created_at", times=1)
def test_creation_time_that_a_modification_overwrites() -> History:
    return _assistant_sent_back(assistant(temperature=0.5, created_at=1))


@fails(identity.response_shows_the_requested_object, at="/id", times=1)
def test_id_that_a_modification_overwrites() -> History:
    return _assistant_sent_back(assistant("asst_0", temperature=0.5))


def _assistant_sent_back(answer: dict[str, Any]) -> History:
    """A client sends an assistant back as it once found it, with one change."""
    builder = HistoryBuilder()
    builder.send("create_assistant", assistant(), body={"model": "gpt-4o"})
    body = {"id": "asst_0", "object": "other", "created_at": 1, "temperature": 0.5}
    builder.send("modify_assistant", answer, body=body)
    return builder.history()


@permitted
def test_modification_of_an_active_run_may_be_accepted_or_refused() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "in_progress")
    builder.refuse("modify_run", body=NEW)
    builder.send("modify_run", run("completed", **NEW), body=NEW)
    return builder.history()


@permitted
def test_modified_message_without_attachments() -> History:
    builder = HistoryBuilder()
    builder.send("create_message", message("user", "Hello"), body={"role": "user", "content": "Hello"})
    builder.send("modify_message", {**message("user", "Hello", **NEW), "file_ids": []}, body=NEW)
    return builder.history()


def _renamed(**shown: Any) -> History:
    builder = HistoryBuilder()
    given = {"model": "gpt-4o", "metadata": {"team": "blue"}}
    builder.send("create_assistant", assistant(metadata={"team": "blue"}), body=given)
    builder.send("modify_assistant", assistant(name="New", **shown), body={"name": "New"})
    return builder.history()


@passes(modify.metadata_stays_where_none_is_given)
def test_assistant_that_is_renamed() -> History:
    return _renamed(metadata={"team": "blue"})


@fails(modify.metadata_stays_where_none_is_given, at="/metadata", times=1)
def test_assistant_that_loses_its_metadata_with_its_name() -> History:
    return _renamed(metadata={})


HELLO: dict[str, Any] = {"role": "user", "content": "Hello"}


def _answer_modified(status: str, accepted: bool, body: Any = NEW) -> History:
    builder = HistoryBuilder()
    builder.send("create_thread", thread(), body={"messages": [HELLO]})
    builder.see_statuses("queued", status)
    builder.send("list_messages", page(message(), message("user", "Hello", "msg_u")))
    if accepted:
        builder.send("modify_message", message(**NEW), body=body)
    else:
        builder.refuse("modify_message", body=body)
    return builder.history()


@passes(modify.message_can_be_modified)
def test_answer_that_is_modified() -> History:
    return _answer_modified("completed", True)


def test_modified_answer_is_a_part_of_the_evidence() -> None:
    def parts(**members: Any) -> set[str]:
        builder = HistoryBuilder()
        builder.send("modify_message", message(**members, **NEW), body=NEW)
        results = judge(modify.message_can_be_modified, builder.history())
        return {result.part for result in results if isinstance(result, Passed)}

    ((needed, _),) = modify.message_can_be_modified.needs_parts
    assert (parts(run_id="run_1"), parts(run_id=None)) == ({needed}, {""})


@fails(modify.message_can_be_modified, times=1)
def test_answer_that_cannot_be_modified() -> History:
    return _answer_modified("completed", False)


@passes(modify.message_can_be_modified)
def test_refused_value_is_no_message_that_cannot_be_modified() -> History:
    builder = HistoryBuilder()
    builder.send("create_thread", thread(), body={"messages": [HELLO]})
    builder.see_statuses("queued", "completed")
    builder.send("list_messages", page(message(), message("user", "Hello", "msg_u")))
    builder.send("modify_message", message(**NEW), body=NEW)
    builder.send("modify_message", error("Too long.", "metadata"), 400, body={"metadata": {"é": "1"}})
    return builder.history()


@inconclusive(modify.message_can_be_modified)
def test_longest_key_that_is_refused_is_no_message_that_cannot_be_modified() -> History:
    return _answer_modified("completed", False, LONGEST_KEY)


@inconclusive(modify.message_can_be_modified)
def test_answer_of_a_run_that_is_active() -> History:
    return _answer_modified("in_progress", False)


@inconclusive(modify.message_can_be_modified)
def test_invalid_metadata_of_a_message() -> History:
    return _answer_modified("completed", False, {"metadata": {"a": True}})


@passes(modify.message_and_thread_change_in_what_is_given_only)
def test_members_that_the_contract_does_not_know_may_change() -> History:
    builder = HistoryBuilder()
    body = {"metadata": {"a": "b"}}
    builder.send("create_message", {**message("user"), "updated_at": 1}, body={"role": "user", "content": "Hello."})
    builder.send("modify_message", {**message("user", metadata={"a": "b"}), "updated_at": 2}, body=body)
    return builder.history()


REWRITTEN = {"role": "assistant", "content": [{"type": "text", "text": "Rewritten."}], "created_at": 1}


def _message_with_fixed_members(**changes: Any) -> History:
    builder = HistoryBuilder()
    sent = {"role": "user", "content": "Hello"}
    builder.send("create_message", message("user", "Hello", "msg_u"), body=sent)
    either = Step(operation="modify_message", role=Role.NEGATIVE, expectation=Either("it may be ignored"))
    shown = message("user", "Hello", "msg_u")
    builder.send("modify_message", {**shown, **changes}, body=REWRITTEN, step=either, message_id="msg_u")
    return builder.history()


@passes(modify.message_and_thread_change_in_what_is_given_only)
def test_fixed_members_of_a_message_are_ignored() -> History:
    return _message_with_fixed_members()


@fails(modify.message_and_thread_change_in_what_is_given_only, at="/role", times=1)
def test_role_of_a_message_is_overwritten() -> History:
    return _message_with_fixed_members(role="assistant")


@fails(modify.message_and_thread_change_in_what_is_given_only, at="/content", times=1)
def test_content_of_a_message_is_overwritten() -> History:
    return _message_with_fixed_members(content=message("user", "Rewritten.")["content"])


def _run_with_fixed_members(**changes: Any) -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "completed")
    either = Step(operation="modify_run", role=Role.NEGATIVE, expectation=Either("it may be ignored"))
    body = {"instructions": "Changed.", "status": "cancelled"}
    builder.send("modify_run", {**run("completed"), **changes}, body=body, step=either)
    return builder.history()


@passes(modify.run_changes_in_metadata_only)
def test_fixed_members_of_a_run_are_ignored() -> History:
    return _run_with_fixed_members()


@fails(modify.run_changes_in_metadata_only, at="/instructions", times=1)
def test_instructions_of_a_run_are_overwritten() -> History:
    return _run_with_fixed_members(instructions="Changed.")


@fails(modify.run_changes_in_metadata_only, at="/status", times=1)
def test_status_of_a_run_is_overwritten() -> History:
    return _run_with_fixed_members(status="cancelled")
