"""Requests that only their key can have made invalid, since the right key gets the same request accepted."""

from __future__ import annotations

from functools import lru_cache

from runs_conformance.evidence.creation import key_of
from runs_conformance.evidence.request_expectation import uses_default_auth
from runs_conformance.model.case import Key
from runs_conformance.model.exchange import UNAUTHORIZED_STATUSES, Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import JSON, Absent, is_array, is_object

_OTHER_REASONS = (405, 409)
"""Refusals whose status states another reason than the key."""

_CURSORS = ("after", "before")


@lru_cache(maxsize=16)
def keys_that_alone_are_refused(history: History) -> frozenset[Key]:
    """The invalid keys with which a request was refused (any 4xx) although it is valid with the right key."""
    sent = [each for each in history if each.operation and key_of(each) in (Key.NONE, Key.WRONG)]
    served = {(key_of(each), each.operation) for each in sent if each.accepted}
    return frozenset(
        key_of(each)
        for each in sent
        if (key_of(each), each.operation) not in served and _only_its_key_is_wrong(history, each)
    )


def _only_its_key_is_wrong(history: History, exchange: Exchange) -> bool:
    """Whether a request was refused that was accepted afterwards, and was never refused, with the right key.

    Acceptance afterwards shows that no quota was used up. The request must not name an object or a model: a
    server that accepts every key, as that of some tenant, refuses requests for what only other tenants have.
    """
    has_other_headers = exchange.step is not None and bool(exchange.step.headers)
    if not exchange.refused or exchange.status in _OTHER_REASONS or has_other_headers or _names_something(exchange):
        return False
    with_right_key = [each for each in history if uses_default_auth(each) and _are_the_same(each, exchange)]
    return any(exchange.happened_before(each) and each.accepted for each in with_right_key) and not any(
        each.refused or each.status in UNAUTHORIZED_STATUSES for each in with_right_key
    )


def _names_something(exchange: Exchange) -> bool:
    """Whether a request names an object or a model."""
    request = exchange.request
    has_cursor = any(name in _CURSORS for name, _ in request.query)
    return bool(exchange.path) or has_cursor or request.text is not None or _has_names(request.body)


def _has_names(value: JSON | Absent) -> bool:
    if is_object(value):
        return any(
            name == "model" or name.endswith(("_id", "_ids")) or _has_names(member) for name, member in value.items()
        )
    return is_array(value) and any(map(_has_names, value))


def _are_the_same(one: Exchange, other: Exchange) -> bool:
    return (one.operation, one.request.path, one.request.query, one.request.body) == (
        other.operation,
        other.request.path,
        other.request.query,
        other.request.body,
    )
