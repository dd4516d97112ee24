"""Refusals: the status and error of a request that is refused."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from runs_conformance.contract.dialect import dialect_family
from runs_conformance.evidence.observation import exchanges
from runs_conformance.evidence.refusal import Refusal, indistinct_code, param_matches, refusals
from runs_conformance.evidence.refusal_reason import (
    OUTPUTS_ARE_COUNTED,
    is_place_of_id,
    may_count_outputs,
    missing_sibling,
)
from runs_conformance.model.case import REFUSES_BODY
from runs_conformance.model.exchange import Exchange, error_member
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, at, is_object, spell_pointer
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, observed, prose, schema
from runs_conformance.model.text import excerpt
from runs_conformance.model.verdict import PASSED, Inconclusive, Passed, Result, Suspicion

_CLIENT_ERROR = prose(
    "RFC 9110 15.5: 400, 413, 415 and 422 say that the content of a request is at fault",
    note="the service is only recorded with 400",
)
_RECORDED = observed("recorded traffic: ruby-openai 2024-04-29, every refusal of a body")
_STREAM_REFUSALS = observed("recorded traffic: ruby-openai runs_streamed_create 2024-04-29, two refusals")
_SUCCESS = schema("openai-openapi f85dbe2 openapi.yaml: the response of HTTP 200 is the object itself")
_ALL_ERRORS = observed("recorded traffic: 55 errors of the service, all of them 400, 401 or 404")

BODY_AT_FAULT = REFUSES_BODY.statuses
_CODE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*\Z")

_STREAMING = ("create_run", "create_thread_and_run", "submit_tool_outputs")
_NOT_FOUND, _TOO_LARGE = 404, 413
"""The latter is sent before the body is read, so it names no member."""
_FINDS_NOTHING = "HTTP 404 may say that the invalid id names no object"


@rule(units=refusals, level=Level.MUST, source=_CLIENT_ERROR, capability="validation")
def status_says_that_the_body_is_at_fault(refusal: Refusal) -> Iterator[Result]:
    """A request that violates the schema is refused with HTTP 400, 413, 415 or 422.

    HTTP 404 or 409 makes clients look for the error in the wrong place. HTTP 404 for an invalid id may mean that it
    names no object, which is not judged.

    Fix: Return HTTP 400 for every violation of the schema.
    """
    exchange = refusal.exchange
    if exchange.status in BODY_AT_FAULT:
        yield PASSED
    elif refusal.other_member is not None:
        yield Inconclusive(f"the refusal names {excerpt(refusal.other_member, 80)} instead of the invalid member")
    elif _may_find_nothing(refusal):
        yield Inconclusive(_FINDS_NOTHING)
    elif refusal.is_certain:
        status = exchange.status
        yield exchange.finding(f"the HTTP status for an invalid body is {status}", "", list(BODY_AT_FAULT), status)


def _may_find_nothing(refusal: Refusal) -> bool:
    """Whether the violation is in an id that the server may have looked up, unlike one that is missing or null."""
    pointer = refusal.pointers[0]
    is_sent = is_place_of_id(pointer) and at(refusal.exchange.request.body, pointer) not in (ABSENT, None)
    return is_sent and refusal.exchange.status == _NOT_FOUND


def _why_unrelated(refusal: Refusal) -> str | None:
    """Why a refusal may have another reason than the violation, so that it need not describe this; None if it has not.

    A server that finds no object, or expects other outputs, need not have looked for violations.
    """
    exchange, pointer = refusal.exchange, refusal.pointers[0]
    if _may_find_nothing(refusal):
        return _FINDS_NOTHING
    if missing := missing_sibling(exchange, pointer):
        return f"the refusal asks for {excerpt(missing, 80)}, which the invalid value may need"
    return OUTPUTS_ARE_COUNTED if may_count_outputs(exchange, pointer) else None


@rule(units=refusals, level=Level.SHOULD, source=_RECORDED, capability="validation")
def status_is_400(refusal: Refusal) -> Iterator[Result]:
    """A request that violates the schema is refused with HTTP 400, as by the real service.

    Client libraries raise an error of another class for 422. A body with a content type other than JSON is not judged.

    Fix: Return HTTP 400 instead of the 422 that many frameworks use.
    """
    exchange = refusal.exchange
    if exchange.status in BODY_AT_FAULT and exchange.status != _TOO_LARGE and not refusal.may_be_for_content_type:
        if exchange.status == 400:
            yield PASSED
        else:
            yield exchange.finding("the HTTP status differs from the real service's", "", 400, exchange.status)


@rule(units=refusals, level=Level.SHOULD, source=_RECORDED, capability="errors")
def param_names_the_place(refusal: Refusal) -> Iterator[Result]:
    """If a request violates the schema, `param` in the error names the invalid member, such as
    `tool_outputs[0].output`.

    Without it, a user searches a body of thirty members. A member around the invalid one, or inside it, passes too.

    Fix: Set `param` to the path of the member that failed validation.
    """
    exchange = refusal.exchange
    error, expected = at(exchange.body, "/error"), spell_pointer(refusal.pointers[0])
    if (
        expected
        and is_object(error)
        and exchange.status != _TOO_LARGE
        and ("param" in dialect_family(exchange.dialect).error_members or "param" in error)
    ):
        param = error.get("param")
        if isinstance(param, str) and any(param_matches(param, place) for place in refusal.pointers):
            yield PASSED
        elif reason := _why_unrelated(refusal):
            yield Inconclusive(reason)
        elif refusal.is_certain:
            yield exchange.finding("param does not name the invalid member", "/error/param", expected, param)


def _refusals_with_the_same_code(history: History) -> Iterable[tuple[Refusal, str | None]]:
    """Every refusal of an invalid body, with the code that all of them have although they are of many kinds."""
    code = indistinct_code(history)
    return ((refusal, code) for refusal in refusals(history))


@rule(units=_refusals_with_the_same_code, level=Level.SHOULD, source=_RECORDED, capability="errors")
def code_names_the_kind(unit: tuple[Refusal, str | None]) -> Iterator[Result]:
    """If a request violates the schema, `code` in the error names the kind of violation, such as `invalid_type`.

    Programs distinguish errors by `code`, not by the text of the message. A server may have few codes, but one code for
    unknown members and at least three other kinds of violations names none of them.

    Fix: Set `code` to a fixed lower-case name for each kind of violation.
    """
    refusal, same_code = unit
    exchange = refusal.exchange
    error = at(exchange.body, "/error")
    has_code = "code" in dialect_family(exchange.dialect).error_members
    if refusal.pointers[0] and is_object(error) and has_code and exchange.status != _TOO_LARGE:
        code = error.get("code")
        is_identifier = isinstance(code, str) and _CODE.match(code) is not None
        if is_identifier and refusal.is_certain and code == same_code:
            yield exchange.finding("code is the same for every kind of violation", "/error/code", actual=code)
        elif is_identifier:
            yield PASSED
        elif reason := _why_unrelated(refusal):
            yield Inconclusive(reason)
        elif refusal.is_certain:
            yield exchange.finding("code does not name the kind of violation", "/error/code", actual=code)


@rule(
    units=exchanges,
    level=Level.SHOULD,
    source=_STREAM_REFUSALS,
    capability="streaming",
    clauses=("errors-have-envelope",),
    needs_parts=tuple((operation, operation) for operation in _STREAMING),
)
def a_refused_stream_is_answered_plainly(exchange: Exchange) -> Iterator[Result]:
    """A refused request with `stream: true` gets a JSON error, not a stream.

    Clients recognize refusals by the HTTP status before they read events.

    Fix: Validate the request before the stream starts.
    """
    response = exchange.response
    if response is not None and at(exchange.request.body, "/stream") is True:
        if response.is_error_stream or (exchange.refused and response.events is not None):
            yield exchange.finding("the refusal is a stream", "/events/0")
        elif exchange.refused:
            yield Passed(exchange.operation or "")


@rule(
    units=exchanges,
    level=Level.MUST,
    source=_SUCCESS,
    capability="errors",
    clauses=("errors-have-envelope",),
    occasions=5,
)
def errors_do_not_come_as_success(exchange: Exchange) -> Iterator[Result]:
    """An error never has a successful HTTP status, except in a stream, which another rule judges.

    Client libraries check the status first, and return the error to their callers as if it were the object.

    Fix: Set a 4xx or 5xx status on every error.
    """
    if exchange.operation is None or not exchange.has_success_status:
        return
    if error := error_member(exchange.body):
        yield exchange.finding("the error has a successful HTTP status", f"/{error}")
    elif exchange.response and exchange.response.is_error_stream and at(exchange.request.body, "/stream") is True:
        return  # a_refused_stream_is_answered_plainly reports it.
    elif not exchange.accepted:
        yield Suspicion("a response with a status of success is not JSON, and may be an error")
    elif is_object(exchange.body):
        yield PASSED


def _refusals_for_other_reasons(history: History) -> Iterable[Exchange]:
    """Every refusal, except those that say of an invalid body that it is at fault."""
    invalid = {refusal.exchange.id for refusal in refusals(history)}
    return (
        exchange
        for exchange in exchanges(history)
        if exchange.refused and not (exchange.id in invalid and exchange.status in BODY_AT_FAULT)
    )


@rule(
    units=_refusals_for_other_reasons,
    level=Level.SHOULD,
    source=_ALL_ERRORS,
    capability="errors",
    formerly=("refusals.other_refusals_are_400_or_404",),
)
def wrong_state_or_unknown_id_is_400_or_404(exchange: Exchange) -> Iterator[Result]:
    """A request refused because of an object's state or id gets HTTP 400 or 404.

    The real service responded with 400 if a run or thread was not ready for the request, and 404 if an object did not
    exist. The refusal of an invalid body says nothing of these.

    Fix: Return HTTP 400 for a wrong state and 404 for an unknown object.
    """
    is_ordinary = exchange.operation is not None and not exchange.is_probe
    if is_ordinary and exchange.status not in BODY_AT_FAULT[1:]:
        if exchange.status in (400, 404):
            yield PASSED
        else:
            yield exchange.finding("the real service never used this HTTP status", "", [400, 404], exchange.status)
