"""Function calls, in a run that waits for their outputs and in the step that records them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from runs_conformance.evidence.object_events import ObjectEvents
from runs_conformance.evidence.observation import Observation, step_observations
from runs_conformance.evidence.timeline import RunTimeline
from runs_conformance.model.json import ABSENT, JSON, Absent, at, is_array, is_integer, is_object


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One tool call. `output` is `ABSENT` where the object has no such member, as in `required_action`."""

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
    """The calls that a run waits for; None where it names none at all."""
    value = run.get("/required_action/submit_tool_outputs/tool_calls")
    if not is_array(value):
        return None
    return tuple(call for item in value if (call := _call(item)) is not None)


def step_tool_calls(step: Observation) -> tuple[ToolCall, ...]:
    """The tool calls that a step records, of any type."""
    value = step.get("/step_details/tool_calls")
    return tuple(call for item in value if (call := _call(item)) is not None) if is_array(value) else ()


def submitted_outputs(body: JSON | Absent) -> Iterator[tuple[str, JSON | Absent]]:
    """The outputs that a submission sends, as pairs of call id and output; an item without an id counts as "" ."""
    items = body.get("tool_outputs") if is_object(body) else None
    for item in items if is_array(items) else ():
        id_ = item.get("tool_call_id") if is_object(item) else None
        yield (id_ if isinstance(id_, str) else ""), item.get("output", ABSENT) if is_object(item) else ABSENT


def function_names(tools: JSON | Absent) -> frozenset[str] | None:
    """The names of the functions among these tools; None where they are not shown."""
    if not is_array(tools):
        return None
    names = (at(tool, "/function/name") for tool in tools if is_object(tool) and tool.get("type") == "function")
    return frozenset(name for name in names if isinstance(name, str))


def step_observations_of_run(run: RunTimeline) -> tuple[Observation, ...]:
    """Every sighting of a step that says it belongs to this run."""
    return tuple(step for step in step_observations(run.history) if step.text("run_id") == run.id)


STREAMED_MEMBERS = ("/function/name", "/function/arguments", "/code_interpreter/input")
"""The members of a tool call that deltas write piece by piece."""


@dataclass(frozen=True, slots=True)
class StreamedToolCall:
    """One tool call: its id, if known, and the texts written to it, by their pointer."""

    id: str | None
    texts: dict[str, str]


def tool_calls_by_index(calls: JSON | Absent) -> dict[int, StreamedToolCall]:
    """The tool calls of a list, by their place in it."""
    return {place: _call(call) for place, call in enumerate(calls if is_array(calls) else ())}


def streamed_tool_calls(strand: ObjectEvents) -> dict[int, StreamedToolCall]:
    """The tool calls that a step was created with and its deltas add up to, by their place in it."""
    found = tool_calls_by_index(strand.created.get("/step_details/tool_calls")) if strand.created else {}
    for delta in strand.deltas:
        parts = delta.get("/delta/step_details/tool_calls")
        for part in parts if is_array(parts) else ():
            place = at(part, "/index")
            if is_object(part) and is_integer(place):
                found[int(place)] = _append(found.get(int(place)), _call(part))
    return found


def _call(value: JSON) -> StreamedToolCall:
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
