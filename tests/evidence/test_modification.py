"""A modification is judged only if nothing else may have changed the object."""

from __future__ import annotations

from typing import Any

from runs_conformance.evidence.modification import (
    Modification,
    assistant_at_creation,
    modifications,
    settings_at_creation,
)
from runs_conformance.evidence.run_timeline import runs
from runs_conformance.model.case import REFUSES_BODY, Step
from tests.rules.histories import HistoryBuilder, assistant, message, run, thread

NEW: dict[str, Any] = {"metadata": {"b": "2"}}


def only(builder: HistoryBuilder) -> Modification:
    (modification,) = modifications(builder.history())
    return modification


def test_modification_between_two_reads() -> None:
    builder = HistoryBuilder()
    before = builder.send("get_thread", thread())
    builder.send("modify_thread", thread(**NEW), body=NEW)
    after = builder.send("get_thread", thread(**NEW))
    modification = only(builder)
    assert modification.requested == NEW
    assert modification.response_object is not None
    assert modification.state_before is not None
    assert modification.state_before.exchange is before
    assert modification.state_after is not None
    assert modification.state_after.exchange is after


def test_state_is_unknown_beside_another_modification() -> None:
    builder = HistoryBuilder()
    builder.send("get_thread", thread())
    builder.lose_answer("modify_thread", body=NEW)
    builder.send("modify_thread", thread(**NEW), body=NEW)
    builder.lose_answer("modify_thread", body=NEW)
    builder.send("get_thread", thread(**NEW))
    second = modifications(builder.history())[1]
    assert second.state_before is None
    assert second.state_after is None


def test_refused_modification_does_not_disturb() -> None:
    builder = HistoryBuilder()
    builder.send("get_thread", thread())
    builder.refuse("modify_thread", body=NEW)
    builder.send("modify_thread", thread(**NEW), body=NEW)
    assert modifications(builder.history())[1].state_before is not None


def test_unobserved_object_and_wrong_thread_are_left_out() -> None:
    builder = HistoryBuilder()
    builder.refuse("modify_thread", 404, body=NEW)
    builder.send("create_message", message("user"))
    builder.refuse("modify_message", 404, body=NEW, thread_id="thread_b")
    assert modifications(builder.history()) == ()


def test_ended_run_is_quiescent() -> None:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "completed")
    builder.send("modify_run", run("completed", **NEW), body=NEW)
    assert only(builder).is_quiescent


def test_active_run_is_not_quiescent() -> None:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "in_progress")
    builder.send("modify_run", run("in_progress", **NEW), body=NEW)
    assert not only(builder).is_quiescent


def test_message_of_an_active_run_is_not_quiescent() -> None:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "in_progress")
    builder.send("get_message", message())
    builder.send("modify_message", message(**NEW), body=NEW)
    assert not only(builder).is_quiescent


def test_message_of_a_user_is_quiescent() -> None:
    builder = HistoryBuilder()
    builder.send("create_message", message("user"))
    builder.send("modify_message", message("user", **NEW), body=NEW)
    assert only(builder).is_quiescent


def test_settings_at_creation() -> None:
    builder = HistoryBuilder()
    creation = builder.create_run()
    (timeline,) = runs(builder.history())
    observation = settings_at_creation(timeline)
    assert observation is not None
    assert observation.exchange is creation


def test_settings_of_an_invalid_request_are_unknown() -> None:
    builder = HistoryBuilder()
    builder.create_run(step=Step(operation="create_run", expectation=REFUSES_BODY))
    (timeline,) = runs(builder.history())
    assert settings_at_creation(timeline) is None


def test_assistant_at_creation() -> None:
    builder = HistoryBuilder()
    builder.send("create_assistant", assistant())
    builder.create_run()
    (timeline,) = runs(builder.history())
    assert assistant_at_creation(timeline) is not None


def test_assistant_is_uncertain_after_a_lost_modification() -> None:
    builder = HistoryBuilder()
    builder.send("create_assistant", assistant())
    builder.lose_answer("modify_assistant", body={"name": "Late"})
    builder.create_run()
    (timeline,) = runs(builder.history())
    assert assistant_at_creation(timeline) is None


def test_unobserved_assistant_is_unknown() -> None:
    builder = HistoryBuilder()
    builder.create_run()
    (timeline,) = runs(builder.history())
    assert assistant_at_creation(timeline) is None
