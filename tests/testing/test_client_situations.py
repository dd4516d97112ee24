"""Situations that authors of clients have to test, each met by the official client."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from runs_conformance.errors import UsageError
from runs_conformance.testing import ScriptableEmulator

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def start(client: Any, assistant: str) -> Any:
    return client.beta.threads.create_and_run(assistant_id=assistant)


def current(client: Any, run: Any) -> Any:
    return client.beta.threads.runs.retrieve(run.id, thread_id=run.thread_id)


@pytest.mark.parametrize("status", ["queued", "in_progress"])
def test_held_run_expires_with_the_clock(
    emulator: ScriptableEmulator, client: Any, assistant: str, status: str
) -> None:
    emulator.hold(status)
    run = start(client, assistant)
    emulator.advance(500)
    assert current(client, run).status == status
    emulator.advance(200)
    assert current(client, run).status == "expired"


@pytest.mark.parametrize("status", ["queued", "in_progress"])
def test_run_held_for_a_time(emulator: ScriptableEmulator, client: Any, assistant: str, status: str) -> None:
    emulator.hold(status, seconds=300)
    run = start(client, assistant)
    emulator.advance(200)
    assert current(client, run).status == status
    emulator.advance(101)
    assert current(client, run).status == "completed"


@pytest.mark.parametrize(("seconds", "end"), [(None, "expired"), (300, "cancelled")])
def test_held_cancellation(
    emulator: ScriptableEmulator, client: Any, assistant: str, seconds: float | None, end: str
) -> None:
    emulator.hold("cancelling", seconds)
    run = start(client, assistant)
    client.beta.threads.runs.cancel(run.id, thread_id=run.thread_id)
    emulator.advance(200)
    assert current(client, run).status == "cancelling"
    emulator.advance(500)
    assert current(client, run).status == end


@pytest.mark.parametrize("code", ["server_error", "rate_limit_exceeded", "invalid_prompt"])
def test_run_and_step_fail_with_the_code(emulator: ScriptableEmulator, client: Any, assistant: str, code: str) -> None:
    emulator.fail(code)
    run = current(client, start(client, assistant))
    (step,) = client.beta.threads.runs.steps.list(run.id, thread_id=run.thread_id).data
    assert (run.status, run.last_error.code, step.last_error.code) == ("failed", code, code)


def test_unknown_codes_are_refused(emulator: ScriptableEmulator) -> None:
    with pytest.raises(UsageError, match="did you mean server_error"):
        emulator.fail("server_eror")
    with pytest.raises(UsageError, match=r"there is no cut_off\.reason"):
        emulator.cut_off(reason="max_tokens")
    with pytest.raises(UsageError, match=r"there is no hold\.status"):
        emulator.hold("completed")
    assert emulator.unused == []


def test_several_acts_in_one_run(emulator: ScriptableEmulator, client: Any, assistant: str) -> None:
    call = {"call": {"function": "get_weather", "arguments": {"city": "Oslo"}}}
    emulator.script({"say": "Let me look."}, call, {"say": "It rains."})
    run = current(client, start(client, assistant))
    (pending,) = run.required_action.submit_tool_outputs.tool_calls
    outputs = [{"tool_call_id": pending.id, "output": "rain"}]
    client.beta.threads.runs.submit_tool_outputs(run.id, thread_id=run.thread_id, tool_outputs=outputs)
    assert current(client, run).status == "completed"
    messages = client.beta.threads.messages.list(run.thread_id, order="asc").data
    assert [message.content[0].text.value for message in messages] == ["Let me look.", "It rains."]


def stream_events(client: Any, assistant: str) -> Iterator[str]:
    for event in client.beta.threads.create_and_run(assistant_id=assistant, stream=True):
        yield event.event


def test_error_event_after_some_events(emulator: ScriptableEmulator, client: Any, assistant: str) -> None:
    emulator.send_error_event(3, "Overloaded.")
    events: list[str] = []
    with pytest.raises(openai.APIError, match="Overloaded"):
        _collect(stream_events(client, assistant), events)
    assert events == ["thread.created", "thread.run.created", "thread.run.queued"]


def _collect(stream: Iterator[str], events: list[str]) -> None:
    for name in stream:
        events.append(name)


def test_cut_after_events_of_a_kind(emulator: ScriptableEmulator, client: Any, assistant: str) -> None:
    emulator.say("It rains and rains.")
    emulator.break_answer(2, event="thread.message.delta", operation="create_thread_and_run")
    events: list[str] = []
    with pytest.raises(openai.APIConnectionError):
        _collect(stream_events(client, assistant), events)
    assert events.count("thread.message.delta") == 2
    assert events[-1] == "thread.message.delta"


def test_silence_in_mid_stream(emulator: ScriptableEmulator, client: Any, assistant: str) -> None:
    emulator.pause_answer(2)
    events: list[str] = []
    with pytest.raises(openai.APITimeoutError):
        _collect(stream_events(client.with_options(timeout=0.3), assistant), events)
    assert events == ["thread.created", "thread.run.created"]


def test_silence_for_a_time(emulator: ScriptableEmulator, client: Any, assistant: str) -> None:
    emulator.pause_answer(2, seconds=0.05)
    assert list(stream_events(client, assistant))[-1] == "thread.run.completed"


def test_skipped_requests_get_no_fault(emulator: ScriptableEmulator, client: Any, assistant: str) -> None:
    emulator.refuse(1, 429, operation="get_run", skip=2)
    run = start(client, assistant)
    seen = []
    for _ in range(4):
        try:
            seen.append(current(client, run).status)
        except openai.RateLimitError:
            seen.append("429")
    assert seen == ["completed", "completed", "429", "completed"]


@pytest.mark.parametrize("stream", [False, True])
def test_run_exists_although_its_creation_failed(
    emulator: ScriptableEmulator, client: Any, assistant: str, stream: bool
) -> None:
    emulator.refuse(1, 500, after_doing=True, operation="create_run")
    thread = client.beta.threads.create().id
    with pytest.raises(openai.InternalServerError):
        client.beta.threads.runs.create(thread, assistant_id=assistant, stream=stream)
    assert len(client.beta.threads.runs.list(thread).data) == 1


def test_body_of_a_proxy(emulator: ScriptableEmulator, client: Any) -> None:
    emulator.refuse(1, 502, body="<html>Bad Gateway</html>")
    with pytest.raises(openai.InternalServerError) as raised:
        client.beta.threads.create()
    assert raised.value.response.text == "<html>Bad Gateway</html>"
    assert raised.value.response.headers["content-type"].startswith("text/html")


def test_body_of_azure(emulator: ScriptableEmulator, client: Any) -> None:
    emulator.refuse(1, 429, body={"error": {"code": "429", "message": "Retry after 6 seconds."}}, retry_after=6)
    with pytest.raises(openai.RateLimitError) as raised:
        client.beta.threads.create()
    assert raised.value.code == "429"
    assert raised.value.response.headers["retry-after"] == "6"


def test_usage_and_annotations(emulator: ScriptableEmulator, client: Any, assistant: str) -> None:
    emulator.say(
        "It rains [1].",
        usage={"prompt_tokens": 1000, "completion_tokens": 7},
        annotations=[{"text": "[1]", "file_id": "file-abc"}],
    )
    run = current(client, start(client, assistant))
    assert (run.usage.prompt_tokens, run.usage.completion_tokens, run.usage.total_tokens) == (1000, 7, 1007)
    (message,) = client.beta.threads.messages.list(run.thread_id).data
    (annotation,) = message.content[0].text.annotations
    assert (annotation.file_citation.file_id, annotation.start_index, annotation.end_index) == ("file-abc", 9, 12)


def test_outputs_of_built_in_tools(emulator: ScriptableEmulator, client: Any, assistant: str) -> None:
    found = {"file_id": "file-abc", "file_name": "a.txt", "score": 0.5}
    emulator.script({"run_code": {"code": "print(1)", "logs": "1\n"}}, {"search_files": [found]}, {"say": "One."})
    run = current(client, start(client, assistant))
    steps = client.beta.threads.runs.steps.list(run.id, thread_id=run.thread_id, order="asc").data
    (code,), (search,) = steps[0].step_details.tool_calls, steps[1].step_details.tool_calls
    assert (code.code_interpreter.input, code.code_interpreter.outputs[0].logs) == ("print(1)", "1\n")
    assert search.file_search.results[0].file_name == "a.txt"


def test_latency_of_an_operation(emulator: ScriptableEmulator, client: Any, assistant: str) -> None:
    emulator.delay(0.2, None, operation="get_run")
    run = start(client, assistant)
    for _ in range(2):
        before = time.monotonic()
        current(client, run)
        assert time.monotonic() - before >= 0.2
