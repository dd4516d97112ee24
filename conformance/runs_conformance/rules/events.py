"""Events: what they are called, whose they are, and the order they come in."""

from __future__ import annotations

from collections.abc import Iterator

from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.contract.event import event_kinds
from runs_conformance.contract.lifecycle import TERMINAL
from runs_conformance.evidence.object_events import ENDS, Strand, strands
from runs_conformance.evidence.observation import Sighting, all_sightings
from runs_conformance.evidence.stream import Stream, streams
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, JSON
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, observed, schema
from runs_conformance.model.verdict import HELD, Result

_SPEC = "openai-openapi f85dbe2 openapi.yaml"
_OCCURS = schema(f"{_SPEC} AssistantStreamEvent: what each event occurs for")
_RECORDED = observed("recorded traffic: openai-dotnet, openllmetry 2025-10 to 2026-03, every stream")
_STAMPS = {"thread.message.completed": "completed_at", "thread.message.incomplete": "incomplete_at"}
_CREATING = ("create_run", "create_thread_and_run")
_STOPPED = {f"thread.run.{status}" for status in TERMINAL | {"cancelling"}}


def unbroken(history: History) -> Iterator[Stream]:
    """Every stream that was read to its end and did not break off with an error."""
    return (stream for stream in streams(history) if stream.whole and not stream.failed)


def streamed(history: History) -> Iterator[Sighting]:
    """Every object that an event carried."""
    return (sighting for sighting in all_sightings(history) if sighting.event)


@rule(over=streamed, level=Level.MUST, source=_OCCURS, capability="streaming", items=("L-61",))
def run_events_fit_their_status(sighting: Sighting) -> Iterator[Result]:
    """The name of a run's event fits the status of the run that it carries.

    Clients go by the one or the other. `thread.run.created` carries a run that is queued, every other event one whose
    status is the last word of its name. Before 2024-05-28 there was no `thread.run.incomplete`, and
    `thread.run.completed` stood for both.
    """
    if sighting.kind == "run":
        yield from _fits(sighting)


@rule(over=streamed, level=Level.MUST, source=_OCCURS, capability="streaming", items=("L-61",))
def step_and_message_events_fit_their_status(sighting: Sighting) -> Iterator[Result]:
    """The name of a step's or message's event fits the status of the object that it carries."""
    if sighting.kind in ("run_step", "message") and not str(sighting.event).endswith(".created"):
        yield from _fits(sighting)


@rule(over=streamed, level=Level.SHOULD, source=_RECORDED, capability="streaming", items=("L-61",))
def created_events_show_the_beginning(sighting: Sighting) -> Iterator[Result]:
    """A step or message that an event says to be created is in progress."""
    if sighting.kind in ("run_step", "message") and str(sighting.event).endswith(".created"):
        yield from _fits(sighting)


def _fits(sighting: Sighting) -> Iterator[Result]:
    kind = event_kinds(sighting.exchange.edition or DEFAULT_EDITION).get(sighting.event or "")
    if kind is not None and kind.statuses and sighting.status:
        due: JSON = kind.statuses[0] if len(kind.statuses) == 1 else list(kind.statuses)
        message = f"{sighting.event} carries the status {sighting.status}"
        yield sighting.check(sighting.status in kind.statuses, message, "/status", due, sighting.status)


@rule(over=streamed, level=Level.SHOULD, source=_RECORDED, capability="streaming", items=("L-61",))
def ended_message_says_when(sighting: Sighting) -> Iterator[Result]:
    """A message that an event says to be completed or incomplete shows since when."""
    stamp = _STAMPS.get(sighting.event or "")
    if stamp is not None and sighting.get(stamp) is not ABSENT:
        yield sighting.check(sighting.get(stamp) is not None, f"{stamp} is null", f"/{stamp}")


@rule(over=strands, level=Level.SHOULD, source=_OCCURS, capability="streaming", items=("L-63",))
def objects_are_created_first(strand: Strand) -> Iterator[Result]:
    """The first event of a message or step is that it was created, and no later one is.

    A client that hears of an unknown message has nothing to add the event to. After tool outputs, the stream goes on
    with steps that the one before it created.
    """
    if strand.begins_here:
        first, happens = strand.events[0], strand.happenings
        if happens[0] != "created":
            yield first.finding(f"{first.event} for {strand.id}, which is not created yet")
        elif happens.count("created") > 1:
            again = strand.events[happens.index("created", 1)]
            yield again.finding(f"{strand.id} is created a second time")
        else:
            yield HELD


@rule(over=strands, level=Level.SHOULD, source=_OCCURS, capability="streaming", items=("L-63",))
def objects_end_once(strand: Strand) -> Iterator[Result]:
    """A message or step that ended has no further events."""
    end = strand.end
    if end is not None:
        later = next((event for event in strand.events if event.position > end.position), None)
        yield later.finding(f"{later.event} for {strand.id}, which had ended with {end.event}") if later else HELD


@rule(over=strands, level=Level.SHOULD, source=_OCCURS, capability="streaming", items=("L-63",))
def what_was_begun_is_ended(strand: Strand) -> Iterator[Result]:
    """Every message and step that was created in the stream of a run that completes has an event for its end.

    Clients take the finished text or call from that event.
    """
    runs = strand.stream.of("run")
    if runs and runs[-1].status == "completed" and strand.created is not None:
        ended = strand.created.check(strand.end is not None, f"the run completed, but there is no end of {strand.id}")
        yield ended


@rule(over=strands, level=Level.SHOULD, source=_RECORDED, capability="streaming", items=("L-63",))
def what_is_created_is_worked_on(strand: Strand) -> Iterator[Result]:
    """A message or step that a stream creates and ends as completed has an event for its being in progress in between.

    It tells user interfaces to show that something is coming. Steps and messages that were cut short may lack it.
    """
    happenings = strand.happenings
    if strand.created is not None and "completed" in happenings:
        between = happenings[happenings.index("created") : happenings.index("completed")]
        yield strand.created.check("in_progress" in between, f"{strand.id} is never said to be in progress")


@rule(over=unbroken, level=Level.MUST, source=_OCCURS, capability="streaming", items=("L-61",))
def a_stream_tells_of_one_run(stream: Stream) -> Iterator[Result]:
    """All that a stream carries belongs to one run and one thread.

    An event of somebody else's run shows one user what another is told.
    """
    runs = stream.of("run")
    if not runs:
        return
    path = stream.exchange.path
    run_id, thread_id = path.get("run_id", runs[0].id), path.get("thread_id", runs[0].text("thread_id"))
    both = {"run_id": run_id, "thread_id": thread_id}
    owners = {
        "run": {"id": run_id, "thread_id": thread_id},
        "run_step": both,
        "message": both,
        "thread": {"id": thread_id},
    }
    for sighting in stream.sightings:
        for name, due in owners.get(sighting.kind, {}).items():
            says = sighting.get(name)
            if isinstance(says, str):
                yield sighting.check(says == due, f"{name} is not that of the stream's run", f"/{name}", due, says)


@rule(over=unbroken, level=Level.MUST, source=_OCCURS, capability="streaming", items=("L-70",))
def thread_created_comes_where_one_was(stream: Stream) -> Iterator[Result]:
    """`thread.created` comes only in the stream of create thread and run.

    It occurs when a new thread is created; a run on an existing thread creates none.
    """
    threads = stream.of("thread")
    if stream.exchange.operation == "create_thread_and_run":
        yield HELD
    elif stream.exchange.operation:
        yield threads[0].finding("thread.created, though no thread was created") if threads else HELD


@rule(over=unbroken, level=Level.SHOULD, source=_RECORDED, capability="create_and_run",
      operation="create_thread_and_run", items=("L-63", "L-75"))  # fmt: skip
def a_new_thread_opens_its_stream(stream: Stream) -> Iterator[Result]:
    """The stream of create thread and run opens with `thread.created`.

    It is how a client that streams learns of the thread before anything else.
    """
    if stream.exchange.operation == "create_thread_and_run" and stream.events:
        yield _opens(stream, "thread.created")


@rule(over=unbroken, level=Level.SHOULD, source=_RECORDED, capability="streaming", items=("L-63",))
def a_run_opens_its_stream(stream: Stream) -> Iterator[Result]:
    """The stream of a new run tells first that it was created, then that it is queued, then that it is in progress."""
    if stream.exchange.operation in _CREATING:
        named = [s for s in stream.sightings if s.kind in ("run", "run_step", "message")]
        opening = [f"thread.run.{happens}" for happens in ("created", "queued", "in_progress")]
        shown = [str(s.event) for s in named[:3]]
        ended_early = stream.of("run") and stream.of("run")[-1].status in TERMINAL - {"completed", "incomplete"}
        due = opening[:1] if ended_early else opening
        message = "the stream does not open with what becomes of the run"
        holds = shown[: len(due)] == due
        yield HELD if holds else stream.exchange.finding(message, "/events", list(due), list(shown))


@rule(over=unbroken, level=Level.SHOULD, source=_RECORDED, capability="tools", operation="submit_tool_outputs",
      items=("L-69",))  # fmt: skip
def outputs_complete_their_step(stream: Stream) -> Iterator[Result]:
    """The stream after tool outputs opens with the completed step, and the run that is queued and in progress again."""
    if stream.exchange.operation == "submit_tool_outputs":
        opening = ["thread.run.step.completed", "thread.run.queued", "thread.run.in_progress"]
        known = [name for name in stream.names if name in event_kinds()]
        shown = [name for place, name in enumerate(known) if known[place + 1 : place + 2] != [name]][:3]
        if _STOPPED & {*shown}:
            return  # It was cancelled, or ended, before it was resumed.
        message = "the stream does not open with the completed step and the resumed run"
        yield HELD if shown == opening else stream.exchange.finding(message, "/events", list(opening), list(shown))


@rule(over=unbroken, level=Level.SHOULD, source=_RECORDED, capability="streaming", items=("L-67",))
def a_step_completes_after_its_message(stream: Stream) -> Iterator[Result]:
    """The step that creates a message completes after the message does."""
    ends = {s.id: s for s in stream.of("message") if str(s.event).rpartition(".")[2] in ENDS}
    for step in stream.of("run_step"):
        message = ends.get(str(step.get("/step_details/message_creation/message_id")))
        if step.event == "thread.run.step.completed" and message is not None:
            yield step.check(message.position < step.position, "the step completes before its message")


@rule(over=unbroken, level=Level.SHOULD, source=_RECORDED, capability="streaming", items=("L-63",))
def a_message_comes_with_its_step(stream: Stream) -> Iterator[Result]:
    """Before a message that the run writes comes the step that creates it."""
    steps = stream.of("run_step")
    for message in stream.of("message"):
        if message.event == "thread.message.created" and message.text("role") == "assistant":
            before = any(step.position < message.position for step in steps)
            yield message.check(before, f"{message.id} is created, but there is no event of a step before it")


def _opens(stream: Stream, name: str) -> Result:
    shown = next((event for event in stream.names if event in event_kinds()), "")
    finding = stream.exchange.finding(f"the stream does not open with {name}", "/events/0", name, shown)
    return HELD if shown == name else finding
