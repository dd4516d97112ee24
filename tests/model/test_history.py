"""A history selects its exchanges by id, operation and thread."""

from __future__ import annotations

import pickle

import pytest

from runs_conformance.model.exchange import Completion, Exchange, Request
from runs_conformance.model.history import History


def _exchange(index: int, operation: str | None, id_: str = "", **path: str) -> Exchange:
    return Exchange(
        id=id_ or f"x{index}",
        index=index,
        program="p",
        operation=operation,
        request=Request("GET", "/"),
        response=None,
        completion=Completion.UNKNOWN,
        started=float(index),
        ended=float(index),
        path=path,
    )


@pytest.fixture
def history() -> History:
    return History.of(
        [
            _exchange(4, "create_run", thread_id="t2"),
            _exchange(1, "create_run", thread_id="t1"),
            _exchange(3, "create_message", thread_id="t1"),
            _exchange(5, None, thread_id="t1"),
            _exchange(2, "list_assistants"),
        ]
    )


def _indexes(exchanges: tuple[Exchange, ...]) -> list[int]:
    return [exchange.index for exchange in exchanges]


def test_operations_are_selected_in_order(history: History) -> None:
    assert _indexes(history.select("create_message", "create_run")) == [1, 3, 4]
    assert _indexes(history.select("create_run", "create_message")) == [1, 3, 4]
    assert history.select("delete_thread") == ()


def test_thread_is_named_by_the_path(history: History) -> None:
    assert _indexes(history.in_thread("t1", "create_run", "create_message")) == [1, 3]
    assert _indexes(history.in_thread("t2", "create_run")) == [4]
    assert history.in_thread("", "list_assistants") == ()


def test_first_exchange_of_an_id_is_found() -> None:
    history = History.of([_exchange(2, "get_run", "same"), _exchange(1, "create_run", "same")])
    found = history.find("same")
    assert found is not None
    assert found.index == 1
    assert history.find("other") is None


def test_what_is_derived_is_not_pickled(history: History) -> None:
    before = pickle.dumps(history)
    assert history.select("create_run")
    assert history.find("x1")
    assert pickle.dumps(history) == before
    assert _indexes(pickle.loads(before).select("create_run")) == [1, 4]
