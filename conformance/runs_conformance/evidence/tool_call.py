"""Tool calls: pending in a run, recorded in a step, and assembled from the deltas of a stream."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from runs_conformance.contract.dialect import dialect_family
from runs_conformance.evidence.object_events import ObjectEvents
from runs_conformance.evidence.observation import Observation, step_observations
from runs_conformance.evidence.run_timeline import RunTimeline
from runs_conformance.model.json import ABSENT, JSON, Absent, at, is_array, is_integer, is_object


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One tool call. `output` is `ABSENT` if the object has no such member, as in `required_action`."""

    id: str
    type: str
    name: str
    arguments: str
    output: JSON | Absent


def _call(value: JSON) -> ToolCall | None:
    if not is_object(value):
        return None
    texts = (value.get("id"), value.get("type"), at(value, "/function/name"), at(value, "/function/arguments"))
    id_, type_, name, arguments = (text if isinstance(text, str) else "" for text in texts)
    return ToolCall(id_, type_, name, arguments, at(value, "/function/output"))


def pending_calls(run: Observation) -> tuple[ToolCall, ...] | None:
    """The calls whose outputs a run waits for; None if it has no list of calls."""
    value = run.get("/required_action/submit_tool_outputs/tool_calls")
    if not is_array(value):
        return None
    return tuple(call for item in value if (call := _call(item)) is not None)


def asks_for_approval(run: Observation) -> bool:
    """Whether a run lists calls, all with ids, that it makes itself once they are approved, if its dialect has them."""
    value = run.get("/required_action/submit_tool_approval/tool_calls")
    types = dialect_family(run.exchange.dialect).approved_calls
    calls = [_call(item) for item in value] if is_array(value) else []
    return bool(calls) and all(call is not None and call.id and call.type in types for call in calls)


def step_tool_calls(step: Observation) -> tuple[ToolCall, ...]:
    """The tool calls of any type that a step records."""
    value = step.get("/step_details/tool_calls")
    return tuple(call for item in value if (call := _call(item)) is not None) if is_array(value) else ()


def submitted_outputs(body: JSON | Absent) -> Iterator[tuple[str, JSON | Absent]]:
    """The submitted outputs as pairs of call id and output. The id of an item without one is an empty string."""
    items = body.get("tool_outputs") if is_object(body) else None
    for item in items if is_array(items) else ():
        id_ = item.get("tool_call_id") if is_object(item) else None
        yield (id_ if isinstance(id_, str) else ""), item.get("output", ABSENT) if is_object(item) else ABSENT


def function_names(tools: JSON | Absent) -> frozenset[str] | None:
    """The names of the functions among these tools; None if `tools` is not a list."""
    if not is_array(tools):
        return None
    names = (at(tool, "/function/name") for tool in tools if is_object(tool) and tool.get("type") == "function")
    return frozenset(name for name in names if isinstance(name, str))


def step_observations_of_run(run: RunTimeline) -> tuple[Observation, ...]:
    """Every observation of a step whose `run_id` is that of the run."""
    return tuple(step for step in step_observations(run.history) if step.text("run_id") == run.id)


def shared_call_ids(run: RunTimeline) -> frozenset[str]:
    """The ids of tool calls that more than one step of the run shows: those of calls in different rounds."""
    shown = {(step.id, call.id) for step in step_observations_of_run(run) for call in step_tool_calls(step)}
    counts = Counter(call_id for _, call_id in shown)
    return frozenset(id_ for id_, count in counts.items() if count > 1)


STREAMED_MEMBERS = ("/function/name", "/function/arguments", "/code_interpreter/input")
"""The members of a tool call that deltas append to."""


@dataclass(frozen=True, slots=True)
class StreamedToolCall:
    """One tool call: its id, if known, and its streamed texts by JSON Pointer."""

    id: str | None
    texts: dict[str, str]


def tool_calls_by_index(calls: JSON | Absent) -> dict[int, StreamedToolCall]:
    """The tool calls of a list by index."""
    return {index: _parse_streamed_call(call) for index, call in enumerate(calls if is_array(calls) else ())}


def streamed_tool_calls(events: ObjectEvents) -> dict[int, StreamedToolCall]:
    """The tool calls of a step by index: those it was created with, extended by its deltas."""
    created = events.created.get("/step_details/tool_calls") if events.created else ABSENT
    return _extend_by_deltas(tool_calls_by_index(created), events)


def tool_calls_of_deltas(events: ObjectEvents) -> dict[int, StreamedToolCall]:
    """The tool calls of a step by index that its deltas alone add up to."""
    return _extend_by_deltas({}, events)


def _extend_by_deltas(calls: dict[int, StreamedToolCall], events: ObjectEvents) -> dict[int, StreamedToolCall]:
    for part in _parts_in_deltas(events):
        index = at(part, "/index")
        if is_object(part) and is_integer(index):
            calls[int(index)] = _append(calls.get(int(index)), _parse_streamed_call(part))
    return calls


def streamed_call_ids(events: ObjectEvents, index: int | None = None) -> frozenset[str]:
    """The ids of all tool calls that a step was created with or its deltas name, even two at the same index.

    With `index`, only the ids at this index.
    """
    created = events.created.get("/step_details/tool_calls") if events.created else ABSENT
    calls = [
        *enumerate(created if is_array(created) else ()),
        *((at(p, "/index"), p) for p in _parts_in_deltas(events)),
    ]
    return frozenset(id_ for place, each in calls if index in (None, place) and isinstance(id_ := at(each, "/id"), str))


def _parts_in_deltas(events: ObjectEvents) -> Iterator[JSON]:
    for delta in events.deltas:
        parts = delta.get("/delta/step_details/tool_calls")
        yield from parts if is_array(parts) else ()


def _parse_streamed_call(value: JSON) -> StreamedToolCall:
    id_ = at(value, "/id")
    texts = {path: at(value, path) for path in STREAMED_MEMBERS}
    return StreamedToolCall(
        id_ if isinstance(id_, str) else None, {p: t for p, t in texts.items() if isinstance(t, str)}
    )


def _append(before: StreamedToolCall | None, more: StreamedToolCall) -> StreamedToolCall:
    if before is None:
        return more
    paths = before.texts.keys() | more.texts.keys()
    texts = {path: before.texts.get(path, "") + more.texts.get(path, "") for path in paths}
    return StreamedToolCall(before.id or more.id, texts)
