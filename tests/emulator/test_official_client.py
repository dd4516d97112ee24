"""The `openai` package works with the emulator as it did with the service."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import openai
import pytest
from openai.types.beta.threads.runs import RunStep

from tests.emulator.conftest import EmulatorClient

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

POLL_INTERVAL_MS = 20
"""Milliseconds between two polls; the default of the package is a second."""

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


@pytest.fixture
def client(quick: EmulatorClient) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(api_key="sk-client", base_url=quick.url, max_retries=0) as made:
        yield made


@pytest.fixture
def assistant(client: openai.OpenAI) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a test's own filter does not reach its fixtures
        return client.beta.assistants.create(model="gpt-4o", instructions="Be brief.", tools=[WEATHER]).id  # type: ignore[list-item]


def test_run_is_created_and_polled(client: openai.OpenAI, assistant: str) -> None:
    thread = client.beta.threads.create(messages=[{"role": "user", "content": "Hello there"}])
    run = client.beta.threads.runs.create_and_poll(
        thread_id=thread.id,
        assistant_id=assistant,
        additional_messages=[{"role": "user", "content": "And again"}],
        poll_interval_ms=POLL_INTERVAL_MS,
    )
    assert run.status == "completed"
    assert run.usage is not None
    assert run.usage.total_tokens == run.usage.prompt_tokens + run.usage.completion_tokens
    texts = [message.content[0].text.value for message in client.beta.threads.messages.list(thread.id, order="asc")]  # type: ignore[union-attr]
    assert texts == ["Hello there", "And again", "You said: And again."]


class Listener(openai.AssistantEventHandler):
    """Records what the SDK reads from a stream."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self.tools: list[str] = []
        self.steps: list[str] = []

    def on_text_delta(self, delta, snapshot) -> None:  # type: ignore[no-untyped-def]
        self.text += delta.value or ""

    def on_tool_call_done(self, tool_call) -> None:  # type: ignore[no-untyped-def]
        self.tools.append(tool_call.type)

    def on_run_step_done(self, run_step: RunStep) -> None:
        self.steps.append(run_step.status)


def test_event_handler_reads_a_stream(client: openai.OpenAI, assistant: str) -> None:
    thread = client.beta.threads.create(messages=[{"role": "user", "content": "Tell me"}])
    listener = Listener()
    with client.beta.threads.runs.stream(thread_id=thread.id, assistant_id=assistant, event_handler=listener) as stream:
        stream.until_done()
        final = stream.get_final_messages()
    assert listener.text == "You said: Tell me."
    assert final[0].content[0].text.value == listener.text  # type: ignore[union-attr]
    assert listener.steps == ["completed"]


def test_event_handler_reads_built_in_tools(client: openai.OpenAI) -> None:
    tools = [{"type": "code_interpreter"}, {"type": "file_search"}]
    made = client.beta.assistants.create(model="gpt-4o", tools=tools)  # type: ignore[arg-type]
    thread = client.beta.threads.create(messages=[{"role": "user", "content": "Calculate it and search the file"}])
    listener = Listener()
    with client.beta.threads.runs.stream(thread_id=thread.id, assistant_id=made.id, event_handler=listener) as stream:
        stream.until_done()
    assert listener.steps == ["completed"] * 3
    assert list(dict.fromkeys(listener.tools)) == ["code_interpreter", "file_search"]


def test_tool_outputs_are_submitted_and_polled(client: openai.OpenAI, assistant: str) -> None:
    thread = client.beta.threads.create(messages=[{"role": "user", "content": "Weather in Oslo"}])
    run = client.beta.threads.runs.create_and_poll(
        thread_id=thread.id, assistant_id=assistant, tool_choice="required", poll_interval_ms=POLL_INTERVAL_MS
    )
    assert run.status == "requires_action"
    assert run.required_action is not None
    call = run.required_action.submit_tool_outputs.tool_calls[0]
    assert (call.function.name, call.function.arguments) == ("get_weather", '{"city":"Oslo"}')
    run = client.beta.threads.runs.submit_tool_outputs_and_poll(
        run_id=run.id,
        thread_id=thread.id,
        tool_outputs=[{"tool_call_id": call.id, "output": "rain"}],
        poll_interval_ms=POLL_INTERVAL_MS,
    )
    assert run.status == "completed"
    assert run.required_action is None


def test_tool_outputs_are_submitted_and_streamed(client: openai.OpenAI, assistant: str) -> None:
    thread = client.beta.threads.create(messages=[{"role": "user", "content": "Weather in Oslo"}])
    with client.beta.threads.runs.stream(
        thread_id=thread.id, assistant_id=assistant, tool_choice="required", event_handler=Listener()
    ) as first:
        first.until_done()
        waiting = first.current_run
    assert waiting is not None
    assert waiting.status == "requires_action"
    assert waiting.required_action is not None
    outputs = [
        {"tool_call_id": call.id, "output": "rain"} for call in waiting.required_action.submit_tool_outputs.tool_calls
    ]
    listener = Listener()
    with client.beta.threads.runs.submit_tool_outputs_stream(
        thread_id=thread.id,
        run_id=waiting.id,
        tool_outputs=outputs,  # type: ignore[arg-type]
        event_handler=listener,
    ) as second:
        second.until_done()
    assert listener.text.endswith("The tools said: rain.")
    assert listener.steps == ["completed", "completed"]


def test_thread_is_created_and_run(client: openai.OpenAI, assistant: str) -> None:
    run = client.beta.threads.create_and_run_poll(
        assistant_id=assistant,
        thread={"messages": [{"role": "user", "content": "Hi"}]},
        poll_interval_ms=POLL_INTERVAL_MS,
    )
    assert run.status == "completed"
    steps = client.beta.threads.runs.steps.list(run.id, thread_id=run.thread_id).data
    assert [step.type for step in steps] == ["message_creation"]


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_lists_are_traversed_page_by_page(client: openai.OpenAI, order: str) -> None:
    thread = client.beta.threads.create()
    made = [client.beta.threads.messages.create(thread.id, role="user", content=str(n)).id for n in range(5)]
    listed = [item.id for item in client.beta.threads.messages.list(thread.id, limit=2, order=order)]  # type: ignore[arg-type]
    assert listed == (made if order == "asc" else made[::-1])


def test_run_is_cancelled(client: openai.OpenAI, assistant: str) -> None:
    thread = client.beta.threads.create(messages=[{"role": "user", "content": "Weather"}])
    run = client.beta.threads.runs.create_and_poll(
        thread_id=thread.id, assistant_id=assistant, tool_choice="required", poll_interval_ms=POLL_INTERVAL_MS
    )
    assert client.beta.threads.runs.cancel(run.id, thread_id=thread.id).status == "cancelling"
    assert (
        client.beta.threads.runs.poll(run.id, thread_id=thread.id, poll_interval_ms=POLL_INTERVAL_MS).status
        == "cancelled"
    )


def test_errors_have_types(quick: EmulatorClient, client: openai.OpenAI, assistant: str) -> None:
    thread = client.beta.threads.create(messages=[{"role": "user", "content": "Hi"}])
    with pytest.raises(openai.NotFoundError, match="No run found"):
        client.beta.threads.runs.retrieve("run_unknown", thread_id=thread.id)
    with pytest.raises(openai.BadRequestError) as bad_request:
        client.beta.threads.runs.create(thread.id, assistant_id=assistant, max_prompt_tokens=255)
    assert (bad_request.value.param, bad_request.value.code) == ("max_prompt_tokens", "integer_below_min_value")
    with (
        openai.OpenAI(api_key="sk-invalid", base_url=quick.url, max_retries=0) as unauthorized_client,
        pytest.raises(openai.AuthenticationError) as unauthorized,
    ):
        unauthorized_client.beta.threads.create()
    assert unauthorized.value.code == "invalid_api_key"
