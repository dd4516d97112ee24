"""Events: their names, their objects and their order."""

from __future__ import annotations

from collections.abc import Iterator

from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.contract.event import event_types
from runs_conformance.contract.lifecycle import TERMINAL
from runs_conformance.evidence.object_events import END_EVENTS, ObjectEvents, object_events
from runs_conformance.evidence.observation import Observation, all_observations
from runs_conformance.evidence.stream import Stream, streams
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, JSON
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, observed, schema
from runs_conformance.model.verdict import PASSED, Result

_SPEC = "openai-openapi f85dbe2 openapi.yaml"
_OCCURS = schema(f"{_SPEC} AssistantStreamEvent: what each event occurs for")
_RECORDED = observed("recorded traffic: openai-dotnet, openllmetry 2025-10 to 2026-03, every stream")
_STAMPS = {"thread.message.completed": "completed_at", "thread.message.incomplete": "incomplete_at"}
_CREATING = ("create_run", "create_thread_and_run")
_STOPPED = {f"thread.run.{status}" for status in TERMINAL | {"cancelling"}}


def complete_streams(history: History) -> Iterator[Stream]:
    """Every stream that was read to its end and contains no error event."""
    return (stream for stream in streams(history) if stream.is_complete and not stream.has_error)


def streamed_observations(history: History) -> Iterator[Observation]:
    """Every object in an event."""
    return (observation for observation in all_observations(history) if observation.event)


@rule(
    units=streamed_observations,
    level=Level.MUST,
    source=_OCCURS,
    capability="streaming",
    requirements=("event-name-matches-run-status",),
)
def run_events_fit_their_status(observation: Observation) -> Iterator[Result]:
    """The name of a run's event matches the status of the run in it.

    Clients rely on either of them. `thread.run.created` contains a queued run, every other event one whose status is
    the last part of the name. Before 2024-05-28 there was no `thread.run.incomplete`, so `thread.run.completed` stood
    for both.

    Fix: Derive the name of the event from the status of the run that is sent.
    """
    if observation.kind == "run":
        yield from _check_status(observation)


@rule(
    units=streamed_observations,
    level=Level.MUST,
    source=_OCCURS,
    capability="streaming",
    requirements=("event-name-matches-run-status",),
)
def step_and_message_events_fit_their_status(observation: Observation) -> Iterator[Result]:
    """The name of a step's or message's event matches the status of the object in it.

    Clients rely on either of them.

    Fix: Derive the name of the event from the status of the object that is sent.
    """
    if observation.kind in ("run_step", "message") and not str(observation.event).endswith(".created"):
        yield from _check_status(observation)


@rule(
    units=streamed_observations,
    level=Level.SHOULD,
    source=_RECORDED,
    capability="streaming",
    requirements=("event-name-matches-run-status",),
)
def created_events_show_the_beginning(observation: Observation) -> Iterator[Result]:
    """The step or message in a created event is in progress.

    The object would otherwise appear to end before its first delta.

    Fix: Send the object in the state in which it was created.
    """
    if observation.kind in ("run_step", "message") and str(observation.event).endswith(".created"):
        yield from _check_status(observation)


def _check_status(observation: Observation) -> Iterator[Result]:
    kind = event_types(observation.exchange.edition or DEFAULT_EDITION).get(observation.event or "")
    if kind is not None and kind.statuses and observation.status:
        expected: JSON = kind.statuses[0] if len(kind.statuses) == 1 else list(kind.statuses)
        message = f"{observation.event} contains an object with the status {observation.status}"
        yield observation.check(observation.status in kind.statuses, message, "/status", expected, observation.status)


@rule(
    units=streamed_observations,
    level=Level.SHOULD,
    source=_RECORDED,
    capability="streaming",
    requirements=("event-name-matches-run-status",),
)
def ended_message_says_when(observation: Observation) -> Iterator[Result]:
    """The message in a completed or incomplete event has the time at which it ended.

    The event is the only one that clients read it from.

    Fix: Set `completed_at` or `incomplete_at` before sending the event.
    """
    stamp = _STAMPS.get(observation.event or "")
    if stamp is not None and observation.get(stamp) is not ABSENT:
        yield observation.check(observation.get(stamp) is not None, f"{stamp} is null", f"/{stamp}")


@rule(
    units=object_events,
    level=Level.SHOULD,
    source=_OCCURS,
    capability="streaming",
    requirements=("stream-events-are-ordered",),
)
def objects_are_created_first(events: ObjectEvents) -> Iterator[Result]:
    """The first event of a message or step is its created event, and there is only one.

    Clients cannot assign an event of an unknown object. A stream after tool outputs may continue steps of the previous
    one.

    Fix: Send the created event exactly once and before all others.
    """
    if events.must_be_created_here:
        first, kinds = events.events[0], events.event_kinds
        if kinds[0] != "created":
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
    requirements=("stream-events-are-ordered",),
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
    requirements=("stream-events-are-ordered",),
)
def what_was_begun_is_ended(events: ObjectEvents) -> Iterator[Result]:
    """Every message and step that is created in the stream of a completed run has a final event.

    Clients take the complete text or call from that event.

    Fix: End all open messages and steps before the run completes.
    """
    runs = events.stream.of_kind("run")
    if runs and runs[-1].status == "completed" and events.created is not None:
        message = f"the run completed but {events.id} has no final event"
        yield events.created.check(events.end is not None, message)


@rule(
    units=object_events,
    level=Level.SHOULD,
    source=_RECORDED,
    capability="streaming",
    requirements=("stream-events-are-ordered",),
)
def what_is_created_is_worked_on(events: ObjectEvents) -> Iterator[Result]:
    """A message or step that is created and completed in one stream has an in_progress event in between.

    User interfaces show activity from this event on. Truncated steps and messages may lack it.

    Fix: Send the in_progress event after the created event.
    """
    kinds = events.event_kinds
    if events.created is not None and "completed" in kinds:
        between = kinds[kinds.index("created") : kinds.index("completed")]
        yield events.created.check("in_progress" in between, f"{events.id} has no in_progress event")


@rule(
    units=complete_streams,
    level=Level.MUST,
    source=_OCCURS,
    capability="streaming",
    requirements=("event-name-matches-run-status",),
    occasions=10,
)
def a_stream_tells_of_one_run(stream: Stream) -> Iterator[Result]:
    """All objects in a stream belong to one run and one thread.

    An event of another run would show one user the conversation of another.

    Fix: Filter the events by run id before sending them.
    """
    runs = stream.of_kind("run")
    if not runs:
        return
    path = stream.exchange.path
    # An event may lack a member, which its own constraint reports.
    run_id = path.get("run_id") or next((run.id for run in runs if run.id), "")
    thread_id = path.get("thread_id") or next((run.text("thread_id") for run in runs if run.text("thread_id")), "")
    both = {"run_id": run_id, "thread_id": thread_id}
    owners = {
        "run": {"id": run_id, "thread_id": thread_id},
        "run_step": both,
        "message": both,
        "thread": {"id": thread_id},
    }
    for observation in stream.observations:
        for name, expected in owners.get(observation.kind, {}).items():
            actual = observation.get(name)
            if isinstance(actual, str) and actual and expected:
                yield observation.check(
                    actual == expected, f"{name} differs from that of the stream's run", f"/{name}", expected, actual
                )


@rule(
    units=complete_streams,
    level=Level.MUST,
    source=_OCCURS,
    capability="streaming",
    requirements=("thread-created-only-with-new-thread",),
)
def thread_created_comes_where_one_was(stream: Stream) -> Iterator[Result]:
    """`thread.created` occurs only in the streams of `create_thread_and_run`.

    A run on an existing thread creates no thread.

    Fix: Do not send `thread.created` for `create_run` and `submit_tool_outputs`.
    """
    threads = stream.of_kind("thread")
    if stream.exchange.operation == "create_thread_and_run":
        yield PASSED
    elif stream.exchange.operation:
        yield threads[0].finding("the stream has thread.created although no thread was created") if threads else PASSED


@rule(
    units=complete_streams,
    level=Level.SHOULD,
    source=_RECORDED,
    capability="create_and_run",
    operation="create_thread_and_run",
    requirements=("stream-events-are-ordered", "thread-and-run-creates-messages"),
)
def a_new_thread_opens_its_stream(stream: Stream) -> Iterator[Result]:
    """The stream of `create_thread_and_run` starts with `thread.created`.

    Streaming clients learn the id of the thread from it.

    Fix: Send `thread.created` before any event of the run.
    """
    if stream.exchange.operation == "create_thread_and_run" and stream.events:
        yield _check_first_event(stream, "thread.created")


@rule(
    units=complete_streams,
    level=Level.SHOULD,
    source=_RECORDED,
    capability="streaming",
    requirements=("stream-events-are-ordered",),
)
def a_run_opens_its_stream(stream: Stream) -> Iterator[Result]:
    """The stream of a new run starts with its created, queued and in_progress events.

    Clients track the run from its creation on.

    Fix: Send these three events in order before any event of a step.
    """
    if stream.exchange.operation in _CREATING:
        observations = [s for s in stream.observations if s.kind in ("run", "run_step", "message")]
        opening = [f"thread.run.{kind}" for kind in ("created", "queued", "in_progress")]
        shown = [str(s.event) for s in observations[:3]]
        ended_early = stream.of_kind("run") and stream.of_kind("run")[-1].status in TERMINAL - {
            "completed",
            "incomplete",
        }
        expected = opening[:1] if ended_early else opening
        message = "the stream does not start with the creation of the run"
        holds = shown[: len(expected)] == expected
        yield PASSED if holds else stream.exchange.finding(message, "/events", list(expected), list(shown))


@rule(
    units=complete_streams,
    level=Level.SHOULD,
    source=_RECORDED,
    capability="tools",
    operation="submit_tool_outputs",
    requirements=("submit-stream-opens-with-completed-step",),
)
def outputs_complete_their_step(stream: Stream) -> Iterator[Result]:
    """The stream after tool outputs starts with the completed step and the queued and in_progress events of the run.

    Clients mark the calls as answered by the first event.

    Fix: Complete the step before resuming the run.
    """
    if stream.exchange.operation == "submit_tool_outputs":
        opening = ["thread.run.step.completed", "thread.run.queued", "thread.run.in_progress"]
        known = [name for name in stream.names if name in event_types()]
        shown = [name for index, name in enumerate(known) if known[index + 1 : index + 2] != [name]][:3]
        if _STOPPED & {*shown}:
            return  # The run was cancelled, or ended, before it was resumed.
        message = "the stream does not start with the completed step and the resumed run"
        yield PASSED if shown == opening else stream.exchange.finding(message, "/events", list(opening), list(shown))


@rule(
    units=complete_streams,
    level=Level.SHOULD,
    source=_RECORDED,
    capability="streaming",
    requirements=("step-completes-after-its-message",),
)
def a_step_completes_after_its_message(stream: Stream) -> Iterator[Result]:
    """The step that creates a message completes after the message.

    The step records the creation, which is not finished before.

    Fix: Send `thread.message.completed` before `thread.run.step.completed`.
    """
    ends = {s.id: s for s in stream.of_kind("message") if str(s.event).rpartition(".")[2] in END_EVENTS}
    for step in stream.of_kind("run_step"):
        message = ends.get(str(step.get("/step_details/message_creation/message_id")))
        if step.event == "thread.run.step.completed" and message is not None:
            yield step.check(message.position < step.position, "the step completes before its message")


@rule(
    units=complete_streams,
    level=Level.SHOULD,
    source=_RECORDED,
    capability="streaming",
    requirements=("stream-events-are-ordered",),
)
def a_message_comes_with_its_step(stream: Stream) -> Iterator[Result]:
    """A message that the run creates is preceded by an event of the step that creates it.

    Clients assign the message to a step.

    Fix: Create the step before the message.
    """
    steps = stream.of_kind("run_step")
    for message in stream.of_kind("message"):
        if message.event == "thread.message.created" and message.text("role") == "assistant":
            before = any(step.position < message.position for step in steps)
            yield message.check(before, f"{message.id} is created without an event of a step before it")


def _check_first_event(stream: Stream, name: str) -> Result:
    shown = next((event for event in stream.names if event in event_types()), "")
    finding = stream.exchange.finding(f"the stream does not start with {name}", "/events/0", name, shown)
    return PASSED if shown == name else finding
