"""Refusals: how a request that breaks its schema is refused, once it is."""

from __future__ import annotations

import re
from collections.abc import Iterator

from runs_conformance.contract.event import DONE, ERROR
from runs_conformance.evidence.observation import exchanges
from runs_conformance.evidence.refusal import Refusal, names, refusals, spelled
from runs_conformance.model.case import REFUSES_BODY
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.json import Absent, at, is_object
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, observed, prose, schema
from runs_conformance.model.tag import probed
from runs_conformance.model.verdict import HELD, Result

_CLIENT_ERROR = prose(
    "RFC 9110 15.5: 400, 413, 415 and 422 say that the content of a request is at fault",
    note="the service is only recorded with 400",
)
_RECORDED = observed("recorded traffic: ruby-openai 2024-04-29, every refusal of a body")
_PLAIN = observed("recorded traffic: ruby-openai runs_streamed_create 2024-04-29, two refusals")
_SUCCESS = schema("openai-openapi f85dbe2 openapi.yaml: the answer of HTTP status 200 is the object itself")
_ALL = observed("recorded traffic: 55 errors of the service, all of them 400, 401 or 404")

BODY_AT_FAULT = REFUSES_BODY.statuses
_CODE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*\Z")

_TOO_LARGE = 413
"""Said before the body is read, and so of no place in it."""


@rule(over=refusals, level=Level.MUST, source=_CLIENT_ERROR, capability="validation")
def status_says_that_the_body_is_at_fault(refusal: Refusal) -> Iterator[Result]:
    """A request that breaks the schema is refused with HTTP status 400, 413, 415 or 422.

    404 or 409 send a client to look for what is wrong in the wrong place.
    """
    exchange = refusal.exchange
    if exchange.status in BODY_AT_FAULT:
        yield HELD
    elif refusal.certain:
        status = exchange.status
        yield exchange.finding(f"HTTP status {status} for a broken body", "", list(BODY_AT_FAULT), status)


@rule(over=refusals, level=Level.SHOULD, source=_RECORDED, capability="validation")
def status_is_400(refusal: Refusal) -> Iterator[Result]:
    """A request that breaks the schema is refused with HTTP status 400, as the service did.

    Client libraries raise an error of another class for 422.
    """
    exchange = refusal.exchange
    if exchange.status in BODY_AT_FAULT and exchange.status != _TOO_LARGE:
        if exchange.status == 400:
            yield HELD
        else:
            yield exchange.finding("another HTTP status than the service gave", "", 400, exchange.status)


@rule(over=refusals, level=Level.SHOULD, source=_RECORDED, capability="errors")
def param_names_the_place(refusal: Refusal) -> Iterator[Result]:
    """The `param` of such a refusal names the broken place: `metadata.modified`, `tool_outputs[0].output`.

    Or what is around it, or in it. Without it, a user searches a body of thirty members.
    """
    exchange = refusal.exchange
    error, due = at(exchange.body, "/error"), spelled(refusal.places[0])
    if due and is_object(error) and exchange.status != _TOO_LARGE and (exchange.dialect != "azure" or "param" in error):
        param = error.get("param")
        if isinstance(param, str) and any(names(param, place) for place in refusal.places):
            yield HELD
        elif refusal.certain:
            yield exchange.finding("param does not name the place", "/error/param", due, param)


@rule(over=refusals, level=Level.SHOULD, source=_RECORDED, capability="errors")
def code_names_the_kind(refusal: Refusal) -> Iterator[Result]:
    """The `code` of such a refusal names its kind, in words that programs can tell apart: `invalid_type`."""
    exchange = refusal.exchange
    error = at(exchange.body, "/error")
    if refusal.places[0] and is_object(error) and exchange.dialect != "azure" and exchange.status != _TOO_LARGE:
        code = error.get("code")
        named = isinstance(code, str) and _CODE.match(code) is not None
        if named:
            yield HELD
        elif refusal.certain:
            yield exchange.finding("code does not name what is wrong", "/error/code", actual=code)


@rule(over=exchanges, level=Level.SHOULD, source=_PLAIN, capability="streaming", items=("L-85",))
def a_refused_stream_is_answered_plainly(exchange: Exchange) -> Iterator[Result]:
    """A refused request with `stream: true` is answered by an error as JSON, not by a stream.

    Nothing was streamed yet, and clients tell refusals by the HTTP status before they read events.
    """
    body, response = exchange.request.body, exchange.response
    if response is not None and is_object(body) and body.get("stream") is True:
        only_error = [event.name for event in exchange.events if event.name != DONE] == [ERROR]
        if only_error or (exchange.refused and response.events is not None):
            yield exchange.finding("a refusal in the form of a stream", "/events/0")
        elif exchange.refused:
            yield HELD


@rule(over=exchanges, level=Level.MUST, source=_SUCCESS, capability="errors", items=("L-85",))
def errors_do_not_come_as_success(exchange: Exchange) -> Iterator[Result]:
    """An error is not answered with an HTTP status of success.

    Client libraries look at the status first, and hand the error to their callers as if it were the object.
    """
    if exchange.operation is not None and exchange.accepted and is_object(exchange.body):
        told, made = at(exchange.body, "/error"), at(exchange.body, "/id")
        wrong = (is_object(told) or isinstance(told, str)) and isinstance(made, Absent)
        yield exchange.finding("an error under HTTP status 200", "/error") if wrong else HELD


@rule(over=exchanges, level=Level.SHOULD, source=_ALL, capability="errors")
def other_refusals_are_400_or_404(exchange: Exchange) -> Iterator[Result]:
    """What is refused because of the state or the ids it meets is refused with HTTP status 400 or 404.

    The service gave 400 to what a run or thread is not ready for, and 404 to what does not exist.
    """
    certain = exchange.operation is not None and probed(exchange.tag) is None
    if certain and exchange.refused and exchange.status not in BODY_AT_FAULT[1:]:
        if exchange.status in (400, 404):
            yield HELD
        else:
            yield exchange.finding("an HTTP status that the service never gave", "", [400, 404], exchange.status)
