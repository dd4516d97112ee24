"""The forms of the official clients are those that the installed client sends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import openai
import pytest

from runs_conformance.generation.programs.official_client import as_fetch, as_node, as_python
from runs_conformance.generation.programs.steps import at_root, on_run, on_thread, page
from runs_conformance.model.case import Step

_BY_THE_SUITE = {"host", "connection", "accept-encoding", "authorization", "content-length", "openai-beta"}
"""Headers that depend on the connection, the key and the body."""

CALLS: list[tuple[Step, Callable[[Any], Any]]] = [
    (at_root("create_thread", {}), lambda threads: threads.create()),
    (on_run("get_run"), lambda threads: threads.runs.retrieve("run_1", thread_id="thread_1")),
    (on_run("cancel_run"), lambda threads: threads.runs.cancel("run_1", thread_id="thread_1")),
    (page("list_messages"), lambda threads: threads.messages.list("thread_1")),
    (on_thread("delete_thread"), lambda threads: threads.delete("thread_1")),
]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(("step", "call"), CALLS, ids=[step.operation for step, _ in CALLS])
def test_python_requests_are_those_of_the_installed_client(step: Step, call: Callable[[Any], Any]) -> None:
    seen: list[httpx.Request] = []

    def respond(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"id": "thread_1", "object": "list", "data": []})

    with httpx.Client(transport=httpx.MockTransport(respond)) as http:
        # Newer versions of the client annotate another package, which has the same interface.
        client: Any = http
        call(openai.OpenAI(api_key="sk-test", base_url="http://127.0.0.1/v1", http_client=client).beta.threads)
    (request,) = seen
    ours = {name.lower(): value for name, value in as_python(step).headers.items()}
    assert ours.keys() == {name.lower() for name in request.headers} - _BY_THE_SUITE
    assert ours.get("content-type") == request.headers.get("content-type")
    assert request.content == (b"{}" if step.operation == "create_thread" else b"")


def test_the_generations_of_the_node_client_differ_in_the_type_of_a_missing_body() -> None:
    cancel = on_run("cancel_run")
    assert as_node(cancel).headers["Content-Type"] == "application/json"
    assert "Content-Type" not in as_fetch(cancel).headers
    assert as_fetch(cancel).headers["X-Stainless-Lang"] == as_node(cancel).headers["X-Stainless-Lang"] == "js"
