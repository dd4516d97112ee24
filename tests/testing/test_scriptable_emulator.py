"""The scriptable emulator follows its script, and otherwise behaves like the API; the client is the official one."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from runs_conformance.errors import UsageError
from runs_conformance.testing import ScriptableEmulator, start_emulator

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

ASK = [{"role": "user", "content": "What is the weather?"}]


def create_and_poll(client: Any, assistant: str) -> Any:
    return client.beta.threads.create_and_run_poll(
        assistant_id=assistant,
        thread={"messages": ASK},
        poll_interval_ms=5,
    )


def answer(client: Any, thread: str) -> str:
    (content,) = client.beta.threads.messages.list(thread).data[0].content
    return str(content.text.value)


def test_scripted_answer(emulator: ScriptableEmulator, client: Any, assistant: str) -> None:
    emulator.say("It rains.")
    run = create_and_poll(client, assistant)
    assert (run.status, answer(client, run.thread_id)) == ("completed", "It rains.")


def test_fake_model_answers_without_a_script(emulator: ScriptableEmulator, client: Any, assistant: str) -> None:
    emulator.say("It rains.")
    emulator.reset()
    assert answer(client, create_and_poll(client, assistant).thread_id) == "You said: What is the weather?."


def test_scripted_calls_and_answer_after_outputs(emulator: ScriptableEmulator, client: Any, assistant: str) -> None:
    emulator.call("get_weather", {"city": "Oslo"}, ("broken", "{not json"))
    emulator.say("Done.")
    run = create_and_poll(client, assistant)
    assert run.required_action is not None
    calls = run.required_action.submit_tool_outputs.tool_calls
    assert [(call.function.name, call.function.arguments) for call in calls] == [
        ("get_weather", '{"city": "Oslo"}'),
        ("broken", "{not json"),
    ]
    ended = client.beta.threads.runs.submit_tool_outputs_and_poll(
        run_id=run.id,
        thread_id=run.thread_id,
        tool_outputs=[{"tool_call_id": call.id, "output": "3"} for call in calls],
        poll_interval_ms=5,
    )
    assert (ended.status, answer(client, run.thread_id)) == ("completed", "Done.")


def test_scripted_failure(emulator: ScriptableEmulator, client: Any, assistant: str) -> None:
    emulator.fail("rate_limit_exceeded", "You exceeded your quota.")
    run = create_and_poll(client, assistant)
    assert run.status == "failed"
    assert run.last_error is not None
    assert (run.last_error.code, run.last_error.message) == ("rate_limit_exceeded", "You exceeded your quota.")


def test_scripted_incomplete_run(emulator: ScriptableEmulator, client: Any, assistant: str) -> None:
    emulator.cut_off("It r")
    run = create_and_poll(client, assistant)
    assert run.status == "incomplete"
    assert run.incomplete_details is not None
    assert run.incomplete_details.reason == "max_completion_tokens"
    assert answer(client, run.thread_id) == "It r"


def test_hanging_run_expires_with_the_clock(emulator: ScriptableEmulator, client: Any, assistant: str) -> None:
    emulator.hang()
    run = client.beta.threads.create_and_run(assistant_id=assistant, thread={"messages": ASK})
    assert client.beta.threads.runs.retrieve(run.id, thread_id=run.thread_id).status in ("queued", "in_progress")
    emulator.advance(3600)
    assert client.beta.threads.runs.retrieve(run.id, thread_id=run.thread_id).status == "expired"


@pytest.mark.parametrize(
    ("http_status", "error"),
    [(429, openai.RateLimitError), (500, openai.InternalServerError), (401, openai.AuthenticationError)],
)
def test_only_the_next_requests_are_refused(
    emulator: ScriptableEmulator, client: Any, http_status: int, error: type[openai.APIStatusError]
) -> None:
    emulator.refuse(2, http_status, retry_after=0.5)
    for _ in range(2):
        with pytest.raises(error) as raised:
            client.beta.threads.create()
        assert raised.value.response.headers["retry-after"] == "0.5"
    assert client.beta.threads.create().id.startswith("thread_")


def test_retrying_client_succeeds(emulator: ScriptableEmulator) -> None:
    emulator.refuse(2, 503, retry_after=0.01)
    with openai.OpenAI(api_key="sk", base_url=emulator.base_url, max_retries=2) as retrying:
        retrying.beta.threads.create()
    assert [received.operation for received in emulator.requests] == ["create_thread"] * 3


def test_fault_of_one_operation(emulator: ScriptableEmulator, client: Any, assistant: str) -> None:
    emulator.refuse(1, 500, operation="create_run")
    thread = client.beta.threads.create()
    with pytest.raises(openai.InternalServerError):
        client.beta.threads.runs.create(thread.id, assistant_id=assistant)
    assert client.beta.threads.runs.create(thread.id, assistant_id=assistant).thread_id == thread.id


def test_unknown_operation(emulator: ScriptableEmulator) -> None:
    with pytest.raises(UsageError, match="did you mean create_run"):
        emulator.refuse(operation="create_runs")


def test_delayed_answer_exceeds_the_timeout_of_the_client(emulator: ScriptableEmulator, client: Any) -> None:
    emulator.delay(5)
    with pytest.raises(openai.APITimeoutError):
        client.with_options(timeout=0.1).beta.threads.create()


def test_stream_breaks_after_some_events(
    emulator: ScriptableEmulator, client: Any, assistant: str, capfd: pytest.CaptureFixture[str]
) -> None:
    emulator.break_answer(after=3, operation="create_thread_and_run")
    events: list[str] = []
    stream = client.beta.threads.create_and_run(assistant_id=assistant, stream=True)
    with pytest.raises(openai.APIConnectionError):  # noqa: PT012 -- the events before it are asserted
        for event in stream:
            events.append(event.event)
    assert events == ["thread.created", "thread.run.created", "thread.run.queued"]
    assert capfd.readouterr().err == ""


def test_requests_are_recorded(emulator: ScriptableEmulator, client: Any) -> None:
    client.beta.threads.create(metadata={"a": "b"})
    (received,) = emulator.requests
    assert (received.method, received.path, received.operation, received.body) == (
        "POST",
        "/v1/threads",
        "create_thread",
        {"metadata": {"a": "b"}},
    )
    assert received.headers["openai-beta"] == "assistants=v2"
    emulator.reset()
    assert emulator.requests == []


@pytest.mark.parametrize(
    ("mutants", "is_accepted"), [([], False), (["relaxed:create_run.metadata.maxProperties"], True)]
)
def test_mutants_by_name(mutants: list[str], is_accepted: bool) -> None:
    pairs = {str(number): "" for number in range(17)}
    with (
        start_emulator(mutants=mutants) as made,
        openai.OpenAI(api_key=made.api_key, base_url=made.base_url, max_retries=0) as client,
    ):
        assistant = client.beta.assistants.create(model="gpt-4o", instructions="Be brief.").id
        thread = client.beta.threads.create().id
        try:
            client.beta.threads.runs.create(thread, assistant_id=assistant, metadata=pairs)
        except openai.BadRequestError:
            assert not is_accepted
        else:
            assert is_accepted


@pytest.mark.parametrize(
    "options", [{"mutants": ["no_such"]}, {"variants": ["no_such"]}, {"edition": "soon"}, {"step": 1}]
)
def test_unknown_names(options: dict[str, object]) -> None:
    with pytest.raises(UsageError), start_emulator(**options):  # type: ignore[arg-type]
        pass


def test_emulator_stops_with_its_block() -> None:
    with start_emulator() as stopped:
        pass
    with (
        openai.OpenAI(api_key="sk", base_url=stopped.base_url, max_retries=0) as client,
        pytest.raises(openai.APIConnectionError),
    ):
        client.beta.threads.create()
