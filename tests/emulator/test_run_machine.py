"""Runs advance through their lifecycle with the clock, and have the members of their status."""

from __future__ import annotations

from typing import Any

import pytest

from runs_conformance.emulator.server_options import EmulatorOptions
from tests.emulator.conftest import EmulatorClient, Serve

FUNCTION = {"type": "function", "function": {"name": "f"}}


@pytest.fixture
def assistant(emulator: EmulatorClient) -> str:
    return emulator.assistant(tools=[FUNCTION])


def start(server: EmulatorClient, assistant: str, text: str = "Hello", **members: Any) -> tuple[str, str]:
    thread = server.thread(text)
    run = server.post(f"/threads/{thread}/runs", {"assistant_id": assistant, **members})
    assert (run["status"], run["started_at"]) == ("queued", None)
    return thread, run["id"]


def submit(server: EmulatorClient, thread: str, run: str, outputs: Any, status: int = 200) -> Any:
    body = {"tool_outputs": outputs}
    return server.post(f"/threads/{thread}/runs/{run}/submit_tool_outputs", body, status=status)


def calls_of(run: Any) -> list[str]:
    return [call["id"] for call in run["required_action"]["submit_tool_outputs"]["tool_calls"]]


def test_run_completes(emulator: EmulatorClient, assistant: str) -> None:
    thread, run = start(emulator, assistant)
    working = emulator.run_to(thread, run, "in_progress")
    assert working["usage"] is None
    assert working["expires_at"] == working["created_at"] + 600
    ended = emulator.run_to(thread, run, "completed")
    assert (ended["expires_at"], ended["required_action"], ended["last_error"]) == (None, None, None)
    assert ended["created_at"] <= ended["started_at"] <= ended["completed_at"]
    steps = emulator.get(f"/threads/{thread}/runs/{run}/steps")["data"]
    assert ended["usage"]["total_tokens"] == sum(step["usage"]["total_tokens"] for step in steps)


def test_outputs_queue_the_run_again(emulator: EmulatorClient, assistant: str) -> None:
    thread, run = start(emulator, assistant, tool_choice="required")
    waiting = emulator.run_to(thread, run, "requires_action")
    step = emulator.get(f"/threads/{thread}/runs/{run}/steps")["data"][0]
    assert (step["status"], step["step_details"]["tool_calls"][0]["function"]["output"]) == ("in_progress", None)
    emulator.advance(3)
    queued = submit(emulator, thread, run, [{"tool_call_id": calls_of(waiting)[0], "output": "42"}])
    assert (queued["status"], queued["required_action"]) == ("queued", None)
    assert queued["started_at"] == waiting["started_at"]
    ended = emulator.run_to(thread, run, "completed")
    assert ended["started_at"] > waiting["started_at"]
    step = emulator.get(f"/threads/{thread}/runs/{run}/steps", order="asc")["data"][0]
    assert (step["status"], step["step_details"]["tool_calls"][0]["function"]["output"]) == ("completed", "42")


@pytest.mark.parametrize(
    "outputs",
    [
        [],
        [{"tool_call_id": "call_x", "output": ""}],
        [{"tool_call_id": "own", "output": ""}] * 2,
        [{"tool_call_id": "own", "output": ""}, {"tool_call_id": "call_x", "output": ""}],
    ],
)
def test_wrong_outputs_are_refused_and_change_nothing(
    emulator: EmulatorClient, assistant: str, outputs: list[Any]
) -> None:
    thread, run = start(emulator, assistant, tool_choice="required")
    waiting = emulator.run_to(thread, run, "requires_action")
    own = calls_of(waiting)[0]
    submitted = [{**output, "tool_call_id": output["tool_call_id"].replace("own", own)} for output in outputs]
    error = submit(emulator, thread, run, submitted, status=400)["error"]
    assert error["message"].startswith(f"Expected tool outputs for call_ids ['{own}']")
    assert emulator.get(f"/threads/{thread}/runs/{run}") == waiting


def test_unexpected_outputs_are_refused(emulator: EmulatorClient, assistant: str) -> None:
    thread, run = start(emulator, assistant)
    error = submit(emulator, thread, run, [{"tool_call_id": "call_x", "output": ""}], status=400)
    assert error["error"]["message"] == 'Runs in status "queued" do not accept tool outputs.'


@pytest.mark.parametrize("status", ["queued", "in_progress", "requires_action"])
def test_run_is_cancelled(emulator: EmulatorClient, assistant: str, status: str) -> None:
    thread, run = start(emulator, assistant, tool_choice="required")
    emulator.run_to(thread, run, status)
    cancelling = emulator.post(f"/threads/{thread}/runs/{run}/cancel")
    assert (cancelling["status"], cancelling["cancelled_at"]) == ("cancelling", None)
    assert emulator.post(f"/threads/{thread}/runs/{run}/cancel", status=400)["error"]["param"] is None
    ended = emulator.run_to(thread, run, "cancelled")
    assert ended["cancelled_at"] >= ended["created_at"]
    assert ended["usage"]["total_tokens"] == 0
    steps = emulator.get(f"/threads/{thread}/runs/{run}/steps")["data"]
    assert {step["status"] for step in steps} <= {"cancelled"}


@pytest.mark.parametrize("choice", ["auto", "required"])
def test_run_expires(emulator: EmulatorClient, assistant: str, choice: str) -> None:
    thread, run = start(emulator, assistant, "count to 500", tool_choice=choice)
    emulator.run_to(thread, run, "requires_action" if choice == "required" else "in_progress")
    if choice == "required":
        emulator.advance(600)
        ended = emulator.run_to(thread, run, "expired")
        assert ended["expires_at"] is None
        assert submit(emulator, thread, run, [], status=400)["error"]["code"] is None
    emulator.post(
        f"/threads/{thread}/messages", {"role": "user", "content": "x"}, status=200 if choice == "required" else 400
    )


def test_run_in_progress_expires(serve_emulator: Serve) -> None:
    server = serve_emulator(EmulatorOptions(step_ms=1000, expires_s=20))
    thread, run = start(server, server.assistant(), "count to 500")
    ended = server.run_to(thread, run, "expired")
    assert ended["usage"]["total_tokens"] == 0
    assert server.get(f"/threads/{thread}/runs/{run}/steps")["data"][0]["status"] == "expired"


def test_failing_model_fails_the_run(emulator: EmulatorClient, assistant: str) -> None:
    thread, run = start(emulator, assistant, model="failing-model")
    ended = emulator.run_to(thread, run, "failed")
    assert ended["last_error"]["code"] == "server_error"
    assert (ended["completed_at"], ended["failed_at"] is None) == (None, False)
    assert emulator.get(f"/threads/{thread}/runs/{run}/steps")["data"][0]["last_error"]["code"] == "server_error"


def test_run_over_its_limit_is_incomplete(emulator: EmulatorClient, assistant: str) -> None:
    thread, run = start(emulator, assistant, "count to 500", max_completion_tokens=256)
    ended = emulator.run_to(thread, run, "incomplete")
    assert ended["incomplete_details"] == {"reason": "max_completion_tokens"}
    assert ended["usage"]["completion_tokens"] == 256


def test_active_run_locks_its_thread(emulator: EmulatorClient, assistant: str) -> None:
    thread, run = start(emulator, assistant)
    message = {"role": "user", "content": "x"}
    error = emulator.post(f"/threads/{thread}/messages", message, status=400)["error"]
    assert error["message"] == f"Can't add messages to {thread} while a run {run} is active."
    error = emulator.post(f"/threads/{thread}/runs", {"assistant_id": assistant}, status=400)["error"]
    assert error["message"] == f"Thread {thread} already has an active run {run}."
    assert emulator.post(f"/threads/{thread}", {"metadata": {"a": "b"}})["metadata"] == {"a": "b"}
    emulator.post(f"/threads/{thread}/runs/{run}", {"metadata": {"a": "b"}}, status=400)
    emulator.run_to(thread, run, "completed")
    assert emulator.post(f"/threads/{thread}/runs/{run}", {"metadata": {"a": "b"}})["metadata"] == {"a": "b"}
    emulator.post(f"/threads/{thread}/messages", message)
    emulator.post(f"/threads/{thread}/runs", {"assistant_id": assistant})


def test_run_shows_overrides_and_defaults(emulator: EmulatorClient) -> None:
    assistant = emulator.assistant(instructions="Be brief.", temperature=0.5)
    thread = emulator.thread("Hello")
    run = emulator.post(
        f"/threads/{thread}/runs",
        {
            "assistant_id": assistant,
            "model": "gpt-4o-mini",
            "additional_instructions": "Be kind.",
            "tools": [FUNCTION],
            "top_p": 0,
            "max_prompt_tokens": 256,
            "truncation_strategy": {"type": "last_messages", "last_messages": 1},
            "metadata": None,
        },
    )
    assert run["model"] == "gpt-4o-mini"
    assert run["instructions"] == "Be brief.\nBe kind."
    assert (run["temperature"], run["top_p"], run["max_prompt_tokens"]) == (0.5, 0, 256)
    assert run["tools"][0]["function"] == {
        "name": "f",
        "parameters": {"type": "object", "properties": {}},
        "strict": False,
    }
    assert run["truncation_strategy"] == {"type": "last_messages", "last_messages": 1}
    assert (run["metadata"], run["tool_choice"], run["parallel_tool_calls"]) == ({}, "auto", True)


def test_run_without_input_is_refused_and_not_stored(emulator: EmulatorClient) -> None:
    silent = emulator.assistant()
    error = emulator.post("/threads/runs", {"assistant_id": silent}, status=400)["error"]
    assert error["code"] == "invalid_thread"
    thread = emulator.thread()
    emulator.post(f"/threads/{thread}/runs", {"assistant_id": silent}, status=400)
    assert emulator.get(f"/threads/{thread}/runs")["data"] == []


def test_deleting_a_thread_deletes_its_objects(emulator: EmulatorClient, assistant: str) -> None:
    thread, run = start(emulator, assistant)
    assert emulator.ask("DELETE", f"/threads/{thread}") == {"id": thread, "object": "thread.deleted", "deleted": True}
    emulator.get(f"/threads/{thread}", status=404)
    emulator.get(f"/threads/{thread}/runs/{run}", status=404)


def test_unusual_valid_members_start_a_run(emulator: EmulatorClient, assistant: str) -> None:
    messages = [{"role": "user", "content": "Hello"}]
    ignored = {"additional_messages": [None, 1], "reasoning_effort": 437, "additional_instructions": {}}
    body = {"assistant_id": assistant, "thread": {"messages": messages}, **ignored}
    run = emulator.post("/threads/runs", body)
    assert (run["status"], run["reasoning_effort"]) == ("queued", None)
    limits: Any = {"max_completion_tokens": 300.0, "max_prompt_tokens": 300.0}
    start(emulator, assistant, truncation_strategy={"type": "last_messages", "last_messages": 3.0}, **limits)
