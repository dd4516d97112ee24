"""Robustness: the target's handling of requests that no client should send."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import dropwhile, takewhile

from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.evidence.anomaly import describe_anomaly
from runs_conformance.evidence.refusal_reason import lacks_a_member, required_members
from runs_conformance.evidence.server_failure import (
    OperationFailures,
    describe_unclear_status,
    is_server_error,
    operation_failures,
)
from runs_conformance.evidence.working_operation import neither_accepted_nor_refused, operation_works, pass_if_working
from runs_conformance.model.case import Refuse, Role
from runs_conformance.model.exchange import Completion, Exchange
from runs_conformance.model.hazard import TRIAL_PREFIX
from runs_conformance.model.history import History
from runs_conformance.model.plural import plural
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, convention, prose, schema
from runs_conformance.model.verdict import PASSED, Inconclusive, Result, Suspicion

_SPEC = "openai-openapi f85dbe2 openapi.yaml"
_CODES = prose("openai-cookbook d2bb606 examples/data/oai_docs/error-codes.txt: 500, an issue on our servers")
_JSON = schema(f"{_SPEC} requestBody.content: application/json only")
_REQUIRED = schema(f"{_SPEC} requestBody.required of the operations with required members")
_OBJECT = schema(f"{_SPEC} requestBody: an object with stated members and limits")
_ONE_VALUE = prose("RFC 8259 2: a JSON text is one value", note="common parsers let more follow")
_UTF_8 = prose("RFC 8259 8.1: JSON that systems exchange is in UTF-8", note="a parser may be lenient")
_MEDIA = prose("RFC 9110 8.3.1: type and subtype are case-insensitive, parameters may follow")
_ID = schema(f"{_SPEC} getThread: the ID of the thread to retrieve")
_NO_SOURCE = convention("no record says what the service did")

MALFORMED, EMPTY, WRONG_TYPE = "malformed_json", "empty_body", "wrong_content_type"


@dataclass(frozen=True, slots=True)
class _OddRequest:
    """A malformed or extreme request. `works` says whether its operation was accepted for another request."""

    exchange: Exchange
    works: bool


def _probes(*kinds: str) -> Callable[[History], Iterable[_OddRequest]]:
    def requests(history: History) -> Iterable[_OddRequest]:
        sent = (exchange for exchange in history if exchange.operation and exchange.anomaly in kinds)
        return (_OddRequest(exchange, operation_works(history, exchange)) for exchange in sent)

    return requests


def _check_refused(probe: _OddRequest, message: str) -> Iterator[Result]:
    """Pass if the request was refused, fail if it was accepted; anything else is undecided."""
    exchange = probe.exchange
    if exchange.accepted:
        yield exchange.finding(message)
    elif exchange.refused:
        yield pass_if_working(exchange, probe.works)
    else:
        got = f"{describe_anomaly(exchange.anomaly)} got {describe_unclear_status(exchange)}"
        yield neither_accepted_nor_refused(exchange, f"{got}, which is neither acceptance nor refusal")


def _check_broken_body_refused(probe: _OddRequest, message: str) -> Iterator[Result]:
    """The same for a body that cannot be read: a refusal for the lack of a member is suspicious, since it was read."""
    if probe.exchange.refused and lacks_a_member(probe.exchange):
        sent = describe_anomaly(probe.exchange.anomaly)
        yield Suspicion(f"the refusal of {sent} says only that a member is missing")
    else:
        yield from _check_refused(probe, message)


@rule(
    units=operation_failures,
    level=Level.MUST,
    source=_CODES,
    capability="validation",
    occasions=5,
    judges_whole_history=True,
)
def odd_requests_do_not_break_the_server(failures: OperationFailures) -> Iterator[Result]:
    """No malformed or extreme request repeatedly gets HTTP 5xx while other requests are served.

    An internal error tells the client to retry a request that can never succeed. Such requests contain deep nesting,
    NUL, lone surrogates or a million characters.

    Fix: Respond with 4xx to whatever the server does not accept.
    """
    if failures.probe is None:
        return
    errors = [failure for failure in failures.failures if not failure.is_timeout]
    for failure in errors:
        status = failure.exchange.status
        if len(errors) > 1 and failure.others_served:
            yield failure.exchange.finding(f"the request got HTTP {status} repeatedly", actual=status)
        else:
            yield Suspicion(f"HTTP {status} occurred once for {describe_anomaly(failures.probe)}")
    if not errors:
        lost = f"the connection was lost {plural(failures.unanswered, 'time')} for {describe_anomaly(failures.probe)}"
        yield Suspicion(lost) if failures.unanswered else PASSED


@rule(
    units=operation_failures,
    level=Level.MUST,
    source=_CODES,
    capability="validation",
    occasions=5,
    judges_whole_history=True,
)
def no_request_is_left_hanging(failures: OperationFailures) -> Iterator[Result]:
    """Every request, even a malformed or extreme one, gets a response in reasonable time while others are served.

    A body that keeps a server busy for minutes locks out all other clients.

    Fix: Bound the size and nesting of a body before processing it.
    """
    timeouts = [failure for failure in failures.failures if failure.is_timeout]
    for failure in timeouts:
        exchange = failure.exchange
        seconds = round(exchange.ended - exchange.started, 1)
        if failure.others_served and (failures.probe is not None or len(timeouts) > 1):
            yield exchange.finding(f"the response was not complete after {seconds} s", actual=seconds)
        else:
            yield Suspicion(f"one {failures.operation} had no complete response after {seconds} s")
    if not timeouts:
        stalled = f"{failures.operation} got no response within the request timeout, which is shorter than 10 s"
        yield Suspicion(stalled) if failures.stalled else PASSED


def _probes_with_next_request(history: History) -> Iterator[tuple[Exchange, Exchange, bool]]:
    """Every probe, with the next ordinary request, and whether such a request was accepted before the probe.

    If a program watches whether the target survives the probe, its first request that was not served takes that place:
    a target may end later. In other programs a later failure may have another reason.
    """
    for probe in history:
        if probe.is_probe and (following := _ordinary_requests_after(history, probe)):
            following = following if probe.program.startswith(TRIAL_PREFIX) else following[:1]
            next_request = next((each for each in following if _was_not_served(each)), following[0])
            accepted = (e for e in history if e.accepted and e.operation == next_request.operation)
            yield probe, next_request, any(each.happened_before(probe) for each in accepted)


def _ordinary_requests_after(history: History, probe: Exchange) -> list[Exchange]:
    """The next ordinary request after a probe, and those of the same operation that follow it at once."""
    later = dropwhile(lambda other: other.is_probe, (other for other in history if probe.happened_before(other)))
    first = next(later, None)
    if first is None:
        return []
    return [first, *takewhile(lambda other: other.operation == first.operation and not other.is_probe, later)]


def _was_not_served(exchange: Exchange) -> bool:
    return exchange.completion is Completion.NOT_CONNECTED or is_server_error(exchange)


@rule(units=_probes_with_next_request, level=Level.MUST, source=_CODES, capability="validation", occasions=3)
def the_next_request_is_served(unit: tuple[Exchange, Exchange, bool]) -> Iterator[Result]:
    """An ordinary request after a malformed or extreme one is served as usual.

    Otherwise one client can make the server unavailable to all others.

    Fix: Confine a failure to the request that caused it.
    """
    probe, next_request, was_served_before = unit
    message = f"the request after {describe_anomaly(probe.anomaly)} was not served"
    if next_request.accepted:
        yield PASSED
    elif was_served_before and _was_not_served(next_request):
        yield next_request.finding(message, actual=next_request.status or next_request.problem or "no response")
    else:
        yield Inconclusive("the next request neither succeeded nor failed with a server error")


@rule(units=_probes(MALFORMED), level=Level.MUST, source=_JSON, capability="validation")
def malformed_json_is_refused(probe: _OddRequest) -> Iterator[Result]:
    """A body that is not JSON is refused.

    A body that is read as an empty object, or repaired by guessing, does what the client did not request.

    Fix: Refuse with HTTP 400 if the body cannot be parsed.
    """
    yield from _check_broken_body_refused(probe, "a body that is not JSON was accepted")


@rule(units=_probes("trailing_json"), level=Level.SHOULD, source=_ONE_VALUE, capability="validation")
def nothing_follows_the_body(probe: _OddRequest) -> Iterator[Result]:
    """A body with more text after its JSON value is refused.

    A parser that stops after the first value carries out half of the request and reports success.

    Fix: Refuse a body unless the parser has consumed all of it.
    """
    yield from _check_broken_body_refused(probe, "a body with more text after its JSON value was accepted")


@rule(units=_probes("invalid_utf8"), level=Level.SHOULD, source=_UTF_8, capability="validation")
def invalid_utf8_is_refused(probe: _OddRequest) -> Iterator[Result]:
    """A body that is not valid UTF-8 is refused.

    Replacement characters alter what the client sent without its knowledge.

    Fix: Decode the body strictly, and refuse it with HTTP 400 if that fails.
    """
    yield from _check_broken_body_refused(probe, "a body that is not valid UTF-8 was accepted")


@rule(units=_probes(EMPTY), level=Level.MUST, source=_REQUIRED, capability="validation")
def empty_bodies_are_refused_where_members_are_required(probe: _OddRequest) -> Iterator[Result]:
    """A request without a body is refused if its body has required members.

    The server would have to invent the values of the missing members.

    Fix: Validate a missing body as if it were an empty object.
    """
    if required_members(probe.exchange):
        yield from _check_refused(probe, "a request without the required body was accepted")


@rule(
    units=_probes(EMPTY),
    level=Level.MAY,
    source=schema(f"{_SPEC} requestBody.required"),
    capability="validation",
    formerly=("robustness.empty_bodies_are_refused_elsewhere",),
)
def empty_bodies_are_refused_where_no_members_are_required(probe: _OddRequest) -> Iterator[Result]:
    """A request without a body is refused by operations whose body is required but has no required members.

    The OpenAPI document requires the body; whether the service did is not recorded.

    Fix: Refuse a missing body in every operation that requires one.
    """
    operation = OPERATIONS[probe.exchange.operation or ""]
    if operation.body and operation.body_required and not required_members(probe.exchange):
        yield from _check_refused(probe, "a request without the required body was accepted")


@rule(units=_probes(WRONG_TYPE), level=Level.MAY, source=_NO_SOURCE, capability="validation")
def other_content_types_are_refused(probe: _OddRequest) -> Iterator[Result]:
    """A body sent with a content type other than JSON is refused.

    The OpenAPI document lists only JSON. Many servers read the body anyway.

    Fix: Refuse content types other than JSON with HTTP 415 or 400.
    """
    yield from _check_refused(probe, "a body with a content type other than JSON was accepted")


@rule(units=_probes("content_type_with_charset", "content_type_in_capitals"), level=Level.SHOULD, source=_MEDIA,
      capability="validation", formerly=("robustness.json_is_known_by_all_its_names",))  # fmt: skip
def content_type_is_compared_loosely(probe: _OddRequest) -> Iterator[Result]:
    """A JSON body is accepted if its content type has a charset or is written in capitals.

    HTTP libraries write the header differently, and media types are case-insensitive.

    Fix: Compare the media type without regard to case, and ignore its parameters.
    """
    exchange = probe.exchange
    if exchange.accepted:
        yield PASSED
    elif exchange.refused and probe.works:
        yield exchange.finding(
            "a valid body was refused because of the spelling of its content type", actual=exchange.status
        )


def _misshapen_bodies(history: History) -> Iterable[_OddRequest]:
    judged_elsewhere = (MALFORMED, EMPTY, "invalid_utf8")
    for exchange in history:
        step, kind = exchange.step, exchange.anomaly if exchange.is_probe else ""
        must_be_refused = step is not None and step.raw is not None and isinstance(step.expectation, Refuse)
        if kind and kind not in judged_elsewhere and must_be_refused:
            yield _OddRequest(exchange, operation_works(history, exchange))


@rule(units=_misshapen_bodies, level=Level.MUST, source=_OBJECT, capability="validation")
def misshapen_bodies_are_refused(probe: _OddRequest) -> Iterator[Result]:
    """A body that is not an object, or far exceeds a documented limit, is refused.

    A server that accepts such a body sets no bound to what one request may cost. Tested with arrays and scalars as
    bodies, and with metadata of a million characters or a thousand levels.

    Fix: Validate type and size of the body before processing it.
    """
    yield from _check_refused(probe, f"{describe_anomaly(probe.exchange.anomaly)} was accepted")


def _odd_ids(history: History) -> Iterable[_OddRequest]:
    negatives = (exchange for exchange in history if exchange.step and exchange.step.role is Role.NEGATIVE)
    return (
        _OddRequest(exchange, operation_works(history, exchange))
        for exchange in negatives
        if exchange.is_probe and exchange.anomaly.endswith("_id") and exchange.path
    )


@rule(units=_odd_ids, level=Level.MUST, source=_ID, capability="core")
def odd_ids_name_nothing(probe: _OddRequest) -> Iterator[Result]:
    """An id made of quotes, markup, NUL or thousands of characters finds no object.

    If such an id finds an object, the server interpreted the id as part of a query or path.

    Fix: Bind ids as query parameters instead of building queries or paths from them.
    """
    yield from _check_refused(probe, "an object was found by an id that no server generates")
