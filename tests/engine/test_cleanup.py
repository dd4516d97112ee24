from __future__ import annotations

from typing import Any

from conformance.engine.cleanup import leftovers
from conformance.model.case import Key, Role, Step
from conformance.model.exchange import Completion, Exchange, Request, Response
from tests.rules.histories import run


def exchange(operation: str, body: Any, path: dict[str, str] | None = None, key: Key = Key.OWN) -> Exchange:
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
    return [(step.operation, list(step.path.values())[-1]) for step in leftovers(exchanges)]


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
    steps = leftovers([exchange("create_thread", {"id": "thread_b"}, key=Key.SECOND)])
    assert [(step.key, step.role) for step in steps] == [(Key.SECOND, Role.CLEANUP)]


def test_answers_that_make_no_sense_are_survived() -> None:
    assert (
        leftovers([exchange("create_thread", 7), exchange("create_run", {"id": 3}), exchange("create_run", [])]) == []
    )
