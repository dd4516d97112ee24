"""Stored: what is read after a stream is what the stream said last."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from runs_conformance.contract.lifecycle import TERMINAL
from runs_conformance.evidence.complete_list import whole_lists
from runs_conformance.evidence.object_events import Strand, message_strands, step_strands, strands
from runs_conformance.evidence.observation import JSON_CHANNEL, Sighting
from runs_conformance.evidence.page import Page
from runs_conformance.evidence.run_action import took_effect
from runs_conformance.evidence.stream import streams
from runs_conformance.evidence.timeline import timelines
from runs_conformance.model.history import History
from runs_conformance.model.json import is_array, same
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, schema
from runs_conformance.model.verdict import HELD, Result

_IMPLIED = schema(
    "openai-openapi f85dbe2 openapi.yaml AssistantStreamEvent: each event's data is the object itself",
    note="that it is kept as it was told is implied, and nowhere stated",
)

_RUN_APART = frozenset({"tool_resources"})
_STEP_APART = frozenset({"expires_at", "expired_at", "metadata"})
_MESSAGE_APART = frozenset({"status", "incomplete_details", "completed_at", "incomplete_at", "file_ids"})
"""Members in which the service itself told streams and plain answers apart."""


@dataclass(frozen=True, eq=False)
class Kept:
    """An object as a stream showed it last, in its end, and as a plain answer showed it afterwards.

    `changed` says that its metadata may have been modified in between.
    """

    told: Sighting
    read: Sighting
    changed: bool


def _kept(history: History, told: Sighting) -> Iterator[Kept]:
    line = next((line for line in timelines(told.kind, history) if line.id == told.id), None)
    later = [s for s in line.sightings if s.channel == JSON_CHANNEL and told.before(s)] if line else []
    if later:
        read = later[-1]
        changes = (e for e in history if e.operation == f"modify_{told.kind}" and took_effect(e))
        changed = any(e.path.get(f"{told.kind}_id") == told.id and e.started < read.ends for e in changes)
        yield Kept(told, read, changed)


def _runs(history: History) -> Iterator[Kept]:
    for stream in streams(history):
        runs = stream.of("run")
        if runs and runs[-1].status in TERMINAL:
            yield from _kept(history, runs[-1])


def _steps(history: History) -> Iterator[Kept]:
    for strand in step_strands(history):
        if strand.end is not None:
            yield from _kept(history, strand.end)


def _messages(history: History) -> Iterator[Kept]:
    for strand in message_strands(history):
        if strand.end is not None and strand.happens(strand.end) == "completed":
            yield from _kept(history, strand.end)


def _compared(kept: Kept, apart: frozenset[str]) -> Iterator[Result]:
    apart |= {"metadata"} if kept.changed else set()
    for name, told in kept.told.value.items():
        read = kept.read.value.get(name, told)
        if name not in apart and not same(told, read):
            yield kept.read.finding(f"{name} is not what the stream said last", f"/{name}", told, read)
            return
    yield HELD


@rule(over=_runs, level=Level.SHOULD, source=_IMPLIED, capability="streaming", items=("L-74",))
def run_is_as_its_stream_ended(kept: Kept) -> Iterator[Result]:
    """A run that is read after its stream is as the last event showed it.

    `tool_resources` are left out: the service showed them differently in streams.
    """
    yield from _compared(kept, _RUN_APART)


@rule(over=_steps, level=Level.SHOULD, source=_IMPLIED, capability="streaming", items=("L-74",))
def steps_are_as_their_stream_ended(kept: Kept) -> Iterator[Result]:
    """A step that is read after its stream is as its last event showed it.

    `expires_at`, which the service cleared afterwards, and the results of file searches, which must be asked for, are
    left out.
    """
    calls = kept.told.get("/step_details/tool_calls")
    searched = any("file_search" in call for call in calls if isinstance(call, dict)) if is_array(calls) else False
    yield from _compared(kept, _STEP_APART | {"step_details"} if searched else _STEP_APART)


@rule(over=_messages, level=Level.SHOULD, source=_IMPLIED, capability="streaming", items=("L-74",))
def messages_are_as_their_stream_ended(kept: Kept) -> Iterator[Result]:
    """A message that is read after its stream says what its completed event said.

    The members that describe its progress are left out: the service sent them in streams only.
    """
    yield from _compared(kept, _MESSAGE_APART)


def _listed(history: History) -> Iterator[tuple[Strand, Page]]:
    """Every step and message that a stream ended, with a whole list of them that was read after it."""
    for strand in strands(history):
        for page in whole_lists(history):
            path = page.exchange.path
            of_run = "run_id" not in path or path["run_id"] == _owner(strand, "run_id")
            here = page.kind == strand.kind and of_run and path.get("thread_id") == _owner(strand, "thread_id")
            after = strand.stream.exchange.before(page.exchange) and "run_id" not in page.query
            if strand.end is not None and here and after and not _removed(history, strand, page):
                yield strand, page
                break


def _owner(strand: Strand, name: str) -> str:
    return strand.end.text(name) if strand.end else ""


def _removed(history: History, strand: Strand, page: Page) -> bool:
    return any(
        exchange.request.method == "DELETE"
        and strand.id in exchange.path.values()
        and exchange.started < page.exchange.ended
        for exchange in history
    )


@rule(over=_listed, level=Level.SHOULD, source=_IMPLIED, capability="streaming", items=("L-74",))
def what_was_streamed_is_there(pair: tuple[Strand, Page]) -> Iterator[Result]:
    """A step or message that a stream told of is in the list that is read afterwards, by the same id."""
    strand, page = pair
    found = page.exchange.finding(f"{strand.id}, which was streamed, is not in the list", "/data")
    yield HELD if strand.id in page.ids else found
