"""The part of a history that shows a violation by itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest

from runs_conformance.engine.run_plan import Judges
from runs_conformance.engine.shrinking.history import minimal_subhistory
from runs_conformance.model.case import REFUSES_BODY, Mutation, Ref, Role, Step
from runs_conformance.model.exchange import Completion, Exchange, Request, Response
from runs_conformance.model.history import History
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, observed
from runs_conformance.model.verdict import PASSED, Result
from runs_conformance.rules.constraints import requests

LIMIT = "create_run.max_prompt_tokens.minimum"
REQUESTS = Judges({}, (("constraints of requests", requests.tallies),))


def _all(history: History) -> Iterable[History]:
    return [history]


@rule(units=_all, level=Level.MUST, source=observed("made up"), capability="core")
def forgets_nothing(history: History) -> Iterator[Result]:
    """What was created is shown as long as it was not deleted."""
    made = [exchange for exchange in history if exchange.operation == "create_thread"]
    for look in history:
        if look.operation in ("get_thread", "list_runs") and made:
            yield PASSED if look.accepted else look.finding("forgotten")


class _Told:
    """A history, told step by step."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []

    def step(self, step: Step, answer: str = "", http_status: int = 200, **path: str) -> Exchange:
        index = len(self.exchanges) + 1
        body = {"id": answer, "object": "thread.run", "status": "completed", "thread_id": path.get("thread_id")}
        exchange = Exchange(
            id=f"x{index}",
            index=index,
            program="p",
            operation=step.operation,
            request=Request("POST", "/", body=step.body),  # type: ignore[arg-type]
            response=Response(http_status, body=body),
            completion=Completion.ANSWERED,
            started=float(index),
            ended=index + 0.5,
            step=step,
            path=path,
        )
        self.exchanges.append(exchange)
        return exchange

    @property
    def history(self) -> History:
        return History.of(self.exchanges, "p")


def created(kind: str, name: str) -> Step:
    return Step(operation=f"create_{kind}", name=name, body={}, role=Role.FIXTURE)


def run(role: Role, tokens: int | None = None, **rest: object) -> Step:
    body = {"assistant_id": Ref("assistant"), **({} if tokens is None else {"max_prompt_tokens": tokens})}
    return Step(
        operation="create_run",
        name="run",
        path={"thread_id": Ref("thread")},
        body=body,
        role=role,
        **rest,  # type: ignore[arg-type]
    )


def on(operation: str, thread: str, **rest: object) -> Step:
    return Step(operation=operation, path={"thread_id": Ref(thread)}, **rest)  # type: ignore[arg-type]


def test_a_negative_comes_with_what_makes_it_mean_something_and_nothing_else() -> None:
    told = _Told()
    told.step(created("assistant", "assistant"), "asst_a")
    told.step(created("thread", "thread"), "thread_a")
    told.step(run(Role.CONTROL), "run_a", thread_id="thread_a")
    told.step(run(Role.VALID, 257, exercises=("create_run.max_prompt_tokens.type",)), "run_b", thread_id="thread_a")
    told.step(run(Role.VALID, 256, exercises=(LIMIT,)), "run_c", thread_id="thread_a")
    told.step(created("thread", "thread"), "thread_b")
    mutation = Mutation("/max_prompt_tokens", "minimum", 256, 255)
    negative = run(Role.NEGATIVE, 255, exercises=(LIMIT,), mutation=mutation, expectation=REFUSES_BODY)
    shows = told.step(negative, "run_d", thread_id="thread_b")
    told.step(created("thread", "thread"), "thread_c")
    kept = minimal_subhistory(told.history, LIMIT, shows, REQUESTS)
    assert [exchange.id for exchange in kept] == ["x1", "x2", "x3", "x5", "x6", "x7"]


@pytest.mark.parametrize(
    ("look", "kept"),
    [("get_thread", ["x2", "x6"]), ("list_runs", ["x2", "x4", "x6"])],
)
def test_what_a_thread_went_through_is_kept_only_for_lists(look: str, kept: list[str]) -> None:
    told = _Told()
    told.step(created("thread", "other"), "thread_b")
    told.step(created("thread", "thread"), "thread_a")
    told.step(on("list_messages", "thread", role=Role.READ), thread_id="thread_a")
    told.step(on("modify_thread", "thread", body={}), "thread_a", thread_id="thread_a")
    told.step(on("modify_thread", "other", body={}), "thread_b", thread_id="thread_b")
    shows = told.step(on(look, "thread", role=Role.READ), http_status=404, thread_id="thread_a")
    found = minimal_subhistory(told.history, forgets_nothing.id, shows, Judges({forgets_nothing.id: forgets_nothing}))
    assert [exchange.id for exchange in found] == kept


def test_the_whole_history_is_kept_where_less_shows_nothing() -> None:
    told = _Told()
    shows = told.step(created("thread", "thread"), "thread_a")
    told.step(created("thread", "other"), "thread_b")
    kept = minimal_subhistory(told.history, forgets_nothing.id, shows, Judges({forgets_nothing.id: forgets_nothing}))
    assert [exchange.id for exchange in kept] == ["x1", "x2"]
