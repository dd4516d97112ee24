from __future__ import annotations

from typing import Any

from runs_conformance.contract.operation import BETA_HEADER
from runs_conformance.model.case import Key, Step
from runs_conformance.model.history import History
from runs_conformance.rules import auth
from tests.rules.examples import breaks, holds, legal, undecided
from tests.rules.histories import (
    ASSISTANT,
    Told,
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


def keyed(operation: str, key: Key) -> Step:
    return Step(operation=operation, key=key)


def tried(key: Key, status: int, answer: Any = UNAUTHORISED) -> History:
    tell = Told()
    tell.send("create_thread", thread())
    tell.create_run(run("requires_action"))
    tell.send("list_runs", answer, status, step=keyed("list_runs", key))
    return tell.history()


def one_served(key: Key) -> History:
    tell = Told()
    tell.send("create_thread", thread())
    tell.create_run(run("requires_action"))
    tell.send("get_thread", UNAUTHORISED, 401, step=keyed("get_thread", key))
    tell.send("list_runs", page(run("requires_action")), 200, step=keyed("list_runs", key))
    return tell.history()


@holds(
    auth.a_key_is_asked_for,
    auth.nothing_is_served_without_a_key,
    auth.status_is_401,
    auth.refusals_give_nothing_away,
)
def test_no_key_is_401() -> History:
    return tried(Key.NONE, 401)


@holds(
    auth.a_wrong_key_is_told_apart,
    auth.nothing_is_served_with_a_wrong_key,
    auth.status_is_401,
    auth.refusals_give_nothing_away,
)
def test_wrong_key_is_401() -> History:
    return tried(Key.WRONG, 401)


@breaks(auth.nothing_is_served_without_a_key)
def test_one_operation_serves_without_a_key() -> History:
    return one_served(Key.NONE)


@breaks(auth.nothing_is_served_with_a_wrong_key)
def test_one_operation_serves_with_a_wrong_key() -> History:
    return one_served(Key.WRONG)


@breaks(auth.a_key_is_asked_for)
def test_no_key_is_asked_for() -> History:
    return tried(Key.NONE, 200, page(run("requires_action")))


@breaks(auth.a_wrong_key_is_told_apart)
def test_any_key_will_do() -> History:
    return tried(Key.WRONG, 200, page(run("requires_action")))


@legal
def test_a_server_without_keys() -> History:
    return tried(Key.NONE, 200, page(run("requires_action")))


@legal
def test_a_server_without_keys_where_nobody_may_delete() -> History:
    tell = Told()
    tell.send("create_thread", thread())
    tell.send("delete_thread", UNAUTHORISED, 403)
    tell.send("delete_thread", UNAUTHORISED, 403, step=keyed("delete_thread", Key.NONE))
    tell.send("get_thread", thread(), step=keyed("get_thread", Key.NONE))
    return tell.history()


@holds(auth.refusals_give_nothing_away)
def test_refusal_that_tells_a_longer_id() -> History:
    return tried(Key.NONE, 401, error("You may not read run_ab, nor my-run_a."))


@undecided(auth.nothing_is_served_without_a_key)
def test_server_error_decides_nothing() -> History:
    return tried(Key.NONE, 500)


@breaks(auth.status_is_401)
def test_no_key_is_403() -> History:
    return tried(Key.NONE, 403)


@breaks(auth.refusals_give_nothing_away)
def test_refusal_with_the_object_in_it() -> History:
    return tried(Key.NONE, 401, page(run("requires_action")))


@breaks(auth.refusals_give_nothing_away)
def test_refusal_that_tells_an_id() -> History:
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


def intruded(**after: Any) -> History:
    """Everything is tried without a key and refused, and then looked at; `after` says what is seen then."""
    waiting = run("requires_action", required_action=action())
    tell = Told()
    tell.send("create_assistant", assistant(), body={"model": "gpt-4o"})
    tell.send("create_thread", thread())
    tell.send("create_message", message("user"), body={"role": "user", "content": "Hello."})
    tell.create_run(run())
    tell.get_run(waiting)
    for operation, body in ATTEMPTS:
        tell.send(operation, UNAUTHORISED, 401, body=body, step=keyed(operation, Key.NONE))
    tell.send("get_assistant", after.get("assistant", assistant()))
    tell.send("get_thread", after.get("thread", thread()))
    tell.get_run(after.get("run", waiting))
    tell.send("get_message", after.get("message", message("user")), after.get("found", 200))
    tell.send("list_runs", page(*after.get("runs", [waiting])))
    tell.send("list_messages", page(*after.get("messages", [message("user")])))
    return tell.history()


@holds(auth.refusals_change_nothing)
def test_nothing_happened() -> History:
    return intruded()


@breaks(auth.refusals_change_nothing, times=1)
def test_metadata_was_modified() -> History:
    return intruded(thread=thread(**STRANGE))


@breaks(auth.refusals_change_nothing, times=1)
def test_message_was_deleted() -> History:
    return intruded(message=error(), found=404)


@breaks(auth.refusals_change_nothing, times=1)
def test_message_was_added() -> History:
    return intruded(messages=[message("user", "From a stranger.", "msg_b"), message("user")])


@breaks(auth.refusals_change_nothing, times=1)
def test_run_was_created() -> History:
    return intruded(runs=[run("queued", "run_b"), run("requires_action")])


@breaks(auth.refusals_change_nothing, times=1)
def test_run_was_cancelled() -> History:
    return intruded(run=run("cancelling"), runs=[])


@breaks(auth.refusals_change_nothing, times=1)
def test_outputs_were_taken() -> History:
    return intruded(run=run("queued"), runs=[])


@legal
def test_run_expires_meanwhile() -> History:
    return intruded(run=run("expired"), runs=[run("expired")])


@legal
def test_owner_modifies_the_same_afterwards() -> History:
    tell = Told()
    tell.send("create_thread", thread())
    tell.send("modify_thread", UNAUTHORISED, 401, body=STRANGE, step=keyed("modify_thread", Key.WRONG))
    tell.send("modify_thread", thread(**STRANGE), body=STRANGE)
    tell.send("get_thread", thread(**STRANGE))
    return tell.history()


def without_beta(value: str | None, status: int, answer: Any, dialect: str = "openai") -> History:
    tell = Told(dialect)
    step = Step(operation="get_thread", headers={BETA_HEADER[0]: value})
    tell.send("get_thread", answer, status, step=step)
    return tell.history()


@holds(auth.beta_header_is_required, auth.missing_beta_header_is_invalid_beta)
def test_beta_header_is_missing() -> History:
    return without_beta(None, 400, error("You must provide the 'OpenAI-Beta' header.", code="invalid_beta"))


@breaks(auth.beta_header_is_required)
def test_beta_header_is_not_asked_for() -> History:
    return without_beta(None, 200, thread())


@legal
def test_beta_header_need_not_be_asked_for() -> History:
    return without_beta(None, 200, thread())


@undecided(auth.beta_header_is_required)
def test_azure_has_no_beta_header() -> History:
    return without_beta(None, 200, thread(), "azure")


@breaks(auth.missing_beta_header_is_invalid_beta)
def test_missing_beta_header_is_404() -> History:
    return without_beta(None, 404, error())


@holds(auth.first_beta_is_over)
def test_first_beta_is_refused() -> History:
    return without_beta("assistants=v1", 400, error(code="invalid_beta"))


@breaks(auth.first_beta_is_over)
def test_first_beta_is_served() -> History:
    return without_beta("assistants=v1", 200, thread())


def in_basic(status: int, without: int = 401) -> History:
    tell = Told()
    tell.send("create_thread", thread())
    tell.send("get_thread", thread() if without == 200 else UNAUTHORISED, without, step=keyed("get_thread", Key.NONE))
    tell.send("get_thread", thread() if status == 200 else UNAUTHORISED, status, step=keyed("get_thread", Key.BASIC))
    return tell.history()


@holds(auth.a_key_counts_as_a_bearer_token_only)
def test_key_under_another_scheme_is_refused() -> History:
    return in_basic(401)


@breaks(auth.a_key_counts_as_a_bearer_token_only)
def test_key_under_another_scheme_is_taken() -> History:
    return in_basic(200)


@undecided(auth.a_key_counts_as_a_bearer_token_only)
def test_key_under_another_scheme_where_none_is_asked_for() -> History:
    return in_basic(200, without=200)
