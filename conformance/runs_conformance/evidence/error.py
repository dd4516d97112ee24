"""Errors that the target's own application answered."""

from __future__ import annotations

from collections.abc import Iterable

from runs_conformance.model.exchange import Completion, Exchange
from runs_conformance.model.history import History

_BEFORE_THE_SERVER = frozenset({408, 413, 414, 429, 431})
"""HTTP statuses that web servers, gateways and proxies give before an application sees the request."""
_LONGEST_URL = 4000


def application_errors(history: History) -> Iterable[Exchange]:
    """Every error that the target's own application answered, not a web server or proxy before it."""
    return (exchange for exchange in history if exchange.operation is not None and is_application_error(exchange))


def is_application_error(exchange: Exchange) -> bool:
    """Whether an answer is an error of the application: a 4xx that nothing before it gives, to a path that it gets."""
    status = exchange.status
    if status is None or exchange.completion is not Completion.ANSWERED:
        return False
    return 400 <= status < 500 and status not in _BEFORE_THE_SERVER and _is_routed(exchange)


def _is_routed(exchange: Exchange) -> bool:
    """Whether a path and query are such that routers and web servers pass them on: short, printable, no extra slash."""
    length = len(exchange.request.path) + sum(len(name) + len(value) for name, value in exchange.request.query)
    return length < _LONGEST_URL and all(id_.isprintable() and "/" not in id_ for id_ in exchange.path.values())
