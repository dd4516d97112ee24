"""Deltas: their position in the stream, and the text that they add up to."""

from __future__ import annotations

from collections.abc import Iterator

from runs_conformance.evidence.object_events import (
    ObjectEvents,
    content_texts,
    has_parts_without_index,
    message_events,
    step_events,
    streamed_texts,
    texts_of_deltas,
)
from runs_conformance.evidence.observation import Observation
from runs_conformance.evidence.stream import streams
from runs_conformance.evidence.tool_call import (
    StreamedToolCall,
    streamed_call_ids,
    streamed_tool_calls,
    tool_calls_by_index,
    tool_calls_of_deltas,
)
from runs_conformance.model.history import History
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, schema
from runs_conformance.model.verdict import Inconclusive, Result, with_part

_SPEC = "openai-openapi f85dbe2 openapi.yaml"
_WITHIN = schema(
    f"{_SPEC} AssistantStreamEvent: created occurs when it is created, delta when parts of it are being streamed",
    note="openai-node src/lib/AssistantStream.ts rejects a delta of what was not created",
)
_CUT = schema(f"{_SPEC} MessageObject.status incomplete, incomplete_details.reason run_cancelled")
_BEYOND_ASCII = "a stream whose text is not ASCII"
_PARTS = schema(f"{_SPEC} MessageDeltaObject, RunStepDeltaObject: the delta containing the fields that have changed")


@rule(
    units=message_events,
    level=Level.MUST,
    source=_WITHIN,
    capability="streaming",
    clauses=("deltas-between-creation-and-end",),
)
def message_deltas_come_while_it_is_written(events: ObjectEvents) -> Iterator[Result]:
    """A message's deltas come after its creation and before its end.

    Client libraries raise an error for a delta of an unknown message and drop one that comes too late.

    Fix: Send the created event first and the completed event last.
    """
    yield from _check_order(events)


@rule(
    units=step_events,
    level=Level.MUST,
    source=_WITHIN,
    capability="streaming",
    clauses=("deltas-between-creation-and-end",),
)
def step_deltas_come_while_it_works(events: ObjectEvents) -> Iterator[Result]:
    """A step's deltas come after its creation and before its end.

    Client libraries raise an error for a delta of an unknown step and drop one that comes too late.

    Fix: Send the created event first and the completed event last.
    """
    yield from _check_order(events)


def _check_order(events: ObjectEvents) -> Iterator[Result]:
    created, end = events.created, events.end
    nameless = events.explain_event_without_id("created") if events.must_be_created_here and created is None else None
    for delta in events.deltas:
        is_late = end is not None and delta.position > end.position
        is_early = events.must_be_created_here and (created is None or delta.position < created.position)
        if nameless is not None and not is_late:
            yield Inconclusive(nameless)
        elif is_early and nameless is None:
            yield delta.finding(f"the stream has a delta for {events.id} before its creation")
        else:
            yield delta.check(not is_late, f"the stream has a delta for {events.id} after its end")


@rule(
    units=message_events,
    level=Level.MUST,
    source=_PARTS,
    capability="streaming",
    clauses=("deltas-add-up",),
    needs_parts=((_BEYOND_ASCII, "create_run"),),
)
def message_deltas_add_up(events: ObjectEvents) -> Iterator[Result]:
    """A message's deltas add up to the text in its completed event.

    Clients show the deltas and keep the final text, so users read any difference as a change. A pass needs a text that
    is not ASCII, too: only such a text shows whether deltas are cut within a character.

    Fix: Send every part of the text exactly once and in order, and cut it between characters, not between bytes.
    """
    if events.deltas and events.end is not None and events.ended_as == "completed":
        if (reason := _why_unassigned(events)) is not None:
            yield Inconclusive(reason)
            return
        added, alone = streamed_texts(events), texts_of_deltas(events)
        for index, text in content_texts(events.end.get("content")).items():
            streamed = added.get(index, "")
            # A created event that shows the text too early is reported by another rule.
            holds = text in (streamed, alone.get(index, ""))
            message = f"the deltas of {events.id} do not add up to its text"
            result = events.end.check(holds, message, _place_of_text(events.end, index), streamed, text)
            yield with_part(result, "" if text.isascii() else _BEYOND_ASCII)


def _why_unassigned(events: ObjectEvents) -> str | None:
    """Why a delta, or a part of one, cannot be added to what it belongs to; None if all can."""
    if (nameless := events.explain_event_without_id("delta")) is not None:
        return nameless
    if has_parts_without_index(events):
        return f"some deltas of {events.id} do not say by an index to which part they belong"
    return None


@rule(
    units=message_events,
    level=Level.SHOULD,
    source=_CUT,
    capability="streaming",
    clauses=("cancellation-closes-steps-and-messages", "deltas-add-up"),
)
def cut_message_keeps_its_text(events: ObjectEvents) -> Iterator[Result]:
    """A message that ends incomplete keeps the text that was streamed of it.

    The user has already read this text.

    Fix: Store the text as it is streamed, including when a run is cancelled.
    """
    if events.end is not None and events.ended_as == "incomplete":
        if (nameless := events.explain_event_without_id("delta")) is not None:
            yield Inconclusive(nameless)
            return
        final, alone = content_texts(events.end.get("content")), texts_of_deltas(events)
        for index, streamed in streamed_texts(events).items():
            text = final.get(index, "")
            # A created event that shows the text too early is reported by another rule.
            texts = (streamed, alone.get(index, streamed))
            holds = any(text.startswith(each) or bool(text and each.startswith(text)) for each in texts)
            pointer = _place_of_text(events.end, index)
            yield events.end.check(holds, f"{events.id} lacks text that was streamed", pointer, streamed, text)


def _place_of_text(message: Observation, index: int) -> str:
    return "/content" if isinstance(message.get("content"), str) else f"/content/{index}/text/value"


@rule(units=message_events, level=Level.SHOULD, source=_PARTS, capability="streaming", clauses=("deltas-add-up",))
def text_is_streamed(events: ObjectEvents) -> Iterator[Result]:
    """A message with text has at least one delta before it completes.

    Without deltas a stream shows nothing until the end, so it has no advantage over polling.

    Fix: Send a delta for each part of the text that the model generates.
    """
    if (
        events.end is not None
        and events.must_be_created_here
        and any(content_texts(events.end.get("content")).values())
    ):
        if not events.deltas and (nameless := events.explain_event_without_id("delta")) is not None:
            yield Inconclusive(nameless)
        else:
            yield events.end.check(bool(events.deltas), "a message with text has no delta", "/content")


@rule(units=step_events, level=Level.MUST, source=_PARTS, capability="streaming", clauses=("deltas-add-up",))
def tool_call_deltas_add_up(events: ObjectEvents) -> Iterator[Result]:
    """A step's deltas add up to the names, arguments and inputs of its tool calls.

    Clients parse the collected arguments as JSON and call their functions with them. Compared with the step's completed
    event, or with the calls in the stream's run that waits for their outputs.

    Fix: Send every part of the arguments exactly once and in order, with an `index` that only its call has.
    """
    calls = streamed_tool_calls(events) if events.deltas else {}
    if events.deltas and (reason := _why_unassigned(events)) is not None:
        yield Inconclusive(reason)
        return
    alone = tool_calls_of_deltas(events)
    for index, streamed_call in calls.items():
        for shown, call, path in _final_calls(events, index, streamed_call):
            is_shared = len(streamed_call_ids(events, index) & _call_ids(shown)) > 1
            what = f"give two calls the index {index}" if is_shared else "do not add up to its tool call"
            for member, text in call.texts.items():
                streamed = streamed_call.texts.get(member, "")
                holds = text == streamed or (index in alone and text == alone[index].texts.get(member))
                yield shown.check(holds, f"the deltas of {events.id} {what}", path + member, streamed, text)


def _call_ids(shown: Observation) -> frozenset[str]:
    """The ids of the calls that a completed step shows, or that a run waits for."""
    lists = (shown.get(path) for path in (_CALLS_OF_STEP, _CALLS_OF_RUN))
    calls = (call for value in lists for call in tool_calls_by_index(value).values())
    return frozenset(call.id for call in calls if call.id is not None)


_CALLS_OF_STEP = "/step_details/tool_calls"
_CALLS_OF_RUN = "/required_action/submit_tool_outputs/tool_calls"


def _awaited_calls(history: History) -> Iterator[tuple[Observation, str, frozenset[str]]]:
    """Each call that a stream's run finally waits for, and the ids of all tool calls in the stream."""
    for stream in streams(history):
        steps = [events for events in step_events(history) if events.stream is stream]
        accumulated = [call.id for events in steps for call in streamed_tool_calls(events).values()]
        if not accumulated or None in accumulated:
            continue
        streamed = frozenset[str]().union(*map(streamed_call_ids, steps))
        for run in stream.of_kind("run"):
            for call in tool_calls_by_index(run.get(_CALLS_OF_RUN)).values():
                if call.id is not None:
                    yield run, call.id, streamed


@rule(units=_awaited_calls, level=Level.SHOULD, source=_PARTS, capability="streaming", clauses=("deltas-add-up",))
def awaited_calls_were_streamed(unit: tuple[Observation, str, frozenset[str]]) -> Iterator[Result]:
    """A call that a run waits for has the id under which it was streamed.

    Clients that collect the calls from deltas submit their outputs with these ids.

    Fix: Use the same call id in the steps and in `required_action`.
    """
    run, id_, streamed = unit
    yield run.check(id_ in streamed, "the stream did not contain this call", "/required_action", sorted(streamed), id_)


def _function_call_steps(history: History) -> Iterator[ObjectEvents]:
    """The steps with function calls in streams that created them and ended waiting for the outputs."""
    for events in step_events(history):
        calls = events.created is not None and events.created.get("/step_details/type") == "tool_calls"
        if calls and any(run.status == "requires_action" for run in events.stream.of_kind("run")):
            yield events


@rule(
    units=_function_call_steps,
    level=Level.SHOULD,
    source=_PARTS,
    capability="streaming",
    clauses=("deltas-add-up",),
)
def calls_are_streamed(events: ObjectEvents) -> Iterator[Result]:
    """A step with function calls has at least one delta before its run waits for the outputs.

    Clients collect names and arguments from deltas, and many never read the run.

    Fix: Send `thread.run.step.delta` events while the model generates the call.
    """
    if not events.deltas and (nameless := events.explain_event_without_id("delta")) is not None:
        yield Inconclusive(nameless)
    else:
        yield events.events[0].check(bool(events.deltas), f"{events.id} calls functions but has no delta")


def _final_calls(
    events: ObjectEvents, index: int, streamed: StreamedToolCall
) -> Iterator[tuple[Observation, StreamedToolCall, str]]:
    """The final state of a streamed call: in the completed step, and in the run that waits for its output."""
    if events.end is not None and events.ended_as == "completed":
        call = tool_calls_by_index(events.end.get(_CALLS_OF_STEP)).get(index)
        if call is not None:
            yield events.end, call, f"{_CALLS_OF_STEP}/{index}"
    for run in events.stream.of_kind("run"):
        for index, call in tool_calls_by_index(run.get(_CALLS_OF_RUN)).items():
            if call.id is not None and call.id == streamed.id:
                yield run, call, f"{_CALLS_OF_RUN}/{index}"
