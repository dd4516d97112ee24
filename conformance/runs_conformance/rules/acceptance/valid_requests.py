"""Valid requests are accepted: the smallest of an operation, equal ones, and those with several optional members."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from runs_conformance.evidence.observation import assistant_observations
from runs_conformance.evidence.random_refusal import EqualRequests, equal_requests
from runs_conformance.evidence.server_failure import describe_unusable, is_server_error
from runs_conformance.evidence.smallest_refusal import model_was_accepted, other_reason_than_model
from runs_conformance.evidence.thread_lock import says_locked
from runs_conformance.model.case import Role
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import is_object, json_equal
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, schema
from runs_conformance.model.verdict import PASSED, Finding, Inconclusive, Nature, Result, Suspicion
from runs_conformance.rules.acceptance.combined_requests import CombinedRequest, combined_requests

_MODEL_OPERATIONS = frozenset({"create_assistant", "modify_assistant", "create_run", "create_thread_and_run"})
"""Operations that the target may refuse because it does not have the model."""

_STATE_OPERATIONS = frozenset({"submit_tool_outputs", "cancel_run"})
"""Operations that the target may refuse because the run has changed its status."""

_REFUSED_STATUSES = (400, 409, 413, 415, 422)


@dataclass(frozen=True, slots=True)
class _SmallestRequest:
    """A control request, and a larger request of its operation with the same model that was accepted, if any.

    `other_reason` is what the refusal says if it cannot be due to the model; `model_is_known` says that another
    request with this model was accepted.
    """

    exchange: Exchange
    larger: Exchange | None = None
    other_reason: str = ""
    model_is_known: bool = False


def _smallest_requests(history: History) -> Iterator[_SmallestRequest]:
    accepted = [each for each in history if each.accepted and each.operation in _MODEL_OPERATIONS]
    for exchange in history:
        if exchange.step is not None and exchange.step.role is Role.CONTROL and exchange.operation is not None:
            yield _SmallestRequest(exchange) if exchange.accepted else _refused_request(exchange, accepted, history)


def _refused_request(refused: Exchange, accepted: Sequence[Exchange], history: History) -> _SmallestRequest:
    larger = next((each for each in accepted if _is_larger(each, refused, history)), None)
    needs_model = refused.refused and refused.operation in _MODEL_OPERATIONS and not _keeps_model(refused)
    reason = (other_reason_than_model(refused) or "") if needs_model else ""
    return _SmallestRequest(refused, larger, reason, bool(reason) and model_was_accepted(refused, history))


def _is_larger(accepted: Exchange, refused: Exchange, history: History) -> bool:
    """Whether an accepted request has all members of the refused one, others besides, and no other model."""
    larger, smaller = accepted.request.body, refused.request.body
    if accepted.operation != refused.operation or not is_object(larger) or not is_object(smaller):
        return False
    if not (larger.keys() > smaller.keys() and all(json_equal(larger[name], value) for name, value in smaller.items())):
        return False
    if refused.operation == "create_assistant" or "model" not in larger:
        return True
    shown = [
        each.get("model")
        for each in assistant_observations(history)
        if each.id and each.id == smaller.get("assistant_id")
    ]
    return bool(shown) and all(json_equal(model, larger["model"]) for model in shown)


def _keeps_model(exchange: Exchange) -> bool:
    """Whether a request modifies an assistant without naming a model, so that the one in use stays."""
    body = exchange.request.body
    return exchange.operation == "modify_assistant" and is_object(body) and "model" not in body


@rule(
    units=_smallest_requests,
    level=Level.MUST,
    source=schema("openai-openapi f85dbe2 openapi.yaml, the required members of each request"),
    capability="core",
)
def smallest_request_is_accepted(request: _SmallestRequest) -> Iterator[Result]:
    """The smallest valid request of an operation on existing objects is accepted.

    A server that refuses it is unusable, and its refusals of invalid requests prove nothing. A server may refuse a
    model. The refusal of a request that names a model or starts a run therefore counts only if a larger request with
    this model is accepted, or if the refusal gives another reason and any request with this model is accepted.

    Fix: Require only the members that the schema requires, and match /threads/runs before /threads/{thread_id}.
    """
    exchange = request.exchange
    refused = f"refused the smallest valid request of {exchange.operation}"
    if exchange.accepted:
        yield PASSED
    elif is_server_error(exchange) or exchange.has_success_status:
        yield Suspicion(describe_unusable(exchange))
    elif exchange.status not in _REFUSED_STATUSES:
        return
    elif says_locked(exchange):
        yield Inconclusive(f"{exchange.operation} was refused, possibly because of an active run")
    elif request.larger is not None and is_object(request.larger.request.body):
        sent = exchange.request.body if is_object(exchange.request.body) else {}
        names = ", ".join(name for name in request.larger.request.body if name not in sent)
        yield _refusal_finding(exchange, f"{refused}; with {names} it was accepted")
    elif request.other_reason:
        message = f"{refused}: {request.other_reason}"
        yield _refusal_finding(exchange, message) if request.model_is_known else Inconclusive(message)
    elif exchange.operation in _MODEL_OPERATIONS and not _keeps_model(exchange):
        yield Inconclusive(f"{exchange.operation} was refused, possibly because of the model")
    elif exchange.operation in _STATE_OPERATIONS:
        yield Inconclusive(f"{exchange.operation} was refused, possibly because of the state of the run")
    else:
        yield _refusal_finding(exchange, refused)


def _refusal_finding(exchange: Exchange, message: str) -> Finding:
    return replace(exchange.finding(message, "", 200, exchange.status), nature=Nature.VALID_REQUEST_REFUSED)


@rule(
    units=equal_requests,
    level=Level.MUST,
    source=schema("openai-openapi f85dbe2 openapi.yaml, the 200 response of each creation"),
    capability="core",
)
def equal_requests_are_all_accepted(requests: EqualRequests) -> Iterator[Result]:
    """A valid request that is accepted once is accepted every time.

    Clients cannot correct a request that is valid already. Judged on creations with equal bodies, on threads that
    had no run before.

    Fix: Respond with HTTP 429 or 503 if the server cannot serve a request now.
    """
    refused, count = requests.refused, len(requests.accepted) + len(requests.refused)
    if requests.differ:
        message = f"valid requests are refused at random: {len(refused)} of {count} equal ones"
        yield refused[0].finding(message, "", 200, refused[0].status)
    elif requests.unclear:
        yield Suspicion(describe_unusable(requests.unclear[0]))
    elif requests.accepted:
        yield PASSED


@rule(
    units=combined_requests,
    level=Level.SHOULD,
    source=schema("openai-openapi f85dbe2 openapi.yaml: no request says which of its optional members exclude others"),
    capability="core",
)
def members_are_accepted_together(request: CombinedRequest) -> Iterator[Result]:
    """Members that are accepted one by one are accepted in one request.

    Clients combine optional members. The real service refused some combinations that a model did not support, but no
    document says which.

    Fix: Validate optional members independently of each other.
    """
    if request.exchange.accepted:
        yield PASSED
    elif request.exchange.has_success_status:
        yield Suspicion(describe_unusable(request.exchange))
    elif says_locked(request.exchange):
        yield Inconclusive(f"{request.exchange.operation} was refused, possibly because of an active run")
    elif request.exchange.status in (400, 422) and request.may_be_chance:
        yield Inconclusive(f"{request.exchange.operation} refuses equal requests at random")
    elif request.exchange.status in (400, 422) and request.parts_were_accepted and not request.has_one_value:
        if name := request.doubtful_member:
            yield Inconclusive(f"the refusal names {name}, of which no other request had this value accepted")
            return
        names = ", ".join(request.places)
        message = f"the members were refused together, although each was accepted in another request: {names}"
        yield request.exchange.finding(message, "", 200, request.exchange.status)
