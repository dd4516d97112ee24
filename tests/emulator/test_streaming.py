"""Streams send events in the recorded order, and the streamed objects match the stored ones."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from tests.emulator.conftest import EmulatorClient

FUNCTION = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
OPENING = ["thread.run.created", "thread.run.queued", "thread.run.in_progress"]
STEP = ["thread.run.step.created", "thread.run.step.in_progress"]
MESSAGE = [*STEP, "thread.message.created", "thread.message.in_progress", "thread.message.delta"]


def names(events: list[tuple[str, Any]]) -> list[str]:
    """The event names in order, without repeated deltas."""
    result: list[str] = []
    for name, _ in events:
        if not (result and result[-1] == name and name.endswith("delta")):
            result.append(name)
    return result


def last(events: list[tuple[str, Any]], name: str) -> Any:
    return [data for event, data in events if event == name][-1]


def test_plain_run(quick: EmulatorClient) -> None:
    thread = quick.thread("Hello")
    events = quick.stream(f"/threads/{thread}/runs", {"assistant_id": quick.assistant()})
    completed = ["thread.message.completed", "thread.run.step.completed", "thread.run.completed", "done"]
    assert names(events) == [*OPENING, *MESSAGE, *completed]
    assert events[-1] == ("done", "[DONE]")
    deltas = [data["delta"]["content"][0]["text"] for name, data in events if name == "thread.message.delta"]
    assert "annotations" in deltas[0]
    assert "annotations" not in deltas[1]
    final = last(events, "thread.message.completed")
    assert "".join(delta["value"] for delta in deltas) == final["content"][0]["text"]["value"]
    stored = quick.get(f"/threads/{thread}/messages/{final['id']}")
    assert stored["content"] == final["content"]
    assert (final["status"], "status" in stored) == ("completed", False)


def test_new_thread_is_sent_first(quick: EmulatorClient) -> None:
    body = {"assistant_id": quick.assistant(), "thread": {"messages": [{"role": "user", "content": "Hello"}]}}
    events = quick.stream("/threads/runs", body)
    assert names(events)[:2] == ["thread.created", "thread.run.created"]
    assert events[0][1]["id"] == events[1][1]["thread_id"]


def test_stream_ends_at_outputs_and_resumes_with_them(quick: EmulatorClient) -> None:
    thread = quick.thread("Hello")
    body = {"assistant_id": quick.assistant(tools=[FUNCTION]), "tool_choice": "required"}
    events = quick.stream(f"/threads/{thread}/runs", body)
    assert names(events) == [*OPENING, *STEP, "thread.run.step.delta", "thread.run.requires_action", "done"]
    run = last(events, "thread.run.requires_action")
    call = run["required_action"]["submit_tool_outputs"]["tool_calls"][0]
    arguments = [
        data["delta"]["step_details"]["tool_calls"][0]["function"]["arguments"]
        for name, data in events
        if name == "thread.run.step.delta"
    ]
    assert "".join(arguments) == call["function"]["arguments"]
    outputs = {"tool_outputs": [{"tool_call_id": call["id"], "output": "42"}]}
    after = quick.stream(f"/threads/{thread}/runs/{run['id']}/submit_tool_outputs", outputs)
    assert names(after)[:3] == ["thread.run.step.completed", "thread.run.queued", "thread.run.in_progress"]
    assert after[0][1]["step_details"]["tool_calls"][0]["function"]["output"] == "42"


@pytest.mark.parametrize(
    ("model", "limit", "ending"),
    [
        ("gpt-4o", 256, ["thread.message.incomplete", "thread.run.step.completed", "thread.run.incomplete", "done"]),
        ("failing-model", None, ["thread.message.incomplete", "thread.run.step.failed", "thread.run.failed", "done"]),
    ],
)
def test_incomplete_and_failed_runs(quick: EmulatorClient, model: str, limit: int | None, ending: list[str]) -> None:
    thread = quick.thread("count to 500")
    body = {"assistant_id": quick.assistant(), "model": model, "max_completion_tokens": limit}
    assert names(quick.stream(f"/threads/{thread}/runs", body))[-4:] == ending


def test_cancellation_is_streamed(emulator: EmulatorClient) -> None:
    thread = emulator.thread("count to 500")
    events: list[tuple[str, Any]] = []
    body = {"assistant_id": emulator.assistant()}
    reader = threading.Thread(target=lambda: events.extend(emulator.stream(f"/threads/{thread}/runs", body)))
    reader.start()
    while not (runs := emulator.get(f"/threads/{thread}/runs")["data"]):
        pass
    emulator.run_to(thread, runs[0]["id"], "in_progress")
    emulator.advance(8)
    emulator.post(f"/threads/{thread}/runs/{runs[0]['id']}/cancel")
    emulator.advance(1)
    reader.join(timeout=5)
    ending = ["thread.message.incomplete", "thread.run.step.cancelled", "thread.run.cancelled", "done"]
    assert names(events)[-5:] == ["thread.run.cancelling", *ending]
    assert last(events, "thread.message.incomplete")["incomplete_details"] == {"reason": "run_cancelled"}


def test_deleting_the_thread_ends_the_stream(emulator: EmulatorClient) -> None:
    thread = emulator.thread("Hello")
    events: list[tuple[str, Any]] = []
    body = {"assistant_id": emulator.assistant()}
    reader = threading.Thread(target=lambda: events.extend(emulator.stream(f"/threads/{thread}/runs", body)))
    reader.start()
    while not emulator.get(f"/threads/{thread}/runs")["data"]:
        pass
    emulator.ask("DELETE", f"/threads/{thread}")
    reader.join(timeout=5)
    assert events[-1] == ("done", "[DONE]")


def test_refused_stream_is_answered_with_json(quick: EmulatorClient) -> None:
    thread = quick.thread("Hello")
    body = {"assistant_id": quick.assistant(), "stream": True, "temperature": 3}
    answer = quick.send("POST", f"/threads/{thread}/runs", json.dumps(body).encode())
    assert (answer.status, answer.headers["content-type"]) == (400, "application/json")
    assert answer.body["error"]["param"] == "temperature"


def test_search_result_content_is_sent_on_request(quick: EmulatorClient) -> None:
    thread = quick.thread("search the file")
    include = "include[]=step_details.tool_calls[*].file_search.results[*].content"
    body = {"assistant_id": quick.assistant(tools=[{"type": "file_search"}])}
    events = quick.stream(f"/threads/{thread}/runs?{include}", body)
    step = next(data for name, data in events if name == "thread.run.step.completed")
    assert "content" in step["step_details"]["tool_calls"][0]["file_search"]["results"][0]
    path = f"/threads/{thread}/runs/{step['run_id']}/steps/{step['id']}"
    plain = quick.get(path)["step_details"]["tool_calls"][0]["file_search"]["results"][0]
    full = quick.get(f"{path}?{include}")["step_details"]["tool_calls"][0]["file_search"]["results"][0]
    assert ("content" in plain, "content" in full) == (False, True)
