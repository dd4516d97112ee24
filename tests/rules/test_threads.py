"""Threads have the messages given to them: the rules on this, on literal histories."""

from __future__ import annotations

from typing import Any

import pytest

from runs_conformance.evidence.complete_list import NOT_SHOWN_TO_ITS_END
from runs_conformance.model.case import Key, Step
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT
from runs_conformance.model.verdict import PASSED, Inconclusive, Passed, Suspicion
from runs_conformance.rules import ids
from runs_conformance.rules.threads import messages_in_thread, run_with_new_thread, tool_resources
from tests.rules.examples import fails, inconclusive, judge, passes, permitted, suspicious
from tests.rules.histories import ASSISTANT, T0, HistoryBuilder, assistant, error, message, page, run, thread

GIVEN = [{"role": "user", "content": "My name is Ada."}, {"role": "user", "content": "Who am I?"}]
ADA = message("user", "My name is Ada.", "msg_1")
WHO = message("user", "Who am I?", "msg_2")


def _created(*shown: dict[str, Any]) -> History:
    builder = HistoryBuilder()
    builder.send("create_thread", thread(), body={"messages": GIVEN})
    builder.send("list_messages", page(*shown), query={"order": "asc"})
    return builder.history()


@passes(
    messages_in_thread.begin_with_the_messages_given,
    messages_in_thread.keep_the_order_of_their_messages,
    messages_in_thread.hold_only_what_was_sent,
)
def test_thread_with_messages() -> History:
    return _created(ADA, WHO)


@inconclusive(messages_in_thread.hold_only_what_was_sent)
def test_list_that_shows_none_of_the_messages() -> History:
    return _created()


@inconclusive(messages_in_thread.hold_only_what_was_sent)
def test_list_that_lacks_a_message() -> History:
    return _created(ADA)


@pytest.mark.parametrize("body", [{}, {"thread": {"messages": GIVEN}}])
def test_the_list_of_an_empty_thread_with_a_run_is_part_of_the_evidence(body: dict[str, Any]) -> None:
    rule, builder = messages_in_thread.hold_only_what_was_sent, HistoryBuilder()
    builder.send("create_thread_and_run", run(), body={"assistant_id": ASSISTANT, **body})
    builder.get_run(run("completed"))
    builder.send("list_messages", page(message(), *([WHO, ADA] if body else [])))
    parts = [result.part for result in judge(rule, builder.history()) if isinstance(result, Passed)]
    assert parts == ["" if body else next(part for part, *_ in rule.needs_parts)]


@pytest.mark.parametrize("has_list_elsewhere", [False, True])
def test_list_that_is_not_shown_to_its_end_is_inconclusive(has_list_elsewhere: bool) -> None:
    """A static mock may say on every page that more follows."""
    builder = HistoryBuilder()
    builder.send("create_thread", thread(), body={"messages": GIVEN})
    builder.send("list_messages", page(ADA, has_more=True))
    if has_list_elsewhere:
        builder.send("list_messages", page(), thread_id="thread_b")
    for rule in (
        messages_in_thread.begin_with_the_messages_given,
        messages_in_thread.keep_the_order_of_their_messages,
        messages_in_thread.hold_only_what_was_sent,
    ):
        assert judge(rule, builder.history()) == [Inconclusive(NOT_SHOWN_TO_ITS_END)]


def test_list_whose_end_another_page_shows_is_judged() -> None:
    builder = HistoryBuilder()
    builder.send("create_thread", thread(), body={"messages": GIVEN})
    builder.send("list_messages", page(ADA, has_more=True), query={"order": "asc", "limit": 1})
    builder.send("list_messages", page(ADA, WHO), query={"order": "asc"})
    assert judge(messages_in_thread.begin_with_the_messages_given, builder.history()) == [PASSED]


@fails(messages_in_thread.begin_with_the_messages_given, at="/data", times=1)
def test_thread_that_keeps_the_last_message_only() -> History:
    return _created(WHO)


@fails(messages_in_thread.begin_with_the_messages_given, at="/data/0/content", times=1)
def test_thread_that_joins_the_parts_of_a_message() -> History:
    parts = [{"type": "text", "text": each} for each in ("My name is", "Ada.")]
    builder = HistoryBuilder()
    builder.send("create_thread", thread(), body={"messages": [{"role": "user", "content": parts}, GIVEN[1]]})
    builder.send("list_messages", page(message("user", "My name is\nAda.", "msg_1"), WHO), query={"order": "asc"})
    return builder.history()


@pytest.mark.parametrize("name", ["role", "content"])
def test_listed_message_without_a_role_or_content_may_be_the_missing_one(name: str) -> None:
    incomplete = {key: value for key, value in WHO.items() if key != name}
    (result,) = judge(messages_in_thread.begin_with_the_messages_given, _created(ADA, incomplete))
    assert result == Suspicion(f"listed messages have no `{name}`, which would tell what they are")


@fails(messages_in_thread.begin_with_the_messages_given, times=2)
def test_fewer_listed_messages_without_a_role_than_are_missing() -> History:
    return _created({key: value for key, value in WHO.items() if key != "role"})


@fails(messages_in_thread.keep_the_order_of_their_messages, at="/data", times=1)
def test_thread_that_reverses_its_messages() -> History:
    return _created(WHO, ADA)


def _listed(*shown: dict[str, Any], order: str | None = None, beside: tuple[dict[str, Any], ...] = ()) -> History:
    """A list of a thread with messages, and one of another thread, both requested in this order."""
    query = {"order": order} if order is not None else {}
    builder = HistoryBuilder()
    builder.send("create_thread", thread(), body={"messages": GIVEN})
    builder.send("list_messages", page(*beside), query=query, thread_id="thread_b")
    builder.send("list_messages", page(*shown), query=query)
    return builder.history()


LATER = {**WHO, "created_at": T0 + 1}
ELSEWHERE = tuple(message("user", "Hi.", f"msg_{n}", created_at=T0 + n, thread_id="thread_b") for n in (4, 5))


@inconclusive(messages_in_thread.keep_the_order_of_their_messages)
def test_list_of_a_thread_in_another_order_than_requested() -> History:
    return _listed(LATER, ADA, order="asc")


@inconclusive(messages_in_thread.keep_the_order_of_their_messages)
def test_list_of_a_thread_that_begins_with_the_oldest_by_default() -> History:
    return _listed(ADA, LATER)


@inconclusive(messages_in_thread.keep_the_order_of_their_messages)
def test_list_of_messages_of_one_second_in_the_order_of_other_lists() -> History:
    return _listed(WHO, ADA, order="asc", beside=ELSEWHERE[::-1])


@inconclusive(messages_in_thread.keep_the_order_of_their_messages)
def test_list_of_messages_of_one_second_in_an_unknown_order() -> History:
    return _listed(ADA, WHO)


@fails(messages_in_thread.keep_the_order_of_their_messages, times=1)
def test_list_of_reversed_messages_whose_default_order_is_known() -> History:
    return _listed(ADA, WHO, beside=ELSEWHERE[::-1])


@fails(messages_in_thread.keep_the_order_of_their_messages, times=1)
def test_list_of_reversed_messages_of_one_second_beside_a_list_in_order() -> History:
    return _listed(WHO, ADA, order="asc", beside=ELSEWHERE)


@fails(messages_in_thread.hold_only_what_was_sent, at="/data", times=1)
def test_thread_with_a_duplicate_message() -> History:
    return _created(ADA, WHO, message("user", "Who am I?", "msg_3"))


@inconclusive(messages_in_thread.hold_only_what_was_sent)
def test_list_that_repeats_a_message() -> History:
    return _created(ADA, WHO, WHO)


ANSWER = {**message(), "role": "user"}


def _answered(*shown: dict[str, Any]) -> History:
    """A thread with messages of both roles is answered by a run."""
    builder = HistoryBuilder()
    given = [*GIVEN, {"role": "assistant", "content": "Ada."}]
    builder.send("create_thread", thread(), body={"messages": given})
    builder.see_statuses("queued", "completed")
    builder.send("list_messages", page(*shown), query={"order": "asc"})
    return builder.history()


@inconclusive(messages_in_thread.hold_only_what_was_sent)
def test_answer_that_is_shown_with_role_user() -> History:
    return _answered(ADA, WHO, message("assistant", "Ada.", "msg_3", run_id=None), ANSWER)


@inconclusive(messages_in_thread.hold_only_what_was_sent)
def test_assistant_message_that_is_stored_as_one_of_the_user() -> History:
    return _answered(ADA, WHO, message("user", "Ada.", "msg_3"), message())


@fails(messages_in_thread.begin_with_the_messages_given)
def test_assistant_message_that_is_stored_as_one_of_the_user_is_missing() -> History:
    return _answered(ADA, WHO, message("user", "Ada.", "msg_3"), message())


@fails(messages_in_thread.hold_only_what_was_sent, times=1)
def test_foreign_message_beside_an_answer_with_role_user() -> History:
    return _answered(ADA, WHO, message("user", "Who is she?", "msg_3"), ANSWER)


@fails(messages_in_thread.hold_only_what_was_sent, times=1)
def test_message_with_role_user_of_a_run_of_another_thread() -> History:
    return _answered(ADA, WHO, {**ANSWER, "run_id": "run_z"})


@fails(messages_in_thread.hold_only_what_was_sent, times=1)
def test_user_message_that_is_stored_once_more_than_it_was_sent_with_another_role() -> History:
    return _answered(ADA, WHO, *(message("user", "Ada.", f"msg_{n}") for n in (3, 4)), message())


@fails(messages_in_thread.hold_only_what_was_sent, at="/data", times=1)
def test_foreign_message_that_has_the_id_of_another() -> History:
    return _created(ADA, WHO, message("user", "Who is she?", "msg_2"))


def _deleted_through_another_path(home: str, *shown: dict[str, Any]) -> History:
    """Both threads get messages; msg_3 of the home thread is deleted by the path of the other; thread_a is listed."""
    path_of_deletion = "thread_b" if home == "thread_a" else "thread_a"
    builder = HistoryBuilder()
    builder.send("create_thread", thread(), body={"messages": GIVEN})
    builder.send("create_thread", {**thread(), "id": "thread_b"})
    hello = message("user", "Hello?", "msg_3", thread_id=home)
    builder.send("create_message", hello, thread_id=home, body={"role": "user", "content": "Hello?"})
    deleted = {"id": "msg_3", "object": "thread.message.deleted", "deleted": True}
    builder.send("delete_message", deleted, thread_id=path_of_deletion, message_id="msg_3")
    builder.send("list_messages", page(*shown), query={"order": "asc"})
    return builder.history()


@fails(messages_in_thread.begin_with_the_messages_given, at="/data", times=1)
def test_thread_that_loses_a_message_when_one_of_another_thread_is_deleted() -> History:
    return _deleted_through_another_path("thread_b", ADA)


@passes(messages_in_thread.begin_with_the_messages_given, messages_in_thread.hold_only_what_was_sent)
def test_thread_that_keeps_its_messages_when_one_of_another_thread_is_deleted() -> History:
    return _deleted_through_another_path("thread_b", ADA, WHO)


@permitted
def test_message_that_is_deleted_through_the_path_of_another_thread() -> History:
    return _deleted_through_another_path("thread_a", ADA)


def _created_with_run(body: dict[str, Any], *shown: dict[str, Any], read: int = 200) -> History:
    builder = HistoryBuilder()
    builder.send("create_thread_and_run", run(), body={"assistant_id": ASSISTANT, **body})
    builder.send("get_thread", thread(), read)
    builder.get_run(run("completed"))
    builder.send("list_messages", page(*shown), query={"order": "asc"})
    return builder.history()


@passes(
    run_with_new_thread.run_gets_a_thread_of_its_own,
    messages_in_thread.begin_with_the_messages_given,
    messages_in_thread.hold_only_what_was_sent,
)
def test_thread_that_is_created_with_its_run() -> History:
    return _created_with_run({"thread": {"messages": GIVEN}}, ADA, WHO, message())


@fails(messages_in_thread.begin_with_the_messages_given, at="/data", times=2)
def test_run_whose_thread_lacks_the_supplied_messages() -> History:
    return _created_with_run({"thread": {"messages": GIVEN}}, message())


@fails(messages_in_thread.hold_only_what_was_sent, times=1)
def test_thread_that_should_be_empty() -> History:
    return _created_with_run({}, ADA, message())


@fails(run_with_new_thread.run_gets_a_thread_of_its_own, times=1)
def test_thread_that_does_not_exist() -> History:
    return _created_with_run({}, read=404)


def _hidden_threads(plain: int) -> History:
    """A read of a thread that was created without a run gets this HTTP status, one of a run's thread 404."""
    builder = HistoryBuilder()
    builder.send("create_thread", thread("thread_b"))
    builder.send("get_thread", thread("thread_b") if plain == 200 else error(), plain, thread_id="thread_b")
    builder.send("create_thread_and_run", run(), body={"assistant_id": ASSISTANT})
    builder.refuse("get_thread", 404)
    return builder.history()


def test_read_that_finds_no_thread_does_not_show_that_the_runs_own_is_missing() -> None:
    results = judge(run_with_new_thread.run_gets_a_thread_of_its_own, _hidden_threads(404))
    assert [type(result) for result in results] == [Passed, Inconclusive]


@fails(run_with_new_thread.run_gets_a_thread_of_its_own, at="", times=1)
def test_read_that_finds_other_threads_shows_that_the_runs_own_is_missing() -> History:
    return _hidden_threads(200)


def test_thread_that_cannot_be_read() -> None:
    results = judge(run_with_new_thread.run_gets_a_thread_of_its_own, _created_with_run({}, read=500))
    assert [type(result) for result in results] == [Passed, Suspicion]


@permitted
def test_thread_that_is_hidden_from_another_tenant() -> History:
    builder = HistoryBuilder()
    builder.send("create_thread_and_run", run(), body={"assistant_id": ASSISTANT})
    builder.send("get_thread", error("No thread found."), 404, step=Step(operation="get_thread", key=Key.SECOND))
    return builder.history()


def _thread_of_second_tenant(reader: Key) -> History:
    """A thread that another tenant created with a run, and that a tenant cannot read."""
    builder = HistoryBuilder()
    created = Step(operation="create_thread_and_run", key=Key.SECOND)
    builder.send("create_thread_and_run", run(), body={"assistant_id": ASSISTANT}, step=created)
    builder.send("get_thread", error("No thread found."), 404, step=Step(operation="get_thread", key=reader))
    return builder.history()


@permitted
def test_thread_of_another_tenant_is_hidden_from_the_first() -> History:
    return _thread_of_second_tenant(Key.PRIMARY)


@fails(run_with_new_thread.run_gets_a_thread_of_its_own, times=1)
def test_thread_of_another_tenant_is_hidden_from_its_creator() -> History:
    return _thread_of_second_tenant(Key.SECOND)


@fails(run_with_new_thread.run_gets_a_thread_of_its_own, at="/thread_id", times=1)
def test_run_on_an_existing_thread() -> History:
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    builder.send("create_thread_and_run", run(), body={"assistant_id": ASSISTANT})
    return builder.history()


def test_thread_that_a_run_reuses_is_not_another_thread_with_its_id() -> None:
    for operation, answer in (("create_thread", thread()), ("create_thread_and_run", run(id_="run_0"))):
        builder = HistoryBuilder()
        builder.send("create_thread", thread("thread_b"))
        builder.send(operation, answer, body={"assistant_id": ASSISTANT})
        builder.send("create_thread_and_run", run(), body={"assistant_id": ASSISTANT})
        passes(ids.no_two_objects_share_an_id)(builder.history)()
        fails(run_with_new_thread.run_gets_a_thread_of_its_own, at="/thread_id", times=1)(builder.history)()


def _resources(shown: dict[str, Any]) -> History:
    builder = HistoryBuilder()
    requested = {"code_interpreter": {"file_ids": ["file-a"]}, "file_search": {"vector_store_ids": ["vs_a"]}}
    builder.send("create_thread", thread(tool_resources=shown), body={"tool_resources": requested})
    return builder.history()


@passes(tool_resources.show_their_tool_resources)
def test_tool_resources() -> History:
    return _resources({"code_interpreter": {"file_ids": ["file-a"]}, "file_search": {"vector_store_ids": ["vs_a"]}})


@fails(tool_resources.show_their_tool_resources, at="/tool_resources/code_interpreter/file_ids", times=1)
def test_lost_tool_resources() -> History:
    return _resources({"file_search": {"vector_store_ids": ["vs_a"]}})


FILES = {"code_interpreter": {"file_ids": ["file-a"]}}


def _resources_with_run(shown: dict[str, Any], requested: dict[str, Any] = FILES) -> History:
    builder = HistoryBuilder()
    body = {"assistant_id": ASSISTANT, "thread": {"tool_resources": requested}}
    builder.send("create_thread_and_run", run(), body=body)
    builder.send("get_thread", thread(tool_resources=shown))
    return builder.history()


@passes(tool_resources.show_their_tool_resources)
def test_tool_resources_of_a_thread_created_with_its_run() -> History:
    return _resources_with_run({"code_interpreter": {"file_ids": ["file-a", "file-of-a-message"]}})


@fails(tool_resources.show_their_tool_resources, at="/tool_resources/code_interpreter/file_ids", times=1)
def test_lost_tool_resources_of_a_thread_created_with_its_run() -> History:
    return _resources_with_run({})


@permitted
def test_tool_resources_that_a_modification_may_have_changed() -> History:
    builder = HistoryBuilder()
    body = {"assistant_id": ASSISTANT, "thread": {"tool_resources": FILES}}
    builder.send("create_thread_and_run", run(), body=body)
    builder.send("modify_thread", thread(), body={"tool_resources": {}})
    builder.send("get_thread", thread())
    return builder.history()


def test_tool_resources_of_an_invalid_request_are_not_judged() -> None:
    both = {"file_search": {"vector_store_ids": ["vs_a"], "vector_stores": [{"file_ids": []}]}}
    assert not judge(tool_resources.show_their_tool_resources, _resources_with_run({}, both))


@permitted
def test_message_whose_answer_was_lost() -> History:
    builder = HistoryBuilder()
    builder.send("create_thread", thread(), body={"messages": GIVEN})
    builder.lose_answer("create_message", body={"role": "user", "content": "Hello?"})
    builder.send("list_messages", page(ADA, WHO, message("user", "Hello?", "msg_3")))
    return builder.history()


def _without_a_thread(
    status: int,
    instructions: str = "Be brief.",
    another: bool = True,
    reason: str = "Missing required parameter: 'thread'.",
) -> History:
    builder = HistoryBuilder()
    builder.send("create_assistant", assistant(instructions=instructions), body={"model": "gpt-4o"})
    builder.send(
        "create_thread_and_run",
        run() if status == 200 else error(reason),
        status,
        body={"assistant_id": ASSISTANT},
    )
    if another:
        body = {"assistant_id": ASSISTANT, "thread": {"messages": GIVEN}}
        builder.send("create_thread_and_run", run(id="run_b", thread_id="thread_b"), body=body)
    return builder.history()


@passes(run_with_new_thread.run_needs_no_thread)
def test_run_without_a_thread() -> History:
    return _without_a_thread(200)


@fails(run_with_new_thread.run_needs_no_thread, times=1)
def test_run_that_is_refused_without_a_thread() -> History:
    return _without_a_thread(400)


@inconclusive(run_with_new_thread.run_needs_no_thread)
def test_run_without_a_thread_whose_assistant_runs_on_another() -> History:
    return _without_a_thread(400, reason="Thread thread_z already has an active run run_z.")


@fails(run_with_new_thread.run_needs_no_thread, times=1)
def test_run_that_is_refused_without_an_active_thread() -> History:
    return _without_a_thread(400, reason="Expected an active thread.")


@permitted
def test_run_without_thread_and_instructions() -> History:
    return _without_a_thread(400, instructions="")


@passes(run_with_new_thread.run_needs_no_thread)
def test_run_without_thread_and_instructions_is_accepted() -> History:
    return _without_a_thread(200, instructions="")


@inconclusive(run_with_new_thread.run_needs_no_thread)
def test_run_of_a_model_that_may_not_exist() -> History:
    return _without_a_thread(400, another=False)


def _in_another_shape(*shown: Any) -> History:
    builder = HistoryBuilder()
    builder.send("create_thread", thread(), body={"messages": GIVEN})
    builder.send("list_messages", page(*shown), query={"order": "asc"})
    return builder.history()


@inconclusive(run_with_new_thread.run_gets_a_thread_of_its_own)
def test_run_without_a_thread_id_names_no_old_thread() -> History:
    builder = HistoryBuilder()
    body = {"assistant_id": ASSISTANT}
    builder.send(
        "create_thread_and_run", run(thread_id=ABSENT), body=body, step=Step(operation="create_thread_and_run")
    )
    return builder.history()


@passes(messages_in_thread.hold_only_what_was_sent)
def test_messages_shown_in_another_shape_were_sent() -> History:
    return _in_another_shape({**ADA, "content": ["My name is Ada."]}, {**WHO, "content": "Who am I? "})


@fails(messages_in_thread.hold_only_what_was_sent, times=1)
def test_foreign_message_beside_one_in_another_shape() -> History:
    return _in_another_shape({**ADA, "content": ["My name is Ada."]}, WHO, message("user", "Who is she?", "msg_3"))


@suspicious(messages_in_thread.begin_with_the_messages_given)
def test_initial_messages_of_another_thread() -> History:
    return _created(*({**each, "thread_id": "thread_b"} for each in (ADA, WHO)))


@suspicious(messages_in_thread.begin_with_the_messages_given)
def test_list_that_ends_early_lacks_no_initial_message() -> History:
    given = [{"role": "user", "content": f"No. {n}"} for n in range(12)]
    builder = HistoryBuilder()
    builder.send("create_thread", thread(), body={"messages": given})
    builder.send("list_messages", page(*(message("user", f"No. {n}", f"msg_{n}") for n in range(10))))
    return builder.history()
