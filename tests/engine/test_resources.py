from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from runs_conformance.engine.resources import ResourceTracker, delete_leftovers, reports_missing, track_resources
from runs_conformance.model.case import Key, Role, Step
from runs_conformance.model.exchange import Completion, Exchange, Request, Response
from runs_conformance.model.json import ABSENT
from tests.rules.histories import run


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


def names(*exchanges: Exchange) -> list[tuple[str, object]]:
    return [(thing.deletion.operation, thing.id) for thing in track_resources(exchanges).leftovers()]


def test_the_newest_goes_first() -> None:
    left = names(exchange("create_assistant", {"id": "asst_a"}), exchange("create_thread", {"id": "thread_a"}))
    assert left == [("delete_thread", "thread_a"), ("delete_assistant", "asst_a")]


def test_what_is_gone_already_is_left_alone() -> None:
    gone = exchange("delete_thread", {"id": "thread_a", "deleted": True}, {"thread_id": "thread_a"})
    assert names(exchange("create_thread", {"id": "thread_a"}), exchange("create_run", run()), gone) == []


def test_an_active_run_is_cancelled_first() -> None:
    left = names(exchange("create_thread", {"id": "thread_a"}), exchange("create_run", run("in_progress")))
    assert left == [("cancel_run", "run_a"), ("delete_thread", "thread_a")]
    assert names(exchange("create_run", run("queued")), exchange("get_run", run("completed"))) == []


def test_a_thread_that_was_given_is_not_deleted() -> None:
    assert names(exchange("create_run", run("completed"))) == []


def test_the_thread_of_a_thread_and_run_is_deleted() -> None:
    assert names(exchange("create_thread_and_run", run("completed"))) == [("delete_thread", "thread_a")]


def test_each_with_the_key_it_was_made_with() -> None:
    things = track_resources([exchange("create_thread", {"id": "thread_b"}, key=Key.SECOND)]).leftovers()
    assert [(thing.deletion.key, thing.deletion.role) for thing in things] == [(Key.SECOND, Role.CLEANUP)]


def test_answers_that_make_no_sense_are_survived() -> None:
    assert names(exchange("create_thread", 7), exchange("create_run", {"id": 3}), exchange("create_run", [])) == []


def test_a_message_goes_with_its_thread_and_by_itself_where_the_thread_stays() -> None:
    said = exchange("create_message", {"id": "msg_a"}, {"thread_id": "thread_a"})
    assert names(exchange("create_thread", {"id": "thread_a"}), said) == [("delete_thread", "thread_a")]
    assert names(said) == [("delete_message", "msg_a")]


def test_what_the_user_gave_is_spared() -> None:
    made = exchange("create_assistant", {"id": "asst_given"})
    assert track_resources([made], ["asst_given"]).leftovers() == []


def test_what_may_have_been_made_is_counted() -> None:
    lost = replace(exchange("create_thread", None), completion=Completion.UNKNOWN, response=None)
    read = replace(exchange("get_thread", None), completion=Completion.UNKNOWN, response=None)
    assert track_resources([lost, read]).unknown_creations == 1


def test_a_name_fit_for_a_terminal() -> None:
    assert str(track_resources([exchange("create_thread", {"id": "t\x1b[31m\nx"})]).leftovers()[0]) == "thread t?[31m?x"


class Target:
    """Answers deletions, and is silent about those ids that it is told."""

    def __init__(self, *silent: str, status: int = 200) -> None:
        self.ledger = ResourceTracker()
        self.silent, self.status = silent, status
        self.asked: list[str] = []

    def send(self, step: Step, program: str, answers: MutableMapping[str, Exchange]) -> Exchange:
        id_ = str(list(step.path.values())[-1])
        self.asked.append(id_)
        came = exchange(step.operation, {"id": id_}, {name: str(value) for name, value in step.path.items()})
        came = replace(came, step=step, response=replace(came.response or Response(0), status=self.status))
        if id_ in self.silent:
            came = replace(came, response=None, completion=Completion.UNKNOWN)
        self.ledger.record(came)
        return came

    def send_concurrently(
        self, steps: Sequence[Step], program: str, answers: MutableMapping[str, Exchange]
    ) -> tuple[Exchange, ...]:
        raise NotImplementedError


def made(target: Target, count: int) -> Target:
    for number in range(count):
        target.ledger.record(exchange("create_thread", {"id": f"thread_{number}"}))
    return target


def test_a_sweep_leaves_nothing() -> None:
    target = made(Target(), 3)
    delete_leftovers(target.ledger.leftovers, target)
    assert target.asked == ["thread_2", "thread_1", "thread_0"]
    assert target.ledger.leftovers() == []


def test_what_is_not_there_any_more_needs_no_deleting() -> None:
    target = made(Target(status=404), 2)
    delete_leftovers(target.ledger.leftovers, target)
    assert target.ledger.leftovers() == []


def test_what_cannot_be_deleted_is_tried_once_and_stays() -> None:
    target = made(Target(status=403), 2)
    delete_leftovers(target.ledger.leftovers, target)
    assert target.asked == ["thread_1", "thread_0"]
    assert [thing.id for thing in target.ledger.leftovers()] == ["thread_1", "thread_0"]


def test_a_silent_target_is_left_alone() -> None:
    target = made(Target(*(f"thread_{number}" for number in range(9))), 9)
    delete_leftovers(target.ledger.leftovers, target)
    assert len(target.asked) == 3


def test_a_target_that_asks_to_come_back_later_is_left_alone() -> None:
    target = made(Target(status=429), 9)
    delete_leftovers(target.ledger.leftovers, target)
    assert len(target.asked) == 3
    assert len(target.ledger.leftovers()) == 9


def test_cleaning_up_ends_in_time() -> None:
    target, times = made(Target(), 9), iter(range(0, 1000, 10))
    delete_leftovers(target.ledger.leftovers, target, seconds=25, now=lambda: float(next(times)))
    assert len(target.asked) == 2


@pytest.mark.parametrize(
    ("status", "body", "gone"),
    [
        (404, {"error": {"message": "No thread found.", "type": "invalid_request_error"}}, True),
        (404, {"detail": "Thread thread_1 not found"}, True),
        (404, {"detail": "Not Found"}, False),
        (410, ABSENT, True),
        (405, {"detail": "Method Not Allowed"}, False),
    ],
)
def test_a_missing_route_is_not_a_missing_object(status: int, body: Any, gone: bool) -> None:
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
    assert reports_missing(answer) is gone
