"""The objects in events: their status fits the name of the event."""

from __future__ import annotations

from collections.abc import Iterator

from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.contract.event import event_types
from runs_conformance.evidence.observation import Observation, all_observations
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, JSON, is_array
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, observed, schema
from runs_conformance.model.verdict import Result

_SPEC = "openai-openapi f85dbe2 openapi.yaml"
_OCCURS = schema(f"{_SPEC} AssistantStreamEvent: what each event occurs for")
_RECORDED = observed("recorded traffic: openai-dotnet, openllmetry 2025-10 to 2026-03, every stream")
_STAMPS = {"thread.message.completed": "completed_at", "thread.message.incomplete": "incomplete_at"}
_STAMPS_BY_STATUS = {name.rpartition(".")[2]: stamp for name, stamp in _STAMPS.items()}


def streamed_observations(history: History) -> Iterator[Observation]:
    """Every object in an event."""
    return (observation for observation in all_observations(history) if observation.event)


@rule(
    units=streamed_observations,
    level=Level.MUST,
    source=_OCCURS,
    capability="streaming",
    clauses=("event-name-matches-run-status",),
)
def run_events_fit_their_status(observation: Observation) -> Iterator[Result]:
    """The name of a run's event matches the status of the run in it.

    Some clients rely on the name of the event, others on the status in it. `thread.run.created` contains a queued run,
    every other event one whose status is the last part of the name. Before 2024-05-28 there was no
    `thread.run.incomplete`, so `thread.run.completed` stood for both.

    Fix: Derive the name of the event from the status of the run that is sent.
    """
    if observation.kind == "run":
        yield from _check_status(observation)


@rule(
    units=streamed_observations,
    level=Level.MUST,
    source=_OCCURS,
    capability="streaming",
    clauses=("event-name-matches-run-status",),
)
def step_and_message_events_fit_their_status(observation: Observation) -> Iterator[Result]:
    """The name of a step's or message's event matches the status of the object in it.

    Some clients rely on the name of the event, others on the status in it.

    Fix: Derive the name of the event from the status of the object that is sent.
    """
    if observation.kind in ("run_step", "message") and not str(observation.event).endswith(".created"):
        yield from _check_status(observation)


@rule(
    units=streamed_observations,
    level=Level.SHOULD,
    source=_RECORDED,
    capability="streaming",
    clauses=("event-name-matches-run-status",),
)
def created_events_show_the_beginning(observation: Observation) -> Iterator[Result]:
    """The step or message in a created event is in progress, and has no content and no tool calls yet.

    The object would otherwise appear to end before its first delta, and clients that add the deltas to what it shows
    would have the text twice, or miss the beginning of a part. Only recorded traffic shows it: `content` and
    `tool_calls` were empty in every created event.

    Fix: Send the object in the state in which it was created, as a copy that later changes do not alter.
    """
    if observation.kind in ("run_step", "message") and str(observation.event).endswith(".created"):
        yield from _check_status(observation)
        for pointer in ("/content", "/step_details/tool_calls"):
            shown = observation.get(pointer)
            if is_array(shown):
                message = (
                    f"{observation.event} already has `{pointer.rpartition('/')[2]}`, to which clients add the deltas"
                )
                yield observation.check(not shown, message, pointer, [], shown)


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
    clauses=("event-name-matches-run-status",),
)
def ended_message_says_when(observation: Observation) -> Iterator[Result]:
    """The message in a completed or incomplete event has the time at which it ended.

    The event is the only one that clients read it from. If the event does not match the status of its message, which
    another rule reports, the status decides which time is expected.

    Fix: Set `completed_at` or `incomplete_at` before sending the event.
    """
    stamp = _STAMPS.get(observation.event or "")
    if stamp is not None and observation.status:
        stamp = _STAMPS_BY_STATUS.get(observation.status)
    if stamp is not None and observation.get(stamp) is not ABSENT:
        yield observation.check(observation.get(stamp) is not None, f"`{stamp}` is null", f"/{stamp}")
