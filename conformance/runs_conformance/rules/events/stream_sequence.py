"""The events of a stream: whose they are, and which come first."""

from __future__ import annotations

from collections.abc import Iterator

from runs_conformance.contract.event import event_types
from runs_conformance.contract.lifecycle import TERMINAL
from runs_conformance.evidence.complete_list import run_creations, thread_creation
from runs_conformance.evidence.message_content import message_content
from runs_conformance.evidence.object_events import END_EVENTS
from runs_conformance.evidence.observation import JSON_CHANNEL, Observation, message_observations
from runs_conformance.evidence.sent_messages import messages_sent_to
from runs_conformance.evidence.stream import Stream, streams
from runs_conformance.model.history import History
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, observed, schema
from runs_conformance.model.verdict import PASSED, Result

_SPEC = "openai-openapi f85dbe2 openapi.yaml"
_OCCURS = schema(f"{_SPEC} AssistantStreamEvent: what each event occurs for")
_RECORDED = observed("recorded traffic: openai-dotnet, openllmetry 2025-10 to 2026-03, every stream")
_CREATING = ("create_run", "create_thread_and_run")
_STOPPED = {f"thread.run.{status}" for status in TERMINAL | {"cancelling"}}


def complete_streams(history: History) -> Iterator[Stream]:
    """Every stream that was read to its end and contains no error event."""
    return (stream for stream in streams(history) if stream.is_complete and not stream.has_error)


@rule(
    units=complete_streams,
    level=Level.MUST,
    source=_OCCURS,
    capability="streaming",
    clauses=("event-name-matches-run-status",),
    occasions=10,
    formerly=("events.a_stream_tells_of_one_run",),
)
def a_stream_is_about_one_run(stream: Stream) -> Iterator[Result]:
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
                    actual == expected, f"`{name}` differs from that of the stream's run", f"/{name}", expected, actual
                )


@rule(
    units=complete_streams,
    level=Level.MUST,
    source=_OCCURS,
    capability="streaming",
    clauses=("thread-created-only-with-new-thread",),
)
def thread_created_comes_where_one_was(stream: Stream) -> Iterator[Result]:
    """`thread.created` occurs only in the streams of `create_thread_and_run`.

    A run on an existing thread creates no thread.

    Fix: Do not send `thread.created` for `create_run` and `submit_tool_outputs`.
    """
    if not stream.observations:
        return
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
    clauses=("stream-events-are-ordered", "thread-and-run-creates-messages"),
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
    clauses=("stream-events-are-ordered",),
)
def a_run_opens_its_stream(stream: Stream) -> Iterator[Result]:
    """The stream of a new run starts with its created, queued and in_progress events.

    Clients track the run from its creation on.

    Fix: Send the run's created, queued and in_progress events in this order before any event of a step.
    """
    if stream.exchange.operation in _CREATING and stream.observations:
        observations = [s for s in stream.observations if s.kind in ("run", "run_step", "message")]
        opening = [f"thread.run.{kind}" for kind in ("created", "queued", "in_progress")]
        shown = [str(s.event) for s in observations[:3]]
        ended_early = stream.of_kind("run") and stream.of_kind("run")[-1].status in TERMINAL - {
            "completed",
            "incomplete",
        }
        expected = opening[:1] if ended_early else opening
        lacking = [name for name in expected if name not in stream.names]
        message = "the stream does not start with the creation of the run"
        if lacking and shown[: len(expected) - len(lacking)] == [name for name in expected if name not in lacking]:
            message = f"the stream lacks {' and '.join(lacking)}"
        holds = shown[: len(expected)] == expected
        yield PASSED if holds else stream.exchange.finding(message, "/events", list(expected), list(shown))


@rule(
    units=complete_streams,
    level=Level.SHOULD,
    source=_RECORDED,
    capability="tools",
    operation="submit_tool_outputs",
    clauses=("submit-stream-opens-with-completed-step",),
)
def outputs_complete_their_step(stream: Stream) -> Iterator[Result]:
    """The stream after tool outputs starts with the completed step and the queued and in_progress events of the run.

    Clients mark the calls as completed by the first event.

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
    clauses=("step-completes-after-its-message",),
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
    clauses=("stream-events-are-ordered",),
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


def _completed_streams(history: History) -> Iterator[Stream]:
    """Every stream that shows a run from its creation to its completion."""
    for stream in complete_streams(history):
        runs = stream.of_kind("run")
        if stream.exchange.operation in _CREATING and runs and runs[-1].status == "completed":
            yield stream


@rule(
    units=_completed_streams,
    level=Level.MUST,
    source=_OCCURS,
    capability="streaming",
    clauses=("streamed-run-shows-its-message",),
)
def a_run_streams_its_message(stream: Stream) -> Iterator[Result]:
    """The stream of a run that writes a message contains events of a message.

    Clients show the answer as it is streamed; without these events they show none. Judged on runs that are streamed
    from their creation to their completion, and whose message is read afterwards.

    Fix: Send `thread.message.created`, the deltas and `thread.message.completed` for every message that a run writes.
    """
    message = _message_read_later(stream)
    if message is not None:
        is_streamed = bool(stream.of_kind("message") or stream.of_kind("message_delta"))
        is_streamed |= any(name.startswith("thread.message.") for name in stream.names)
        finding = stream.exchange.finding(
            f"the stream has no event of a message, but the run wrote {message.id}",
            "/events",
            "thread.message.created",
        )
        yield PASSED if is_streamed else finding


def _message_read_later(stream: Stream) -> Observation | None:
    """A message that the run of a stream certainly wrote, as a response after the stream shows it."""
    run, history = stream.of_kind("run")[-1], stream.history
    thread_id = run.text("thread_id")
    is_only_run = thread_creation(history, thread_id) is not None and len(list(run_creations(history, thread_id))) == 1
    for message in message_observations(history):
        is_own = message.text("run_id") == run.id or (is_only_run and not message.text("run_id"))
        if (
            is_own
            and message.channel == JSON_CHANNEL
            and message.text("role") == "assistant"
            and message.text("thread_id") == thread_id
            and message.exchange.operation in ("get_message", "list_messages")
            and stream.exchange.happened_before(message.exchange)
            and message_content(message.value) not in messages_sent_to(history, thread_id, message.exchange)
        ):
            return message
    return None


def _check_first_event(stream: Stream, name: str) -> Result:
    shown = next((event for event in stream.names if event in event_types()), "")
    finding = stream.exchange.finding(f"the stream does not start with {name}", "/events/0", name, shown)
    return PASSED if shown == name else finding
