"""Streams: where there is one, how it is written, and how it ends."""

from __future__ import annotations

from collections.abc import Iterator

from runs_conformance.contract.event import DONE, DONE_DATA, ERROR, ends_stream, event_kinds
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.evidence.observation import exchanges
from runs_conformance.evidence.request_expectation import understood
from runs_conformance.evidence.stream import Stream, streams
from runs_conformance.model.exchange import Event, Exchange
from runs_conformance.model.json import Absent, at, is_object
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, observed, prose, schema
from runs_conformance.model.verdict import HELD, Result, Undecided

_SPEC = "openai-openapi f85dbe2 openapi.yaml"
_STREAM = schema(
    f"{_SPEC} CreateRunRequest.stream: events as server-sent events, terminating when the Run enters a terminal state "
    "with a data: [DONE] message"
)
_SSE = prose("WHATWG HTML standard, 9.2 server-sent events", note="which the document names as the form of a stream")
_DONE = schema(f"{_SPEC} DoneEvent: occurs when a stream ends")
_RECORDED = observed("recorded traffic: openai-dotnet, openllmetry 2025-10 to 2026-03, every stream")
_ERROR = observed("sashirestela/simple-openai threads_runs_create_stream_error_1.txt", note="one pasted stream")

_PATIENCE = 5.0
"""Seconds of silence after a run's last event from which on `done` counts as not sent."""


def _streams_if_asked(exchange: Exchange) -> bool | None:
    """Whether an accepted answer had to be a stream; None where the operation has none, or the body is not known."""
    operation = OPERATIONS.get(exchange.operation or "")
    if operation is None or not operation.streams or not is_object(exchange.request.body) or not understood(exchange):
        return None
    return exchange.request.body.get("stream") is True


def _looks_like_events(exchange: Exchange) -> bool:
    text = exchange.response.text if exchange.response else None
    return text is not None and text.lstrip("\ufeff\r\n ").startswith(("event:", "data:", ":"))


@rule(over=exchanges, level=Level.MUST, source=_STREAM, capability="streaming", items=("L-64", "L-73"))
def a_stream_comes_where_one_is_asked_for(exchange: Exchange) -> Iterator[Result]:
    """An accepted request with `stream: true` is answered by a stream of events.

    A client that asked for a stream reads the answer line by line; a run as one JSON object says nothing to it.
    """
    if exchange.accepted and _streams_if_asked(exchange):
        if exchange.events or _looks_like_events(exchange):
            yield HELD
        else:
            yield exchange.finding("stream was true, but the answer is not a stream of events")


@rule(over=exchanges, level=Level.MUST, source=_STREAM, capability="streaming", items=("L-73",))
def no_stream_comes_unasked(exchange: Exchange) -> Iterator[Result]:
    """An accepted request without `stream`, or with `false` or null, is answered by a run as JSON."""
    if exchange.accepted and _streams_if_asked(exchange) is False:
        streamed = bool(exchange.response and exchange.response.events is not None) or _looks_like_events(exchange)
        yield exchange.finding("a stream of events, though none was asked for") if streamed else HELD


@rule(over=exchanges, level=Level.SHOULD, source=_SSE, capability="streaming", items=("L-64",))
def content_type_is_event_stream(exchange: Exchange) -> Iterator[Result]:
    """A stream's Content-Type is text/event-stream.

    Browsers and many libraries read events from nothing else.
    """
    if exchange.accepted and _streams_if_asked(exchange) and exchange.response is not None:
        headers = exchange.response.headers
        if exchange.response.events is not None:
            yield HELD
        # Where recorded traffic has no header fields at all, the recorder left them out.
        elif (headers or exchange.step is not None) and _looks_like_events(exchange):
            says = headers.get("content-type", "")
            yield exchange.finding("events, under another content type", "", "text/event-stream", says)


@rule(over=streams, level=Level.SHOULD, source=_RECORDED, capability="streaming", items=("L-64",))
def every_event_has_a_name(stream: Stream) -> Iterator[Result]:
    """Every event has an `event:` line with its name.

    Without one, clients that listen for `thread.run.completed` never hear of it.
    """
    for place, event in enumerate(stream.events):
        found = stream.exchange.finding("an event without a name", f"/events/{place}")
        yield HELD if event.name != "message" else found


@rule(over=streams, level=Level.MUST, source=_STREAM, capability="streaming", items=("L-64",))
def data_of_events_is_an_object(stream: Stream) -> Iterator[Result]:
    """The data of every event but `done` is a JSON object.

    Events that the contract does not name may carry anything.
    """
    for place, event in enumerate(stream.events):
        if event.name in event_kinds() and event.name != DONE:
            finding = stream.exchange.finding(f"the data of {event.name} is not a JSON object", f"/events/{place}/data")
            yield HELD if is_object(event.data) else finding


@rule(over=streams, level=Level.SHOULD, source=_SSE, capability="streaming", items=("L-64",))
def every_event_is_ended_by_an_empty_line(stream: Stream) -> Iterator[Result]:
    """Every event is ended by an empty line, the last one too.

    What the stream ends in the middle of is discarded by clients that read events by the letter of the standard.
    """
    if stream.whole and stream.events:
        response = stream.exchange.response
        cut = [defect for defect in response.defects if defect.startswith("sse: unfinished_event")] if response else []
        name = cut[0].rpartition(": ")[2] if cut else ""
        yield stream.exchange.finding(f"no empty line ends the event {name}") if cut else HELD


@rule(over=streams, level=Level.SHOULD, source=_SSE, capability="streaming", items=("L-64",))
def every_line_is_a_field(stream: Stream) -> Iterator[Result]:
    """Every line of a stream is a comment, or a field with its name before a colon.

    Anything else is skipped by clients, or breaks them: JSON over several lines without `data:` before each, text of
    a log, the remains of another answer.
    """
    response = stream.exchange.response
    stray = [defect for defect in response.defects if defect.startswith("sse: stray_line")] if response else []
    for defect in stray:
        yield stream.exchange.finding(f"a line that is no field: {defect.partition('stray_line: ')[2]}")
    if not stray and stream.events:
        yield HELD


@rule(over=streams, level=Level.MUST, source=_DONE, capability="streaming", items=("L-62",))
def a_stream_ends_with_done(stream: Stream) -> Iterator[Result]:
    """A stream that did not break off with an error ends with the event `done`, whose data is `[DONE]`.

    It is how a client knows that nothing is missing. An error after the run has completed is no excuse: nothing is left
    that could break off.
    """
    if stream.failed and not _ended_well(stream):
        return
    exchange = stream.exchange
    if any(_is_done(event) for event in stream.events):
        yield HELD
    elif stream.whole:
        yield exchange.finding("the stream ends without done", "/events", DONE_DATA)
    elif stream.events and ends_stream(stream.events[-1].name) and exchange.ended - stream.events[-1].at > _PATIENCE:
        yield exchange.finding(f"nothing follows {stream.events[-1].name}, not even done", "/events", DONE_DATA)
    else:
        yield Undecided("the stream was cut before its end")


def _ended_well(stream: Stream) -> bool:
    """Whether all there was to tell had been told before an error came."""
    told = stream.names[: stream.names.index(ERROR)]
    return any(name in told for name in ("thread.run.completed", "thread.run.requires_action"))


def _is_done(event: Event) -> bool:
    return event.name == DONE and event.data == DONE_DATA


@rule(over=streams, level=Level.MUST, source=_DONE, capability="streaming", items=("L-62",))
def nothing_follows_done(stream: Stream) -> Iterator[Result]:
    """Nothing comes after `done`."""
    dones = [place for place, event in enumerate(stream.events) if _is_done(event)]
    if dones:
        follows = stream.names[dones[0] + 1 :]
        found = stream.exchange.finding(f"{', '.join(follows[:3])} after done", f"/events/{dones[0] + 1}")
        yield found if follows else HELD


@rule(over=streams, level=Level.MUST, source=_STREAM, capability="streaming", items=("L-62", "L-63", "L-68"))
def a_stream_lasts_until_its_run_stops(stream: Stream) -> Iterator[Result]:
    """A stream ends no sooner than its run ends or waits for tool outputs, and tells so.

    The last event of the run is `thread.run.completed` or another end, or `thread.run.requires_action`.
    """
    if stream.whole and not stream.failed and stream.events:
        names = [sighting.event or "" for sighting in stream.of("run")]
        last = names[-1] if names else "no event of the run"
        finding = stream.exchange.finding(
            f"the stream ends, but the run's last event is {last}", "/events", actual=last
        )
        yield HELD if ends_stream(last) else finding


@rule(over=streams, level=Level.SHOULD, source=_STREAM, capability="streaming", items=("L-63",))
def nothing_but_done_follows_the_end_of_the_run(stream: Stream) -> Iterator[Result]:
    """After the event that says how the run ended nothing comes but `done`.

    Clients stop listening there. Events that the contract does not name are let pass.
    """
    yield from _last_of_its_stream(stream, waiting=False)


@rule(over=streams, level=Level.SHOULD, source=_RECORDED, capability="tools", items=("L-68",))
def a_stream_closes_when_the_run_waits(stream: Stream) -> Iterator[Result]:
    """After `thread.run.requires_action` nothing comes but `done`.

    What follows belongs to the stream of the request that submits the outputs.
    """
    yield from _last_of_its_stream(stream, waiting=True)


def _last_of_its_stream(stream: Stream, waiting: bool) -> Iterator[Result]:
    for place, name in enumerate(stream.names):
        if name.startswith("thread.run.") and ends_stream(name) and name.endswith("requires_action") is waiting:
            known = [
                later for later in stream.names[place + 1 :] if later in event_kinds() and later not in (DONE, ERROR)
            ]
            found = stream.exchange.finding(f"{', '.join(known[:3])} after {name}", f"/events/{place + 1}")
            yield found if known else HELD
            return


@rule(over=streams, level=Level.SHOULD, source=_STREAM, capability="streaming", items=("L-62",))
def the_connection_ends_with_the_stream(stream: Stream) -> Iterator[Result]:
    """The answer ends right after `done`.

    A client that reads to the end of the answer hangs on one that is left open.
    """
    if stream.done and stream.whole:
        found = stream.exchange.finding("the answer was left open after done")
        yield found if stream.exchange.problem else HELD


@rule(
    over=streams,
    level=Level.MAY,
    source=_ERROR,
    capability="streaming",
    items=("L-71",),
    needs="a stream that breaks off with an error",
)
def error_events_say_what_happened(stream: Stream) -> Iterator[Result]:
    """The data of an `error` event has a message, by itself or wrapped as in a refusal."""
    for place, event in enumerate(stream.events):
        if event.name == ERROR:
            message = at(event.data, "/message")
            told = at(event.data, "/error/message") if isinstance(message, Absent) else message
            found = stream.exchange.finding("an error event without a message", f"/events/{place}/data")
            yield HELD if isinstance(told, str) and told else found
