"""Robustness: what a target makes of requests that no client should send."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.contract.schema import compiled
from runs_conformance.evidence.server_failure import Conduct, conducts
from runs_conformance.model.case import Reject, Role
from runs_conformance.model.exchange import Completion, Exchange
from runs_conformance.model.history import History
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, observed, prose, schema
from runs_conformance.model.tag import probed
from runs_conformance.model.verdict import HELD, Result, Undecided

_SPEC = "openai-openapi f85dbe2 openapi.yaml"
_CODES = prose("openai-cookbook d2bb606 examples/data/oai_docs/error-codes.txt: 500, an issue on our servers")
_JSON = schema(f"{_SPEC} requestBody.content: application/json only")
_REQUIRED = schema(f"{_SPEC} requestBody.required of the operations with required members")
_OBJECT = schema(f"{_SPEC} requestBody: an object with stated members and limits")
_LETTER = prose("RFC 8259 2: a JSON text is one value", note="common parsers let more follow")
_UTF_8 = prose("RFC 8259 8.1: JSON that systems exchange is in UTF-8", note="a parser may be lenient")
_MEDIA = prose("RFC 9110 8.3.1: type and subtype are case-insensitive, parameters may follow")
_ID = schema(f"{_SPEC} getThread: the ID of the thread to retrieve")
_NO_SOURCE = observed("none: no record says what the service did")

MALFORMED, EMPTY, WRONG_TYPE = "malformed_json", "empty_body", "wrong_content_type"


def what(exchange: Exchange) -> str:
    """What a probe, or a negative of the same kind, is about."""
    return probed(exchange.tag) or exchange.tag


def _probes(*kinds: str) -> Callable[[History], Iterable[Exchange]]:
    def over(history: History) -> Iterable[Exchange]:
        return (exchange for exchange in history if exchange.operation and what(exchange) in kinds)

    return over


def _verdict(exchange: Exchange, message: str) -> Iterator[Result]:
    """Accepted is found against, refused holds; anything else says nothing."""
    if exchange.accepted:
        yield exchange.finding(message)
    elif exchange.refused:
        yield HELD
    else:
        yield Undecided(f"{what(exchange).replace('_', ' ')}: neither accepted nor refused")


@rule(over=conducts, level=Level.MUST, source=_CODES, capability="validation")
def odd_requests_do_not_break_the_server(conduct: Conduct) -> Iterator[Result]:
    """No request, however odd, is answered with an HTTP status of 5xx time and again while others are served.

    Deep nesting, NUL, lone surrogates, a million characters: what a server does not take is answered with 4xx.
    """
    if conduct.probe is None:
        return
    broken = [failure for failure in conduct.failures if not failure.hangs]
    for failure in broken:
        status = failure.exchange.status
        if len(broken) > 1 and failure.served:
            yield failure.exchange.finding(f"HTTP status {status}, and not for the only time", actual=status)
        else:
            yield Undecided(f"HTTP status {status} came once for {conduct.probe.replace('_', ' ')}")
    if not broken:
        yield HELD


@rule(over=conducts, level=Level.MUST, source=_CODES, capability="validation")
def no_request_is_left_hanging(conduct: Conduct) -> Iterator[Result]:
    """Every request, however odd, is answered in bearable time while others are served.

    A body that keeps a server busy for minutes keeps it from everybody else.
    """
    hanging = [failure for failure in conduct.failures if failure.hangs]
    for failure in hanging:
        exchange = failure.exchange
        seconds = round(exchange.ended - exchange.started, 1)
        if failure.served and (conduct.probe is not None or len(hanging) > 1):
            yield exchange.finding(f"no whole answer after {seconds} s", actual=seconds)
        else:
            yield Undecided(f"one {conduct.operation} had no whole answer after {seconds} s")
    if not hanging:
        yield HELD


def _followed(history: History) -> Iterator[tuple[Exchange, Exchange]]:
    """Every probe with the ordinary request that came next."""
    for probe in history:
        if probed(probe.tag) is not None:
            after = (other for other in history if probe.before(other) and probed(other.tag) is None)
            following = next(after, None)
            if following is not None:
                yield probe, following


@rule(over=_followed, level=Level.MUST, source=_CODES, capability="validation")
def the_next_request_is_served(pair: tuple[Exchange, Exchange]) -> Iterator[Result]:
    """After a request, however odd, the next ordinary one is answered as ever."""
    probe, following = pair
    message = f"this request, sent after the probe {what(probe).replace('_', ' ')}, was not served"
    if following.accepted:
        yield HELD
    elif following.completion is Completion.REFUSED or (following.status or 0) >= 500:
        yield following.finding(message, actual=following.status or following.problem or "no answer")
    else:
        yield Undecided("the request after a probe was neither served nor refused for a reason of its own")


@rule(over=_probes(MALFORMED), level=Level.MUST, source=_JSON, capability="validation")
def malformed_json_is_refused(exchange: Exchange) -> Iterator[Result]:
    """A body that is not JSON is refused.

    Taken for an empty object, or repaired by guessing, it does what nobody asked for.
    """
    yield from _verdict(exchange, "a body that is not JSON was accepted")


@rule(over=_probes("trailing_json"), level=Level.SHOULD, source=_LETTER, capability="validation")
def nothing_follows_the_body(exchange: Exchange) -> Iterator[Result]:
    """A body with something more after its JSON is refused.

    Parsers that stop at the end of the first value do half of what was asked, and say nothing of the rest.
    """
    yield from _verdict(exchange, "a body of two JSON texts was accepted")


@rule(over=_probes("invalid_utf8"), level=Level.SHOULD, source=_UTF_8, capability="validation")
def invalid_utf8_is_refused(exchange: Exchange) -> Iterator[Result]:
    """A body that is not in UTF-8 is refused, rather than stored with replacement characters."""
    yield from _verdict(exchange, "a body that is not UTF-8 was accepted")


@rule(over=_probes(EMPTY), level=Level.MUST, source=_REQUIRED, capability="validation")
def empty_bodies_are_refused_where_members_are_required(exchange: Exchange) -> Iterator[Result]:
    """A request without a body is refused where the body has required members."""
    if _requires(exchange):
        yield from _verdict(exchange, "a request without the required body was accepted")


@rule(over=_probes(EMPTY), level=Level.MAY, source=schema(f"{_SPEC} requestBody.required"), capability="validation")
def empty_bodies_are_refused_elsewhere(exchange: Exchange) -> Iterator[Result]:
    """A request without a body is refused by operations whose body is required but has no required members.

    The document requires it; whether the service did is not recorded.
    """
    operation = OPERATIONS[exchange.operation or ""]
    if operation.body and operation.body_required and not _requires(exchange):
        yield from _verdict(exchange, "a request without the required body was accepted")


def _requires(exchange: Exchange) -> bool:
    operation = OPERATIONS[exchange.operation or ""]
    if operation.body is None:
        return False
    return bool(
        compiled(f"requests/{operation.body}", operation.name, exchange.edition or DEFAULT_EDITION).get("required")
    )


@rule(over=_probes(WRONG_TYPE), level=Level.MAY, source=_NO_SOURCE, capability="validation")
def other_content_types_are_refused(exchange: Exchange) -> Iterator[Result]:
    """A body that is said to be something else than JSON is refused.

    The document lists JSON only. Many servers read the body all the same.
    """
    yield from _verdict(exchange, "a body under another content type was accepted")


@rule(over=_probes("content_type_with_charset", "content_type_in_capitals"), level=Level.SHOULD, source=_MEDIA,
      capability="validation")  # fmt: skip
def json_is_known_by_all_its_names(exchange: Exchange) -> Iterator[Result]:
    """A JSON body is accepted with a charset after its content type, and with the type in capitals."""
    if exchange.accepted:
        yield HELD
    elif exchange.refused:
        yield exchange.finding("a good body was refused for how its content type is written", actual=exchange.status)


def _oversized(history: History) -> Iterable[Exchange]:
    own = (MALFORMED, EMPTY, "invalid_utf8")
    for exchange in history:
        step, kind = exchange.step, probed(exchange.tag)
        certain = step is not None and step.raw is not None and isinstance(step.expectation, Reject)
        if kind and kind not in own and certain:
            yield exchange


@rule(over=_oversized, level=Level.MUST, source=_OBJECT, capability="validation")
def misshapen_bodies_are_refused(exchange: Exchange) -> Iterator[Result]:
    """A body that is no object, or breaks a stated limit by far, is refused.

    Arrays and scalars as bodies, metadata of a million characters or nested a thousand deep.
    """
    yield from _verdict(exchange, f"accepted: {what(exchange).replace('_', ' ')}")


def _odd_ids(history: History) -> Iterable[Exchange]:
    kinds = (exchange for exchange in history if exchange.step and exchange.step.role is Role.NEGATIVE)
    return (exchange for exchange in kinds if (probed(exchange.tag) or "").endswith("_id") and exchange.path)


@rule(over=_odd_ids, level=Level.MUST, source=_ID, capability="core")
def odd_ids_name_nothing(exchange: Exchange) -> Iterator[Result]:
    """An id made of quotes, markup, NUL or thousands of characters finds nothing.

    Where it finds something, it was taken for a part of a query or of a path.
    """
    yield from _verdict(exchange, "an object was found by an id that no server gives")
