"""Transport: responses that are valid and complete, below the level of the contract."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.evidence.observation import exchanges
from runs_conformance.evidence.server_failure import (
    OperationFailures,
    operation_failures,
    stream_timed_out,
    timed_out,
)
from runs_conformance.model.exchange import TRUNCATED, Completion, Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import Absent, is_object
from runs_conformance.model.plural import plural
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, prose, schema
from runs_conformance.model.verdict import PASSED, Inconclusive, Result, Suspicion

_JSON = schema("openai-openapi f85dbe2 openapi.yaml: every success is application/json, an object")
_GRAMMAR = prose("RFC 8259 2, 6, 7, 8.1: the grammar of JSON, in UTF-8, without a byte order mark")
_INTEROPERABILITY = prose("RFC 8259 4, 6, 9: names should be unique, numbers within what programs can hold")
_FRAMING = prose("RFC 9112 4, 5, 7.1: the syntax of the status line, of header fields and of chunks")
_COMPLETENESS = prose("RFC 9112 8: a response that ends early is incomplete")

_INVALID = {
    "invalid_utf8": "bytes that are not UTF-8",
    "byte_order_mark": "a byte order mark",
    "control_character": "raw control characters",
    "not_a_number": "a number that JSON does not have, such as NaN",
    "content_encoding": "an encoding that cannot be decoded",
}
"""The defects of JSON in words, by their names."""
_AMBIGUOUS = ("duplicate_key", "number_too_long", "number_out_of_range", "too_deep")
_UNREADABLE = Inconclusive("the response shows stored values that are nested more deeply than the suite reads")


def _json_responses(history: History) -> Iterable[Exchange]:
    """Every successful response that must be JSON: no stream was requested or returned."""
    return (exchange for exchange in history if _must_be_json(exchange))


def _must_be_json(exchange: Exchange) -> bool:
    body, response = exchange.request.body, exchange.response
    requests_stream = is_object(body) and body.get("stream") is True
    is_success = exchange.operation is not None and exchange.has_success_status
    return is_success and response is not None and response.events is None and not requests_stream


def _exchanges_and_readability(history: History) -> Iterable[tuple[Exchange, bool]]:
    """Every exchange, and whether the suite can read its response: stored values may be nested too deeply.

    Requests with malformed or extreme bodies store such values, and a list may show values that another client stored.
    """
    had_raw_body = False
    for exchange in history:
        had_raw_body = had_raw_body or exchange.request.text is not None
        defects = exchange.response.defects if exchange.response else ()
        is_list = exchange.operation is not None and OPERATIONS[exchange.operation].listed_kind is not None
        yield exchange, not ("too_deep" in defects and (had_raw_body or is_list))


def _json_responses_and_readability(history: History) -> Iterable[tuple[Exchange, bool]]:
    return (each for each in _exchanges_and_readability(history) if _must_be_json(each[0]))


@rule(units=_json_responses_and_readability, level=Level.MUST, source=_JSON, capability="core")
def success_is_a_json_object(response: tuple[Exchange, bool]) -> Iterator[Result]:
    """The response to an accepted request is a JSON object.

    Client libraries parse the response into the object before they do anything else.

    Fix: Return the object as the whole response body, as JSON, with every 2xx status.
    """
    exchange, readable = response
    if not readable:
        yield _UNREADABLE
        return
    if is_object(exchange.body):
        yield PASSED
    else:
        actual = exchange.response.text if exchange.response and isinstance(exchange.body, Absent) else exchange.body
        yield exchange.finding("the response is not a JSON object", actual=actual if actual is not None else "nothing")


@rule(units=_json_responses, level=Level.MUST, source=_JSON, capability="core")
def content_type_is_json(exchange: Exchange) -> Iterator[Result]:
    """The response to an accepted request has the Content-Type `application/json`.

    For any other type, the official Python library returns a string instead of an object.

    Fix: Set `Content-Type: application/json` on every JSON response.
    """
    headers = exchange.response.headers if exchange.response else {}
    if headers and is_object(exchange.body):
        content_type = headers.get("content-type", "")
        if content_type.partition(";")[0].strip().lower().endswith("json"):
            yield PASSED
        else:
            yield exchange.finding(
                "the response is JSON, but its content type is not application/json",
                "",
                "application/json",
                content_type,
            )


def _defects(exchange: Exchange, kinds: Iterable[str]) -> list[str]:
    defects = exchange.response.defects if exchange.response else ()
    return [defect for defect in defects if defect.removeprefix("sse: ").startswith(tuple(kinds))]


def _has_content(exchange: Exchange) -> bool:
    return bool(exchange.operation) and (is_object(exchange.body) or bool(exchange.events))


@rule(
    units=exchanges,
    level=Level.MUST,
    source=_GRAMMAR,
    capability="core",
    occasions=10,
    formerly=("transport.json_is_by_the_letter",),
)
def json_is_valid(exchange: Exchange) -> Iterator[Result]:
    """JSON in a response is valid: UTF-8, without NaN, raw control characters or a byte order mark.

    Some parsers tolerate violations; others reject the whole response.

    Fix: Serialize responses with a standard JSON library in strict mode, encoded as UTF-8.
    """
    defects = _defects(exchange, _INVALID) if exchange.operation else []
    if defects:
        shown = [defect.removeprefix("sse: ") for defect in defects]
        words = [text for name, text in _INVALID.items() if any(each.startswith(name) for each in shown)]
        yield exchange.finding(f"the response contains {', '.join(words)}", actual=defects[0])
    elif _has_content(exchange):
        yield PASSED


@rule(
    units=_exchanges_and_readability,
    level=Level.SHOULD,
    source=_INTEROPERABILITY,
    capability="core",
    occasions=10,
    formerly=("transport.json_means_the_same_to_everybody",),
)
def json_is_unambiguous(response: tuple[Exchange, bool]) -> Iterator[Result]:
    """No object in a response has two members of the same name, and no number exceeds what programs can represent.

    Which of two members counts, and how such a number is read, depends on the parser.

    Fix: Serialize responses from maps with unique keys, and keep numbers within the range of a double.
    """
    exchange, readable = response
    is_ordinary = exchange.operation is not None and exchange.request.text is None
    defects = _defects(exchange, _AMBIGUOUS) if is_ordinary else []
    if defects and not readable:
        yield _UNREADABLE
    elif defects:
        yield exchange.finding(f"parsers disagree about {', '.join(defects[:3])}", actual=defects[0])
    elif _has_content(exchange):
        yield PASSED


@rule(units=exchanges, level=Level.MUST, source=_FRAMING, capability="core", occasions=10)
def responses_are_framed_as_http(exchange: Exchange) -> Iterator[Result]:
    """A response is valid HTTP: its head, and the size of each chunk of its body.

    A client cannot read on after a chunk whose stated size is not its length in bytes, and closes the connection. A
    connection that is lost in the middle of a response does not violate this.

    Fix: Count the size of a chunk, and the Content-Length, in the bytes that are sent, after the text is encoded.
    """
    if exchange.is_malformed and exchange.response is None:
        # A server may respond in such a way to the rest of an earlier request that it did not read.
        yield Suspicion(f"instead of a response to {exchange.operation}: {exchange.problem}")
    elif exchange.is_malformed:
        yield exchange.finding(exchange.problem or "", actual=_last_event(exchange))
    elif exchange.completion is Completion.ANSWERED:
        yield PASSED


def _last_event(exchange: Exchange) -> str:
    """The part of a response that a client could read."""
    if not exchange.events:
        return "nothing"
    return f"{plural(len(exchange.events), 'event')}, the last of them {exchange.events[-1].name}"


def _operations_and_broken_streams(history: History) -> Iterable[tuple[OperationFailures, list[Exchange]]]:
    """All requests of each operation, and the streams of any operation that broke off."""
    operations = operation_failures(history)
    sent = [exchange for operation in operations for exchange in operation.exchanges]
    broken = [exchange for exchange in sent if exchange.events and _broke_off(exchange)]
    return ((operation, broken) for operation in operations)


@rule(
    units=_operations_and_broken_streams,
    level=Level.SHOULD,
    source=_COMPLETENESS,
    capability="core",
    occasions=5,
    judges_whole_history=True,
    formerly=("transport.answers_come_whole",),
)
def responses_are_complete(requests: tuple[OperationFailures, list[Exchange]]) -> Iterator[Result]:
    """No operation repeatedly breaks off its responses, and streams are not broken off at several times.

    A client cannot use half a response, and cannot tell whether its request was carried out. A response that is larger
    than the suite reads, or that the suite stopped waiting for, is not judged.

    Fix: Send the whole body before closing the connection, with a correct length or final chunk.
    """
    operation, streams = requests
    truncated = [exchange for exchange in operation.exchanges if _broke_off(exchange)]
    for exchange in truncated:
        if len(truncated) > 1 or (exchange in streams and _broke_off_at_another_time(streams, exchange)):
            yield exchange.finding(f"the response broke off: {exchange.problem or 'reason unknown'}")
        else:
            yield Suspicion(f"one response to {operation.operation} broke off")
    if not truncated:
        yield PASSED


def _broke_off_at_another_time(streams: list[Exchange], stream: Exchange) -> bool:
    """Whether one of these streams broke off before or after another one: one outage breaks off all that are open."""
    return any(other.happened_before(stream) or stream.happened_before(other) for other in streams)


def _broke_off(exchange: Exchange) -> bool:
    """Whether the connection was lost before the response was complete."""
    is_incomplete = exchange.completion is Completion.UNKNOWN and not exchange.is_malformed
    return is_incomplete and not _was_abandoned(exchange) and not _is_too_large(exchange)


def _was_abandoned(exchange: Exchange) -> bool:
    """Whether the client stopped waiting for the rest of a response.

    A connection that fails in the middle of a stream is no such case, however long the stream was silent before.
    """
    is_truncated = (exchange.problem or "").startswith(TRUNCATED)
    return timed_out(exchange) or (stream_timed_out(exchange) and not is_truncated)


def _is_too_large(exchange: Exchange) -> bool:
    return exchange.response is not None and "too_large" in exchange.response.defects
