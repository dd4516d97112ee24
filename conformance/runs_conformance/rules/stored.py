"""Stored objects: a read after a stream equals the stream's last events."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from runs_conformance.contract.known_members import known_members
from runs_conformance.contract.lifecycle import TERMINAL
from runs_conformance.evidence.complete_list import check_listed, complete_lists
from runs_conformance.evidence.object_events import ObjectEvents, message_events, object_events, step_events
from runs_conformance.evidence.observation import JSON_CHANNEL, Observation
from runs_conformance.evidence.page import Page
from runs_conformance.evidence.request_effect import may_have_taken_effect
from runs_conformance.evidence.stream import streams
from runs_conformance.evidence.timeline import timelines
from runs_conformance.model.history import History
from runs_conformance.model.json import equal_but_for_nulls, is_array
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, schema
from runs_conformance.model.verdict import PASSED, Result

_IMPLIED = schema(
    "openai-openapi f85dbe2 openapi.yaml AssistantStreamEvent: each event's data is the object itself",
    note="that it is stored as it was streamed is implied, but not stated",
)

_RUN_EXCEPTIONS = frozenset({"tool_resources"})
_STEP_EXCEPTIONS = frozenset({"expires_at", "expired_at", "metadata"})
_MESSAGE_EXCEPTIONS = frozenset({"status", "incomplete_details", "completed_at", "incomplete_at", "file_ids"})
"""Members that the real service itself showed differently in streams and in JSON responses."""


@dataclass(frozen=True, eq=False)
class ReadAfterStream:
    """The last event of an object, and a later JSON response that shows it.

    `metadata_may_differ` is true if its metadata may have been modified in between.
    """

    streamed: Observation
    read: Observation
    metadata_may_differ: bool


def _read_after_stream(history: History, streamed: Observation) -> Iterator[ReadAfterStream]:
    timeline = next((timeline for timeline in timelines(streamed.kind, history) if timeline.id == streamed.id), None)
    later = (
        [
            observation
            for observation in timeline.observations
            if observation.channel == JSON_CHANNEL and streamed.happened_before(observation)
        ]
        if timeline
        else []
    )
    if later:
        read = later[-1]
        changes = (e for e in history if e.operation == f"modify_{streamed.kind}" and may_have_taken_effect(e))
        changed = any(e.path.get(f"{streamed.kind}_id") == streamed.id and e.started < read.latest for e in changes)
        yield ReadAfterStream(streamed, read, changed)


def _streamed_runs(history: History) -> Iterator[ReadAfterStream]:
    for stream in streams(history):
        runs = stream.of_kind("run")
        if runs and runs[-1].status in TERMINAL:
            yield from _read_after_stream(history, runs[-1])


def _streamed_steps(history: History) -> Iterator[ReadAfterStream]:
    for events in step_events(history):
        if events.end is not None:
            yield from _read_after_stream(history, events.end)


def _streamed_messages(history: History) -> Iterator[ReadAfterStream]:
    for events in message_events(history):
        if events.end is not None and events.event_kind(events.end) == "completed":
            yield from _read_after_stream(history, events.end)


def _check_equal(pair: ReadAfterStream, exceptions: frozenset[str]) -> Iterator[Result]:
    exceptions |= {"metadata"} if pair.metadata_may_differ else set()
    known = known_members(pair.streamed.kind, pair.streamed.exchange.edition)
    for name, streamed in pair.streamed.value.items():
        read = pair.read.value.get(name, streamed)
        if name in known - exceptions and not equal_but_for_nulls(streamed, read):
            yield pair.read.finding(f"`{name}` differs from the stream's last event", f"/{name}", streamed, read)
            return
    yield PASSED


@rule(
    units=_streamed_runs,
    level=Level.SHOULD,
    source=_IMPLIED,
    capability="streaming",
    clauses=("stored-object-matches-stream",),
)
def run_is_as_its_stream_ended(pair: ReadAfterStream) -> Iterator[Result]:
    """A run that is read after its stream equals the last event that showed it.

    Clients use the streamed object without reading it again. `tool_resources` is not compared, since the real service
    showed it differently in streams.

    Fix: Write events and responses from the same stored run.
    """
    yield from _check_equal(pair, _RUN_EXCEPTIONS)


@rule(
    units=_streamed_steps,
    level=Level.SHOULD,
    source=_IMPLIED,
    capability="streaming",
    clauses=("stored-object-matches-stream",),
)
def steps_are_as_their_stream_ended(pair: ReadAfterStream) -> Iterator[Result]:
    """A step that is read after its stream equals the last event that showed it.

    Clients use the streamed object without reading it again. Two members are not compared: `expires_at`, which the real
    service cleared afterwards, and the results of file searches, which must be requested.

    Fix: Write events and responses from the same stored step.
    """
    calls = pair.streamed.get("/step_details/tool_calls")
    has_file_search = (
        any("file_search" in call for call in calls if isinstance(call, dict)) if is_array(calls) else False
    )
    yield from _check_equal(pair, _STEP_EXCEPTIONS | {"step_details"} if has_file_search else _STEP_EXCEPTIONS)


@rule(
    units=_streamed_messages,
    level=Level.SHOULD,
    source=_IMPLIED,
    capability="streaming",
    clauses=("stored-object-matches-stream",),
)
def messages_are_as_their_stream_ended(pair: ReadAfterStream) -> Iterator[Result]:
    """A message that is read after its stream equals its `thread.message.completed` event.

    Clients use the streamed object without reading it again. The members that describe progress are not compared, since
    the real service sent them only in streams.

    Fix: Write events and responses from the same stored message.
    """
    yield from _check_equal(pair, _MESSAGE_EXCEPTIONS)


def _streamed_objects_with_lists(history: History) -> Iterator[tuple[ObjectEvents, Page]]:
    """Every step and message that ended in a stream, with a complete list of its kind read after the stream."""
    for events in object_events(history):
        for page in complete_lists(history):
            path = page.exchange.path
            is_same_run = "run_id" not in path or path["run_id"] == _parent_id(events, "run_id")
            is_same_list = (
                page.kind == events.kind and is_same_run and path.get("thread_id") == _parent_id(events, "thread_id")
            )
            is_later = events.stream.exchange.happened_before(page.exchange) and "run_id" not in page.query
            if events.end is not None and is_same_list and is_later and not _may_be_deleted(history, events, page):
                yield events, page
                break


def _parent_id(events: ObjectEvents, name: str) -> str:
    return events.end.text(name) if events.end else ""


def _may_be_deleted(history: History, events: ObjectEvents, page: Page) -> bool:
    return any(
        exchange.request.method == "DELETE"
        and events.id in exchange.path.values()
        and exchange.started < page.exchange.ended
        for exchange in history
    )


@rule(
    units=_streamed_objects_with_lists,
    level=Level.SHOULD,
    source=_IMPLIED,
    capability="streaming",
    clauses=("stored-object-matches-stream",),
)
def what_was_streamed_is_there(pair: tuple[ObjectEvents, Page]) -> Iterator[Result]:
    """A step or message that was streamed is in the list read afterwards, under the same id.

    Clients use the streamed id to read, modify or delete the object.

    Fix: Store each object under the id that its events showed.
    """
    events, page = pair
    yield check_listed(page, [events.id], "{}, which was streamed, is not listed")
