"""Errors: the envelope they come in, and what they say."""

from __future__ import annotations

import re
from collections.abc import Iterator

from runs_conformance.evidence.error import errors
from runs_conformance.evidence.observation import exchanges
from runs_conformance.evidence.server_failure import Conduct, conducts
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.json import Absent, at, is_object
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, observed, prose, schema
from runs_conformance.model.verdict import HELD, Result, Undecided

_SPEC = "openai-openapi f85dbe2 openapi.yaml"
_ENVELOPE = schema(f"{_SPEC} ErrorResponse, Error: required code, message, param, type")
_OK = schema(
    f"{_SPEC}: every operation's only success is 200", note="2,000 of 2,000 recorded answers, never 201 or 202"
)
_RECORDED = observed("recorded traffic: 55 of 55 errors, among them 400, 401 and 404")
_CODES = prose("openai-cookbook d2bb606 examples/data/oai_docs/error-codes.txt: 500, an issue on our servers")

_USUAL_TYPE = "invalid_request_error"
_TRACES = re.compile(
    r"Traceback \(most recent call last\)|File \"[^\"]+\", line \d+|\n\s+at [\w.$<>]+ ?\([^)]*:\d+|"
    r"goroutine \d+ \[|panic: runtime error|java\.lang\.\w+Exception|stack backtrace:"
)


@rule(over=errors, level=Level.MUST, source=_ENVELOPE, capability="errors", items=("L-85",))
def message_is_a_text(exchange: Exchange) -> Iterator[Result]:
    """An error is a JSON object whose `error.message` is a text that says what is wrong.

    Every client library reads it from there. A framework's own error page or `{"detail": ...}` reaches users as an
    unknown error.
    """
    message = at(exchange.body, "/error/message")
    if isinstance(message, str) and message.strip():
        yield HELD
    else:
        yield exchange.finding("no error.message in the answer", "/error/message", actual=message)


@rule(over=errors, level=Level.MUST, source=_ENVELOPE, capability="errors", items=("L-85",))
def type_param_and_code_are_present(exchange: Exchange) -> Iterator[Result]:
    """An error has `type`, `param` and `code`, of which the last two may be null.

    Client libraries take them over into their exceptions. Azure's gateway sends `code` and `message` only.
    """
    error = at(exchange.body, "/error")
    if is_object(error) and exchange.dialect != "azure":
        missing = [name for name in ("type", "param", "code") if name not in error]
        yield exchange.finding(f"error without {', '.join(missing)}", "/error") if missing else HELD


@rule(over=errors, level=Level.SHOULD, source=_RECORDED, capability="errors", items=("L-84", "L-85"))
def type_is_invalid_request_error(exchange: Exchange) -> Iterator[Result]:
    """The type of a 400, 401 or 404 is `invalid_request_error`."""
    says = at(exchange.body, "/error/type")
    if exchange.status in (400, 401, 404) and not isinstance(says, Absent):
        if says == _USUAL_TYPE:
            yield HELD
        else:
            yield exchange.finding("another type of error", "/error/type", _USUAL_TYPE, says)


@rule(over=errors, level=Level.SHOULD, source=_RECORDED, capability="errors", items=("L-85",))
def content_type_is_json(exchange: Exchange) -> Iterator[Result]:
    """The Content-Type of an error is application/json."""
    headers = exchange.response.headers if exchange.response else {}
    if is_object(exchange.body) and "content-type" in headers:
        says = headers["content-type"]
        media = says.partition(";")[0].strip().lower()
        if media.endswith("json"):
            yield HELD
        else:
            yield exchange.finding("an error as JSON, under another content type", "", "application/json", says)


@rule(over=exchanges, level=Level.SHOULD, source=_CODES, capability="errors")
def no_error_shows_the_server_from_inside(exchange: Exchange) -> Iterator[Result]:
    """No error shows a stack trace.

    It tells strangers how the server is built, and users nothing.
    """
    if exchange.status is not None and exchange.status >= 400 and exchange.response is not None:
        text = exchange.response.text or "\n".join(_texts(exchange.response.body))
        trace = _TRACES.search(text)
        yield exchange.finding("a stack trace", actual=trace[0].strip()) if trace else HELD


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)
    elif is_object(value):
        for item in value.values():
            yield from _texts(item)


@rule(over=exchanges, level=Level.MUST, source=_OK, capability="errors")
def success_is_200(exchange: Exchange) -> Iterator[Result]:
    """Success is HTTP status 200, whatever the operation."""
    status = exchange.status
    if exchange.operation is not None and status is not None and 200 <= status < 300:
        yield HELD if status == 200 else exchange.finding("another HTTP status for success", "", 200, status)


@rule(over=conducts, level=Level.MUST, source=_CODES, capability="errors")
def requests_do_not_break_the_server(conduct: Conduct) -> Iterator[Result]:
    """No operation answers with an HTTP status of 5xx time and again while others are served.

    What is wrong with a request is answered with 4xx, and what is right with it is done. A 5xx tells clients to try
    again, and they will.
    """
    if conduct.probe is not None:
        return
    broken = [failure for failure in conduct.failures if not failure.hangs]
    for failure in broken:
        status = failure.exchange.status
        if len(broken) > 1 and failure.served:
            yield failure.exchange.finding(f"HTTP status {status}, and not for the only time", actual=status)
        else:
            yield Undecided(f"HTTP status {status} came once from {conduct.operation}")
    if not broken:
        yield HELD
