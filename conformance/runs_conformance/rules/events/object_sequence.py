"""The events of each object: created first, ended once."""

from __future__ import annotations

from collections.abc import Iterator

from runs_conformance.evidence.object_events import END_EVENTS, ObjectEvents, object_events
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, observed, schema
from runs_conformance.model.verdict import PASSED, Inconclusive, Result, with_part

_SPEC = "openai-openapi f85dbe2 openapi.yaml"
_OCCURS = schema(f"{_SPEC} AssistantStreamEvent: what each event occurs for")
_CUT_BY_CANCELLATION = "a message or step that a cancellation interrupted"
_RECORDED = observed("recorded traffic: openai-dotnet, openllmetry 2025-10 to 2026-03, every stream")


@rule(
    units=object_events,
    level=Level.SHOULD,
    source=_OCCURS,
    capability="streaming",
    clauses=("stream-events-are-ordered",),
)
def objects_are_created_first(events: ObjectEvents) -> Iterator[Result]:
    """The first event of a message or step is its created event, and there is only one.

    Clients cannot assign an event of an unknown object. A stream after tool outputs may continue steps of the previous
    one.

    Fix: Send the created event exactly once and before all others.
    """
    if events.must_be_created_here:
        first, kinds = events.events[0], events.event_kinds
        if "created" not in kinds and (nameless := events.explain_event_without_id("created")) is not None:
            yield Inconclusive(nameless)
        elif kinds[0] != "created":
            yield first.finding(f"{first.event} for {events.id} comes before its creation")
        elif kinds.count("created") > 1:
            second = events.events[kinds.index("created", 1)]
            yield second.finding(f"{events.id} has a second created event")
        else:
            yield PASSED


@rule(
    units=object_events,
    level=Level.SHOULD,
    source=_OCCURS,
    capability="streaming",
    clauses=("stream-events-are-ordered",),
)
def objects_end_once(events: ObjectEvents) -> Iterator[Result]:
    """A message or step has no events after its final one.

    Clients finish an object at its final event and miss everything after it.

    Fix: Send the final event last.
    """
    end = events.end
    if end is not None:
        later = next((event for event in events.events if event.position > end.position), None)
        yield later.finding(f"{later.event} for {events.id} comes after {end.event}") if later else PASSED


@rule(
    units=object_events,
    level=Level.SHOULD,
    source=_OCCURS,
    capability="streaming",
    clauses=("stream-events-are-ordered",),
    needs_parts=((_CUT_BY_CANCELLATION, "cancel_run"),),
)
def what_was_begun_is_ended(events: ObjectEvents) -> Iterator[Result]:
    """Every message and step created in the stream of a completed, incomplete or cancelled run has a final event.

    Clients take the complete text or call from that event, or learn from it that no more will come. A pass needs a
    message or step that was not completed when its run was cancelled.

    Fix: End all open messages and steps, with their events, before the run ends.
    """
    runs = events.stream.of_kind("run")
    status = runs[-1].status if runs else ""
    if status in ("completed", "incomplete", "cancelled") and events.created is not None:
        if events.end is None and (nameless := events.explain_event_without_id(*END_EVENTS)) is not None:
            yield Inconclusive(nameless)
            return
        result = events.created.check(events.end is not None, f"the run is {status} but {events.id} has no final event")
        is_cut = events.end is not None and events.event_kind(events.end) != "completed"
        yield with_part(result, _CUT_BY_CANCELLATION) if is_cut and status == "cancelled" else result


@rule(
    units=object_events,
    level=Level.SHOULD,
    source=_RECORDED,
    capability="streaming",
    clauses=("stream-events-are-ordered",),
)
def what_is_created_is_worked_on(events: ObjectEvents) -> Iterator[Result]:
    """A message or step has an in_progress event between its creation and its completion in one stream.

    A step of function calls has one before its run waits for the outputs. User interfaces show activity from this event
    on. Truncated steps and messages may lack it.

    Fix: Send the in_progress event after the created event.
    """
    kinds = events.event_kinds
    if events.created is not None and ("completed" in kinds or _waits_for_outputs(events)):
        end = kinds.index("completed") if "completed" in kinds else len(kinds)
        between = kinds[kinds.index("created") : end]
        if "in_progress" not in between and (nameless := events.explain_event_without_id("in_progress")) is not None:
            yield Inconclusive(nameless)
            return
        yield events.created.check("in_progress" in between, f"{events.id} has no in_progress event")


def _waits_for_outputs(events: ObjectEvents) -> bool:
    """Whether the events are those of an open step at the end of a stream whose run then requires action."""
    runs = events.stream.of_kind("run")
    is_open_step = events.kind == "run_step" and events.end is None
    return is_open_step and bool(runs) and runs[-1].status == "requires_action"
