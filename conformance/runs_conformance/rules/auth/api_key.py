"""The API key: without a valid one, requests are refused, reveal nothing and have no effect."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from runs_conformance.evidence.creation import distinctive_ids, key_of
from runs_conformance.evidence.misread_request import misread_requests
from runs_conformance.evidence.spontaneous_change import happens_without_request
from runs_conformance.evidence.unauthorized_attempt import (
    REFUSALS_TO_CHECK,
    UnauthorizedAttempt,
    is_refused_for_its_key,
    keys_are_checked,
    unauthorized_attempts,
)
from runs_conformance.evidence.working_operation import neither_accepted_nor_refused, operation_works, pass_if_working
from runs_conformance.model.case import Key
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import at
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, convention, prose, schema
from runs_conformance.model.text import contains_word
from runs_conformance.model.verdict import PASSED, Inconclusive, Passed, Result, Suspicion

_SECURITY = schema("openai-openapi f85dbe2 openapi.yaml security: ApiKeyAuth, bearer, for every operation")
_CODES = prose(
    "openai-cookbook d2bb606 examples/data/oai_docs/error-codes.txt: 401, invalid authentication",
    note="recorded 5 of 5, code invalid_api_key",
)

_DISCLOSURE = convention("a secret in a message is disclosed to everyone who reads logs (CWE-209, CWE-532)")


@dataclass(frozen=True, slots=True)
class _UnauthenticatedRequests:
    """The requests of a history that were sent with a wrong key, or those that were sent with none.

    `keys_are_checked` says whether one of them was certainly refused for its key.
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


def _refusals_of_key(history: History) -> Iterable[Exchange]:
    return (each for each in _requests_without_valid_key(history) if is_refused_for_its_key(history, each))


def check_refused(exchange: Exchange, description: str, works: bool = True) -> Iterator[Result]:
    """Check that a request is refused. A 4xx proves it only if the operation `works` with the valid key."""
    status = exchange.status
    if exchange.accepted:
        yield exchange.finding(f"a request {description} succeeded", actual=status)
    elif status is not None and 400 <= status < 500 and status != 429:
        yield pass_if_working(exchange, works)
    else:
        got = f"got HTTP {status}" if status is not None else "got no response"
        reason = f"a request {description} was neither accepted nor refused: {exchange.operation} {got}"
        yield neither_accepted_nor_refused(exchange, reason)


def _check_all_refused(requests: _UnauthenticatedRequests, description: str) -> Iterator[Result]:
    if not requests.keys_are_checked:
        yield Inconclusive(f"no refusal of a request {description} was clearly about the key")
        return
    for exchange in requests.sent:
        if exchange.id in misread_requests(requests.history):
            yield Inconclusive(f"HTTP {exchange.status} to a request {description} is about the body of an earlier one")
            continue
        works = is_refused_for_its_key(requests.history, exchange)
        yield from check_refused(exchange, description, works)


def _check_some_refused(requests: _UnauthenticatedRequests, description: str) -> Result:
    if requests.keys_are_checked:
        return PASSED
    for exchange in requests.sent:
        if exchange.accepted:
            return exchange.finding(f"no request {description} was refused")
    responded = [each for each in requests.sent if each.status is not None and operation_works(requests.history, each)]
    for exchange in responded:
        if not exchange.refused:
            status = exchange.status
            message = f"a request {description} got HTTP {status}, not 401"
            return exchange.finding(message, "", 401, status)
    if responded:
        return Inconclusive(f"the HTTP {responded[0].status} to a request {description} may have another reason")
    return Inconclusive(f"no request {description} was accepted or refused by an operation that works")


@rule(
    units=_with_key(Key.NONE),
    level=Level.SHOULD,
    source=_CODES,
    capability="auth",
    clauses=("invalid-key-is-401",),
)
def a_key_is_asked_for(requests: _UnauthenticatedRequests) -> Iterator[Result]:
    """A server requires a key.

    A server that is reachable only from its own machine may do without, but then its clients do not notice a missing
    key.

    Fix: Refuse requests without a key with HTTP 401.
    """
    yield _check_some_refused(requests, "without a key")


@rule(
    units=_with_key(Key.WRONG),
    level=Level.SHOULD,
    source=_CODES,
    capability="auth",
    clauses=("invalid-key-is-401",),
    formerly=("auth.a_wrong_key_is_told_apart",),
)
def a_wrong_key_is_refused(requests: _UnauthenticatedRequests) -> Iterator[Result]:
    """A server that requires a key refuses unknown keys.

    A key that is never compared protects nothing.

    Fix: Compare the key with those that were issued.
    """
    history = requests.history
    if not keys_are_checked(history, Key.NONE, Key.WRONG) and any(
        each.accepted for each in history if each.operation and key_of(each) is Key.NONE
    ):
        yield Inconclusive("the server requires no key")
    else:
        yield _check_some_refused(requests, "with a wrong key")


@rule(
    units=_with_key(Key.NONE),
    level=Level.MUST,
    source=_SECURITY,
    capability="auth",
    clauses=("invalid-key-is-401",),
)
def nothing_is_served_without_a_key(requests: _UnauthenticatedRequests) -> Iterator[Result]:
    """If a server requires a key at all, every operation refuses requests without one.

    A single operation without the check is open to everyone.

    Fix: Check the key before routing instead of in each operation.
    """
    yield from _check_all_refused(requests, "without a key")


@rule(
    units=_with_key(Key.WRONG),
    level=Level.MUST,
    source=_SECURITY,
    capability="auth",
    clauses=("invalid-key-is-401",),
)
def nothing_is_served_with_a_wrong_key(requests: _UnauthenticatedRequests) -> Iterator[Result]:
    """If a server refuses wrong keys at all, every operation refuses them.

    A single operation without the check is open to everyone.

    Fix: Check the key before routing instead of in each operation.
    """
    yield from _check_all_refused(requests, "with a wrong key")


def _basic_auth_requests(history: History) -> Iterator[tuple[Exchange, bool]]:
    """Each request with the valid key under the scheme Basic, and whether the target checks keys at all."""
    are_checked = keys_are_checked(history, Key.NONE, Key.WRONG)
    return ((exchange, are_checked) for exchange in history if key_of(exchange) is Key.BASIC)


@rule(
    units=_basic_auth_requests,
    level=Level.SHOULD,
    source=_SECURITY,
    capability="auth",
    clauses=("invalid-key-is-401",),
)
def a_key_counts_as_a_bearer_token_only(unit: tuple[Exchange, bool]) -> Iterator[Result]:
    """A key is accepted as a bearer token and under no other scheme.

    `Authorization: Basic` carries a name and a password. If the server ignores the scheme, proxies and logs that
    recognize credentials by it do not redact the key.

    Fix: Accept the key only after `Bearer`.
    """
    exchange, are_checked = unit
    if are_checked:
        yield from check_refused(exchange, "with the key under the scheme Basic")
    else:
        yield Inconclusive("the server does not check keys")


@rule(
    units=_refusals_of_key,
    level=Level.SHOULD,
    source=_CODES,
    capability="auth",
    clauses=("invalid-key-is-401",),
)
def status_is_401(exchange: Exchange) -> Iterator[Result]:
    """A request without a key, or with a wrong one, gets HTTP 401.

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
    clauses=("invalid-key-is-401",),
)
def keys_are_not_repeated(exchange: Exchange) -> Iterator[Result]:
    """A response does not repeat the client's key.

    Logs, error trackers and recordings keep responses, and would keep the key.

    Fix: Show only the first and last characters of a key in messages, and none anywhere else.
    """
    yield exchange.finding("the response repeats a key that was sent") if exchange.repeats_key else PASSED


def _refused_requests_with_secret_ids(history: History) -> Iterator[tuple[Exchange, frozenset[str]]]:
    ids = distinctive_ids(history)
    for exchange in _refusals_of_key(history):
        if exchange.status is not None and 400 <= exchange.status < 500:
            yield exchange, ids - set(exchange.path.values()) - _ids_in_body(exchange)


def _ids_in_body(exchange: Exchange) -> set[str]:
    assistant = at(exchange.request.body, "/assistant_id")
    return {assistant} if isinstance(assistant, str) else set()


@rule(
    units=_refused_requests_with_secret_ids,
    level=Level.MUST,
    source=_SECURITY,
    capability="auth",
    clauses=("invalid-key-is-401",),
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
        yield exchange.finding("the refusal reveals the object", actual=revealed_id or shown)
    else:
        yield PASSED


def _attempts_without_valid_key(history: History) -> Iterator[tuple[UnauthorizedAttempt, bool]]:
    """Each attempt, and whether the target does without a request what it asked for."""
    for attempt in unauthorized_attempts(history):
        if key_of(attempt.exchange) in (Key.NONE, Key.WRONG):
            yield attempt, happens_without_request(history, attempt.exchange)


@rule(
    units=_attempts_without_valid_key,
    level=Level.MUST,
    source=_SECURITY,
    capability="auth",
    clauses=("invalid-key-is-401",),
    occasions=5,
    needs_parts=REFUSALS_TO_CHECK,
)
def refusals_change_nothing(unit: tuple[UnauthorizedAttempt, bool]) -> Iterator[Result]:
    """A request that was refused because of its key deletes, modifies, adds and cancels nothing.

    The owner of the objects would lose data to anyone who knows their ids.

    Fix: Check the key before any write.
    """
    attempt, happens_anyway = unit
    operation = attempt.exchange.operation
    if attempt.effect is not None and happens_anyway:
        yield Suspicion(f"{operation} was refused and took effect, but the same happens to objects without a request")
    elif attempt.effect is not None:
        yield attempt.effect.finding(f"{operation} was refused because of its key but took effect", actual=operation)
    elif attempt.was_checked:
        yield Passed(attempt.part)
