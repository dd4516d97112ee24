"""The exchange of a step that a sender does not send."""

from __future__ import annotations

from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.evidence.description import NOT_SENT
from runs_conformance.model.case import Step
from runs_conformance.model.exchange import Completion, Exchange, Request

_NO_ROUTE = "the target has no "


def exchange_without_route(step: Step, program: str, operation: str) -> Exchange:
    """The exchange that takes the place of a step's because the target lacks an operation."""
    return unsent_exchange(step, program, f"{_NO_ROUTE}{operation}")


def is_without_route(exchange: Exchange) -> bool:
    """Whether a step was not sent because the target lacks an operation."""
    return exchange.problem is not None and exchange.problem.startswith(f"{NOT_SENT}{_NO_ROUTE}")


def unsent_exchange(step: Step, program: str, reason: str) -> Exchange:
    """The exchange that takes the place of a step's. It is not recorded and not evidence."""
    return Exchange(
        id="",
        index=0,
        program=program,
        operation=step.operation,
        request=Request(OPERATIONS[step.operation].method, ""),
        response=None,
        completion=Completion.NOT_CONNECTED,
        started=0.0,
        ended=0.0,
        step=step,
        problem=f"{NOT_SENT}{reason}",
    )
