"""Cancellations and submissions have certain effects, possible ones, or none."""

from __future__ import annotations

import pytest

from runs_conformance.contract.lifecycle import reachable_without_outputs
from runs_conformance.evidence.request_effect import may_have_taken_effect
from runs_conformance.evidence.run_action import (
    RunAction,
    all_cancellations,
    cancellations,
    comes_before_calls,
    may_be_cancelled_between,
    may_be_resumed_between,
    submissions,
)
from runs_conformance.evidence.run_timeline import RunTimeline, runs
from runs_conformance.model.case import Key, Step
from runs_conformance.model.exchange import Completion
from tests.rules.histories import HistoryBuilder, Object, deleted, function_tool, run


def timeline_of(builder: HistoryBuilder) -> RunTimeline:
    (timeline,) = runs(builder.history())
    return timeline


def only(builder: HistoryBuilder) -> RunAction:
    (action,) = cancellations(builder.history())
    return action


@pytest.mark.parametrize(
    ("status", "expected"), [(200, True), (400, False), (408, True), (429, False), (500, True), (503, True)]
)
def test_effect_of_answered_requests(status: int, expected: bool) -> None:
    assert may_have_taken_effect(HistoryBuilder().send("cancel_run", run(), status)) is expected


@pytest.mark.parametrize("header", ["retry-after", "retry-after-ms"])
def test_request_to_send_again_later_had_no_effect(header: str) -> None:
    assert not may_have_taken_effect(HistoryBuilder().refuse("cancel_run", 503, answered={header: "1"}))


def test_effect_of_requests_without_an_answer() -> None:
    builder = HistoryBuilder()
    assert may_have_taken_effect(builder.lose_answer("cancel_run"))
    assert not may_have_taken_effect(builder.send("cancel_run", completion=Completion.NOT_CONNECTED))


@pytest.mark.parametrize("submit", ["send", "lose_answer", "refuse"])
def test_run_may_be_resumed_between_observations(submit: str) -> None:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "requires_action")
    getattr(builder, submit)("submit_tool_outputs", *([run("queued")] if submit == "send" else []))
    builder.get_run(run("in_progress"))
    timeline = timeline_of(builder)
    resumed = may_be_resumed_between(timeline, timeline.observations[1], timeline.last)
    assert resumed is (submit != "refuse")
    assert not may_be_resumed_between(timeline, timeline.observations[0], timeline.observations[1])


@pytest.mark.parametrize(
    ("operation", "expected"), [("cancel_run", True), ("delete_thread", True), ("submit_tool_outputs", False)]
)
def test_run_may_be_cancelled_between_observations(operation: str, expected: bool) -> None:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "in_progress")
    builder.send(operation, deleted("thread_a", "thread") if operation == "delete_thread" else run("cancelling"))
    builder.get_run(run("cancelled"))
    timeline = timeline_of(builder)
    assert may_be_cancelled_between(timeline, timeline.observations[1], timeline.last) is expected


def test_cancellation_after_the_later_observation() -> None:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "in_progress")
    builder.send("cancel_run", run("cancelling"))
    timeline = timeline_of(builder)
    assert not may_be_cancelled_between(timeline, timeline.observations[0], timeline.observations[1])


def test_reachable_statuses_without_outputs() -> None:
    reachable = reachable_without_outputs("requires_action")
    assert {"requires_action", "cancelling", "cancelled", "expired"} <= reachable
    assert not reachable & {"queued", "in_progress"}
    assert reachable_without_outputs("completed") == {"completed"}


def test_certain_states_around_an_action() -> None:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "in_progress")
    builder.send("cancel_run", run("cancelling"))
    builder.get_run(run("cancelled"))
    action = only(builder)
    assert action.state_before is not None
    assert action.state_before.status == "in_progress"
    assert action.response_object is not None
    assert action.response_object.status == "cancelling"
    assert action.state_after is not None
    assert action.state_after.status == "cancelled"
    assert action.final_state is action.state_after
    assert action.later_observations == (action.state_after,)
    assert action.must_be_accepted


def test_states_are_uncertain_beside_another_action() -> None:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "requires_action")
    builder.lose_answer("submit_tool_outputs")
    builder.send("cancel_run", run("cancelling"))
    builder.lose_answer("submit_tool_outputs")
    builder.get_run(run("cancelled"))
    action = only(builder)
    assert action.state_before is None
    assert action.state_after is None


def test_refused_action_leaves_states_certain() -> None:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "requires_action")
    builder.refuse("submit_tool_outputs")
    builder.send("cancel_run", run("cancelling"))
    assert only(builder).state_before is not None
    assert only(builder).state_after is None
    assert only(builder).final_state is None


@pytest.mark.parametrize("status", [429, 503])
def test_attempt_that_is_sent_again_leaves_states_certain(status: int) -> None:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "in_progress")
    first = builder.refuse("cancel_run", status, answered={"retry-after": "1"})
    builder.send("cancel_run", run("cancelling"))
    builder.refuse("cancel_run", status, answered={"retry-after": "1"})
    builder.get_run(run("cancelling"))
    _, action, _ = cancellations(builder.history())
    assert action.exchange.index == first.index + 1
    assert action.state_before is not None
    assert action.state_after is not None
    assert action.run.had_status_throughout(first, frozenset({"in_progress"})) is False


def test_run_keeps_its_status_during_a_request_that_is_to_be_sent_later() -> None:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "requires_action")
    builder.refuse("submit_tool_outputs", 429)
    steps = builder.send("list_run_steps")
    builder.get_run(run("requires_action"))
    assert timeline_of(builder).had_status_throughout(steps, frozenset({"requires_action"}))


def test_state_is_uncertain_after_a_request_that_was_refused_for_its_key() -> None:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "in_progress")
    builder.refuse("cancel_run", 401, step=Step(operation="cancel_run", key=Key.WRONG))
    builder.send("cancel_run", run("cancelling"))
    assert only(builder).state_before is None


@pytest.mark.parametrize("status", [400, 401, 404, 429])
def test_state_is_certain_after_a_deletion_that_was_refused(status: int) -> None:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "in_progress")
    builder.refuse("delete_thread", status)
    builder.send("cancel_run", run("cancelling"))
    assert only(builder).state_before is not None


def test_state_is_uncertain_after_the_deletion_of_the_thread() -> None:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "in_progress")
    builder.refuse("cancel_run")
    builder.send("delete_thread", deleted("thread_a", "thread"))
    builder.get_run(run("cancelling"))
    builder.refuse("cancel_run", 404)
    before, after = all_cancellations(builder.history())
    assert before.state_before is not None
    assert before.state_after is None
    assert after.state_before is None


def test_actions_with_another_key_or_path_are_listed_separately() -> None:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "in_progress")
    builder.refuse("cancel_run", 401, step=Step(operation="cancel_run", key=Key.WRONG))
    builder.refuse("cancel_run", 404, thread_id="thread_b")
    assert list(cancellations(builder.history())) == []
    assert len(list(all_cancellations(builder.history()))) == 2
    assert list(submissions(builder.history())) == []


def test_action_on_a_deleted_thread_is_left_out() -> None:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "in_progress")
    builder.lose_answer("delete_thread")
    builder.refuse("cancel_run", 404)
    assert list(cancellations(builder.history())) == []


TOOLS = [function_tool()]
"""The tools of a run that can call a function."""


@pytest.mark.parametrize(
    ("statuses", "answer", "tools", "expected"),
    [
        (("queued", "in_progress"), "cancelling", TOOLS, True),
        (("queued", "in_progress"), "in_progress", TOOLS, True),
        (("queued", "in_progress"), "cancelled", TOOLS, False),
        (("queued", "in_progress"), "cancelled", [], True),
        (("queued", "in_progress"), "cancelling", [], False),
        (("queued",), "cancelling", TOOLS, False),
        (("queued", "requires_action"), "cancelling", TOOLS, False),
        (("requires_action",), "cancelled", TOOLS, True),
        (("queued", "in_progress"), None, TOOLS, True),
    ],
    ids=[
        "in progress",
        "shown in progress",
        "at once",
        "at once without functions",
        "without functions",
        "queued",
        "waiting",
        "never at work",
        "refused",
    ],
)
def test_cancellation_that_comes_before_the_calls(
    statuses: tuple[str, ...], answer: str | None, tools: list[Object], expected: bool
) -> None:
    builder = HistoryBuilder()
    builder.create_run(run(statuses[0], tools=tools))
    for status in statuses[1:]:
        builder.get_run(run(status, tools=tools))
    if answer is None:
        builder.refuse("cancel_run")
    else:
        builder.send("cancel_run", run(answer, tools=tools))
    assert not comes_before_calls(only(builder))
    builder.get_run(run("cancelled", tools=tools))
    assert comes_before_calls(only(builder)) is expected
