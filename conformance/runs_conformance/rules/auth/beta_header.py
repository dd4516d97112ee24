"""The `OpenAI-Beta` header."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from runs_conformance.contract.dialect import dialect_family
from runs_conformance.contract.operation import BETA_HEADER
from runs_conformance.evidence.refusal_reason import is_refused_for_status
from runs_conformance.model.error_message import refusal_text
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, at
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, observed
from runs_conformance.model.text import in_words
from runs_conformance.model.verdict import PASSED, Result
from runs_conformance.rules.auth.api_key import check_refused

_BETA = observed("openai-ruby#136, n8n#20107 and others: 400 with code invalid_beta")
_V1 = observed(
    "supershaneski/openai-assistants-api-multi-user-sample#4, 2025-03: the v1 Assistants API has been deprecated"
)

_V1_ENDED = "2024-12-18"


def _requests_without_current_beta_header(history: History) -> Iterable[Exchange]:
    """Every request without the beta header, or with that of the first beta. Azure never required one.

    If others with the same header were accepted, the target ignores it: a refusal that does not name the header has a
    reason of its own. A refusal for the status of a run says nothing about the header either.
    """
    sent = [
        exchange
        for exchange in history
        if exchange.step is not None
        and BETA_HEADER[0] in exchange.step.headers
        and dialect_family(exchange.dialect).uses_beta_header
    ]
    ignored = {_beta_header(exchange) for exchange in sent if exchange.accepted}
    return (
        exchange
        for exchange in sent
        if (exchange.accepted or _beta_header(exchange) not in ignored or "beta" in refusal_text(exchange).lower())
        and not is_refused_for_status(exchange)
    )


def _beta_header(exchange: Exchange) -> str | None:
    return exchange.step.headers[BETA_HEADER[0]] if exchange.step is not None else None


@rule(
    units=_requests_without_current_beta_header,
    level=Level.SHOULD,
    source=_BETA,
    capability="auth",
    clauses=("missing-beta-header-refused",),
)
def beta_header_is_required(exchange: Exchange) -> Iterator[Result]:
    """A request without the header `OpenAI-Beta: assistants=v2` is refused.

    A compatible server does not need the header, but its users' clients would fail later at the real service.

    Fix: Refuse requests without `OpenAI-Beta: assistants=v2` with HTTP 400.
    """
    if exchange.step and exchange.step.headers[BETA_HEADER[0]] is None:
        yield from check_refused(exchange, "without the beta header")


@rule(
    units=_requests_without_current_beta_header,
    level=Level.SHOULD,
    source=_BETA,
    capability="errors",
    clauses=("missing-beta-header-refused",),
)
def missing_beta_header_is_invalid_beta(exchange: Exchange) -> Iterator[Result]:
    """A request without the beta header is refused with HTTP 400 and the code `invalid_beta`.

    Clients report the missing header by this code.

    Fix: Return HTTP 400 with `error.code` `invalid_beta`.
    """
    if exchange.refused and exchange.step and exchange.step.headers[BETA_HEADER[0]] is None:
        status, code = exchange.status, at(exchange.body, "/error/code")
        described = "no code" if code is ABSENT else f"the code {in_words(code)}"
        finding = exchange.finding(f"refused with HTTP {status} and {described}", "/error/code", "invalid_beta", code)
        yield PASSED if status == 400 and code == "invalid_beta" else finding


@rule(units=_requests_without_current_beta_header, level=Level.SHOULD, source=_V1, capability="auth")
def first_beta_is_over(exchange: Exchange) -> Iterator[Result]:
    """A request with `OpenAI-Beta: assistants=v1` is refused from 2024-12-18 on.

    A client of the first beta cannot read objects of the second.

    Fix: Refuse the value `assistants=v1` instead of ignoring it.
    """
    if exchange.step and exchange.step.headers[BETA_HEADER[0]] == "assistants=v1" and exchange.edition >= _V1_ENDED:
        yield from check_refused(exchange, "with the header of the first beta")
