"""Errors have the messages of the service, and no request is answered with an HTTP status of 5xx."""

from __future__ import annotations

import json
from typing import Any

import pytest

from runs_conformance.emulator.server_options import EmulatorOptions
from tests.emulator.conftest import EmulatorClient, Serve


@pytest.fixture(scope="module")
def place(emulator: EmulatorClient) -> tuple[str, str]:
    return emulator.thread("Hello"), emulator.assistant()


@pytest.mark.parametrize(
    ("member", "value", "code", "param", "message"),
    [
        ("max_prompt_tokens", 255, "integer_below_min_value", "max_prompt_tokens", "integer below minimum value"),
        ("temperature", 2.01, "decimal_above_max_value", "temperature", "Expected a value <= 2, but got 2.01 instead."),
        ("tools", [{"type": "file_search"}] * 21, "array_above_max_length", "tools", "but got an array with length 21"),
        ("metadata", {"a": True}, "invalid_type", "metadata.a", "expected a string, but got a boolean instead."),
        ("metadata", {"0": 1}, "invalid_type", "metadata.0", "expected a string, but got an integer instead."),
        ("metadata", {"a": "x" * 513}, "string_above_max_length", "metadata.a", "maximum length 512, but got a string"),
        ("metadata", {str(n): "" for n in range(17)}, "object_above_max_properties", "metadata", "17 properties"),
        ("metadata", {"k" * 65: ""}, "property_name_above_max_length", None, "property name too long"),
        ("bogus", 1, "unknown_parameter", "bogus", "Unknown parameter: 'bogus'."),
        ("tool_choice", "any", "invalid_value", "tool_choice", "Supported values are: 'none', 'auto', and 'required'."),
        ("tools", [{"type": "retrieval"}], "invalid_value", "tools[0].type", "Invalid value: 'retrieval'."),
        ("tools", [{"type": "function", "function": {}}], "missing_required_parameter", "tools[0].function.name", ""),
        ("stream", "yes", "invalid_type", "stream", "expected a boolean, but got a string instead."),
        ("additional_messages", [{"role": "user", "content": []}], "array_below_min_length", None, "an empty array"),
        ("assistant_id", "wf_1", "invalid_value", "assistant_id", "Expected an ID that begins with 'asst'."),
    ],
)
def test_invalid_body(
    emulator: EmulatorClient,
    place: tuple[str, str],
    member: str,
    value: Any,
    code: str,
    param: str | None,
    message: str,
) -> None:
    thread, assistant = place
    error = emulator.post(f"/threads/{thread}/runs", {"assistant_id": assistant, member: value}, status=400)["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    assert (error["type"], error["code"]) == ("invalid_request_error", code)
    assert param is None or error["param"] == param
    assert message in error["message"]


@pytest.mark.parametrize(
    ("method", "path", "status", "message"),
    [
        ("GET", "/threads/thread_x", 404, "No thread found with id 'thread_x'."),
        (
            "GET",
            "/threads/undefined",
            400,
            "Invalid 'thread_id': 'undefined'. Expected an ID that begins with 'thread'.",
        ),
        ("GET", "/assistants/asst_x", 404, "No assistant found with id 'asst_x'."),
        ("DELETE", "/threads/{thread}/messages/msg_x", 404, "No message found with id 'msg_x'."),
        ("GET", "/threads/{thread}/runs/run_x", 404, "No run found with id 'run_x'."),
        ("GET", "/nowhere", 404, "Invalid URL (GET /v1/nowhere)"),
        ("PUT", "/threads", 405, "Not allowed to PUT on /v1/threads."),
    ],
)
def test_unknown_object_or_path(
    emulator: EmulatorClient, place: tuple[str, str], method: str, path: str, status: int, message: str
) -> None:
    error = emulator.ask(method, path.replace("{thread}", place[0]), status=status)["error"]
    assert error["message"] == message


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"authorization": None}, 401, "invalid_api_key"),
        ({"authorization": "Basic c2s="}, 401, "invalid_api_key"),
        ({"authorization": "Bearer sk-invalid"}, 401, "invalid_api_key"),
        ({"openai-beta": None}, 400, "invalid_beta"),
        ({"openai-beta": "assistants=v1"}, 400, "invalid_beta"),
        ({"content-type": "text/plain"}, 400, "unsupported_content_type"),
    ],
)
def test_headers(emulator: EmulatorClient, headers: dict[str, str | None], status: int, code: str) -> None:
    answer = emulator.send("POST", "/threads", b"{}", headers)
    assert (answer.status, answer.body["error"]["code"]) == (status, code)
    assert {"x-request-id", "openai-version", "openai-processing-ms"} <= answer.headers.keys()


def test_keys_are_tenants(serve_emulator: Serve) -> None:
    server = serve_emulator(EmulatorOptions(keys=("one", "two")))
    one, two = ({"authorization": f"Bearer {key}"} for key in ("one", "two"))
    thread = server.post("/threads", {}, headers=one)["id"]
    server.get(f"/threads/{thread}", headers=one)
    server.get(f"/threads/{thread}", headers=two, status=404)
    server.get(f"/threads/{thread}", headers={"authorization": "Bearer three"}, status=401)


UNUSUAL_BODIES = {
    "nothing": b"",
    "broken": b"{",
    "an array": b"[]",
    "a number": b"1",
    "null": b"null",
    "bad UTF-8": b'{"metadata":{"a":"\xff"}}',
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "NUL": b'{"metadata":{"a":"\\u0000"}}',
    "half a pair": b'{"metadata":{"a":"\\ud800"}}',
    "a pair": b'{"metadata":{"a":"\\ud83d\\ude00"}}',
    "twice": b'{"metadata":{},"metadata":{}}',
    "NaN": b'{"temperature":NaN}',
    "too large a number": b'{"temperature":1e999}',
    "a long number": b'{"temperature":' + b"9" * 5000 + b"}",
    "deep": b'{"metadata":' + b"[" * 5000 + b"]" * 5000 + b"}",
    "deeper": b"[" * 100_000,
    "deep parameters": b'{"tools":[{"type":"function","function":{"name":"f","parameters":'
    + b'{"a":' * 300
    + b"1"
    + b"}" * 300
    + b"}}]}",
    "long": json.dumps({"metadata": {"a": "x" * 1_000_000}}).encode(),
    "long text": json.dumps({"messages": [{"role": "user", "content": "x" * 1_000_000}]}).encode(),
}


@pytest.mark.parametrize("name", UNUSUAL_BODIES)
@pytest.mark.parametrize("path", ["/threads", "/threads/runs", "/assistants", "/threads/{thread}/messages"])
def test_unusual_body_is_not_a_server_error(
    emulator: EmulatorClient, place: tuple[str, str], name: str, path: str
) -> None:
    answer = emulator.send("POST", path.replace("{thread}", place[0]), UNUSUAL_BODIES[name])
    assert answer.status < 500
    assert answer.body is not None


@pytest.mark.parametrize("id_", ["x" * 5000, "thread_" + "x" * 5000, "%00", "%ff%fe", "..", "%2e%2e%2f", "thread_%20"])
def test_unusual_id_is_not_a_server_error(emulator: EmulatorClient, id_: str) -> None:
    assert 400 <= emulator.send("GET", f"/threads/{id_}").status < 500


@pytest.mark.parametrize("query", ["limit=" + "9" * 5000, "after=%00", "order=%ff", "a=1&" * 500, "limit=1&limit=2"])
def test_unusual_query_is_not_a_server_error(emulator: EmulatorClient, place: tuple[str, str], query: str) -> None:
    assert emulator.send("GET", f"/threads/{place[0]}/messages?{query}").status < 500
