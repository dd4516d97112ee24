"""The first valid request of a program that was refused, which may be why the program showed less than others do."""

from __future__ import annotations

from collections.abc import Iterable

from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.evidence.description import describe_outcome
from runs_conformance.evidence.request_expectation import must_be_accepted
from runs_conformance.evidence.thread_lock import says_locked
from runs_conformance.model.case import Role
from runs_conformance.model.exchange import Exchange

_ROLES = (Role.ACT, Role.READ, Role.FIXTURE)
"""Boundary values have other roles; programs go on in the same way when they are refused."""
_REFUSES_VALUE = (400, 422)


def first_refused_request(exchanges: Iterable[Exchange]) -> str:
    """The first valid read or creation that was refused for its values, with its query; empty if there is none.

    Other requests may be refused for the state of an object, which programs try on purpose.
    """
    refused = next(filter(_is_refused_though_valid, exchanges), None)
    if refused is None:
        return ""
    query = "&".join(f"{name}={value}" for name, value in refused.request.query)
    path = OPERATIONS[refused.operation or ""].path
    return describe_outcome(refused).replace(path, f"{path}?{query}", 1) if query else describe_outcome(refused)


def _is_refused_though_valid(exchange: Exchange) -> bool:
    step, operation = exchange.step, OPERATIONS.get(exchange.operation or "")
    return (
        step is not None
        and operation is not None
        and step.role in _ROLES
        and step.dangling is None
        and exchange.status in _REFUSES_VALUE
        and (operation.method == "GET" or operation.creates is not None)
        and must_be_accepted(exchange)
        and not says_locked(exchange)
    )
