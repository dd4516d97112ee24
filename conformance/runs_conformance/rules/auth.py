"""Authentication: without a valid key, requests are rejected, reveal nothing and have no effect."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from runs_conformance.contract.dialect import dialect_family
from runs_conformance.contract.operation import BETA_HEADER
from runs_conformance.evidence.creation import creations, key_of
from runs_conformance.evidence.unauthorized_attempt import (
    UnauthorizedAttempt,
    is_rejected_for_its_key,
    keys_are_checked,
    unauthorized_attempts,
)
from runs_conformance.evidence.working_operation import pass_if_working
from runs_conformance.model.case import Key
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import at
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, convention, observed, prose, schema
from runs_conformance.model.text import contains_word
from runs_conformance.model.verdict import PASSED, Inconclusive, Result

_SECURITY = schema("openai-openapi f85dbe2 openapi.yaml security: ApiKeyAuth, bearer, for every operation")
_CODES = prose(
    "openai-cookbook d2bb606 examples/data/oai_docs/error-codes.txt: 401, invalid authentication",
    note="recorded 5 of 5, code invalid_api_key",
)
_DISCLOSURE = convention("a secret in a message is disclosed to everyone who reads logs (CWE-209, CWE-532)")
_BETA = observed("openai-ruby#136, n8n#20107 and others: 400 with code invalid_beta")
_V1 = observed(
    "supershaneski/openai-assistants-api-multi-user-sample#4, 2025-03: the v1 Assistants API has been deprecated"
)
_V1_ENDED = "2024-12-18"


@dataclass(frozen=True, slots=True)
class _UnauthenticatedRequests:
    """The requests of a history that were sent with a wrong key, or those that were sent with none.

    `keys_are_checked` says whether one of them was rejected by an operation that does not reject the valid key.
    """

    sent: tuple[Exchange, ...]
    keys_are_checked: bool
    history: History


def _with_key(*keys: Key) -> Callable[[History], Iterable[_UnauthenticatedRequests]]:
    def units(history: History) -> Iterable[_UnauthenticatedRequests]:
        sent = tuple(exchange for exchange in history if exchange.operation and key_of(exchange) in keys)
        return (_UnauthenticatedRequests(sent, keys_are_checked(history, *keys), history),) if sent else ()

    return units


def _requests_without_valid_key(history: History) -> Iterable[Exchange]:
    return (exchange for exchange in history if exchange.operation and key_of(exchange) in (Key.NONE, Key.WRONG))


def _rejections_of_key(history: History) -> Iterable[Exchange]:
    return (each for each in _requests_without_valid_key(history) if is_rejected_for_its_key(history, each))


def _check_rejected(exchange: Exchange, description: str, works: bool = True) -> Iterator[Result]:
    """Check that a request is rejected. A 4xx proves it only if the operation `works` with the valid key."""
    status = exchange.status
    if exchange.accepted:
        yield exchange.finding(f"a request {description} succeeded", actual=status)
    elif status is not None and 400 <= status < 500 and status != 429:
        yield pass_if_working(exchange, works)
    else:
        yield Inconclusive(f"a request {description} was neither accepted nor rejected")


def _check_all_rejected(requests: _UnauthenticatedRequests, description: str) -> Iterator[Result]:
    if not requests.keys_are_checked:
        yield Inconclusive(f"no request {description} was rejected, so the target does not check keys")
        return
    for exchange in requests.sent:
        works = is_rejected_for_its_key(requests.history, exchange)
        yield from _check_rejected(exchange, description, works)


@rule(
    units=_with_key(Key.NONE),
    level=Level.SHOULD,
    source=_CODES,
    capability="auth",
    requirements=("invalid-key-is-401",),
)
def a_key_is_asked_for(requests: _UnauthenticatedRequests) -> Iterator[Result]:
    """A server requires a key.

    A server that is reachable only from its own machine may do without, but then its clients do not notice a missing
    key.

    Fix: Reject requests without a key with HTTP 401.
    """
    yield PASSED if requests.keys_are_checked else requests.sent[0].finding("no request without a key was rejected")


@rule(
    units=_with_key(Key.WRONG),
    level=Level.SHOULD,
    source=_CODES,
    capability="auth",
    requirements=("invalid-key-is-401",),
)
def a_wrong_key_is_told_apart(requests: _UnauthenticatedRequests) -> Iterator[Result]:
    """A server that requires a key rejects unknown keys.

    A key that is never compared protects nothing.

    Fix: Compare the key with those that were issued.
    """
    yield PASSED if requests.keys_are_checked else requests.sent[0].finding("no request with a wrong key was rejected")


@rule(
    units=_with_key(Key.NONE),
    level=Level.MUST,
    source=_SECURITY,
    capability="auth",
    requirements=("invalid-key-is-401",),
)
def nothing_is_served_without_a_key(requests: _UnauthenticatedRequests) -> Iterator[Result]:
    """If a server requires a key at all, every operation rejects requests without one.

    A single operation without the check is open to everyone.

    Fix: Check the key before routing instead of in each operation.
    """
    yield from _check_all_rejected(requests, "without a key")


@rule(
    units=_with_key(Key.WRONG),
    level=Level.MUST,
    source=_SECURITY,
    capability="auth",
    requirements=("invalid-key-is-401",),
)
def nothing_is_served_with_a_wrong_key(requests: _UnauthenticatedRequests) -> Iterator[Result]:
    """If a server rejects wrong keys at all, every operation rejects them.

    A single operation without the check is open to everyone.

    Fix: Check the key before routing instead of in each operation.
    """
    yield from _check_all_rejected(requests, "with a wrong key")


def _basic_auth_requests(history: History) -> Iterator[tuple[Exchange, bool]]:
    """Each request with the valid key under the scheme Basic, and whether the target checks keys at all."""
    are_checked = keys_are_checked(history, Key.NONE, Key.WRONG)
    return ((exchange, are_checked) for exchange in history if key_of(exchange) is Key.BASIC)


@rule(
    units=_basic_auth_requests,
    level=Level.SHOULD,
    source=_SECURITY,
    capability="auth",
    requirements=("invalid-key-is-401",),
)
def a_key_counts_as_a_bearer_token_only(unit: tuple[Exchange, bool]) -> Iterator[Result]:
    """A key is accepted as a bearer token and under no other scheme.

    `Authorization: Basic` carries a name and a password. If the server ignores the scheme, proxies and logs that
    recognize credentials by it do not redact the key.

    Fix: Accept the key only after `Bearer`.
    """
    exchange, are_checked = unit
    if are_checked:
        yield from _check_rejected(exchange, "with the key under the scheme Basic")
    else:
        yield Inconclusive("the target does not check keys")


@rule(
    units=_rejections_of_key,
    level=Level.SHOULD,
    source=_CODES,
    capability="auth",
    requirements=("invalid-key-is-401",),
)
def status_is_401(exchange: Exchange) -> Iterator[Result]:
    """A request without a key, or with a wrong one, is answered with HTTP 401.

    This includes requests for objects that do not exist; otherwise anyone could find out which ids exist.

    Fix: Check the key before looking up any object.
    """
    status = exchange.status
    if status is not None and 400 <= status < 500 and status != 429:
        finding = exchange.finding("the HTTP status for a missing or wrong key is not 401", "", 401, status)
        yield PASSED if status == 401 else finding


@rule(
    units=lambda history: (each for each in history if each.operation and each.repeats_key is not None),
    level=Level.SHOULD,
    source=_DISCLOSURE,
    capability="auth",
    requirements=("invalid-key-is-401",),
)
def keys_are_not_repeated(exchange: Exchange) -> Iterator[Result]:
    """A response does not repeat the client's key.

    Logs, error trackers and recordings keep responses, and would keep the key.

    Fix: Show only the first and last characters of a key in messages, and none anywhere else.
    """
    yield exchange.finding("the response repeats a key that was sent") if exchange.repeats_key else PASSED


def _rejected_requests_with_secret_ids(history: History) -> Iterator[tuple[Exchange, frozenset[str]]]:
    ids = frozenset(creation.id for creation in creations(history))
    for exchange in _rejections_of_key(history):
        if exchange.status is not None and 400 <= exchange.status < 500:
            yield exchange, ids - set(exchange.path.values()) - _ids_in_body(exchange)


def _ids_in_body(exchange: Exchange) -> set[str]:
    assistant = at(exchange.request.body, "/assistant_id")
    return {assistant} if isinstance(assistant, str) else set()


@rule(
    units=_rejected_requests_with_secret_ids,
    level=Level.MUST,
    source=_SECURITY,
    capability="auth",
    requirements=("invalid-key-is-401",),
    occasions=5,
)
def refusals_give_nothing_away(unit: tuple[Exchange, frozenset[str]]) -> Iterator[Result]:
    """The response to a request without a valid key contains nothing of the requested object.

    A body with the object reveals it, whatever the HTTP status.

    Fix: Check the key before loading the object.
    """
    exchange, ids = unit
    response_text = str(exchange.body) + (exchange.response.text or "" if exchange.response else "")
    revealed_id = next((id_ for id_ in ids if contains_word(response_text, id_)), None)
    shown = at(exchange.body, "/object")
    if revealed_id is not None or (isinstance(shown, str) and shown != "error"):
        yield exchange.finding("the rejection reveals the object", actual=revealed_id or shown)
    else:
        yield PASSED


def _attempts_without_valid_key(history: History) -> Iterator[UnauthorizedAttempt]:
    return (each for each in unauthorized_attempts(history) if key_of(each.exchange) in (Key.NONE, Key.WRONG))


@rule(
    units=_attempts_without_valid_key,
    level=Level.MUST,
    source=_SECURITY,
    capability="auth",
    requirements=("invalid-key-is-401",),
    occasions=5,
)
def refusals_change_nothing(attempt: UnauthorizedAttempt) -> Iterator[Result]:
    """A request that was rejected because of its key deletes, modifies, adds and cancels nothing.

    The owner of the objects would lose data to anyone who knows their ids.

    Fix: Check the key before any write.
    """
    if attempt.effect is not None:
        operation = attempt.exchange.operation
        yield attempt.effect.finding(f"{operation} was rejected because of its key but took effect", actual=operation)
    elif attempt.was_checked:
        yield PASSED


def _requests_without_current_beta_header(history: History) -> Iterable[Exchange]:
    """Every request without the beta header, or with that of the first beta. Azure never required one."""
    for exchange in history:
        is_beta = exchange.step is not None and BETA_HEADER[0] in exchange.step.headers
        if is_beta and dialect_family(exchange.dialect).uses_beta_header:
            yield exchange


@rule(
    units=_requests_without_current_beta_header,
    level=Level.SHOULD,
    source=_BETA,
    capability="auth",
    requirements=("missing-beta-header-refused",),
)
def beta_header_is_required(exchange: Exchange) -> Iterator[Result]:
    """A request without the header `OpenAI-Beta: assistants=v2` is refused.

    A compatible server does not need the header, but its users' clients would fail later at the real service.

    Fix: Refuse requests without the header with HTTP 400.
    """
    if exchange.step and exchange.step.headers[BETA_HEADER[0]] is None:
        yield from _check_rejected(exchange, "without the beta header")


@rule(
    units=_requests_without_current_beta_header,
    level=Level.SHOULD,
    source=_BETA,
    capability="errors",
    requirements=("missing-beta-header-refused",),
)
def missing_beta_header_is_invalid_beta(exchange: Exchange) -> Iterator[Result]:
    """A request without the beta header is refused with HTTP 400 and the code `invalid_beta`.

    Clients report the missing header by this code.

    Fix: Return HTTP 400 with `error.code` `invalid_beta`.
    """
    if exchange.refused and exchange.step and exchange.step.headers[BETA_HEADER[0]] is None:
        status, code = exchange.status, at(exchange.body, "/error/code")
        finding = exchange.finding(
            f"refused with HTTP {status} and the code {code!r}", "/error/code", "invalid_beta", code
        )
        yield PASSED if status == 400 and code == "invalid_beta" else finding


@rule(units=_requests_without_current_beta_header, level=Level.SHOULD, source=_V1, capability="auth")
def first_beta_is_over(exchange: Exchange) -> Iterator[Result]:
    """A request with `OpenAI-Beta: assistants=v1` is refused since 2024-12-18.

    A client of the first beta cannot read objects of the second.

    Fix: Refuse the value `assistants=v1` instead of ignoring it.
    """
    if exchange.step and exchange.step.headers[BETA_HEADER[0]] == "assistants=v1" and exchange.edition >= _V1_ENDED:
        yield from _check_rejected(exchange, "with the header of the first beta")
