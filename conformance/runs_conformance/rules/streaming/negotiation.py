"""When the response is a stream, and its content type."""

from __future__ import annotations

from collections.abc import Iterator

from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.evidence.observation import exchanges
from runs_conformance.evidence.request_expectation import is_interpretable
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.json import is_object
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, prose, schema
from runs_conformance.model.verdict import PASSED, Result

_SPEC = "openai-openapi f85dbe2 openapi.yaml"
_STREAM = schema(
    f"{_SPEC} CreateRunRequest.stream: events as server-sent events, terminating when the Run enters a terminal state "
    "with a data: [DONE] message"
)

_SSE = prose("WHATWG HTML standard, 9.2 server-sent events", note="which the document names as the form of a stream")


def _must_stream(exchange: Exchange) -> bool | None:
    """Whether an accepted response had to be a stream; None if the operation has none or the body is unknown."""
    operation = OPERATIONS.get(exchange.operation or "")
    if (
        operation is None
        or not operation.streams
        or not is_object(exchange.request.body)
        or not is_interpretable(exchange)
    ):
        return None
    return exchange.request.body.get("stream") is True


def _is_stream(exchange: Exchange) -> bool:
    return exchange.response is not None and exchange.response.is_stream


@rule(
    units=exchanges,
    level=Level.MUST,
    source=_STREAM,
    capability="streaming",
    clauses=("stream-is-sse-with-json", "no-stream-means-json"),
)
def a_stream_comes_where_one_is_asked_for(exchange: Exchange) -> Iterator[Result]:
    """An accepted request with `stream: true` gets a stream of events.

    A client that requested a stream reads the response event by event, and cannot use a run as one JSON object.

    Fix: Respond with server-sent events if `stream` is true.
    """
    if exchange.accepted and _must_stream(exchange):
        if _is_stream(exchange):
            yield PASSED  # What a stream without events lacks is judged by the rules on its events.
        else:
            yield exchange.finding("stream was true, but the response is not a stream of events")


@rule(units=exchanges, level=Level.MUST, source=_STREAM, capability="streaming", clauses=("no-stream-means-json",))
def no_stream_comes_unasked(exchange: Exchange) -> Iterator[Result]:
    """An accepted request with `stream` omitted, false or null gets a run as JSON.

    A client that requested no stream parses the response as one JSON object.

    Fix: Stream only if `stream` is true.
    """
    if exchange.accepted and _must_stream(exchange) is False:
        finding = exchange.finding("the response is a stream of events, though none was requested")
        yield finding if _is_stream(exchange) else PASSED


@rule(units=exchanges, level=Level.SHOULD, source=_SSE, capability="streaming", clauses=("stream-is-sse-with-json",))
def content_type_is_event_stream(exchange: Exchange) -> Iterator[Result]:
    """A stream has the Content-Type `text/event-stream`.

    Browsers and many libraries read events from no other type.

    Fix: Set `Content-Type: text/event-stream` on every stream.
    """
    if exchange.accepted and _must_stream(exchange) and exchange.response is not None:
        headers = exchange.response.headers
        if exchange.response.events is not None:
            yield PASSED
        # A recording without any header fields left them out.
        elif (headers or exchange.step is not None) and _is_stream(exchange):
            content_type = headers.get("content-type", "")
            yield exchange.finding(
                "the response is a stream of events, but its content type is not text/event-stream",
                "",
                "text/event-stream",
                content_type,
            )
