"""Limits of requests, runs and tokens hold with any number of workers."""

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
READ = Step(operation="get_run", role=Role.READ)
DELETE = Step(operation="delete_thread", role=Role.CLEANUP)


def exchange_for(
    step: Step, status: int = 200, body: Any = None, completion: Completion = Completion.ANSWERED
) -> Exchange:
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


def send(admission: AdmissionControl, step: Step, **answer: Any) -> None:
    admission.admit(step)
    admission.release(step, exchange_for(step, **answer))


def test_limit_is_exact_with_several_workers() -> None:
    admission = AdmissionControl(Budget(max_requests=100))
    sent: list[int] = []

    def work() -> None:
        try:
            while True:
                send(admission, READ)
                sent.append(1)
        except BudgetExhausted:
            return

    workers = [threading.Thread(target=work) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(sent) == 100


def test_nothing_is_reserved_without_cleanup() -> None:
    admission = AdmissionControl(Budget(max_requests=2))
    send(admission, THREAD)
    send(admission, THREAD)
    with pytest.raises(BudgetExhausted):
        admission.admit(READ)


def test_requests_for_cleanup_are_reserved() -> None:
    leftovers: list[str] = []
    admission = AdmissionControl(Budget(max_requests=5), pending_cleanup=lambda: len(leftovers))
    for _ in range(2):
        send(admission, THREAD)
        leftovers.append("thread")
    with pytest.raises(BudgetExhausted, match="limit of 5 requests"):
        admission.admit(THREAD)
    send(admission, READ)
    with pytest.raises(BudgetExhausted):
        admission.admit(READ)
    for _ in range(2):
        send(admission, DELETE)
    with pytest.raises(BudgetExhausted):
        admission.admit(DELETE)


def test_runs_count_from_their_creation_unless_refused() -> None:
    admission = AdmissionControl(Budget(max_runs=2))
    send(admission, RUN, status=400)
    send(admission, RUN, body=run("run_1"))
    send(admission, RUN, completion=Completion.UNKNOWN)
    with pytest.raises(BudgetExhausted, match="limit of 2 runs"):
        admission.admit(RUN)
    send(admission, READ)


def test_waiting_request_is_admitted_after_a_refusal() -> None:
    admission = AdmissionControl(Budget(max_runs=1))
    admission.admit(RUN)
    admitted = threading.Event()

    def second() -> None:
        admission.admit(RUN)
        admitted.set()

    waiting = threading.Thread(target=second)
    waiting.start()
    assert not admitted.wait(0.05)
    admission.release(RUN, exchange_for(RUN, status=400))
    assert admitted.wait(5)
    waiting.join()


def test_runs_count_at_maximum_cost_until_usage_is_reported() -> None:
    admission = AdmissionControl(Budget(), max_tokens=2 * TOKENS_PER_RUN + 100)
    send(admission, RUN, body=run("run_1"))
    send(admission, READ, body=run("run_1", 100))
    send(admission, READ, body=run("run_1", 100))
    send(admission, RUN, body=run("run_2"))
    send(admission, RUN, body=run("run_3"))
    with pytest.raises(BudgetExhausted, match="tokens is reached"):
        admission.admit(RUN)


def test_expensive_run_raises_the_expected_cost_of_others() -> None:
    admission = AdmissionControl(Budget(), max_tokens=3 * TOKENS_PER_RUN)
    send(admission, RUN, body=run("run_1"))
    send(admission, READ, body=run("run_1", 2 * TOKENS_PER_RUN))
    with pytest.raises(BudgetExhausted, match=f"{2 * TOKENS_PER_RUN:,} for a run"):
        admission.admit(RUN)


def test_zeros_of_a_run_that_has_not_ended_are_no_usage() -> None:
    admission = AdmissionControl(Budget(), max_tokens=TOKENS_PER_RUN)
    send(admission, RUN, body={**run("run_1", 0), "status": "queued"})
    with pytest.raises(BudgetExhausted, match="tokens is reached"):
        admission.admit(RUN)
    send(admission, READ, body={**run("run_1", 0), "status": "completed"})
    send(admission, RUN, body=run("run_2"))


def test_growing_usage_of_a_run_counts() -> None:
    admission = AdmissionControl(Budget(), max_tokens=2 * TOKENS_PER_RUN)
    send(admission, RUN, body=run("run_1"))
    send(admission, READ, body=run("run_1", 1))
    send(admission, READ, body=run("run_1", TOKENS_PER_RUN + 1))
    with pytest.raises(BudgetExhausted, match="tokens is reached"):
        admission.admit(RUN)


def test_only_cleanup_is_admitted_after_stop() -> None:
    budget = Budget()
    budget.stop("interrupted")
    admission = AdmissionControl(budget)
    with pytest.raises(BudgetExhausted, match="interrupted"):
        admission.admit(READ)
    send(admission, DELETE)
