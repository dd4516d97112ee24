"""What can be said of a request before its answer is read."""

from __future__ import annotations

from runs_conformance.contract.dialect import dialect_family
from runs_conformance.model.case import Either, Key, Reject, Role
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.json import Absent


def uses_default_auth(exchange: Exchange) -> bool:
    """Whether a request was sent with the usual key and headers. Recorded traffic was, but for what was refused and
    does not show the beta header; recorders that leave headers out leave out all.
    """
    step = exchange.step
    if step is not None:
        return step.key is Key.PRIMARY and not step.headers
    headers = {name.lower() for name in exchange.request.headers}
    uses_beta_header = dialect_family(exchange.dialect).uses_beta_header
    return not exchange.refused or not uses_beta_header or not headers or "openai-beta" in headers


def must_be_accepted(exchange: Exchange) -> bool:
    """Whether nothing in how a request was sent, or why, lets a correct server refuse it."""
    step = exchange.step
    if step is None:
        return uses_default_auth(exchange)
    open_to_refusal = isinstance(step.expectation, (Either, Reject)) or step.role is Role.NEGATIVE
    return uses_default_auth(exchange) and not open_to_refusal and step.mutation is None and step.raw is None


def is_interpretable(exchange: Exchange) -> bool:
    """Whether we know what a request asked for: its body is JSON, or there is none, and it is not sent to be refused.

    What a server makes of an illegal request that it accepts is stated nowhere.
    """
    readable = not isinstance(exchange.request.body, Absent) or exchange.request.text is None
    return readable and (exchange.step is None or not isinstance(exchange.step.expectation, Reject))
