"""Created objects are tracked, and deleted in an order that servers accept."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from runs_conformance.engine.resources import (
    MAX_NOT_OFFERED,
    ResourceTracker,
    delete_leftovers,
    find_undeletable,
    reports_missing,
    track_resources,
)
from runs_conformance.engine.route_guard import MIN_RESPONSES, RouteGuard
from runs_conformance.model.case import Key, Role, Step
from runs_conformance.model.exchange import Completion, Event, Exchange, Request, Response
from runs_conformance.model.json import ABSENT
from tests.engine.scripted import Answer, ScriptedSender
from tests.rules.histories import error, run


def exchange(operation: str, body: Any, path: dict[str, str] | None = None, key: Key = Key.PRIMARY) -> Exchange:
    return Exchange(
        id="x1",
        index=1,
        program="p",
        operation=operation,
        request=Request("POST", "/"),
        response=Response(200, body=body),
        completion=Completion.ANSWERED,
        started=0,
        ended=1,
        step=Step(operation=operation, key=key),
        path=path or {},
    )


def leftovers_after(*exchanges: Exchange) -> list[tuple[str, object]]:
    return [(leftover.deletion.operation, leftover.id) for leftover in track_resources(exchanges).leftovers()]


def test_newest_object_comes_first() -> None:
    leftovers = leftovers_after(
        exchange("create_assistant", {"id": "asst_a"}), exchange("create_thread", {"id": "thread_a"})
    )
    assert leftovers == [("delete_thread", "thread_a"), ("delete_assistant", "asst_a")]


def test_deleted_object_is_no_leftover() -> None:
    deletion = exchange("delete_thread", {"id": "thread_a", "deleted": True}, {"thread_id": "thread_a"})
    assert leftovers_after(exchange("create_thread", {"id": "thread_a"}), exchange("create_run", run()), deletion) == []


def test_active_run_is_cancelled_first() -> None:
    leftovers = leftovers_after(
        exchange("create_thread", {"id": "thread_a"}), exchange("create_run", run("in_progress"))
    )
    assert leftovers == [("cancel_run", "run_a"), ("delete_thread", "thread_a")]
    assert leftovers_after(exchange("create_run", run("queued")), exchange("get_run", run("completed"))) == []


@pytest.mark.parametrize(
    ("status", "step", "is_left"),
    [
        (400, Step(operation="cancel_run"), False),
        (409, Step(operation="cancel_run"), False),
        (429, Step(operation="cancel_run"), True),
        (500, Step(operation="cancel_run"), True),
        (400, Step(operation="cancel_run", body={"unknown": 1}), True),
        (400, Step(operation="cancel_run", role=Role.NEGATIVE), True),
    ],
)
def test_run_whose_cancellation_was_refused_is_not_cancelled_again(status: int, step: Step, is_left: bool) -> None:
    refusal = error("The run cannot be cancelled.")
    cancellation = exchange("cancel_run", refusal, {"thread_id": "thread_a", "run_id": "run_a"})
    cancellation = replace(cancellation, response=Response(status, body=refusal), step=step)
    assert bool(leftovers_after(exchange("create_run", run("queued")), cancellation)) is is_left


def test_given_thread_is_not_deleted() -> None:
    assert leftovers_after(exchange("create_run", run("completed"))) == []


def test_thread_of_create_thread_and_run_is_deleted() -> None:
    assert leftovers_after(exchange("create_thread_and_run", run("completed"))) == [("delete_thread", "thread_a")]


@pytest.mark.parametrize("completion", [Completion.ANSWERED, Completion.UNKNOWN])
def test_thread_in_a_stream_that_reports_an_error_or_breaks_off_is_deleted(completion: Completion) -> None:
    created = exchange("create_thread_and_run", ABSENT)
    events = (Event("thread.created", {"id": "thread_1", "object": "thread"}), Event("error", {"message": "No."}))
    made = replace(created, completion=completion, response=Response(200, events=events))
    assert leftovers_after(made) == leftovers_after(exchange("create_thread", {"id": "thread_1", "object": "thread"}))


def test_object_is_deleted_with_the_key_of_its_creation() -> None:
    leftovers = track_resources([exchange("create_thread", {"id": "thread_b"}, key=Key.SECOND)]).leftovers()
    assert [(leftover.deletion.key, leftover.deletion.role) for leftover in leftovers] == [(Key.SECOND, Role.CLEANUP)]


def test_invalid_responses_are_ignored() -> None:
    assert (
        leftovers_after(exchange("create_thread", 7), exchange("create_run", {"id": 3}), exchange("create_run", []))
        == []
    )


@pytest.mark.parametrize(
    ("operation", "text", "created", "unknown"),
    [
        ("create_assistant", '{"id": "asst_a", "tools": [[[', [("delete_assistant", "asst_a")], 0),
        ("create_thread", '{"object":"thread","created_at":7,"id":"t"', [("delete_thread", "t")], 0),
        ("create_assistant", '{"tools": [{"id": "asst_b"', [], 1),
        ("create_assistant", '{"metadata":{"id":"asst_b"}', [], 1),
        ("create_thread_and_run", '{"id":"run_a"', [], 1),
        ("get_assistant", '{"id":"asst_a"', [], 0),
    ],
)
def test_id_of_an_object_that_is_too_deep_to_read(
    operation: str, text: str, created: list[tuple[str, str]], unknown: int
) -> None:
    unreadable = replace(exchange(operation, ABSENT), response=Response(200, {}, text=text, defects=("too_deep",)))
    tracker = track_resources([unreadable])
    assert [(each.deletion.operation, each.id) for each in tracker.leftovers()] == created
    assert tracker.unknown_creations == unknown


@pytest.mark.parametrize(
    ("text", "created"),
    [
        ('{"id": "asst_a", "temperature": undefined}', [("delete_assistant", "asst_a")]),
        ("<html>Welcome</html>", []),
    ],
)
def test_object_of_a_response_that_is_not_json_is_deleted_if_its_id_is_shown(
    text: str, created: list[tuple[str, str]]
) -> None:
    invalid = Response(200, {}, text=text, defects=("not_json",))
    tracker = track_resources([replace(exchange("create_assistant", ABSENT), response=invalid)])
    assert [(each.deletion.operation, each.id) for each in tracker.leftovers()] == created
    assert tracker.unknown_creations == 0


def test_message_is_deleted_only_if_its_thread_stays() -> None:
    message = exchange("create_message", {"id": "msg_a"}, {"thread_id": "thread_a"})
    assert leftovers_after(exchange("create_thread", {"id": "thread_a"}), message) == [("delete_thread", "thread_a")]
    assert leftovers_after(message) == [("delete_message", "msg_a")]


def test_protected_object_is_not_deleted() -> None:
    creation = exchange("create_assistant", {"id": "asst_given"})
    assert track_resources([creation], ["asst_given"]).leftovers() == []


def test_id_that_a_restarted_server_gave_again_belongs_to_the_later_program() -> None:
    tracker = ResourceTracker()
    first = exchange("create_assistant", {"id": "asst_1"})
    tracker.record(first)
    assert not tracker.may_belong_to_others("asst_1", {"p"})
    tracker.record(replace(first, program="later"))
    assert tracker.may_belong_to_others("asst_1", {"p"})
    assert not tracker.may_belong_to_others("asst_1", {"later"})
    assert not tracker.may_belong_to_others("asst_unknown", {"p"})


def test_creation_without_response_is_counted() -> None:
    unanswered_creation = replace(exchange("create_thread", None), completion=Completion.UNKNOWN, response=None)
    read = replace(exchange("get_thread", None), completion=Completion.UNKNOWN, response=None)
    assert track_resources([unanswered_creation, read]).unknown_creations == 1


def test_description_is_safe_for_a_terminal() -> None:
    assert str(track_resources([exchange("create_thread", {"id": "t\x1b[31m\nx"})]).leftovers()[0]) == "thread t?[31m?x"


class DeletingTarget:
    """Answers deletions, except for the ids in `silent`."""

    def __init__(self, *silent: str, status: int = 200) -> None:
        self.tracker = ResourceTracker()
        self.silent, self.status = silent, status
        self.requested: list[str] = []

    def send(self, step: Step, program: str, exchanges_by_step: MutableMapping[str, Exchange]) -> Exchange:
        id_ = str(list(step.path.values())[-1])
        self.requested.append(id_)
        response = exchange(step.operation, {"id": id_}, {name: str(value) for name, value in step.path.items()})
        response = replace(response, step=step, response=replace(response.response or Response(0), status=self.status))
        if id_ in self.silent:
            response = replace(response, response=None, completion=Completion.UNKNOWN)
        self.tracker.record(response)
        return response

    def send_concurrently(
        self, steps: Sequence[Step], program: str, exchanges_by_step: MutableMapping[str, Exchange]
    ) -> tuple[Exchange, ...]:
        raise NotImplementedError


def with_threads(target: DeletingTarget, count: int) -> DeletingTarget:
    for number in range(count):
        target.tracker.record(exchange("create_thread", {"id": f"thread_{number}"}))
    return target


def test_all_leftovers_are_deleted() -> None:
    target = with_threads(DeletingTarget(), 3)
    delete_leftovers(target.tracker.leftovers, target)
    assert target.requested == ["thread_2", "thread_1", "thread_0"]
    assert target.tracker.leftovers() == []


def test_missing_object_counts_as_deleted() -> None:
    target = with_threads(DeletingTarget(status=404), 2)
    delete_leftovers(target.tracker.leftovers, target)
    assert target.tracker.leftovers() == []


def test_failed_deletion_is_attempted_once() -> None:
    target = with_threads(DeletingTarget(status=403), 2)
    delete_leftovers(target.tracker.leftovers, target)
    assert target.requested == ["thread_1", "thread_0"]
    assert [leftover.id for leftover in target.tracker.leftovers()] == ["thread_1", "thread_0"]


@pytest.mark.parametrize("status", [401, 403])
def test_primary_key_deletes_what_another_key_may_create_only(status: int) -> None:
    sender = ScriptedSender(lambda step: (200, {}) if step.key is Key.PRIMARY else (status, {}))
    tracker = sender.collector.tracker
    tracker.record(exchange("create_thread", {"id": "thread_1"}, key=Key.NONE))
    outcomes: list[Exchange | None] = []
    delete_leftovers(tracker.leftovers, sender, on_attempt=lambda _, sent: outcomes.append(sent))
    assert [step.key for step in sender.sent] == [Key.NONE, Key.PRIMARY]
    assert [sent.status for sent in outcomes if sent is not None] == [200]
    assert tracker.leftovers() == []


@pytest.mark.parametrize("status", [200, 404, 500])
def test_primary_key_is_not_tried_if_the_other_key_is_not_refused(status: int) -> None:
    sender = ScriptedSender(lambda step: (status, {}))
    sender.collector.tracker.record(exchange("create_thread", {"id": "thread_1"}, key=Key.SECOND))
    delete_leftovers(sender.collector.tracker.leftovers, sender)
    assert [step.key for step in sender.sent] == [Key.SECOND]


def test_cleanup_ends_if_the_target_is_silent() -> None:
    target = with_threads(DeletingTarget(*(f"thread_{number}" for number in range(9))), 9)
    delete_leftovers(target.tracker.leftovers, target)
    assert len(target.requested) == 3


def test_cleanup_ends_if_the_target_asks_to_retry_later() -> None:
    target = with_threads(DeletingTarget(status=429), 9)
    delete_leftovers(target.tracker.leftovers, target)
    assert len(target.requested) == 3
    assert len(target.tracker.leftovers()) == 9


@pytest.mark.parametrize("status", [405, 501])
def test_objects_that_the_target_does_not_let_delete_are_left_out(status: int) -> None:
    def respond(step: Step) -> Answer:
        return (status, {}) if step.operation == "delete_thread" else (200, {})

    sender = ScriptedSender(respond)
    tracker = sender.collector.tracker
    for number in range(9):
        tracker.record(exchange("create_assistant", {"id": f"asst_{number}"}))
        tracker.record(exchange("create_thread", {"id": f"thread_{number}"}))
    delete_leftovers(tracker.leftovers, sender)
    operations = [step.operation for step in sender.sent]
    assert operations.count("delete_thread") == MAX_NOT_OFFERED
    assert operations.count("delete_assistant") == 9
    assert {leftover.kind for leftover in tracker.leftovers()} == {"thread"}


def test_deletions_that_are_withheld_do_not_keep_others_from_being_sent() -> None:
    sender = ScriptedSender(lambda step: (405, {}) if step.operation == "delete_thread" else (200, {}))
    guard = RouteGuard(sender, ())
    tracker = sender.collector.tracker
    for number in range(5):
        tracker.record(exchange("create_assistant", {"id": f"asst_{number}"}))
        tracker.record(exchange("create_thread", {"id": f"thread_{number}"}))
        delete_leftovers(tracker.leftovers, guard, f"p{number}/cleanup", max_unanswered=1)
    operations = [step.operation for step in sender.sent]
    assert operations.count("delete_thread") == MIN_RESPONSES
    assert operations.count("delete_assistant") == 5


def test_cleanup_ends_at_the_time_limit() -> None:
    target, times = with_threads(DeletingTarget(), 9), iter(range(0, 1000, 10))
    delete_leftovers(target.tracker.leftovers, target, seconds=25, now=lambda: float(next(times)))
    assert len(target.requested) == 2


@pytest.mark.parametrize(
    ("status", "body", "missing"),
    [
        (404, {"error": {"message": "No thread found.", "type": "invalid_request_error"}}, True),
        (404, {"detail": "Thread thread_1 not found"}, True),
        (404, {"detail": "Not Found"}, False),
        (410, ABSENT, True),
        (405, {"detail": "Method Not Allowed"}, False),
    ],
)
def test_missing_route_is_not_a_missing_object(status: int, body: Any, missing: bool) -> None:
    answer = Exchange(
        id="x1",
        index=1,
        program="cleanup",
        operation="delete_thread",
        request=Request("DELETE", "/threads/thread_1"),
        response=Response(status, body=body),
        completion=Completion.ANSWERED,
        started=0,
        ended=1,
        path={"thread_id": "thread_1"},
    )
    assert reports_missing(answer) is missing


@pytest.mark.parametrize(
    ("statuses", "undeletable"),
    [
        ({}, set()),
        ({"delete_thread": 405}, {"thread"}),
        ({"delete_thread": 404, "delete_assistant": 501}, {"thread", "assistant"}),
        ({"delete_thread": 503}, set()),
        ({"delete_thread": None}, set()),
    ],
)
def test_kinds_that_are_not_deleted_are_found(statuses: dict[str, int | None], undeletable: set[str]) -> None:
    sender = ScriptedSender(
        lambda step: (statuses[step.operation], {"detail": "Not Found"}) if step.operation in statuses else (200, {})
    )
    tracker = sender.collector.tracker
    for operation in ("create_assistant", "create_thread"):
        tracker.record(exchange(operation, {"id": f"{operation}_1"}))
    assert find_undeletable(tracker, sender, "approach/cleanup") == undeletable
    assert sender.sent[0].operation == "delete_thread"
