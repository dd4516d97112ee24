"""Acceptance: what is as small and as plain as the contract allows is taken."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.evidence.sighting import exchanges
from conformance.model.case import Role
from conformance.model.exchange import Exchange
from conformance.model.rule import rule
from conformance.model.source import Level, schema
from conformance.model.verdict import HELD, Result, Undecided

_ON_A_MODEL = frozenset({"create_assistant", "modify_assistant", "create_run", "create_thread_and_run"})
"""Operations whose refusal may mean that the target does not have the model."""

_ON_A_STATE = frozenset({"submit_tool_outputs", "cancel_run"})
"""Operations whose refusal may mean that the run has moved on by itself."""

_REFUSALS = (400, 409, 413, 415, 422)


@rule(
    over=exchanges,
    level=Level.MUST,
    source=schema("openai-openapi f85dbe2 openapi.yaml, the required members of each request"),
    capability="core",
)
def smallest_request_is_accepted(exchange: Exchange) -> Iterator[Result]:
    """The smallest legal request of an operation, upon objects that exist, is accepted.

    A server that refuses it cannot be used; and that it refuses what is illegal, too, then says nothing for it.
    """
    step = exchange.step
    if step is None or step.role is not Role.CONTROL or exchange.operation is None:
        return
    if exchange.accepted:
        yield HELD
    elif exchange.status not in _REFUSALS:
        return
    elif exchange.operation in _ON_A_MODEL:
        yield Undecided(f"{exchange.operation} was refused, which may be a matter of the model")
    elif exchange.operation in _ON_A_STATE:
        yield Undecided(f"{exchange.operation} was refused, which may be a matter of the run's state")
    else:
        yield exchange.finding("the smallest legal request was refused", "", 200, exchange.status)
