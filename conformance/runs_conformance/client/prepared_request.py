"""A step bound: its references replaced by what earlier answers gave, ready to be sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from runs_conformance.client import base_url
from runs_conformance.contract.operation import OPERATIONS, Operation, kind_of_operation
from runs_conformance.errors import ConformanceError, SuiteFault
from runs_conformance.model.case import Key, Ref, Step
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.json import ABSENT, JSON, Absent, at, is_object

_READABLE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_ESCAPED = json.JSONEncoder(separators=(",", ":"))


class Unbound(ConformanceError):  # noqa: N818 -- it says what the step is
    """An earlier answer does not give the value that a step refers to, so the step cannot be sent."""

    def __init__(self, step: str, pointer: str, why: str) -> None:
        super().__init__(f"step {step!r} gave nothing at {pointer or 'its root'}: {why}")
        self.step = step
        self.pointer = pointer


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One request as it will be on the wire. `path` is below the base, its ids encoded; `ids` are the ids as they are.

    `headers` are what the step adds to the usual ones, a `None` removing one. `body` is what `content` was encoded
    from.
    """

    operation: str
    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str | None] | None = None
    content: bytes | None = None
    key: Key = Key.OWN
    ids: Mapping[str, str] | None = None
    body: JSON | Absent = ABSENT


def bind(step: Step, answers: Mapping[str, Exchange]) -> Outgoing:
    """The request that a step stands for. Raises Unbound where an earlier answer lacks a value the step refers to."""
    operation = _operation(step)
    ids = {name: _text(_bound(value, answers)) for name, value in step.path.items()}
    missing = [name for name in operation.parameters if name not in ids]
    if missing:
        raise SuiteFault(f"step {step.name or step.operation!r} gives no {missing[0]}")
    body: JSON | Absent = ABSENT
    content = step.raw
    if content is None and step.body is not ABSENT:
        body = _bound(step.body, answers)
        content = encoded(body)
    return Outgoing(
        operation=operation.name,
        method=operation.method,
        path=base_url.path(operation, ids),
        query=tuple((name, _text(_bound(value, answers))) for name, value in step.query),
        headers=step.headers or None,
        content=content,
        key=step.key,
        ids=ids,
        body=body,
    )


def encoded(body: object) -> bytes:
    """A JSON body as bytes: compact, UTF-8; what UTF-8 cannot hold (a lone surrogate) as a `\\u` escape."""
    try:
        return _READABLE.encode(body).encode()
    except UnicodeEncodeError:
        return _ESCAPED.encode(body).encode()


def answer(exchange: Exchange) -> JSON | Absent:
    """The value that a reference to this exchange points into.

    For an event stream it is the object that the operation answers with (the run), as the last event that carries one
    shows it.
    """
    if exchange.response is None or exchange.response.events is None:
        return exchange.body
    wanted = f"thread.{kind_of_operation(exchange.operation)}"
    for event in reversed(exchange.response.events):
        if is_object(event.data) and event.data.get("object") == wanted:
            return event.data
    return ABSENT


def _operation(step: Step) -> Operation:
    try:
        return OPERATIONS[step.operation]
    except KeyError:
        raise SuiteFault(f"step {step.name!r} names the operation {step.operation!r}, which there is not") from None


def _bound(value: object, answers: Mapping[str, Exchange]) -> JSON:
    if isinstance(value, Ref):
        return _found(value, answers)
    if isinstance(value, Mapping):
        return {name: _bound(member, answers) for name, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [_bound(item, answers) for item in value]
    return value  # type: ignore[return-value]


def _found(ref: Ref, answers: Mapping[str, Exchange]) -> JSON:
    exchange = answers.get(ref.step)
    if exchange is None:
        raise Unbound(ref.step, ref.pointer, "it was not sent")
    value = at(answer(exchange), ref.pointer)
    if isinstance(value, Absent):
        raise Unbound(ref.step, ref.pointer, exchange.problem or f"it was answered with HTTP status {exchange.status}")
    return value


def _text(value: JSON) -> str:
    """A value as it stands in a path or a query: strings as they are, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)
