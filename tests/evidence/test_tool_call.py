"""Tool calls are read from runs, steps and streams."""

from __future__ import annotations

from runs_conformance.evidence.object_events import step_events
from runs_conformance.evidence.observation import step_observations
from runs_conformance.evidence.run_timeline import runs
from runs_conformance.evidence.tool_call import (
    function_names,
    pending_calls,
    step_observations_of_run,
    step_tool_calls,
    streamed_tool_calls,
    submitted_outputs,
    tool_calls_by_index,
)
from runs_conformance.model.json import ABSENT, JSON
from tests.rules.histories import CALL, HistoryBuilder, call, function_tool, page, step
from tests.rules.streams import opening, tool_delta


def test_pending_calls() -> None:
    builder = HistoryBuilder()
    builder.see_statuses("requires_action", "completed")
    (timeline,) = runs(builder.history())
    waiting, completed = timeline.observations
    (pending,) = pending_calls(waiting) or ()
    assert (pending.id, pending.type, pending.name, pending.output) == (CALL, "function", "get_weather", ABSENT)
    assert pending_calls(completed) is None


def test_calls_of_a_step() -> None:
    builder = HistoryBuilder()
    builder.send("list_run_steps", page(step(calls=[call(output="18 degrees")]), step()))
    with_calls, with_message = step_observations(builder.history())
    assert [each.output for each in step_tool_calls(with_calls)] == ["18 degrees"]
    assert step_tool_calls(with_message) == ()


def test_submitted_outputs() -> None:
    body: JSON = {"tool_outputs": [{"tool_call_id": CALL, "output": "18"}, {"output": "19"}, {"tool_call_id": "b"}, 5]}
    assert list(submitted_outputs(body)) == [(CALL, "18"), ("", "19"), ("b", ABSENT), ("", ABSENT)]
    assert list(submitted_outputs({})) == []


def test_function_names() -> None:
    assert function_names([function_tool("a"), {"type": "file_search"}]) == frozenset({"a"})
    assert function_names(ABSENT) is None


def test_steps_of_a_run() -> None:
    builder = HistoryBuilder()
    builder.create_run()
    builder.send("list_run_steps", page(step(), step(id_="step_b", run_id="run_b")))
    (timeline,) = runs(builder.history())
    assert [each.id for each in step_observations_of_run(timeline)] == ["step_a"]


def test_streamed_calls_are_assembled() -> None:
    created = step("in_progress", calls=[call(arguments="")])
    pieces = (tool_delta({"arguments": text}) for text in ('{"city":', ' "Paris"}'))
    builder = HistoryBuilder()
    builder.stream("create_run", *opening(), ("thread.run.step.created", created), *pieces)
    (events,) = step_events(builder.history())
    (streamed,) = streamed_tool_calls(events).values()
    assert streamed.id == CALL
    assert streamed.texts == {"/function/name": "get_weather", "/function/arguments": '{"city": "Paris"}'}


def test_calls_by_index() -> None:
    assert [(index, each.id) for index, each in tool_calls_by_index([call("a"), {}]).items()] == [(0, "a"), (1, None)]
    assert tool_calls_by_index(None) == {}
