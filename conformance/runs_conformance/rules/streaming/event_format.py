"""How the events of a stream are written."""

from __future__ import annotations

from collections.abc import Iterator

from runs_conformance.contract.event import DONE, ERROR, UNNAMED, event_types, name_in_data
from runs_conformance.evidence.stream import Stream, streams
from runs_conformance.model.json import Absent, at, is_object
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, observed, prose, schema
from runs_conformance.model.verdict import PASSED, Result

_SPEC = "openai-openapi f85dbe2 openapi.yaml"
_STREAM = schema(
    f"{_SPEC} CreateRunRequest.stream: events as server-sent events, terminating when the Run enters a terminal state "
    "with a data: [DONE] message"
)

_SSE = prose("WHATWG HTML standard, 9.2 server-sent events", note="which the document names as the form of a stream")
_ERROR = observed("sashirestela/simple-openai threads_runs_create_stream_error_1.txt", note="one pasted stream")


@rule(
    units=streams,
    level=Level.MUST,
    source=schema(
        "openai-openapi f85dbe2 openapi.yaml AssistantStreamEvent: each event has an `event` and `data` property",
        note="every event of every recorded stream has one",
    ),
    capability="streaming",
    clauses=("stream-is-sse-with-json",),
)
def every_event_has_a_name(stream: Stream) -> Iterator[Result]:
    """Every event that carries an object of the API has an `event:` line with its name.

    Clients that listen for `thread.run.completed` never receive an event without a name. Events that the contract does
    not name are not judged, nor is `[DONE]`, whose name `streaming.a_stream_ends_with_done` checks.

    Fix: Write an `event:` line for each event.
    """
    for index, event in enumerate(stream.events):
        if event.name not in UNNAMED:
            yield PASSED
        elif (name := name_in_data(event)) is not None:
            yield stream.exchange.finding(f"{name} is named in its data, but has no event: line", f"/events/{index}")
        elif is_object(event.data) and "object" in event.data:
            yield stream.exchange.finding("the event has no name", f"/events/{index}")


@rule(units=streams, level=Level.MUST, source=_STREAM, capability="streaming", clauses=("stream-is-sse-with-json",))
def data_of_events_is_an_object(stream: Stream) -> Iterator[Result]:
    """The data of every documented event except `done` is a JSON object.

    Clients parse it into the object that the event shows. Events that the contract does not name may carry anything.

    Fix: Write the object of the event as JSON into its `data:` line.
    """
    for event in stream.readable_events:
        if event.name in event_types() and event.name != DONE:
            finding = stream.exchange.finding(f"the data of {event.name} is not a JSON object", event.pointer)
            yield PASSED if is_object(event.data) else finding


@rule(units=streams, level=Level.SHOULD, source=_SSE, capability="streaming", clauses=("stream-is-sse-with-json",))
def every_event_is_ended_by_an_empty_line(stream: Stream) -> Iterator[Result]:
    """Every event, including the last one, ends with an empty line.

    Clients that follow the standard discard an event without one.

    Fix: Write an empty line after each event.
    """
    if stream.is_complete and stream.events:
        response = stream.exchange.response
        unfinished = (
            [defect for defect in response.defects if defect.startswith("sse: unfinished_event")] if response else []
        )
        name = unfinished[0].rpartition(": ")[2] if unfinished else ""
        yield stream.exchange.finding(f"no empty line follows the event {name}") if unfinished else PASSED


@rule(units=streams, level=Level.SHOULD, source=_SSE, capability="streaming", clauses=("stream-is-sse-with-json",))
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


@rule(
    units=streams,
    level=Level.MAY,
    source=_ERROR,
    capability="streaming",
    clauses=("error-event-shape",),
    needs="a stream that breaks off with an error",
)
def error_events_say_what_happened(stream: Stream) -> Iterator[Result]:
    """The data of an `error` event has a message, either directly or under `error` as in a refusal.

    Without it, a client cannot tell its user why the stream broke off.

    Fix: Put a `message` into the data of every `error` event.
    """
    for event in stream.readable_events:
        if event.name == ERROR:
            message = at(event.data, "/message")
            text = at(event.data, "/error/message") if isinstance(message, Absent) else message
            finding = stream.exchange.finding("the error event has no message", event.pointer)
            yield PASSED if isinstance(text, str) and text else finding
