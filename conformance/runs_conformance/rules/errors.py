"""Errors: the envelope and its content."""

from __future__ import annotations

import re
from collections.abc import Iterator

from runs_conformance.contract.dialect import dialect_family
from runs_conformance.evidence.anomaly import describe_anomaly
from runs_conformance.evidence.observation import exchanges
from runs_conformance.evidence.refusal import application_errors
from runs_conformance.evidence.request_expectation import must_be_accepted
from runs_conformance.evidence.server_failure import OperationFailures, ServerFailure, operation_failures
from runs_conformance.model.case import Accept, Role
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.json import Absent, at, is_object
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, observed, prose, schema
from runs_conformance.model.verdict import PASSED, Finding, Result, Suspicion

_SPEC = "openai-openapi f85dbe2 openapi.yaml"
_ENVELOPE = schema(f"{_SPEC} ErrorResponse, Error: required code, message, param, type")
_OK = schema(
    f"{_SPEC}: every operation's only success is 200", note="2,000 of 2,000 recorded responses, never 201 or 202"
)
_RECORDED = observed("recorded traffic: 55 of 55 errors, among them 400, 401 and 404")
_CODES = prose("openai-cookbook d2bb606 examples/data/oai_docs/error-codes.txt: 500, an issue on our servers")

_WORDS_FOR_NOTHING = frozenset({"none", "null", "nil", "undefined", "nan"})
_HTTP_STATUS = re.compile(r"[45][0-9]{2}")
_COMMON_TYPE = "invalid_request_error"
_TRACES = re.compile(
    r"Traceback \(most recent call last\)|File \"[^\"]+\", line \d+|\n[ \t]+at [\w.$<>]+ ?\([^)\n]*:\d+|"
    r"goroutine \d+ \[|panic: runtime error|java\.lang\.\w+Exception|stack backtrace:"
)
_EXCEPTIONS = re.compile(
    r"missing \d+ required (?:positional|keyword-only) argument|takes (?:from )?\d+ (?:to \d+ )?positional argument|"
    r"got an unexpected keyword argument|object has no attribute '|object is not (?:subscriptable|iterable|callable)|"
    r"Cannot read propert(?:y|ies) |nil pointer dereference|"
    r"Object reference not set to an instance|undefined method "
)
"""Messages of the runtimes of several languages about a defect of a program."""


@rule(
    units=application_errors,
    level=Level.MUST,
    source=_ENVELOPE,
    capability="errors",
    clauses=("errors-have-envelope",),
)
def message_is_a_text(exchange: Exchange) -> Iterator[Result]:
    """An error is JSON, and the `message` in its `error` is a non-empty string.

    Every client library reads the message from there; any other envelope reaches users as an unknown error. An object
    without `error` violates `error.error.required` instead.

    Fix: Convert the framework's own error pages and `{"detail": ...}` bodies to the envelope.
    """
    if is_object(exchange.body) and "error" not in exchange.body:
        return
    message = at(exchange.body, "/error/message")
    if isinstance(message, str) and message.strip():
        yield PASSED
    else:
        yield exchange.finding("the error has no error.message", "/error/message", actual=message)


@rule(
    units=application_errors,
    level=Level.MUST,
    source=_ENVELOPE,
    capability="errors",
    clauses=("errors-have-envelope",),
)
def type_param_and_code_are_present(exchange: Exchange) -> Iterator[Result]:
    """An error has `type`, `param` and `code`; the last two may be null.

    Client libraries copy them into their exceptions. Azure's gateway sends only `code` and `message`.

    Fix: Give every error `type`, `param` and `code`, the last two as null if there is none.
    """
    error = at(exchange.body, "/error")
    members = dialect_family(exchange.dialect).error_members
    if is_object(error) and members:
        missing = [name for name in members if name not in error]
        yield exchange.finding(f"the error has no {', '.join(missing)}", "/error") if missing else PASSED


@rule(
    units=application_errors,
    level=Level.SHOULD,
    source=schema(f"{_SPEC} Error.param, code: string or null", note="the schema allows any text there"),
    capability="errors",
    clauses=("errors-have-envelope",),
)
def missing_values_are_null(exchange: Exchange) -> Iterator[Result]:
    """The `type`, `param` and `code` of an error are neither a placeholder such as `None` nor an HTTP status.

    A server that formats its own empty values as text sends `"None"`. Clients show it, or compare it, as a name. Not
    judged in dialects whose gateway sends the HTTP status as code.

    Fix: Send null for `param` and `code` if there is none.
    """
    error = at(exchange.body, "/error")
    members = dialect_family(exchange.dialect).error_members
    if not is_object(error) or not members:
        return
    wrong = [name for name in ("type", "param", "code") if _stands_for_nothing(error.get(name))]
    for name in wrong:
        yield exchange.finding(f"`{name}` is the text {error[name]!r}", f"/error/{name}", "a name or null", error[name])
    if not wrong and ("param" in error or "code" in error):
        yield PASSED


def _stands_for_nothing(value: object) -> bool:
    return isinstance(value, str) and (value.lower() in _WORDS_FOR_NOTHING or bool(_HTTP_STATUS.fullmatch(value)))


@rule(
    units=application_errors,
    level=Level.SHOULD,
    source=_RECORDED,
    capability="errors",
    clauses=("unknown-object-is-404", "errors-have-envelope"),
)
def type_is_invalid_request_error(exchange: Exchange) -> Iterator[Result]:
    """The type of an error with HTTP 400, 401 or 404 is `invalid_request_error`.

    Clients that distinguish errors by type know no other type for these statuses.

    Fix: Set `error.type` to `invalid_request_error` for HTTP 400, 401 and 404.
    """
    actual = at(exchange.body, "/error/type")
    if exchange.status in (400, 401, 404) and not isinstance(actual, Absent):
        if actual == _COMMON_TYPE:
            yield PASSED
        else:
            yield exchange.finding(
                "the type of the error is not invalid_request_error", "/error/type", _COMMON_TYPE, actual
            )


@rule(
    units=application_errors,
    level=Level.SHOULD,
    source=_RECORDED,
    capability="errors",
    clauses=("errors-have-envelope",),
)
def content_type_is_json(exchange: Exchange) -> Iterator[Result]:
    """The Content-Type of an error is `application/json`.

    Clients do not parse a body that is declared as another type.

    Fix: Set `Content-Type: application/json` in error handlers, too.
    """
    headers = exchange.response.headers if exchange.response else {}
    if is_object(exchange.body) and "content-type" in headers:
        actual = headers["content-type"]
        media = actual.partition(";")[0].strip().lower()
        if media.endswith("json"):
            yield PASSED
        else:
            yield exchange.finding(
                "the error is JSON, but its content type is not application/json", "", "application/json", actual
            )


@rule(
    units=exchanges,
    level=Level.SHOULD,
    source=_CODES,
    capability="errors",
    occasions=5,
    formerly=("errors.no_error_shows_the_server_from_inside",),
)
def errors_reveal_no_internals(exchange: Exchange) -> Iterator[Result]:
    """No error contains a stack trace or the text of an exception in the server's code.

    Both reveal internals of the server to strangers and do not help users.

    Fix: Log exceptions, and return a generic message.
    """
    if exchange.status is not None and exchange.status >= 400 and exchange.response is not None:
        text = exchange.response.text or "\n".join(_texts(exchange.response.body))
        if trace := _TRACES.search(text):
            yield exchange.finding("the error contains a stack trace", actual=trace[0].strip())
        elif exception := _EXCEPTIONS.search(text):
            yield exchange.finding("the error contains the text of an exception", actual=exception[0].strip())
        else:
            yield PASSED


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)
    elif is_object(value):
        for item in value.values():
            yield from _texts(item)


@rule(units=exchanges, level=Level.MUST, source=_OK, capability="errors")
def success_is_200(exchange: Exchange) -> Iterator[Result]:
    """The HTTP status of every success is 200.

    The OpenAPI document lists no other success, and some clients compare with 200.

    Fix: Return 200 instead of 201, 202 or 204.
    """
    status = exchange.status
    if exchange.operation is not None and status is not None and 200 <= status < 300:
        yield PASSED if status == 200 else exchange.finding("the HTTP status of a success is not 200", "", 200, status)


@rule(
    units=operation_failures,
    level=Level.MUST,
    source=_CODES,
    capability="errors",
    occasions=5,
    judges_whole_history=True,
)
def requests_do_not_break_the_server(failures: OperationFailures) -> Iterator[Result]:
    """No operation repeatedly returns HTTP 5xx while other requests are served.

    A 5xx tells clients to retry, although an invalid request never succeeds and a valid one should have succeeded.
    A server that refuses a request without reading its body, and then reads that body as the next request on the
    connection, fails the next request, which may be that of another client behind a proxy.

    Fix: Find the exception in the server's log; respond to valid requests as documented, and to invalid ones with 4xx.
    """
    if failures.probe is not None:
        return
    for exchange in failures.misread:
        message = f"the unread body of an earlier request was read as this request: HTTP {exchange.status}"
        yield exchange.finding(message, actual=exchange.status)
    server_errors = [failure for failure in failures.failures if not failure.is_timeout]
    for failure in server_errors:
        status = failure.exchange.status
        if len(server_errors) > 1 and failure.others_served:
            yield _repeated_error(failure)
        else:
            yield Suspicion(f"{failures.operation} returned HTTP {status} once")
    if not server_errors and not failures.misread:
        lost = f"{failures.operation} lost its connection {failures.unanswered} times"
        yield Suspicion(lost) if failures.unanswered else PASSED


def _repeated_error(failure: ServerFailure) -> Finding:
    """The finding of a server error. Only a request that nothing allows the server to refuse has an expected status."""
    exchange = failure.exchange
    message = f"HTTP {exchange.status} was returned repeatedly"
    if not _is_certainly_valid(exchange):
        return exchange.finding(message, actual=exchange.status)
    after = f" after {describe_anomaly(failure.after)} was sent" if failure.after else ""
    return exchange.finding(message + after, expected="HTTP 200", actual=exchange.status)


def _is_certainly_valid(exchange: Exchange) -> bool:
    """Whether a request was sent as a valid one. That of other clients may be invalid for a reason that is not seen."""
    step = exchange.step
    if step is None or step.anomaly:
        return False
    return must_be_accepted(exchange) or (step.role is Role.VALID and isinstance(step.expectation, Accept))
