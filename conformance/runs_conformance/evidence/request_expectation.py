"""The expected treatment of a request, before its response is known."""

from __future__ import annotations

from runs_conformance.contract.dialect import dialect_family
from runs_conformance.contract.operation import ORGANIZATION_HEADER
from runs_conformance.model.case import Either, Key, Refuse, Role
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.json import Absent


def uses_default_auth(exchange: Exchange) -> bool:
    """Whether a request was sent with the default key and headers.

    Traffic of other clients was, except refused requests that lack the beta header although their headers were
    recorded and their dialect requires it.
    """
    step = exchange.step
    if step is not None:
        return step.key is Key.PRIMARY and not step.headers
    headers = {name.lower() for name in exchange.request.headers}
    uses_beta_header = dialect_family(exchange.dialect).uses_beta_header
    return not exchange.refused or not uses_beta_header or not headers or "openai-beta" in headers


def names_organization(exchange: Exchange) -> bool:
    """Whether the step of a request names an organization in a header, which the key alone would not select."""
    return exchange.step is not None and ORGANIZATION_HEADER in exchange.step.headers


def must_be_accepted(exchange: Exchange) -> bool:
    """Whether neither the authentication nor the intent of a request lets a correct server refuse it."""
    step = exchange.step
    if step is None:
        return uses_default_auth(exchange)
    may_be_refused = isinstance(step.expectation, (Either, Refuse)) or step.role is Role.NEGATIVE
    return uses_default_auth(exchange) and not may_be_refused and step.mutation is None and step.raw is None


def is_interpretable(exchange: Exchange) -> bool:
    """Whether the meaning of a request is known: its body is JSON or absent, and it is not sent to be refused.

    How a server interprets an invalid request that it accepts is not specified.
    """
    readable = not isinstance(exchange.request.body, Absent) or exchange.request.text is None
    return readable and (exchange.step is None or not isinstance(exchange.step.expectation, Refuse))
