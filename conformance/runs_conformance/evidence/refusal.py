"""Refusals of requests that break a schema, and the place they break it at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.contract.validation import validate_document
from runs_conformance.model.case import Mutation, Reject
from runs_conformance.model.exchange import Completion, Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import Absent, json_pointer, spell_pointer

_UNPROCESSABLE = 422


@dataclass(frozen=True, eq=False)
class Refusal:
    """A refused request that certainly breaks the schema of its body or query.

    `places` are JSON Pointers into the body, or of a query parameter. `certain` says that it was refused for that: we
    know what was wrong with the request, and the operation takes others. Recorded traffic may have been refused for a
    reason that cannot be seen, and what is refused whatever it holds is not refused for what it holds.
    """

    exchange: Exchange
    pointers: tuple[str, ...]
    is_certain: bool


@lru_cache(maxsize=16)
def refusals(history: History) -> tuple[Refusal, ...]:
    """Every refusal of a request that breaks its schema."""
    return tuple(_refusals(history))


def _refusals(history: History) -> Iterator[Refusal]:
    taken = {exchange.operation for exchange in history if exchange.accepted}
    for exchange in history:
        if not exchange.refused or exchange.operation is None:
            continue
        if exchange.step is None:
            places = _violated_pointers(exchange)
            if places:
                yield Refusal(exchange, places, is_certain=False)
        elif (mutation := exchange.step.mutation) and _breaks_schema(exchange.step.expectation, mutation):
            yield Refusal(exchange, (mutation.pointer,), is_certain=exchange.operation in taken)


def _breaks_schema(expectation: object, mutation: Mutation) -> bool:
    return isinstance(expectation, Reject) and _UNPROCESSABLE in expectation.statuses and mutation.place != "path"


def _violated_pointers(exchange: Exchange) -> tuple[str, ...]:
    operation, body = OPERATIONS[exchange.operation or ""], exchange.request.body
    if operation.body is None or isinstance(body, Absent):
        return ()
    edition = exchange.edition or DEFAULT_EDITION
    faults = validate_document(f"requests/{operation.body}", operation.name, body, edition).violations
    return tuple(fault.pointer + (json_pointer(fault.member) if fault.member else "") for fault in faults)


def param_matches(param: str, place: str) -> bool:
    """Whether an error's `param` names a place, something around it or something in it."""
    one, other = _words(param), _words(spell_pointer(place))
    shorter = min(len(one), len(other))
    return shorter > 0 and one[:shorter] == other[:shorter]


def _words(param: str) -> list[str]:
    return [word for word in param.replace("[", ".").replace("]", "").split(".") if word]


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
