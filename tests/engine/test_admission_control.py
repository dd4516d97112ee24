from __future__ import annotations

import threading
from typing import Any

import pytest

from runs_conformance.engine.admission_control import AdmissionControl
from runs_conformance.engine.budget import Budget
from runs_conformance.engine.plan import TOKENS_PER_RUN
from runs_conformance.errors import BudgetExhausted
from runs_conformance.model.case import Role, Step
from runs_conformance.model.exchange import Completion, Exchange, Request, Response

THREAD = Step(operation="create_thread", body={})
RUN = Step(operation="create_run", body={})
LOOK = Step(operation="get_run", role=Role.READ)
DELETE = Step(operation="delete_thread", role=Role.CLEANUP)


def came(step: Step, status: int = 200, body: Any = None, completion: Completion = Completion.ANSWERED) -> Exchange:
    return Exchange(
        id="x1",
        index=1,
        program="p",
        operation=step.operation,
        request=Request("POST", "/"),
        response=None if completion is Completion.UNKNOWN else Response(status, body=body),
        completion=completion,
        started=0,
        ended=1,
        step=step,
    )


def run(id_: str, tokens: int | None = None) -> dict[str, Any]:
    usage = None if tokens is None else {"total_tokens": tokens}
    return {"id": id_, "object": "thread.run", "usage": usage}


def done(admission: AdmissionControl, step: Step, **how: Any) -> None:
    admission.admit(step)
    admission.release(step, came(step, **how))


def test_no_request_too_many_from_any_number_of_workers() -> None:
    admission = AdmissionControl(Budget(max_requests=100))
    sent: list[int] = []

    def work() -> None:
        try:
            while True:
                done(admission, LOOK)
                sent.append(1)
        except BudgetExhausted:
            return

    workers = [threading.Thread(target=work) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(sent) == 100


def test_nothing_is_held_back_where_nothing_is_cleaned_up() -> None:
    admission = AdmissionControl(Budget(max_requests=2))
    done(admission, THREAD)
    done(admission, THREAD)
    with pytest.raises(BudgetExhausted):
        admission.admit(LOOK)


def test_what_cleaning_up_will_take_is_held_back() -> None:
    left: list[str] = []
    admission = AdmissionControl(Budget(max_requests=5), pending_cleanup=lambda: len(left))
    for _ in range(2):
        done(admission, THREAD)
        left.append("thread")
    with pytest.raises(BudgetExhausted, match="limit of 5 requests"):
        admission.admit(THREAD)
    done(admission, LOOK)
    with pytest.raises(BudgetExhausted):
        admission.admit(LOOK)
    for _ in range(2):
        done(admission, DELETE)
    with pytest.raises(BudgetExhausted):
        admission.admit(DELETE)


def test_runs_are_counted_from_their_creation_and_refusals_do_not_count() -> None:
    admission = AdmissionControl(Budget(max_runs=2))
    done(admission, RUN, status=400)
    done(admission, RUN, body=run("run_1"))
    done(admission, RUN, completion=Completion.UNKNOWN)
    with pytest.raises(BudgetExhausted, match="limit of 2 runs"):
        admission.admit(RUN)
    done(admission, LOOK)


def test_who_waits_for_another_request_gets_its_place_where_it_was_refused() -> None:
    admission = AdmissionControl(Budget(max_runs=1))
    admission.admit(RUN)
    let_in = threading.Event()

    def second() -> None:
        admission.admit(RUN)
        let_in.set()

    waiting = threading.Thread(target=second)
    waiting.start()
    assert not let_in.wait(0.05)
    admission.release(RUN, came(RUN, status=400))
    assert let_in.wait(5)
    waiting.join()


def test_tokens_count_as_reported_and_at_the_worst_until_then() -> None:
    admission = AdmissionControl(Budget(), max_tokens=2 * TOKENS_PER_RUN + 100)
    done(admission, RUN, body=run("run_1"))
    done(admission, LOOK, body=run("run_1", 100))
    done(admission, LOOK, body=run("run_1", 100))
    done(admission, RUN, body=run("run_2"))
    done(admission, RUN, body=run("run_3"))
    with pytest.raises(BudgetExhausted, match="tokens is reached"):
        admission.admit(RUN)


def test_a_run_that_cost_more_than_thought_raises_what_others_may_cost() -> None:
    admission = AdmissionControl(Budget(), max_tokens=3 * TOKENS_PER_RUN)
    done(admission, RUN, body=run("run_1"))
    done(admission, LOOK, body=run("run_1", 2 * TOKENS_PER_RUN))
    with pytest.raises(BudgetExhausted, match=f"{2 * TOKENS_PER_RUN:,} for a run"):
        admission.admit(RUN)


def test_nothing_is_let_through_after_the_end_but_cleaning_up() -> None:
    budget = Budget()
    budget.stop("interrupted")
    admission = AdmissionControl(budget)
    with pytest.raises(BudgetExhausted, match="interrupted"):
        admission.admit(LOOK)
    done(admission, DELETE)
