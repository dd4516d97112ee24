"""How a stream ends: with `done`, when the run stops or waits."""

from __future__ import annotations

from collections.abc import Iterator

from runs_conformance.contract.event import (
    DONE,
    DONE_DATA,
    ERROR,
    UNNAMED,
    event_types,
    name_in_data,
    pauses_or_ends_run,
)
from runs_conformance.evidence.stream import Stream, streams
from runs_conformance.model.exchange import Event
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, observed, schema
from runs_conformance.model.verdict import PASSED, Inconclusive, Result

_SPEC = "openai-openapi f85dbe2 openapi.yaml"
_STREAM = schema(
    f"{_SPEC} CreateRunRequest.stream: events as server-sent events, terminating when the Run enters a terminal state "
    "with a data: [DONE] message"
)

_DONE = schema(f"{_SPEC} DoneEvent: occurs when a stream ends")
_RECORDED = observed("recorded traffic: openai-dotnet, openllmetry 2025-10 to 2026-03, every stream")
_DONE_DEADLINE = 5.0
"""Seconds of silence after a run's last event after which `done` counts as not sent."""


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
    elif unnamed := [i for i, event in enumerate(stream.events) if event.name in UNNAMED and event.data == DONE_DATA]:
        message = "the stream ends with `data: [DONE]`, but the line `event: done` before it is missing"
        yield exchange.finding(message, f"/events/{unnamed[0]}", f"event: {DONE}", "no event line")
    elif stream.is_complete:
        yield exchange.finding("the stream ends without done", "/events", DONE_DATA)
    elif (
        stream.events
        and pauses_or_ends_run(stream.names[-1])
        and exchange.ended - stream.events[-1].at > _DONE_DEADLINE
    ):
        yield exchange.finding(f"no done follows {stream.names[-1]}", "/events", DONE_DATA)
    else:
        yield Inconclusive("the stream was truncated")


def _run_stopped_before_error(stream: Stream) -> bool:
    """Whether the run had completed or required action before the error."""
    names = stream.names[: stream.names.index(ERROR)]
    return any(name in names for name in ("thread.run.completed", "thread.run.requires_action"))


_QUOTED = '"[DONE]"'


def _is_quoted_done(event: Event) -> bool:
    return event.name in (DONE, *UNNAMED) and event.data in (_QUOTED, f"'{DONE_DATA}'")


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
    if not stream.observations and any(name_in_data(event) for event in stream.events):
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
