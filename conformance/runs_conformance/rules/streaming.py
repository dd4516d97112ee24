"""Streams: when they are sent, how they are written, and how they end."""

from __future__ import annotations

from collections.abc import Iterator

from runs_conformance.contract.event import DONE, DONE_DATA, ERROR, event_types, pauses_or_ends_run
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.evidence.observation import exchanges
from runs_conformance.evidence.request_expectation import is_interpretable
from runs_conformance.evidence.stream import Stream, streams
from runs_conformance.model.exchange import Event, Exchange
from runs_conformance.model.json import Absent, at, is_object
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, observed, prose, schema
from runs_conformance.model.verdict import PASSED, Inconclusive, Result

_SPEC = "openai-openapi f85dbe2 openapi.yaml"
_STREAM = schema(
    f"{_SPEC} CreateRunRequest.stream: events as server-sent events, terminating when the Run enters a terminal state "
    "with a data: [DONE] message"
)
_SSE = prose("WHATWG HTML standard, 9.2 server-sent events", note="which the document names as the form of a stream")
_DONE = schema(f"{_SPEC} DoneEvent: occurs when a stream ends")
_RECORDED = observed("recorded traffic: openai-dotnet, openllmetry 2025-10 to 2026-03, every stream")
_ERROR = observed("sashirestela/simple-openai threads_runs_create_stream_error_1.txt", note="one pasted stream")

_DONE_DEADLINE = 5.0
"""Seconds of silence after a run's last event after which `done` counts as not sent."""


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


def _looks_like_events(exchange: Exchange) -> bool:
    text = exchange.response.text if exchange.response else None
    return text is not None and text.lstrip("\ufeff\r\n ").startswith(("event:", "data:", ":"))


@rule(
    units=exchanges,
    level=Level.MUST,
    source=_STREAM,
    capability="streaming",
    requirements=("stream-is-sse-with-json", "no-stream-means-json"),
)
def a_stream_comes_where_one_is_asked_for(exchange: Exchange) -> Iterator[Result]:
    """An accepted request with `stream: true` is answered with a stream of events.

    A client that requested a stream reads the response event by event, and cannot use a run as one JSON object.

    Fix: Answer with server-sent events if `stream` is true.
    """
    if exchange.accepted and _must_stream(exchange):
        if (exchange.response and exchange.response.events is not None) or _looks_like_events(exchange):
            yield PASSED  # What a stream without events lacks is judged by the rules on its events.
        else:
            yield exchange.finding("stream was true, but the response is not a stream of events")


@rule(units=exchanges, level=Level.MUST, source=_STREAM, capability="streaming", requirements=("no-stream-means-json",))
def no_stream_comes_unasked(exchange: Exchange) -> Iterator[Result]:
    """An accepted request with `stream` omitted, false or null is answered with a run as JSON.

    A client that requested no stream parses the response as one JSON object.

    Fix: Stream only if `stream` is true.
    """
    if exchange.accepted and _must_stream(exchange) is False:
        streamed = bool(exchange.response and exchange.response.events is not None) or _looks_like_events(exchange)
        yield exchange.finding("the response is a stream of events, though none was requested") if streamed else PASSED


@rule(
    units=exchanges, level=Level.SHOULD, source=_SSE, capability="streaming", requirements=("stream-is-sse-with-json",)
)
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
        elif (headers or exchange.step is not None) and _looks_like_events(exchange):
            content_type = headers.get("content-type", "")
            yield exchange.finding(
                "the response is a stream of events, but its content type is another",
                "",
                "text/event-stream",
                content_type,
            )


@rule(
    units=streams,
    level=Level.MUST,
    source=schema(
        "openai-openapi f85dbe2 openapi.yaml AssistantStreamEvent: each event has an `event` and `data` property",
        note="every event of every recorded stream has one",
    ),
    capability="streaming",
    requirements=("stream-is-sse-with-json",),
)
def every_event_has_a_name(stream: Stream) -> Iterator[Result]:
    """Every event that carries an object of the API, or `[DONE]`, has an `event:` line with its name.

    Clients that listen for `thread.run.completed` never receive an event without a name. Events that the contract does
    not name are not judged.

    Fix: Write an `event:` line for each event.
    """
    for index, event in enumerate(stream.events):
        if event.name not in _UNNAMED:
            yield PASSED
        elif event.data == DONE_DATA or (is_object(event.data) and "object" in event.data):
            yield stream.exchange.finding("the event has no name", f"/events/{index}")


@rule(
    units=streams, level=Level.MUST, source=_STREAM, capability="streaming", requirements=("stream-is-sse-with-json",)
)
def data_of_events_is_an_object(stream: Stream) -> Iterator[Result]:
    """The data of every documented event except `done` is a JSON object.

    Clients parse it into the object that the event shows. Events that the contract does not name may carry anything.

    Fix: Write the object of the event as JSON into its `data:` line.
    """
    for index, event in enumerate(stream.events):
        if event.name in event_types() and event.name != DONE:
            finding = stream.exchange.finding(f"the data of {event.name} is not a JSON object", f"/events/{index}/data")
            yield PASSED if is_object(event.data) else finding


@rule(units=streams, level=Level.SHOULD, source=_SSE, capability="streaming", requirements=("stream-is-sse-with-json",))
def every_event_is_ended_by_an_empty_line(stream: Stream) -> Iterator[Result]:
    """Every event, including the last one, ends with an empty line.

    Clients that follow the standard discard an event that the stream ends in the middle of.

    Fix: Write an empty line after each event.
    """
    if stream.is_complete and stream.events:
        response = stream.exchange.response
        unfinished = (
            [defect for defect in response.defects if defect.startswith("sse: unfinished_event")] if response else []
        )
        name = unfinished[0].rpartition(": ")[2] if unfinished else ""
        yield stream.exchange.finding(f"no empty line follows the event {name}") if unfinished else PASSED


@rule(units=streams, level=Level.SHOULD, source=_SSE, capability="streaming", requirements=("stream-is-sse-with-json",))
def every_line_is_a_field(stream: Stream) -> Iterator[Result]:
    """Every line of a stream is a comment or a field with its name before a colon.

    Clients skip other lines or fail on them: JSON over several lines without `data:` before each, log output, the rest
    of another response.

    Fix: Write `data:` before each line of the data, and nothing else into the stream.
    """
    response = stream.exchange.response
    stray_lines = [defect for defect in response.defects if defect.startswith("sse: stray_line")] if response else []
    for defect in stray_lines:
        yield stream.exchange.finding(f"a line is neither a comment nor a field: {defect.partition('stray_line: ')[2]}")
    if not stray_lines and stream.events:
        yield PASSED


@rule(units=streams, level=Level.MUST, source=_DONE, capability="streaming", requirements=("stream-ends-with-done",))
def a_stream_ends_with_done(stream: Stream) -> Iterator[Result]:
    """A stream that did not break off with an error ends with the event `done`, whose data is `[DONE]`.

    It tells the client that nothing is missing. An error after the run has completed is no excuse, since nothing is
    left that could break off.

    Fix: Send `event: done` with `data: [DONE]` as the last event of every stream.
    """
    if stream.has_error and not _run_stopped_before_error(stream):
        return
    exchange = stream.exchange
    if any(_is_done(event) for event in stream.events):
        yield PASSED
    elif quoted := [i for i, event in enumerate(stream.events) if _is_quoted_done(event)]:
        pointer = f"/events/{quoted[0]}/data"
        yield exchange.finding("the data of done is the JSON string [DONE], in quotes", pointer, DONE_DATA, _QUOTED)
    elif unnamed := [i for i, event in enumerate(stream.events) if event.name in _UNNAMED and event.data == DONE_DATA]:
        message = "the stream ends with data: [DONE], but no line event: done precedes it"
        yield exchange.finding(message, f"/events/{unnamed[0]}", f"event: {DONE}", "no event line")
    elif stream.is_complete:
        yield exchange.finding("the stream ends without done", "/events", DONE_DATA)
    elif (
        stream.events
        and pauses_or_ends_run(stream.events[-1].name)
        and exchange.ended - stream.events[-1].at > _DONE_DEADLINE
    ):
        yield exchange.finding(f"no done follows {stream.events[-1].name}", "/events", DONE_DATA)
    else:
        yield Inconclusive("the stream was cut before its end")


def _run_stopped_before_error(stream: Stream) -> bool:
    """Whether the run had completed or required action before the error."""
    names = stream.names[: stream.names.index(ERROR)]
    return any(name in names for name in ("thread.run.completed", "thread.run.requires_action"))


_QUOTED = '"[DONE]"'
_UNNAMED = ("", "message")


def _is_quoted_done(event: Event) -> bool:
    return event.name in (DONE, *_UNNAMED) and event.data in (_QUOTED, f"'{DONE_DATA}'")


def _name_in_data(event: Event) -> bool:
    """Whether the data of an event names it, as in `data: {"event": "thread.run.created", ...}`."""
    name = at(event.data, "/event")
    return isinstance(name, str) and name in event_types()


def _is_done(event: Event) -> bool:
    return event.name == DONE and event.data == DONE_DATA


@rule(units=streams, level=Level.MUST, source=_DONE, capability="streaming", requirements=("stream-ends-with-done",))
def nothing_follows_done(stream: Stream) -> Iterator[Result]:
    """No event follows `done`.

    Clients stop reading at `done` and miss what follows.

    Fix: Send `done` after all other events.
    """
    done_indexes = [index for index, event in enumerate(stream.events) if _is_done(event)]
    if done_indexes:
        later = stream.names[done_indexes[0] + 1 :]
        finding = stream.exchange.finding(f"{', '.join(later[:3])} follows done", f"/events/{done_indexes[0] + 1}")
        yield finding if later else PASSED


@rule(
    units=streams,
    level=Level.MUST,
    source=_STREAM,
    capability="streaming",
    requirements=("stream-ends-with-done", "stream-events-are-ordered", "stream-closes-on-required-action"),
)
def a_stream_lasts_until_its_run_stops(stream: Stream) -> Iterator[Result]:
    """A stream does not end before it has shown that its run has ended or requires action.

    The client would not learn the result. The last event of the run is `thread.run.requires_action`, or a terminal one
    such as `thread.run.completed`.

    Fix: Keep the stream open until the run ends or requires action.
    """
    if any(event.name in _UNNAMED and _name_in_data(event) for event in stream.events):
        return  # The events lack their `event:` line, which another rule reports.
    if stream.is_complete and not stream.has_error:
        names = [observation.event or "" for observation in stream.of_kind("run")]
        last = names[-1] if names else "no event of the run"
        finding = stream.exchange.finding(
            f"the stream ends, but the run's last event is {last}", "/events", actual=last
        )
        yield PASSED if pauses_or_ends_run(last) else finding


@rule(
    units=streams,
    level=Level.SHOULD,
    source=_STREAM,
    capability="streaming",
    requirements=("stream-events-are-ordered",),
)
def nothing_but_done_follows_the_end_of_the_run(stream: Stream) -> Iterator[Result]:
    """Only `done` follows the event that shows the end of the run.

    Clients stop listening there. Events that the contract does not name are ignored.

    Fix: Send all events of steps and messages before the run's last event.
    """
    yield from _check_only_done_follows(stream, requires_action=False)


@rule(
    units=streams,
    level=Level.SHOULD,
    source=_RECORDED,
    capability="tools",
    requirements=("stream-closes-on-required-action",),
)
def a_stream_closes_when_the_run_waits(stream: Stream) -> Iterator[Result]:
    """Only `done` follows `thread.run.requires_action`.

    Later events belong to the stream of the request that submits the tool outputs.

    Fix: Close the stream with `done` as soon as the run requires action.
    """
    yield from _check_only_done_follows(stream, requires_action=True)


def _check_only_done_follows(stream: Stream, requires_action: bool) -> Iterator[Result]:
    for index, name in enumerate(stream.names):
        if (
            name.startswith("thread.run.")
            and pauses_or_ends_run(name)
            and name.endswith("requires_action") is requires_action
        ):
            documented = [
                event for event in stream.names[index + 1 :] if event in event_types() and event not in (DONE, ERROR)
            ]
            finding = stream.exchange.finding(f"{', '.join(documented[:3])} follows {name}", f"/events/{index + 1}")
            yield finding if documented else PASSED
            return


@rule(
    units=streams, level=Level.SHOULD, source=_STREAM, capability="streaming", requirements=("stream-ends-with-done",)
)
def the_connection_ends_with_the_stream(stream: Stream) -> Iterator[Result]:
    """The response ends right after `done`.

    A client that reads to the end of the response hangs if it is left open.

    Fix: End the response body after `done`.
    """
    if stream.has_done and stream.is_complete:
        finding = stream.exchange.finding("the response was left open after done")
        yield finding if stream.exchange.problem else PASSED


@rule(
    units=streams,
    level=Level.MAY,
    source=_ERROR,
    capability="streaming",
    requirements=("error-event-shape",),
    needs="a stream that breaks off with an error",
)
def error_events_say_what_happened(stream: Stream) -> Iterator[Result]:
    """The data of an `error` event has a message, either directly or under `error` as in a refusal.

    Without it, a client cannot tell its user why the stream broke off.

    Fix: Put a `message` into the data of every `error` event.
    """
    for index, event in enumerate(stream.events):
        if event.name == ERROR:
            message = at(event.data, "/message")
            text = at(event.data, "/error/message") if isinstance(message, Absent) else message
            finding = stream.exchange.finding("the error event has no message", f"/events/{index}/data")
            yield PASSED if isinstance(text, str) and text else finding
