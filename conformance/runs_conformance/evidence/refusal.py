"""Refusals of requests that break a schema, and the place they break it at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.contract.validation import validate_document
from runs_conformance.model.case import Mutation, Reject
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import Absent, json_pointer, pointer_tokens

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


def spelled(place: str) -> str:
    """A JSON Pointer as errors spell it: `/tool_outputs/0/output` is `tool_outputs[0].output`."""
    out = ""
    for token in pointer_tokens(place):
        out += f"[{token}]" if token.isdecimal() else f".{token}" if out else token
    return out


def param_matches(param: str, place: str) -> bool:
    """Whether an error's `param` names a place, something around it or something in it."""
    one, other = _words(param), _words(spelled(place))
    shorter = min(len(one), len(other))
    return shorter > 0 and one[:shorter] == other[:shorter]


def _words(param: str) -> list[str]:
    return [word for word in param.replace("[", ".").replace("]", "").split(".") if word]
