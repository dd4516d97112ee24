"""Keys are required and checked: the rules on this, on literal histories."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from runs_conformance.contract.operation import BETA_HEADER
from runs_conformance.evidence.unauthorized_attempt import unauthorized_attempts
from runs_conformance.model.case import Key, Role, Step
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT
from runs_conformance.model.verdict import Finding, Inconclusive, Passed, Suspicion
from runs_conformance.rules import tenancy
from runs_conformance.rules.auth import api_key, beta_header
from tests.rules.examples import fails, findings, inconclusive, judge, passes, permitted
from tests.rules.histories import (
    ASSISTANT,
    T0,
    HistoryBuilder,
    action,
    assistant,
    error,
    message,
    page,
    run,
    thread,
)

STRANGE: dict[str, Any] = {"metadata": {"who": "stranger"}}
UNAUTHORISED = error("Incorrect API key provided.", code="invalid_api_key")


def test_page_for_an_unread_body_says_nothing_about_the_key() -> None:
    builder = HistoryBuilder()
    builder.send("modify_thread", thread(), body={})
    page_text = """Bad request syntax ('{"metadata":{"who":"stranger"}}POST /v1/threads/thread_a HTTP/1.1')"""
    for key, status, answer in ((Key.NONE, 401, UNAUTHORISED), (Key.WRONG, 401, UNAUTHORISED), (Key.WRONG, 400, None)):
        step = keyed("modify_thread", key)
        exchange = builder.send("modify_thread", answer or error(page_text), status, body=STRANGE, step=step)
    history = builder.history()
    assert exchange.status == 400
    assert not findings(api_key.status_is_401, history)
    assert [type(result) for result in judge(api_key.nothing_is_served_with_a_wrong_key, history)] == [
        Passed,
        Inconclusive,
    ]


def keyed(operation: str, key: Key) -> Step:
    return Step(operation=operation, key=key)


def tried(key: Key, status: int, answer: Any = UNAUTHORISED) -> History:
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    builder.create_run(run("requires_action"))
    builder.send("list_runs", answer, status, step=keyed("list_runs", key))
    return builder.history()


def one_served(key: Key) -> History:
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    builder.create_run(run("requires_action"))
    builder.send("get_thread", UNAUTHORISED, 401, step=keyed("get_thread", key))
    builder.send("list_runs", page(run("requires_action")), 200, step=keyed("list_runs", key))
    return builder.history()


@passes(
    api_key.a_key_is_asked_for,
    api_key.nothing_is_served_without_a_key,
    api_key.status_is_401,
    api_key.refusals_give_nothing_away,
)
def test_no_key_is_401() -> History:
    return tried(Key.NONE, 401)


@passes(
    api_key.a_wrong_key_is_refused,
    api_key.nothing_is_served_with_a_wrong_key,
    api_key.status_is_401,
    api_key.refusals_give_nothing_away,
)
def test_wrong_key_is_401() -> History:
    return tried(Key.WRONG, 401)


def repeating(repeats_key: bool | None) -> History:
    builder = HistoryBuilder()
    builder.send("create_thread", error("You sent [REDACTED]."), 400)
    return History.of(replace(each, repeats_key=repeats_key) for each in builder.history())


@fails(api_key.keys_are_not_repeated)
def test_response_repeats_the_key() -> History:
    return repeating(True)


@passes(api_key.keys_are_not_repeated)
def test_response_does_not_repeat_the_key() -> History:
    return repeating(False)


@permitted
def test_recorder_that_knows_no_key() -> History:
    return repeating(None)


@fails(api_key.nothing_is_served_without_a_key)
def test_one_operation_serves_without_a_key() -> History:
    return one_served(Key.NONE)


@fails(api_key.nothing_is_served_with_a_wrong_key)
def test_one_operation_serves_with_a_wrong_key() -> History:
    return one_served(Key.WRONG)


@fails(api_key.a_key_is_asked_for)
def test_no_key_is_required() -> History:
    return tried(Key.NONE, 200, page(run("requires_action")))


@fails(api_key.a_wrong_key_is_refused)
def test_any_key_will_do() -> History:
    return tried(Key.WRONG, 200, page(run("requires_action")))


def _tried_without_a_key(*statuses: int) -> History:
    """Requests without a key that get these statuses, and one with a wrong key that is served."""
    builder = HistoryBuilder()
    builder.send("get_thread", thread())
    for status in statuses:
        response = thread() if status == 200 else error("Which key?")
        builder.send("get_thread", response, status, step=keyed("get_thread", Key.NONE))
    builder.send("get_thread", thread(), step=keyed("get_thread", Key.WRONG))
    return builder.history()


@inconclusive(api_key.a_wrong_key_is_refused)
def test_any_key_will_do_where_none_is_required() -> History:
    return _tried_without_a_key(200)


@fails(api_key.a_wrong_key_is_refused, times=1)
def test_any_key_will_do_where_one_is_required() -> History:
    return _tried_without_a_key(401)


@fails(api_key.a_wrong_key_is_refused, times=1)
def test_any_key_will_do_where_most_operations_require_one() -> History:
    return _tried_without_a_key(200, 401)


def refused_otherwise(operation: str, status: int = 400, key: Key = Key.WRONG, **rest: Any) -> HistoryBuilder:
    """A request without the right key is refused, although no status says that this is due to the key."""
    builder = HistoryBuilder()
    builder.send("create_assistant", assistant(), body={"model": "gpt-4o"})
    builder.send("create_thread", thread())
    builder.send(operation, error("No database."), status, step=keyed(operation, key), **rest)
    return builder


def refused_list(status: int = 400, key: Key = Key.WRONG) -> HistoryBuilder:
    builder = refused_otherwise("list_assistants", status, key, query={"limit": 1})
    builder.send("list_assistants", page(assistant()), query={"limit": 1})
    return builder


@passes(api_key.a_wrong_key_is_refused, api_key.nothing_is_served_with_a_wrong_key, api_key.refusals_give_nothing_away)
def test_wrong_key_is_400() -> History:
    return refused_list().history()


@fails(api_key.status_is_401, at="", times=1)
def test_wrong_key_is_400_instead_of_401() -> History:
    return refused_list().history()


@passes(api_key.a_key_is_asked_for, api_key.nothing_is_served_without_a_key)
def test_no_key_is_422() -> History:
    return refused_list(422, Key.NONE).history()


@fails(api_key.nothing_is_served_with_a_wrong_key, times=1)
def test_one_operation_serves_where_a_wrong_key_is_400() -> History:
    builder = refused_list()
    builder.send("get_thread", thread(), step=keyed("get_thread", Key.WRONG))
    return builder.history()


@fails(api_key.status_is_401, times=2)
def test_wrong_key_is_400_for_objects_too() -> History:
    builder = refused_list()
    builder.send("get_thread", thread())
    builder.send("get_thread", error("No database."), 400, step=keyed("get_thread", Key.WRONG))
    return builder.history()


@passes(api_key.a_wrong_key_is_refused)
def test_wrong_key_is_400_to_a_creation() -> History:
    builder = refused_otherwise("create_thread", body={"metadata": {"a": "b"}})
    builder.send("create_thread", thread("thread_b"), body={"metadata": {"a": "b"}})
    return builder.history()


_UNDECIDED = (
    api_key.a_wrong_key_is_refused,
    api_key.nothing_is_served_with_a_wrong_key,
    api_key.status_is_401,
    api_key.refusals_give_nothing_away,
)


@inconclusive(*_UNDECIDED)
def test_wrong_key_is_400_where_the_right_key_is_too() -> History:
    builder = refused_list()
    builder.refuse("list_assistants", query={"limit": 1})
    return builder.history()


@inconclusive(*_UNDECIDED)
def test_wrong_key_is_400_to_a_query_that_the_right_key_never_sent() -> History:
    builder = refused_otherwise("list_assistants", query={"limit": 1})
    builder.send("list_assistants", page(assistant()), query={"limit": 20})
    return builder.history()


@inconclusive(*_UNDECIDED)
def test_creation_beyond_a_quota() -> History:
    builder = HistoryBuilder()
    builder.send("create_thread", thread(), body={})
    builder.send("create_thread", error("Too many threads."), 400, body={}, step=keyed("create_thread", Key.WRONG))
    return builder.history()


@inconclusive(*_UNDECIDED)
def test_wrong_key_is_405() -> History:
    return refused_list(405).history()


@inconclusive(*_UNDECIDED)
def test_any_key_is_a_tenant_that_does_not_find_the_threads_of_another() -> History:
    builder = refused_otherwise("get_thread", 404)
    builder.send("get_thread", thread())
    return builder.history()


@inconclusive(*_UNDECIDED)
def test_any_key_is_a_tenant_that_does_not_have_the_files_of_another() -> History:
    body = {"tool_resources": {"code_interpreter": {"file_ids": ["file_a"]}}}
    builder = refused_otherwise("create_thread", body=body)
    builder.send("create_thread", thread("thread_b"), body=body)
    return builder.history()


@inconclusive(*_UNDECIDED)
def test_any_key_is_a_tenant_that_does_not_have_the_model_of_another() -> History:
    builder = refused_otherwise("create_assistant", body={"model": "gpt-4o"})
    builder.send("create_assistant", assistant("asst_b"), body={"model": "gpt-4o"})
    return builder.history()


@inconclusive(api_key.nothing_is_served_with_a_wrong_key, api_key.status_is_401)
def test_any_key_is_served_but_once() -> History:
    builder = refused_list()
    builder.send("list_assistants", page(assistant()), step=keyed("list_assistants", Key.WRONG))
    return builder.history()


@fails(api_key.a_wrong_key_is_refused, at="", times=1)
def test_wrong_key_is_500() -> History:
    return refused_list(500).history()


@inconclusive(api_key.a_wrong_key_is_refused)
def test_wrong_key_where_nothing_works() -> History:
    return tried(Key.WRONG, 400)


@permitted
def test_a_server_without_keys() -> History:
    return tried(Key.NONE, 200, page(run("requires_action")))


@permitted
def test_server_without_keys_that_forbids_deletion() -> History:
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    builder.send("delete_thread", UNAUTHORISED, 403)
    builder.send("delete_thread", UNAUTHORISED, 403, step=keyed("delete_thread", Key.NONE))
    builder.send("get_thread", thread(), step=keyed("get_thread", Key.NONE))
    return builder.history()


@passes(api_key.refusals_give_nothing_away)
def test_refusal_that_contains_a_longer_id() -> History:
    return tried(Key.NONE, 401, error("You may not read run_ab, nor my-run_a."))


@passes(api_key.refusals_give_nothing_away)
def test_refusal_that_uses_the_word_that_is_an_id() -> History:
    builder = HistoryBuilder()
    builder.send("create_assistant", {**assistant(), "id": "string"}, body={"model": "gpt-4o"})
    builder.send("create_thread", {**thread(), "id": "string"})
    builder.send("list_runs", page())
    refusal = error("string", code="string")
    builder.send("create_thread", refusal, 401, step=keyed("create_thread", Key.NONE))
    return builder.history()


@passes(api_key.refusals_give_nothing_away)
def test_refusal_that_uses_the_number_that_is_an_id() -> History:
    builder = HistoryBuilder()
    builder.send("create_thread", {**thread(), "id": "1"})
    builder.send("create_thread", error("Give 1 key."), 401, step=keyed("create_thread", Key.NONE))
    return builder.history()


@pytest.mark.parametrize(("status", "result"), [(500, Suspicion), (429, Inconclusive)])
def test_request_without_a_key_that_fails_in_the_server_may_have_been_served(status: int, result: type) -> None:
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    builder.send("get_thread", UNAUTHORISED, 401, step=keyed("get_thread", Key.NONE))
    builder.send("list_runs", error(), status, step=keyed("list_runs", Key.NONE))
    results = judge(api_key.nothing_is_served_without_a_key, builder.history())
    assert [type(each) for each in results if not isinstance(each, Passed)] == [result]


@inconclusive(api_key.nothing_is_served_without_a_key)
def test_server_error_decides_nothing() -> History:
    return tried(Key.NONE, 500)


@fails(api_key.status_is_401)
def test_no_key_is_403() -> History:
    return tried(Key.NONE, 403)


@fails(api_key.refusals_give_nothing_away)
def test_refusal_with_the_object_in_it() -> History:
    return tried(Key.NONE, 401, page(run("requires_action")))


@fails(api_key.refusals_give_nothing_away)
def test_refusal_that_contains_an_id() -> History:
    return tried(Key.NONE, 401, error("You may not read run_a."))


ATTEMPTS: tuple[tuple[str, Any], ...] = (
    ("modify_assistant", STRANGE),
    ("modify_thread", STRANGE),
    ("modify_run", STRANGE),
    ("modify_message", STRANGE),
    ("create_message", {"role": "user", "content": "From a stranger."}),
    ("create_run", {"assistant_id": ASSISTANT}),
    ("submit_tool_outputs", {"tool_outputs": [{"tool_call_id": "call_a", "output": "x"}]}),
    ("cancel_run", None),
    ("delete_message", None),
)


def attempted(**after: Any) -> History:
    """Everything is tried without a key and refused, and then looked at; `after` says what is seen then."""
    waiting = run("requires_action", required_action=action(), **after.get("waiting", {}))
    builder = HistoryBuilder()
    builder.send("create_assistant", assistant(), body={"model": "gpt-4o"})
    builder.send("create_thread", thread())
    builder.send("create_message", message("user"), body={"role": "user", "content": "Hello."})
    builder.create_run(run())
    builder.get_run(waiting)
    for operation, body in ATTEMPTS:
        builder.send(operation, UNAUTHORISED, 401, body=body, step=keyed(operation, Key.NONE))
    builder.send("get_assistant", after.get("assistant", assistant()))
    builder.send("get_thread", after.get("thread", thread()))
    builder.get_run(after.get("run", waiting))
    builder.send("get_message", after.get("message", message("user")), after.get("read_status", 200))
    builder.send("list_runs", page(*after.get("runs", [waiting])))
    builder.send("list_messages", page(*after.get("messages", [message("user")])))
    return builder.history()


@passes(api_key.refusals_change_nothing)
def test_nothing_happened() -> History:
    return attempted()


def test_each_refused_write_is_a_part_of_the_evidence() -> None:
    results = judge(api_key.refusals_change_nothing, attempted())
    parts = {result.part for result in results if isinstance(result, Passed)}
    assert parts == {f"a refusal of {operation}" for operation, _ in ATTEMPTS}
    for rule in (api_key.refusals_change_nothing, tenancy.refusals_change_nothing):
        assert {part for part, _ in rule.needs_parts} >= parts - {"a refusal of cancel_run"}


@fails(api_key.refusals_change_nothing, times=1)
def test_metadata_was_modified() -> History:
    return attempted(thread=thread(**STRANGE))


@fails(api_key.refusals_change_nothing, times=1)
def test_message_was_deleted() -> History:
    return attempted(message=error(), read_status=404)


@fails(api_key.refusals_change_nothing, times=1)
def test_message_was_added() -> History:
    return attempted(messages=[message("user", "From a stranger.", "msg_b"), message("user")])


@fails(api_key.refusals_change_nothing, times=1)
def test_run_was_created() -> History:
    return attempted(runs=[run("queued", "run_b"), run("requires_action")])


def test_lists_that_show_nothing_show_no_effect() -> None:
    shown, hidden = (
        {str(attempt.exchange.operation) for attempt in unauthorized_attempts(history) if attempt.was_checked}
        for history in (attempted(), attempted(runs=[], messages=[]))
    )
    assert sorted(shown - hidden) == ["create_message", "create_run"]


def test_messages_without_content_show_no_effect() -> None:
    history = attempted(messages=[message("user", content=ABSENT)])
    checked = [attempt.exchange.operation for attempt in unauthorized_attempts(history) if attempt.was_checked]
    assert "create_message" not in checked


@permitted
def test_list_that_shows_the_run_with_another_id() -> History:
    return attempted(runs=[run("requires_action", "run_stored")])


@permitted
def test_list_that_shows_the_run_without_an_id() -> History:
    return attempted(runs=[run("requires_action", "")])


@fails(api_key.refusals_change_nothing, times=1)
def test_run_was_cancelled() -> History:
    return attempted(run=run("cancelling"), runs=[])


@fails(api_key.refusals_change_nothing, times=1)
def test_outputs_were_accepted() -> History:
    return attempted(run=run("queued"), runs=[])


@permitted
def test_run_expires_meanwhile() -> History:
    return attempted(run=run("expired"), runs=[run("expired")])


def test_run_completes_where_it_should_expire() -> None:
    history = attempted(waiting={"expires_at": T0 + 5}, run=run("completed"), runs=[run("completed")])
    assert not any(isinstance(result, Finding) for result in judge(api_key.refusals_change_nothing, history))


def _resumed(*others: dict[str, Any], is_submitted: bool = False) -> History:
    """Outputs without a valid key are refused and the run completes; so does another run, as its `others` reads show.

    `is_submitted` says whether outputs were submitted for the other run, too.
    """
    outputs = {"tool_outputs": [{"tool_call_id": "call_a", "output": "x"}]}
    builder = HistoryBuilder()
    builder.see_statuses("queued", "requires_action")
    attempt = keyed("submit_tool_outputs", Key.WRONG)
    builder.send("submit_tool_outputs", UNAUTHORISED, 401, body=outputs, step=attempt)
    builder.get_run(run("completed"))
    builder.create_run(run(id_="run_b", thread_id="thread_b"), thread_id="thread_b")
    builder.get_run(run("requires_action", "run_b", thread_id="thread_b"), thread_id="thread_b")
    if is_submitted:
        builder.send("submit_tool_outputs", UNAUTHORISED, 401, body=outputs, step=attempt, run_id="run_b")
    for other in others:
        builder.get_run({**other, "thread_id": "thread_b"}, thread_id="thread_b")
    return builder.history()


@inconclusive(api_key.refusals_change_nothing)
def test_runs_that_resume_by_themselves() -> History:
    return _resumed(run("completed", "run_b"))


@fails(api_key.refusals_change_nothing, times=1)
def test_run_that_only_the_refused_outputs_resume() -> History:
    return _resumed(run("requires_action", "run_b"))


@fails(api_key.refusals_change_nothing, times=2)
def test_runs_that_refused_outputs_resume() -> History:
    return _resumed(run("completed", "run_b"), is_submitted=True)


def _threads_read(status: int, *attacked: str, key: Key = Key.WRONG) -> History:
    """Threads are deleted with another key, which is refused, and then this one is lost; `thread_c` is read, too."""
    builder = HistoryBuilder()
    for id_ in ("thread_a", "thread_c"):
        builder.send("create_thread", thread(id_))
        builder.send("get_thread", thread(id_), thread_id=id_)
    for id_ in attacked:
        builder.send("delete_thread", UNAUTHORISED, 401, step=keyed("delete_thread", key), thread_id=id_)
    builder.send("get_thread", error(), 404)
    builder.send("get_thread", thread("thread_c") if status == 200 else error(), status, thread_id="thread_c")
    return builder.history()


@inconclusive(api_key.refusals_change_nothing)
def test_threads_that_are_lost_anyway() -> History:
    return _threads_read(404, "thread_a")


@inconclusive(tenancy.refusals_change_nothing)
def test_threads_of_a_tenant_that_are_lost_anyway() -> History:
    return _threads_read(404, "thread_a", key=Key.SECOND)


@fails(api_key.refusals_change_nothing, times=1)
def test_only_the_thread_of_the_refused_deletion_is_lost() -> History:
    return _threads_read(200, "thread_a")


@fails(tenancy.refusals_change_nothing, times=1)
def test_only_the_thread_that_another_tenant_deleted_is_lost() -> History:
    return _threads_read(200, "thread_a", key=Key.SECOND)


@fails(api_key.refusals_change_nothing, times=2)
def test_threads_of_refused_deletions_are_lost() -> History:
    return _threads_read(404, "thread_a", "thread_c")


@fails(api_key.refusals_change_nothing, times=1)
def test_thread_of_a_refused_deletion_is_lost_where_a_tenant_finds_none() -> History:
    builder = HistoryBuilder()
    for id_ in ("thread_a", "thread_c"):
        builder.send("create_thread", thread(id_))
        builder.send("get_thread", thread(id_), thread_id=id_)
    builder.send("get_thread", error(), 404, step=keyed("get_thread", Key.SECOND), thread_id="thread_c")
    builder.send("delete_thread", UNAUTHORISED, 401, step=keyed("delete_thread", Key.WRONG))
    builder.send("get_thread", error(), 404)
    return builder.history()


@permitted
def test_owner_modifies_the_same_afterwards() -> History:
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    builder.send("modify_thread", UNAUTHORISED, 401, body=STRANGE, step=keyed("modify_thread", Key.WRONG))
    builder.send("modify_thread", thread(**STRANGE), body=STRANGE)
    builder.send("get_thread", thread(**STRANGE))
    return builder.history()


def without_beta(value: str | None, status: int, answer: Any, dialect: str = "openai") -> History:
    builder = HistoryBuilder(dialect)
    step = Step(operation="get_thread", headers={BETA_HEADER[0]: value})
    builder.send("get_thread", answer, status, step=step)
    return builder.history()


@passes(beta_header.beta_header_is_required, beta_header.missing_beta_header_is_invalid_beta)
def test_beta_header_is_missing() -> History:
    return without_beta(None, 400, error("You must provide the 'OpenAI-Beta' header.", code="invalid_beta"))


@fails(beta_header.beta_header_is_required)
def test_beta_header_is_not_required() -> History:
    return without_beta(None, 200, thread())


@permitted
def test_request_without_beta_header_is_accepted() -> History:
    return without_beta(None, 200, thread())


@inconclusive(beta_header.beta_header_is_required)
def test_azure_has_no_beta_header() -> History:
    return without_beta(None, 200, thread(), "azure")


@inconclusive(beta_header.missing_beta_header_is_invalid_beta)
def test_route_is_missing_where_the_beta_header_is_not_required() -> History:
    builder = HistoryBuilder()
    for operation, answer, status in (("get_thread", thread(), 200), ("create_thread_and_run", error(), 404)):
        builder.send(operation, answer, status, step=Step(operation=operation, headers={BETA_HEADER[0]: None}))
    return builder.history()


@inconclusive(beta_header.missing_beta_header_is_invalid_beta)
def test_refusal_for_another_reason_where_the_beta_header_is_not_required() -> History:
    builder = HistoryBuilder()
    for operation, answer, status in (("get_thread", thread(), 200), ("create_thread_and_run", error(), 422)):
        builder.send(operation, answer, status, step=Step(operation=operation, headers={BETA_HEADER[0]: None}))
    return builder.history()


@inconclusive(beta_header.beta_header_is_required, beta_header.missing_beta_header_is_invalid_beta)
def test_run_that_is_refused_for_its_status_without_the_beta_header() -> History:
    builder = HistoryBuilder()
    step = Step(operation="modify_run", role=Role.NEGATIVE, headers={"OpenAI-Beta": None})
    builder.refuse("modify_run", text="Cannot update run with status 'requires_action'.", step=step)
    return builder.history()


@fails(beta_header.missing_beta_header_is_invalid_beta)
def test_missing_beta_header_is_404() -> History:
    return without_beta(None, 404, error())


@passes(beta_header.first_beta_is_over)
def test_first_beta_is_refused() -> History:
    return without_beta("assistants=v1", 400, error(code="invalid_beta"))


@fails(beta_header.first_beta_is_over)
def test_first_beta_is_served() -> History:
    return without_beta("assistants=v1", 200, thread())


def in_basic(status: int, without: int = 401) -> History:
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    builder.send(
        "get_thread", thread() if without == 200 else UNAUTHORISED, without, step=keyed("get_thread", Key.NONE)
    )
    builder.send("get_thread", thread() if status == 200 else UNAUTHORISED, status, step=keyed("get_thread", Key.BASIC))
    return builder.history()


@passes(api_key.a_key_counts_as_a_bearer_token_only)
def test_key_under_another_scheme_is_refused() -> History:
    return in_basic(401)


@fails(api_key.a_key_counts_as_a_bearer_token_only)
def test_key_under_another_scheme_is_accepted() -> History:
    return in_basic(200)


@inconclusive(api_key.a_key_counts_as_a_bearer_token_only)
def test_key_under_another_scheme_without_key_check() -> History:
    return in_basic(200, without=200)


def _keyless(*sent: tuple[str, int, Any], before: int = 200) -> HistoryBuilder:
    """Requests without a key on a thread with a message; `sent` are operation, status and response."""
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    builder.send("create_message", message("user", id_="msg_u"), body={"role": "user", "content": "Hello."})
    builder.send("get_message", message("user", id_="msg_u"), message_id="msg_u")
    for operation, status, answer in sent:
        builder.send(operation, answer, status, step=keyed(operation, Key.NONE), message_id="msg_u")
    return builder


@inconclusive(api_key.refusals_change_nothing)
def test_message_that_a_later_request_deleted() -> History:
    builder = _keyless(("delete_message", 401, UNAUTHORISED), ("delete_thread", 200, {"deleted": True}))
    builder.send("get_message", error(), 404, message_id="msg_u")
    return builder.history()


@fails(api_key.refusals_change_nothing)
def test_message_that_a_refused_request_deleted() -> History:
    builder = _keyless(("delete_message", 401, UNAUTHORISED))
    builder.send("get_message", error(), 404, message_id="msg_u")
    return builder.history()


@inconclusive(api_key.refusals_change_nothing)
def test_message_that_was_lost_before_the_refused_request() -> History:
    builder = _keyless(("get_message", 404, error()), ("delete_message", 401, UNAUTHORISED))
    builder.send("get_message", error(), 404, message_id="msg_u")
    return builder.history()


@inconclusive(api_key.refusals_change_nothing)
def test_message_that_a_list_lacked_before_the_refused_request() -> History:
    builder = _keyless()
    builder.send("list_messages", page())
    builder.send("delete_message", UNAUTHORISED, 401, step=keyed("delete_message", Key.NONE), message_id="msg_u")
    builder.send("get_message", error(), 404, message_id="msg_u")
    return builder.history()


@inconclusive(api_key.refusals_change_nothing, api_key.nothing_is_served_without_a_key, api_key.status_is_401)
def test_operation_that_is_not_there_refuses_no_key() -> History:
    builder = _keyless(("delete_message", 405, error()))
    builder.send("get_message", error(), 404, message_id="msg_u")
    return builder.history()


@inconclusive(api_key.refusals_give_nothing_away, api_key.refusals_change_nothing)
def test_server_without_keys_has_that_one_fault() -> History:
    text = "Thread thread_a already has an active run run_a."
    builder = _keyless(("get_thread", 200, thread()), ("create_run", 400, error(text)))
    builder.create_run(run("completed"))
    builder.send("list_runs", page(run("completed"), run(id_="run_z", thread_id="thread_z")))
    return builder.history()


@passes(api_key.refusals_change_nothing)
def test_list_of_all_threads_shows_no_refused_run() -> History:
    builder = _keyless(("create_run", 401, UNAUTHORISED))
    builder.send("list_runs", page(run(id_="run_z", thread_id="thread_z")))
    return builder.history()


def _listed_after_refused_outputs(*reads: str) -> History:
    """A run waits, outputs without a valid key are refused, the run is read in these statuses, and lists as queued."""
    outputs = {"tool_outputs": [{"tool_call_id": "call_a", "output": "x"}]}
    builder = HistoryBuilder()
    builder.see_statuses("queued", "requires_action")
    attempt = keyed("submit_tool_outputs", Key.WRONG)
    builder.send("submit_tool_outputs", UNAUTHORISED, 401, body=outputs, step=attempt)
    for status in reads:
        builder.get_run(run(status))
    builder.send("list_runs", page(run("queued")))
    return builder.history()


def test_list_that_lags_behind_a_waiting_run_shows_no_effect_of_refused_outputs() -> None:
    history = _listed_after_refused_outputs("requires_action")
    assert not any(isinstance(result, Finding) for result in judge(api_key.refusals_change_nothing, history))


@fails(api_key.refusals_change_nothing)
def test_list_that_shows_the_effect_of_refused_outputs() -> History:
    return _listed_after_refused_outputs()
