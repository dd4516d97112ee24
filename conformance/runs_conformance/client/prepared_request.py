"""Turns a step into a request, with its references replaced by values from earlier responses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from runs_conformance.client import base_url
from runs_conformance.contract.event import readable_events
from runs_conformance.contract.operation import OPERATIONS, Operation, response_kind_of
from runs_conformance.errors import ConformanceError, InternalError
from runs_conformance.model.case import Key, Ref, Step
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.json import ABSENT, JSON, Absent, at, is_object
from runs_conformance.model.list_body import in_envelope

MAX_ID_LENGTH = 4_000
"""Servers accept no longer request line."""

_READABLE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_ESCAPED = json.JSONEncoder(separators=(",", ":"))


class UnresolvedReference(ConformanceError):  # noqa: N818 -- it describes the step
    """An earlier response lacks the value that a step refers to, so the step cannot be sent."""

    def __init__(self, step: str, pointer: str, why: str) -> None:
        super().__init__(f"step {step!r} has no value at {pointer or 'the root'}: {why}")
        self.step = step
        self.pointer = pointer


@dataclass(frozen=True, slots=True)
class PreparedRequest:
    """A request ready to be sent. `path` is below the base path, with encoded ids; `ids` are the plain ids.

    `headers` change the default headers; a value of None removes one. `content` is the encoded `body`.
    """

    operation: str
    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str | None] | None = None
    content: bytes | None = None
    key: Key = Key.PRIMARY
    ids: Mapping[str, str] | None = None
    body: JSON | Absent = ABSENT


def prepare(step: Step, responses: Mapping[str, Exchange]) -> PreparedRequest:
    """Prepare the request of a step. Raises UnresolvedReference if an earlier response lacks a value it refers to."""
    operation = _operation(step)
    ids = {name: _text(_resolve(value, responses)) for name, value in step.path.items()}
    for name, id_ in ids.items():
        if len(id_) > MAX_ID_LENGTH and isinstance(step.path[name], Ref):
            raise UnresolvedReference(step.name or step.operation, f"/{name}", f"the id has {len(id_)} characters")
    missing = [name for name in operation.parameters if name not in ids]
    if missing:
        raise InternalError(f"step {step.name or step.operation!r} gives no {missing[0]}")
    body: JSON | Absent = ABSENT
    content = step.raw
    if content is None and step.body is not ABSENT:
        body = _resolve(step.body, responses)
        content = encode_json(body, escaped=step.escaped)
    return PreparedRequest(
        operation=operation.name,
        method=operation.method,
        path=base_url.operation_path(operation, ids),
        query=tuple((name, _text(_resolve(value, responses))) for name, value in step.query),
        headers=step.headers or None,
        content=content,
        key=step.key,
        ids=ids,
        body=body,
    )


def encode_json(body: object, *, escaped: bool = False) -> bytes:
    """Encode a JSON body as compact UTF-8; all non-ASCII as `\\u` escapes if `escaped` or with a lone surrogate."""
    if escaped:
        return _ESCAPED.encode(body).encode()
    try:
        return _READABLE.encode(body).encode()
    except UnicodeEncodeError:
        return _ESCAPED.encode(body).encode()


def reference_root(exchange: Exchange) -> JSON | Absent:
    """The value that a reference to this exchange points into: the body of the response.

    For an event stream it is the operation's object (the run) from the last event that carries one. The items of a
    list are in `data`, even if the server lists them elsewhere.
    """
    if exchange.response is None or exchange.response.events is None:
        operation = OPERATIONS.get(exchange.operation or "")
        return in_envelope(exchange.body) if operation is not None and operation.listed_kind else exchange.body
    wanted = f"thread.{response_kind_of(exchange.operation)}"
    for event in reversed(tuple(readable_events(exchange.response.events))):
        if is_object(event.data) and event.data.get("object") == wanted:
            return event.data
    return ABSENT


def _operation(step: Step) -> Operation:
    try:
        return OPERATIONS[step.operation]
    except KeyError:
        raise InternalError(f"step {step.name!r} names the unknown operation {step.operation!r}") from None


def _resolve(value: object, exchanges_by_step: Mapping[str, Exchange]) -> JSON:
    if isinstance(value, Ref):
        return _dereference(value, exchanges_by_step)
    if isinstance(value, Mapping):
        return {name: _resolve(member, exchanges_by_step) for name, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [_resolve(item, exchanges_by_step) for item in value]
    return value  # type: ignore[return-value]


def _dereference(ref: Ref, exchanges_by_step: Mapping[str, Exchange]) -> JSON:
    exchange = exchanges_by_step.get(ref.step)
    if exchange is None:
        raise UnresolvedReference(ref.step, ref.pointer, "it was not sent")
    value = at(reference_root(exchange), ref.pointer)
    if isinstance(value, Absent):
        raise UnresolvedReference(ref.step, ref.pointer, exchange.problem or f"it got HTTP {exchange.status}")
    return value


def _text(value: JSON) -> str:
    """A value for a path or a query: strings unchanged, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)
