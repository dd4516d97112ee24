"""Polls of a run, until it has an expected status or is not worth waiting for any longer."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from runs_conformance.contract.lifecycle import STATUSES, TERMINAL
from runs_conformance.engine.budget import Budget
from runs_conformance.engine.polling import PollSchedule
from runs_conformance.model.case import Step
from runs_conformance.model.exchange import Exchange

MAX_UNREADABLE_POLLS = 3
"""Consecutive polls without a known status after which polling ends."""


_PROGRESS = frozenset({*TERMINAL, "requires_action"} - {"cancelled"})
"""Statuses that show that the target executes runs. It may cancel and start runs that it never finishes."""


def _shown_status(exchange: Exchange) -> str:
    """The status of a run that a response shows; empty if it shows none."""
    value = exchange.member("status")
    return value if exchange.accepted and isinstance(value, str) else ""


def has_settled(step: Step, exchange: Exchange) -> bool:
    """Whether a response to a poll shows that the run need not be waited for any longer."""
    status = _shown_status(exchange)
    return status in step.until or status in TERMINAL


def poll_run(
    step: Step, send: Callable[[], Exchange], run_timeout: float, budget: Budget, schedule: PollSchedule
) -> Iterator[Exchange]:
    """Poll until the run has an expected or terminal status, or until the timeout; once if the last runs were stuck."""
    started = schedule.now()
    unreadable = 0
    if pause := schedule.first_pause(step.until):
        schedule.sleep(pause)
    while True:
        exchange = send()
        yield exchange
        status = _shown_status(exchange)
        waited = schedule.now() - started
        if has_settled(step, exchange):
            schedule.record_success(waited, step.until)
            if status in _PROGRESS:
                budget.count_progressing_run()
            return
        unreadable = 0 if status in STATUSES else unreadable + 1
        if exchange.refused or not exchange.id or unreadable >= MAX_UNREADABLE_POLLS:
            return
        if waited >= schedule.timeout(run_timeout):
            schedule.record_timeout()
            budget.count_stuck_run(status)
            return
        budget.check()
        if budget.stuck_runs_problem is not None:
            return
        schedule.sleep(schedule.interval(waited, step.until))
