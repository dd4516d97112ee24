"""Refusals: error responses of the application, and the place at which a refused request violates its schema."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.contract.validation import validate_document
from runs_conformance.evidence.misread_request import misread_requests
from runs_conformance.evidence.refusal_reason import member_named_instead, missing_sibling
from runs_conformance.evidence.thread_occupancy import thread_occupancy
from runs_conformance.model.case import Mutation, Refuse
from runs_conformance.model.exchange import Completion, Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import Absent, at, json_pointer, spell_pointer

_UNPROCESSABLE, _TOO_LARGE, _UNSUPPORTED_TYPE = 422, 413, 415

_UNKNOWN_MEMBER = "additionalProperties"
_KINDS = {
    "type": "type",
    "required": "required",
    "enum": "enum",
    "const": "enum",
    "pattern": "pattern",
    "minimum": "range",
    "maximum": "range",
    "minLength": "length",
    "maxLength": "length",
    "minItems": "size",
    "maxItems": "size",
    "maxProperties": "size",
    _UNKNOWN_MEMBER: _UNKNOWN_MEMBER,
}
"""The kinds of violations by keyword. Servers may refuse the keywords of one kind with the same code."""

MIN_KINDS = 4
"""Kinds of violations, an unknown member among them, that one code does not name: a server may have few codes."""


@dataclass(frozen=True, eq=False)
class Refusal:
    """A refused request that certainly violates the schema of its body or query.

    `pointers` are JSON Pointers into the body, or name a query parameter. `is_certain` says that the violation is the
    reason of the refusal: the violation is deliberate, the operation accepts other requests, and no run locks the
    thread. Traffic of other clients may have been refused for an invisible reason. `other_member` is another member
    that the refusal names as its reason.
    """

    exchange: Exchange
    pointers: tuple[str, ...]
    is_certain: bool
    other_member: str | None = None

    @property
    def may_be_for_content_type(self) -> bool:
        """Whether the body may have been refused unread, for its content type.

        Schemas do not cover the content type, and HTTP has a status for it: 415, which a body without a content type
        may get, too.
        """
        headers = self.exchange.request.headers.items()
        declared = next((value for name, value in headers if name.lower() == "content-type"), "")
        media_type = declared.partition(";")[0].strip().lower()
        return not media_type.endswith("json") if media_type else self.exchange.status == _UNSUPPORTED_TYPE


@lru_cache(maxsize=16)
def refusals(history: History) -> tuple[Refusal, ...]:
    """Every refusal of a request that violates its schema."""
    return tuple(_refusals(history))


def _refusals(history: History) -> Iterator[Refusal]:
    accepted_operations = {exchange.operation for exchange in history if exchange.accepted}
    for exchange in history:
        if not exchange.refused or exchange.operation is None:
            continue
        if exchange.step is None:
            pointers = _violated_pointers(exchange)
            if pointers:
                yield Refusal(exchange, pointers, is_certain=False)
        elif (mutation := exchange.step.mutation) and _breaks_schema(exchange.step.expectation, mutation):
            is_certain = exchange.operation in accepted_operations and thread_occupancy(history).is_idle(exchange)
            place = mutation.pointer
            other = member_named_instead(exchange, place) or missing_sibling(exchange, place)
            yield Refusal(exchange, (place,), is_certain, other)


@lru_cache(maxsize=16)
def indistinct_code(history: History) -> str | None:
    """The one `code` of all errors for violations of the body, if they are of many kinds; else None."""
    kinds: set[str] = set()
    codes: set[str] = set()
    for refusal in refusals(history):
        exchange = refusal.exchange
        mutation = exchange.step.mutation if exchange.step is not None else None
        code = at(exchange.body, "/error/code")
        if mutation is not None and mutation.keyword in _KINDS and refusal.is_certain and exchange.status != _TOO_LARGE:
            kinds.add(_KINDS[mutation.keyword])
            codes.add(code if isinstance(code, str) else "")
    is_indistinct = len(codes) == 1 and len(kinds) >= MIN_KINDS and _UNKNOWN_MEMBER in kinds
    return next(iter(codes)) if is_indistinct else None


def _breaks_schema(expectation: object, mutation: Mutation) -> bool:
    return isinstance(expectation, Refuse) and _UNPROCESSABLE in expectation.statuses and mutation.place != "path"


def _violated_pointers(exchange: Exchange) -> tuple[str, ...]:
    operation, body = OPERATIONS[exchange.operation or ""], exchange.request.body
    if operation.body is None or isinstance(body, Absent):
        return ()
    edition = exchange.edition or DEFAULT_EDITION
    faults = validate_document(f"requests/{operation.body}", operation.name, body, edition).violations
    return tuple(fault.pointer + (json_pointer(fault.member) if fault.member else "") for fault in faults)


def param_matches(param: str, pointer: str) -> bool:
    """Whether the `param` of an error names a pointer's value, one of its parents or one of its members."""
    named, actual = _words(param), _words(spell_pointer(pointer))
    shorter = min(len(named), len(actual))
    return shorter > 0 and named[:shorter] == actual[:shorter]


def _words(param: str) -> list[str]:
    return [word for word in param.replace("[", ".").replace("]", "").split(".") if word]


_BEFORE_THE_SERVER = frozenset({408, 413, 429, 431})
"""HTTP statuses that web servers, gateways and proxies send before an application sees the request."""
_URL_TOO_LONG = 414
_SHORT_URL = 1000
"""No web server, gateway or proxy refuses a shorter path and query for its length; a router of the application may."""
_LONGEST_URL = 4000


def application_errors(history: History) -> Iterable[Exchange]:
    """Every error response of the target's own application to the request itself, not of a proxy in front of it."""
    misread = misread_requests(history)
    return (each for each in history if each.operation and is_application_error(each) and each.id not in misread)


def is_application_error(exchange: Exchange) -> bool:
    """Whether a response is an error of the application: a 4xx that no proxy sends, to a path that reaches it.

    A response whose body was too large to be read or recorded does not show its error.
    """
    status = exchange.status
    if status is None or exchange.completion is not Completion.ANSWERED:
        return False
    if exchange.response is not None and "too_large" in exchange.response.defects:
        return False
    longest = _SHORT_URL if status == _URL_TOO_LONG else _LONGEST_URL
    return 400 <= status < 500 and status not in _BEFORE_THE_SERVER and _is_routed(exchange, longest)


def _is_routed(exchange: Exchange, longest: int) -> bool:
    """Whether routers and web servers forward a path and query: short, printable, without additional slashes."""
    length = len(exchange.request.path) + sum(len(name) + len(value) for name, value in exchange.request.query)
    return length < longest and all(id_.isprintable() and "/" not in id_ for id_ in exchange.path.values())
