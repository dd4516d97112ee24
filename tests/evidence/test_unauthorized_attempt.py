"""A refused request without rights had an effect only if nothing else explains it."""

from __future__ import annotations

from typing import Any

import pytest

from runs_conformance.evidence.unauthorized_attempt import UnauthorizedAttempt, unauthorized_attempts
from runs_conformance.model.case import Key, Step
from runs_conformance.model.json import ABSENT
from tests.rules.histories import ASSISTANT, HistoryBuilder, deleted, error, message, page, run, thread


def attempt(operation: str, body: Any, *reads: tuple[str, Any, int], status: int = 401) -> UnauthorizedAttempt | None:
    """The attempt with a wrong key on a waiting run in a thread of the owner, who then sends these reads."""
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    builder.see_statuses("queued", "requires_action")
    builder.refuse(operation, status, body=body, step=Step(operation=operation, key=Key.WRONG))
    for name, answer, http_status in reads:
        builder.send(name, answer, http_status)
    return next(iter(unauthorized_attempts(builder.history())), None)


@pytest.mark.parametrize(
    ("operation", "body", "read", "harmless", "harmful"),
    [
        ("delete_thread", None, "get_thread", (thread(), 200), (error(), 404)),
        (
            "modify_thread",
            {"metadata": {"a": "b"}},
            "get_thread",
            (thread(), 200),
            (thread(metadata={"a": "b"}), 200),
        ),
        (
            "create_message",
            {"role": "user", "content": "Hello."},
            "list_messages",
            (page(message("user", "Another.")), 200),
            (page(message("user", "Hello.")), 200),
        ),
        ("create_run", {}, "list_runs", (page(run()), 200), (page(run(), run(id_="run_x")), 200)),
        ("cancel_run", None, "get_run", (run("requires_action"), 200), (run("cancelled"), 200)),
        ("submit_tool_outputs", {}, "get_run", (run("requires_action"), 200), (run("completed"), 200)),
    ],
)
def test_effect_of_a_refused_request(
    operation: str, body: Any, read: str, harmless: tuple[Any, int], harmful: tuple[Any, int]
) -> None:
    without_effect = attempt(operation, body, (read, *harmless))
    assert without_effect is not None
    assert without_effect.was_checked
    assert without_effect.effect is None
    with_effect = attempt(operation, body, (read, *harmful))
    assert with_effect is not None
    assert with_effect.effect is not None
    assert with_effect.effect.operation == read


@pytest.mark.parametrize(("assistant_id", "is_effect"), [(ASSISTANT, True), (ABSENT, True), ("asst_other", False)])
def test_a_run_of_another_assistant_is_no_effect(assistant_id: Any, is_effect: bool) -> None:
    shown = page(run(), run(id_="run_x", assistant_id=assistant_id))
    found = attempt("create_run", {"assistant_id": ASSISTANT}, ("list_runs", shown, 200))
    assert found is not None
    assert (found.effect is not None, found.was_checked) == (is_effect, is_effect)


def test_attempt_without_a_later_read_is_not_checked() -> None:
    unchecked = attempt("delete_thread", None)
    assert unchecked is not None
    assert not unchecked.was_checked


def test_same_request_of_the_owner_explains_the_effect() -> None:
    assert attempt("delete_thread", None, ("delete_thread", deleted("thread_a", "thread"), 200)) is not None
    builder = HistoryBuilder()
    builder.refuse("delete_thread", 401, step=Step(operation="delete_thread", key=Key.WRONG))
    builder.send("delete_thread", deleted("thread_a", "thread"))
    builder.refuse("get_thread", 404)
    assert unauthorized_attempts(builder.history()) == ()


def test_reads_and_accepted_requests_are_no_attempts() -> None:
    assert attempt("get_thread", None) is None
    assert attempt("delete_thread", None, status=200) is None
    builder = HistoryBuilder()
    builder.refuse("delete_thread")
    assert unauthorized_attempts(builder.history()) == ()
