"""How a stream ends: with `done`, when the run stops or waits."""

from __future__ import annotations

import json
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
from runs_conformance.evidence.observation import Observation
from runs_conformance.evidence.run_timeline import find_run
from runs_conformance.evidence.stream import Stream, streams
from runs_conformance.evidence.tool_call import step_tool_calls
from runs_conformance.model.exchange import Event
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, observed, schema
from runs_conformance.model.verdict import PASSED, Inconclusive, Passed, Result, Suspicion

_SPEC = "openai-openapi f85dbe2 openapi.yaml"
_STREAM = schema(
    f"{_SPEC} CreateRunRequest.stream: events as server-sent events, terminating when the Run enters a terminal state "
    "with a data: [DONE] message"
)

_DONE = schema(f"{_SPEC} DoneEvent: occurs when a stream ends")
_RECORDED = observed("recorded traffic: openai-dotnet, openllmetry 2025-10 to 2026-03, every stream")
_CANCELLED = "thread.run.cancelled"
_OF_CANCELLED_RUN = "the stream of a cancelled run"
_DONE_DEADLINE = 5.0
"""Seconds of silence after a run's last event after which `done` counts as not sent."""


@rule(units=streams, level=Level.MUST, source=_DONE, capability="streaming", clauses=("stream-ends-with-done",))
def a_stream_ends_with_done(stream: Stream) -> Iterator[Result]:
    """A stream that did not break off with an error ends with the event `done`, whose data is `[DONE]`.

    The event `done` shows the client that the stream is complete. It is also required if an error follows the end of
    the run, since nothing of the run is missing then.

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
        is_pause = stream.names[-1:] == ("thread.run.requires_action",)
        where = " after thread.run.requires_action" if is_pause else ""
        yield exchange.finding(f"the stream ends without done{where}", "/events", DONE_DATA)
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


@rule(units=streams, level=Level.MUST, source=_DONE, capability="streaming", clauses=("stream-ends-with-done",))
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
    clauses=("stream-ends-with-done", "stream-events-are-ordered", "stream-closes-on-required-action"),
    needs_parts=((_OF_CANCELLED_RUN, "cancel_run"),),
)
def a_stream_lasts_until_its_run_stops(stream: Stream) -> Iterator[Result]:
    """A stream does not end before it has shown that its run has ended or requires action.

    The client would not learn the result. The last event of the run is `thread.run.requires_action`, or a terminal one
    such as `thread.run.completed`. A pass needs the stream of a run that was cancelled meanwhile, too.

    Fix: Keep the stream open until the run ends or requires action, and send an event of every change of its status,
    including a cancellation.
    """
    if not stream.observations and any(name_in_data(event) for event in stream.events):
        return  # The events lack their `event:` line, which another rule reports.
    if not stream.is_complete:
        return
    types = event_types()
    names = [name for name in stream.names if name in types and types[name].payload_kind == "run"]
    last = names[-1] if names else "no event of the run"
    after = _state_after(stream) if not pauses_or_ends_run(last) else None
    if not stream.has_error:
        message = f"the stream ends, but the run's last event is {last}"
        if after is not None and pauses_or_ends_run(f"thread.run.{after.status}"):
            message = f"the run is {after.status!r} right after its stream, but its last event there is {last}"
        passed = Passed(_OF_CANCELLED_RUN) if last == _CANCELLED else PASSED
        yield passed if pauses_or_ends_run(last) else stream.exchange.finding(message, "/events", actual=last)
    elif after is not None and after.status in _UNEXPLAINED_BY_ERROR:
        yield Suspicion(f"a stream ended with an error, but its run was {after.status!r} at once")


_UNEXPLAINED_BY_ERROR = ("requires_action", "completed", "incomplete")
"""The statuses of runs to which nothing happened that an `error` event would report."""

_AT_ONCE = 1.0
"""Seconds after the end of a stream in which its run hardly reaches another status."""


def _state_after(stream: Stream) -> Observation | None:
    """The run as it was read immediately after the end of its stream."""
    shown = stream.of_kind("run")
    run = find_run(stream.history, shown[0].id) if shown else None
    after = run.earliest_after(stream.exchange) if run is not None else None
    return after if after is not None and after.latest - stream.exchange.ended <= _AT_ONCE else None


@rule(
    units=streams,
    level=Level.SHOULD,
    source=_STREAM,
    capability="streaming",
    clauses=("stream-events-are-ordered",),
)
def nothing_but_done_follows_the_end_of_the_run(stream: Stream) -> Iterator[Result]:
    """Only `done` follows the event that shows the end of the run.

    Clients stop listening there. Events that the contract does not name are ignored. An `error` counts, too: once the
    run has ended, nothing is left that could break off.

    Fix: Send all events of steps and messages before the run's last event.
    """
    yield from _check_only_done_follows(stream, requires_action=False)


@rule(
    units=streams,
    level=Level.SHOULD,
    source=_RECORDED,
    capability="tools",
    clauses=("stream-closes-on-required-action",),
)
def a_stream_closes_when_the_run_waits(stream: Stream) -> Iterator[Result]:
    """A stream whose run requires action shows that with `thread.run.requires_action`, which only `done` follows.

    Later events belong to the stream of the request that submits the tool outputs. A client that waits for the event
    until an `error` breaks off the stream cannot submit the outputs in time.

    Fix: Send the event and close the stream with `done` as soon as the run requires action.
    """
    yield from _check_only_done_follows(stream, requires_action=True)
    if not stream.has_error or any(map(pauses_or_ends_run, stream.names)):
        return
    after = _state_after(stream)
    if after is not None and after.status == "requires_action":
        message = "the stream ends with an error and without thread.run.requires_action, but the run requires action"
        yield stream.exchange.finding(message, "/events", "thread.run.requires_action", ERROR)
    elif (seconds := _silence_after_call(stream)) > _CALL_SILENCE:
        yield Suspicion(f"no event followed a function call for {seconds:.0f} s, until an error ended the stream")


_CALL_SILENCE = 10.0
"""Seconds of silence after a function call with all arguments in which a run probably waits for its output."""


def _silence_after_call(stream: Stream) -> float:
    """The seconds from an event that shows a function call with all its arguments to an error right after it."""
    place = stream.names.index(ERROR)
    steps = [each for each in stream.of_kind("run_step") if each.position == place - 1]
    calls = [call for step in steps for call in step_tool_calls(step)]
    is_waiting = bool(calls) and all(call.output is None and _is_json(call.arguments) for call in calls)
    return stream.events[place].at - stream.events[place - 1].at if is_waiting else 0.0


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _check_only_done_follows(stream: Stream, requires_action: bool) -> Iterator[Result]:
    for index, name in enumerate(stream.names):
        if (
            name.startswith("thread.run.")
            and pauses_or_ends_run(name)
            and name.endswith("requires_action") is requires_action
        ):
            documented = [event for event in stream.names[index + 1 :] if event in event_types() and event != DONE]
            finding = stream.exchange.finding(f"{', '.join(documented[:3])} follows {name}", f"/events/{index + 1}")
            yield finding if documented else PASSED
            return


@rule(units=streams, level=Level.SHOULD, source=_STREAM, capability="streaming", clauses=("stream-ends-with-done",))
def the_connection_ends_with_the_stream(stream: Stream) -> Iterator[Result]:
    """The response ends right after `done`, or after the end of the run if an error takes its place.

    A client that reads to the end of the response hangs if it is left open.

    Fix: End the response body after `done`, and after `error`.
    """
    if not stream.has_done and not stream.is_complete and any(map(pauses_or_ends_run, stream.names)):
        seconds = stream.exchange.ended - stream.events[-1].at
        if seconds > _DONE_DEADLINE:
            yield stream.exchange.finding(f"the response was left open for {seconds:.0f} s after {stream.names[-1]}")
    elif stream.has_done and stream.is_complete:
        finding = stream.exchange.finding("the response was left open after done")
        yield finding if stream.exchange.problem else PASSED
