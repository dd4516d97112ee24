"""Deltas: when they come, and what they add up to."""

from __future__ import annotations

from collections.abc import Iterator

from runs_conformance.evidence.object_events import (
    Call,
    Strand,
    calls_of,
    calls_streamed,
    message_strands,
    step_strands,
    texts_of,
    texts_streamed,
)
from runs_conformance.evidence.observation import Sighting
from runs_conformance.evidence.stream import streams
from runs_conformance.model.history import History
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, schema
from runs_conformance.model.verdict import Result

_SPEC = "openai-openapi f85dbe2 openapi.yaml"
_WITHIN = schema(
    f"{_SPEC} AssistantStreamEvent: created occurs when it is created, delta when parts of it are being streamed",
    note="openai-node src/lib/AssistantStream.ts rejects a delta of what was not created",
)
_CUT = schema(f"{_SPEC} MessageObject.status incomplete, incomplete_details.reason run_cancelled")
_PARTS = schema(f"{_SPEC} MessageDeltaObject, RunStepDeltaObject: the delta containing the fields that have changed")


@rule(over=message_strands, level=Level.MUST, source=_WITHIN, capability="streaming", items=("L-65",))
def message_deltas_come_while_it_is_written(strand: Strand) -> Iterator[Result]:
    """A message's deltas come after its creation and before its end.

    Client libraries raise an error for a delta of a message that they do not know, and drop one that comes too late.
    """
    yield from _within(strand)


@rule(over=step_strands, level=Level.MUST, source=_WITHIN, capability="streaming", items=("L-65",))
def step_deltas_come_while_it_works(strand: Strand) -> Iterator[Result]:
    """A step's deltas come after its creation and before its end."""
    yield from _within(strand)


def _within(strand: Strand) -> Iterator[Result]:
    created, end = strand.created, strand.end
    for delta in strand.deltas:
        if strand.begins_here and (created is None or delta.position < created.position):
            yield delta.finding(f"a delta for {strand.id}, which is not created yet")
        else:
            late = end is not None and delta.position > end.position
            yield delta.check(not late, f"a delta for {strand.id} after its end")


@rule(over=message_strands, level=Level.MUST, source=_PARTS, capability="streaming", items=("L-66",))
def message_deltas_add_up(strand: Strand) -> Iterator[Result]:
    """A message's deltas add up to the text that its completed event shows.

    Clients show the deltas and keep the end; what differs was shown wrongly. Nothing may be dropped, repeated or sent
    out of order.
    """
    if strand.deltas and strand.end is not None and strand.happens(strand.end) == "completed":
        added = texts_streamed(strand)
        for place, text in texts_of(strand.end.get("content")).items():
            told = added.get(place, "")
            message = f"the deltas of {strand.id} do not add up to its text"
            yield strand.end.check(told == text, message, f"/content/{place}/text/value", told, text)


@rule(over=message_strands, level=Level.SHOULD, source=_CUT, capability="streaming", items=("L-35", "L-66"))
def cut_message_keeps_its_text(strand: Strand) -> Iterator[Result]:
    """A message that is cut short ends with the text that was streamed of it, as far as it came.

    A user has read it by then. To cancel is no reason to take it back.
    """
    if strand.end is not None and strand.happens(strand.end) == "incomplete":
        kept = texts_of(strand.end.get("content"))
        for place, told in texts_streamed(strand).items():
            text = kept.get(place, "")
            holds = text.startswith(told) or bool(text and told.startswith(text))
            pointer = f"/content/{place}/text/value"
            yield strand.end.check(holds, f"{strand.id} has lost what was streamed of it", pointer, told, text)


@rule(over=message_strands, level=Level.SHOULD, source=_PARTS, capability="streaming", items=("L-66",))
def text_is_streamed(strand: Strand) -> Iterator[Result]:
    """A message with text comes with at least one delta before it is completed.

    Without deltas a stream shows nothing until the end, and that is what it is asked for.
    """
    if strand.end is not None and strand.begins_here and any(texts_of(strand.end.get("content")).values()):
        yield strand.end.check(bool(strand.deltas), "a message with text, but no delta", "/content")


@rule(over=step_strands, level=Level.MUST, source=_PARTS, capability="streaming", items=("L-66",))
def tool_call_deltas_add_up(strand: Strand) -> Iterator[Result]:
    """A step's deltas add up to the names, arguments and inputs of its tool calls.

    Compared with the step's completed event, or with the calls that the stream's run ends up waiting for. Clients
    parse the collected arguments as JSON and call their functions with them.
    """
    streamed = calls_streamed(strand) if strand.deltas else {}
    for place, streamed_call in streamed.items():
        for shown, call, path in _finals(strand, place, streamed_call):
            for member, text in call.texts.items():
                told = streamed_call.texts.get(member, "")
                message = f"the deltas of {strand.id} do not add up to its tool call"
                yield shown.check(told == text, message, path + member, told, text)


def _awaited(history: History) -> Iterator[tuple[Sighting, str, frozenset[str]]]:
    """Each call that a stream's run ends up waiting for, with the ids of all function calls that the stream told of."""
    for stream in streams(history):
        strands = [strand for strand in step_strands(history) if strand.stream is stream]
        told = {call.id for strand in strands for call in calls_streamed(strand).values()}
        if not told or None in told:
            continue
        for run in stream.of("run"):
            for call in calls_of(run.get("/required_action/submit_tool_outputs/tool_calls")).values():
                if call.id is not None:
                    yield run, call.id, frozenset(id_ for id_ in told if id_ is not None)


@rule(over=_awaited, level=Level.SHOULD, source=_PARTS, capability="streaming", items=("L-66",))
def awaited_calls_were_streamed(awaited: tuple[Sighting, str, frozenset[str]]) -> Iterator[Result]:
    """A call that a run waits for goes by the id under which its stream told of it.

    A client that collects the calls from deltas submits its outputs by those ids.
    """
    run, id_, told = awaited
    yield run.check(id_ in told, "the stream told of no such call", "/required_action", sorted(told), id_)


def _calling(history: History) -> Iterator[Strand]:
    """The steps of function calls that their streams created and ended up waiting for."""
    for strand in step_strands(history):
        calls = strand.created is not None and strand.created.get("/step_details/type") == "tool_calls"
        if calls and any(run.status == "requires_action" for run in strand.stream.of("run")):
            yield strand


@rule(over=_calling, level=Level.SHOULD, source=_PARTS, capability="streaming", items=("L-66",))
def calls_are_streamed(strand: Strand) -> Iterator[Result]:
    """A step that calls functions comes with at least one delta before its run waits for the outputs.

    Clients collect names and arguments from deltas; many never look at the run.
    """
    yield strand.events[0].check(bool(strand.deltas), f"{strand.id} calls functions, but has no delta")


def _finals(strand: Strand, place: int, streamed: Call) -> Iterator[tuple[Sighting, Call, str]]:
    """Where the finished call is shown: by the completed step, and by a run that waits for its output."""
    path = "/step_details/tool_calls"
    if strand.end is not None and strand.happens(strand.end) == "completed":
        call = calls_of(strand.end.get(path)).get(place)
        if call is not None:
            yield strand.end, call, f"{path}/{place}"
    path = "/required_action/submit_tool_outputs/tool_calls"
    for run in strand.stream.of("run"):
        for index, call in calls_of(run.get(path)).items():
            if call.id is not None and call.id == streamed.id:
                yield run, call, f"{path}/{index}"
