"""The exchange of a step that a sender does not send."""

from __future__ import annotations

from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.evidence.description import NOT_SENT
from runs_conformance.model.case import Step
from runs_conformance.model.exchange import Completion, Exchange, Request


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
