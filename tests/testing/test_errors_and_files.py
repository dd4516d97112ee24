"""Errors of the service by name, rate limits, and files that are checked, each met by the official client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import openai
import pytest

from runs_conformance.errors import UsageError
from runs_conformance.testing import ScriptableEmulator, start_emulator
from runs_conformance.testing.named_errors import NAMED_ERRORS
from runs_conformance.testing.scriptable_emulator import OPTION_NAMES

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def test_errors_of_the_service_by_name(emulator: ScriptableEmulator, client: Any) -> None:
    expected = {
        "insufficient_quota": (openai.RateLimitError, "insufficient_quota"),
        "model_not_found": (openai.NotFoundError, "model_not_found"),
        "unsupported_model": (openai.BadRequestError, "unsupported_model"),
        "invalid_organization": (openai.AuthenticationError, "invalid_organization"),
        "mismatched_organization": (openai.AuthenticationError, "mismatched_organization"),
        "invalid_api_key": (openai.AuthenticationError, "invalid_api_key"),
        "rate_limit_exceeded": (openai.RateLimitError, "rate_limit_exceeded"),
        "server_error": (openai.InternalServerError, None),
        "overloaded": (openai.InternalServerError, "engine_overloaded"),
        "azure_rate_limit": (openai.RateLimitError, "429"),
        "azure_deployment_not_found": (openai.NotFoundError, "DeploymentNotFound"),
        "proxy_bad_gateway": (openai.InternalServerError, None),
    }
    assert expected.keys() == NAMED_ERRORS.keys()
    for name, (error, code) in expected.items():
        emulator.refuse(error=name)
        with pytest.raises(error) as raised:
            client.beta.threads.create()
        assert raised.value.code == code
        body = NAMED_ERRORS[name].body
        assert raised.value.response.text == body or raised.value.response.json() == body


@pytest.mark.parametrize("other", [{"http_status": 500}, {"body": "<html>"}, {"content_type": "text/plain"}])
def test_named_error_excludes_another_answer(emulator: ScriptableEmulator, other: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="not both"):
        emulator.refuse(error="insufficient_quota", **other)
    with pytest.raises(UsageError, match="did you mean insufficient_quota"):
        emulator.refuse(error="insuficient_quota")
    assert emulator.unused == []


def test_rate_limit_with_headers(emulator: ScriptableEmulator, client: Any) -> None:
    emulator.limit_rate(2, operation="create_thread")
    limits = []
    for _ in range(2):
        response = client.beta.threads.with_raw_response.create()
        limits.append([response.headers[f"x-ratelimit-{name}-requests"] for name in ("limit", "remaining", "reset")])
    assert limits[0][:2] == ["2", "1"]
    assert limits[1][:2] == ["2", "0"]
    with pytest.raises(openai.RateLimitError) as raised:
        client.beta.threads.create()
    assert raised.value.code == "rate_limit_exceeded"
    assert "requests per min (RPM): Limit 2, Used 2, Requested 1. Please try again in" in raised.value.message
    assert raised.value.response.headers["x-ratelimit-remaining-requests"] == "0"
    assert 50 <= float(raised.value.response.headers["retry-after"]) <= 60
    assert "x-ratelimit-limit-requests" not in client.beta.assistants.with_raw_response.list().headers
    client.with_options(api_key="sk-other").beta.threads.create()
    emulator.advance(61)
    client.beta.threads.create()


def test_rate_limit_and_another_fault(emulator: ScriptableEmulator, client: Any) -> None:
    emulator.limit_rate(1)
    emulator.refuse(error="overloaded")
    with pytest.raises(openai.InternalServerError) as raised:
        client.beta.threads.create()
    assert raised.value.response.headers["x-ratelimit-remaining-requests"] == "0"
    with pytest.raises(openai.RateLimitError):
        client.beta.threads.create()
    assert emulator.unused == []
    emulator.reset()
    client.beta.threads.create()


def test_silence_for_good_is_no_answer(emulator: ScriptableEmulator, client: Any) -> None:
    emulator.delay(5, operation="create_thread", skip=1)
    client.beta.threads.create()
    with pytest.raises(openai.APITimeoutError):
        client.with_options(timeout=0.1).beta.threads.create()


def test_marker_and_options_list_every_option() -> None:
    with pytest.raises(UsageError) as raised, start_emulator(step=1):
        pass
    for name in OPTION_NAMES:
        assert name in str(raised.value)


def test_checked_files(client: Any) -> None:
    with start_emulator(check_files=True) as checked:
        strict = client.with_options(base_url=checked.base_url)
        file = strict.files.create(file=("a.txt", b"a"), purpose="assistants").id
        store = strict.vector_stores.create(file_ids=[file]).id
        tools = [{"type": "file_search"}]
        resources = {"code_interpreter": {"file_ids": [file]}, "file_search": {"vector_store_ids": [store]}}
        strict.beta.assistants.create(model="gpt-4o", tools=tools, tool_resources=resources)
        attached = {"role": "user", "content": "Read.", "attachments": [{"file_id": file, "tools": tools}]}
        thread = strict.beta.threads.create(messages=[attached]).id
        calls: tuple[Callable[[], Any], ...] = (
            lambda: strict.vector_stores.create(file_ids=["file-none"]),
            lambda: strict.vector_stores.files.create(store, file_id="file-none"),
            lambda: strict.vector_stores.file_batches.create(store, file_ids=[file, "file-none"]),
            lambda: strict.beta.assistants.create(
                model="gpt-4o", tool_resources={"code_interpreter": {"file_ids": ["file-none"]}}
            ),
            lambda: strict.beta.assistants.create(
                model="gpt-4o", tool_resources={"file_search": {"vector_store_ids": ["vs_none"]}}
            ),
            lambda: strict.beta.threads.create(messages=[{**attached, "attachments": [{"file_id": "file-none"}]}]),
            lambda: strict.beta.threads.messages.create(
                thread, role="user", content=[{"type": "image_file", "image_file": {"file_id": "file-none"}}]
            ),
            lambda: strict.beta.threads.create_and_run(
                assistant_id="asst_1",
                thread={"messages": [{"role": "user", "content": "A", "attachments": [{"file_id": "file-none"}]}]},
            ),
        )
        for call in calls:
            with pytest.raises(openai.NotFoundError, match=r"found with id '(file-|vs_)none'"):
                call()
        assert len(strict.vector_stores.list().data) == 1


def test_files_are_not_checked_by_default(client: Any) -> None:
    client.beta.assistants.create(model="gpt-4o", tool_resources={"code_interpreter": {"file_ids": ["file-none"]}})


def test_described_vector_stores_are_created(client: Any) -> None:
    file = client.files.create(file=("a.txt", b"a"), purpose="assistants").id
    resources = {"file_search": {"vector_stores": [{"file_ids": [file]}]}}
    assistant = client.beta.assistants.create(model="gpt-4o", tools=[{"type": "file_search"}], tool_resources=resources)
    (store,) = assistant.tool_resources.file_search.vector_store_ids
    assert [one.id for one in client.vector_stores.files.list(store)] == [file]
