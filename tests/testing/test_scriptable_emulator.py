"""A client under test sees what the puppet was told, and otherwise the API; the client here is the official one."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from runs_conformance.errors import UsageError
from runs_conformance.testing import ScriptableEmulator, start_emulator

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

ASK = [{"role": "user", "content": "What is the weather?"}]


@pytest.fixture
def held() -> Iterator[ScriptableEmulator]:
    with start_emulator(step_ms=1) as made:
        yield made


@pytest.fixture
def client(held: ScriptableEmulator) -> Iterator[Any]:
    with openai.OpenAI(api_key=held.api_key, base_url=held.base_url, max_retries=0) as made:
        yield made


@pytest.fixture
def assistant(client: Any) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a test's own filter does not reach its fixtures
        return str(client.beta.assistants.create(model="gpt-4o", instructions="Be brief.").id)


def ran(client: Any, assistant: str) -> Any:
    return client.beta.threads.create_and_run_poll(
        assistant_id=assistant,
        thread={"messages": ASK},
        poll_interval_ms=5,
    )


def answer(client: Any, thread: str) -> str:
    (content,) = client.beta.threads.messages.list(thread).data[0].content
    return str(content.text.value)


def test_it_says_what_it_is_told(held: ScriptableEmulator, client: Any, assistant: str) -> None:
    held.say("It rains.")
    run = ran(client, assistant)
    assert (run.status, answer(client, run.thread_id)) == ("completed", "It rains.")


def test_with_nothing_told_the_pretend_model_answers(held: ScriptableEmulator, client: Any, assistant: str) -> None:
    held.say("It rains.")
    held.reset()
    assert answer(client, ran(client, assistant).thread_id) == "You said: What is the weather?."


def test_it_calls_functions_and_goes_on_with_the_outputs(held: ScriptableEmulator, client: Any, assistant: str) -> None:
    held.call("get_weather", {"city": "Oslo"}, ("broken", "{not json"))
    held.say("Done.")
    run = ran(client, assistant)
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


def test_it_fails_as_it_is_told(held: ScriptableEmulator, client: Any, assistant: str) -> None:
    held.fail("rate_limit_exceeded", "You exceeded your quota.")
    run = ran(client, assistant)
    assert run.status == "failed"
    assert run.last_error is not None
    assert (run.last_error.code, run.last_error.message) == ("rate_limit_exceeded", "You exceeded your quota.")


def test_it_ends_incomplete(held: ScriptableEmulator, client: Any, assistant: str) -> None:
    held.cut_off("It r")
    run = ran(client, assistant)
    assert run.status == "incomplete"
    assert run.incomplete_details is not None
    assert run.incomplete_details.reason == "max_completion_tokens"
    assert answer(client, run.thread_id) == "It r"


def test_a_run_that_hangs_expires_when_the_clock_is_moved(
    held: ScriptableEmulator, client: Any, assistant: str
) -> None:
    held.hang()
    run = client.beta.threads.create_and_run(assistant_id=assistant, thread={"messages": ASK})
    assert client.beta.threads.runs.retrieve(run.id, thread_id=run.thread_id).status in ("queued", "in_progress")
    held.advance(3600)
    assert client.beta.threads.runs.retrieve(run.id, thread_id=run.thread_id).status == "expired"


@pytest.mark.parametrize(
    ("http_status", "error"),
    [(429, openai.RateLimitError), (500, openai.InternalServerError), (401, openai.AuthenticationError)],
)
def test_it_refuses_the_next_requests_only(
    held: ScriptableEmulator, client: Any, http_status: int, error: type[openai.APIStatusError]
) -> None:
    held.refuse(2, http_status, retry_after=0.5)
    for _ in range(2):
        with pytest.raises(error) as raised:
            client.beta.threads.create()
        assert raised.value.response.headers["retry-after"] == "0.5"
    assert client.beta.threads.create().id.startswith("thread_")


def test_a_client_that_tries_again_gets_through(held: ScriptableEmulator) -> None:
    held.refuse(2, 503, retry_after=0.01)
    with openai.OpenAI(api_key="sk", base_url=held.base_url, max_retries=2) as patient:
        patient.beta.threads.create()
    assert [seen.operation for seen in held.requests] == ["create_thread"] * 3


def test_a_fault_can_be_of_one_operation(held: ScriptableEmulator, client: Any, assistant: str) -> None:
    held.refuse(1, 500, operation="create_run")
    thread = client.beta.threads.create()
    with pytest.raises(openai.InternalServerError):
        client.beta.threads.runs.create(thread.id, assistant_id=assistant)
    assert client.beta.threads.runs.create(thread.id, assistant_id=assistant).thread_id == thread.id


def test_an_operation_that_there_is_not(held: ScriptableEmulator) -> None:
    with pytest.raises(UsageError, match="did you mean create_run"):
        held.refuse(operation="create_runs")


def test_a_slow_answer_runs_into_the_clients_timeout(held: ScriptableEmulator, client: Any) -> None:
    held.delay(5)
    with pytest.raises(openai.APITimeoutError):
        client.with_options(timeout=0.1).beta.threads.create()


def test_a_stream_breaks_off_after_so_many_events(
    held: ScriptableEmulator, client: Any, assistant: str, capfd: pytest.CaptureFixture[str]
) -> None:
    held.break_answer(after=3, operation="create_thread_and_run")
    events: list[str] = []
    stream = client.beta.threads.create_and_run(assistant_id=assistant, stream=True)
    with pytest.raises(openai.APIConnectionError):  # noqa: PT012 -- what came before it counts
        for event in stream:
            events.append(event.event)
    assert events == ["thread.created", "thread.run.created", "thread.run.queued"]
    assert capfd.readouterr().err == ""


def test_what_came_in_is_kept(held: ScriptableEmulator, client: Any) -> None:
    client.beta.threads.create(metadata={"a": "b"})
    (seen,) = held.requests
    assert (seen.method, seen.path, seen.operation, seen.body) == (
        "POST",
        "/v1/threads",
        "create_thread",
        {"metadata": {"a": "b"}},
    )
    assert seen.headers["openai-beta"] == "assistants=v2"
    held.reset()
    assert held.requests == []


@pytest.mark.parametrize(("mutants", "taken"), [([], False), (["accepts_17_pairs"], True)])
def test_mutants_by_name(mutants: list[str], taken: bool) -> None:
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
            assert not taken
        else:
            assert taken


@pytest.mark.parametrize(
    "given", [{"mutants": ["no_such"]}, {"variants": ["no_such"]}, {"edition": "soon"}, {"step": 1}]
)
def test_names_that_there_are_not(given: dict[str, object]) -> None:
    with pytest.raises(UsageError), start_emulator(**given):  # type: ignore[arg-type]
        pass


def test_it_ends_with_its_block() -> None:
    with start_emulator() as gone:
        pass
    with (
        openai.OpenAI(api_key="sk", base_url=gone.base_url, max_retries=0) as client,
        pytest.raises(openai.APIConnectionError),
    ):
        client.beta.threads.create()
