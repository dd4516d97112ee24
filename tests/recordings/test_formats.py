"""Every format gives the same exchanges."""

from __future__ import annotations

import gzip
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runs_conformance.app.judge_recording import judge
from runs_conformance.app.options import RunOptions
from runs_conformance.errors import UsageError
from runs_conformance.model.exchange import Exchange
from runs_conformance.recordings.load import load_traffic
from tests.recordings.traffic import clean_entries

URL = "https://api.openai.com/v1/threads/thread_1/messages"
SENT = {"role": "user", "content": "Hello"}
MESSAGE = {"id": "msg_1", "object": "thread.message", "created_at": 1761861547, "thread_id": "thread_1"}
TYPE = "application/json"

Document = dict[str, Any] | list[Any]


def charles() -> Document:
    header = {"headers": [{"name": "Content-Type", "value": TYPE}]}
    return [
        {
            "scheme": "https", "host": "api.openai.com", "path": "/v1/threads/thread_1/messages", "query": None,
            "method": "POST", "times": {"start": "2025-10-30T21:59:07.250Z"},
            "request": {"header": header, "body": {"text": json.dumps(SENT)}},
            "response": {"status": 200, "header": header, "body": {"text": json.dumps(MESSAGE)}},
        }
    ]  # fmt: skip


def network_records() -> Document:
    response = {"StatusCode": "200", "Content-Type": TYPE, "Body": json.dumps(MESSAGE)}
    call = {"Method": "POST", "Uri": URL, "Headers": {"Content-Type": TYPE}, "Body": SENT, "Response": response}
    return {"networkCallRecords": [call], "variables": []}


def nock() -> Document:
    call = {"scope": "https://api.openai.com:443", "method": "POST", "path": "/v1/threads/thread_1/messages"}
    return [{**call, "body": SENT, "status": 200, "response": MESSAGE, "rawHeaders": ["Content-Type", TYPE]}]


def postman() -> Document:
    request = {"method": "POST", "url": {"raw": URL}, "header": [], "body": {"mode": "raw", "raw": json.dumps(SENT)}}
    response = {"originalRequest": request, "code": 200, "body": json.dumps(MESSAGE)}
    saved = {**response, "header": [{"key": "Content-Type", "value": TYPE}]}
    return {"info": {"name": "Runs"}, "item": [{"name": "Messages", "item": [{"name": "add", "response": [saved]}]}]}


def wiremock() -> Document:
    request = {"absoluteUrl": URL, "method": "POST", "body": json.dumps(SENT), "headers": {"Content-Type": TYPE}}
    return {"requests": [{"request": request, "response": {"status": 200, "body": json.dumps(MESSAGE), "headers": {}}}]}


def hoverfly() -> Document:
    def exact(value: str) -> list[dict[str, str]]:
        return [{"matcher": "exact", "value": value}]

    request = {"method": exact("POST"), "scheme": exact("https"), "destination": exact("api.openai.com")}
    request |= {"path": exact("/v1/threads/thread_1/messages"), "body": exact(json.dumps(SENT))}
    response = {"status": 200, "body": json.dumps(MESSAGE), "encodedBody": False, "headers": {"Content-Type": [TYPE]}}
    return {"data": {"pairs": [{"request": request, "response": response}]}}


def insomnia() -> Document:
    headers = [{"name": "Content-Type", "value": TYPE}]
    request = {"_id": "req_1", "_type": "request", "method": "POST", "url": URL, "body": {"text": json.dumps(SENT)}}
    response = {
        "_id": "res_1",
        "_type": "response",
        "parentId": "req_1",
        "statusCode": 200,
        "body": json.dumps(MESSAGE),
    }
    return {
        "_type": "export",
        "__export_format": 3,
        "resources": [{**request, "headers": headers}, {**response, "headers": headers}],
    }


def vcr_for_r() -> Document:
    response = {
        "status": {"status_code": 200, "category": "Success", "reason": "OK", "message": "Success: (200) OK"},
        "headers": {"content-type": TYPE},
        "body": {"encoding": "UTF-8", "file": False, "string": json.dumps(MESSAGE)},
    }
    request = {"method": "post", "uri": URL, "body": {"encoding": "", "string": json.dumps(SENT)}, "headers": {}}
    recorded = {"recorded_at": "2025-10-30 21:59:07 GMT", "recorded_with": "vcr/1.2.0, webmockr/0.9.0"}
    return {"http_interactions": [{"request": request, "response": response, **recorded}]}


def _only(path: Path) -> Exchange:
    reading = load_traffic(path)
    assert reading.skipped == ()
    (exchange,) = reading.histories[0]
    return exchange


@pytest.mark.parametrize("write", [charles, network_records, nock, postman, wiremock, hoverfly, insomnia, vcr_for_r])
def test_format_is_read(write: Callable[[], Document], tmp_path: Path) -> None:
    path = tmp_path / "recording"
    path.write_text(json.dumps(write()))
    exchange = _only(path)
    assert (exchange.operation, exchange.path) == ("create_message", {"thread_id": "thread_1"})
    assert (exchange.request.body, exchange.body, exchange.status) == (SENT, MESSAGE, 200)
    assert exchange.loss == ""


def test_curl_transcript_is_read_without_request_bodies(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_text(
        "* Connected to api.openai.com\n> POST /v1/threads/thread_1/messages HTTP/2\n> Host: api.openai.com\n"
        "> Authorization: Bearer sk-secret\n> content-type: application/json\n> content-length: 36\n>\n"
        f"< HTTP/2 200\n< content-type: application/json\n<\n{json.dumps(MESSAGE)}\n* Connection #0 left intact\n"
    )
    (exchange,) = load_traffic(path).histories[0]
    assert (exchange.operation, exchange.body) == ("create_message", MESSAGE)
    assert "request body" in exchange.loss
    assert "sk-secret" not in repr(exchange)


def _har(entries: list[Any]) -> bytes:
    return json.dumps({"log": {"version": "1.2", "entries": entries}}).encode()


def test_compressed_har_is_read(tmp_path: Path) -> None:
    path = tmp_path / "session.har.gz"
    path.write_bytes(gzip.compress(_har(json.loads(clean_entries("tools")))))
    assert len(load_traffic(path).histories[0]) > 10


def test_archive_with_bodies_in_files_is_read(tmp_path: Path) -> None:
    entries = json.loads(clean_entries("tools"))
    path = tmp_path / "session.har.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number, entry in enumerate(entries):
            content = entry["response"]["content"]
            archive.writestr(f"{number}.json", content.pop("text"))
            content["_file"] = f"{number}.json"
        archive.writestr("har.har", _har(entries))
    reading = load_traffic(path)
    assert reading.skipped == ()
    assert all(exchange.response is not None for exchange in reading.histories[0])


def test_files_outside_the_archive_are_not_read(tmp_path: Path) -> None:
    entries = json.loads(clean_entries("tools"))[:1]
    entries[0]["response"]["content"] = {"_file": "../secret.json", "size": 5}
    (tmp_path / "secret.json").write_text("{}")
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / "session.har"
    path.write_bytes(_har(entries))
    assert "did not save" in load_traffic(path).skipped[0].reason


@pytest.mark.parametrize("share", [0.3, 0.6, 0.99])
def test_truncated_har_gives_what_it_holds(share: float, tmp_path: Path) -> None:
    text = _har(json.loads(clean_entries("conversation")))
    path = tmp_path / "session.har"
    path.write_bytes(text[: int(len(text) * share)])
    reading = load_traffic(path)
    assert [skipped.reason for skipped in reading.skipped] == ["the file is truncated"]
    assert reading.histories[0].partial
    assert judge([path], RunOptions()).report.exit_code == 0


def test_one_unreadable_file_among_many_is_reported(tmp_path: Path) -> None:
    good, bad = tmp_path / "session.har", tmp_path / "notes.txt"
    good.write_bytes(_har(json.loads(clean_entries("tools"))))
    bad.write_text("nothing to see")
    review = judge([bad, good], RunOptions())
    assert review.report.exit_code == 0
    assert [str(bad) in line for line in review.unreadable] == [True]
    with pytest.raises(UsageError, match=r"notes\.txt"):
        judge([bad], RunOptions())


def test_bare_answer_is_judged_as_the_operation_named(tmp_path: Path) -> None:
    path = tmp_path / "message.json"
    path.write_text(json.dumps(MESSAGE))
    with pytest.raises(UsageError, match="--as get_run"):
        load_traffic(path)
    review = judge([path], RunOptions(), as_operation="get_message")
    failed = {verdict.id for verdict in review.report.verdicts if verdict.outcome == "fail"}
    assert "message.role.required" in failed
    with pytest.raises(UsageError, match="not an operation"):
        judge([path], RunOptions(), as_operation="get_mesage")


@pytest.mark.parametrize(
    ("start", "remedy"),
    [
        (b"921:9:websocket;0:~8:response;500:", "hardump"),
        (b"INFO:httpx:HTTP Request: POST https://api.openai.com/v1/threads\n", "OPENAI_LOG=debug"),
        (b"\n\r\r\n\x1c\x00\x00\x00", "Wireshark"),
    ],
)
def test_unsupported_formats_are_named_with_a_remedy(start: bytes, remedy: str, tmp_path: Path) -> None:
    path = tmp_path / "recording"
    path.write_bytes(start + b": x" * 20)
    with pytest.raises(UsageError, match=remedy):
        load_traffic(path)


def test_body_that_vcr_for_r_keeps_apart_is_a_loss(tmp_path: Path) -> None:
    document: Any = vcr_for_r()
    document["http_interactions"][0]["response"]["body"] = {"file": True, "string": "~/bodies/1.json"}
    path = tmp_path / "cassette.yml"
    path.write_text(json.dumps(document))
    (skipped,) = load_traffic(path).skipped
    assert "did not save the response" in skipped.reason


_NODE_LOG = """
[log_5c1f7e] sending request {
  retryOfRequestLogID: undefined,
  method: 'post',
  url: 'https://api.openai.com/v1/threads/thread_1/messages',
  options: {
    method: 'post',
    path: '/threads/thread_1/messages',
    body: { role: 'user', content: 'Hello' },
    headers: { values: Headers {}, nulls: Set(0) {} }
  },
  headers: { authorization: '***', 'content-type': 'application/json' }
}
[log_5c1f7e] response start {
  url: 'https://api.openai.com/v1/threads/thread_1/messages',
  status: 200,
  headers: { 'content-type': 'application/json', 'x-request-id': 'req_5ff21a0b' },
  durationMs: 210
}
[log_5c1f7e] response parsed {
  url: 'https://api.openai.com/v1/threads/thread_1/messages',
  status: 200,
  body: {
    id: 'msg_1',
    object: 'thread.message',
    created_at: 1761861547,
    thread_id: 'thread_1',%s
  },
  durationMs: 212
}
"""


def test_debug_log_of_the_node_client_is_read(tmp_path: Path) -> None:
    path = tmp_path / "client.log"
    path.write_text(_NODE_LOG % "")
    exchange = _only(path)
    assert (exchange.operation, exchange.request.body, exchange.body) == ("create_message", SENT, MESSAGE)
    path.write_text(_NODE_LOG % " content: [ [Object], ... 2 more items ], metadata: {}, note: 'it\\'s' + ' fine'")
    (exchange,) = load_traffic(path).histories[0]
    assert exchange.loss == "the response was redacted"
    assert isinstance(exchange.body, dict)
    assert exchange.body["note"] == "it's fine"


def test_debug_log_of_the_python_client_is_read_without_responses(tmp_path: Path) -> None:
    path = tmp_path / "client.log"
    path.write_text(
        "[2025-10-30 21:59:07 - openai._base_client:482 - DEBUG] Request options: {'method': 'post', 'url': "
        f"'/threads/thread_1/messages', 'headers': {{'OpenAI-Beta': 'assistants=v2'}}, 'json_data': {SENT!r}}}\n"
        f"[2025-10-30 21:59:07 - openai._base_client:982 - DEBUG] Sending HTTP Request: POST {URL}\n"
        f'[2025-10-30 21:59:08 - openai._base_client:1020 - DEBUG] HTTP Response: POST {URL} "200 OK" '
        "Headers({'content-type': 'application/json', 'x-request-id': 'req_5ff21a0b'})\n"
    )
    (exchange,) = load_traffic(path).histories[0]
    assert (exchange.operation, exchange.request.body, exchange.status) == ("create_message", SENT, 200)
    assert exchange.loss == "the recorder did not save the response"


def test_export_of_insomnia_without_responses_is_named(tmp_path: Path) -> None:
    path = tmp_path / "export.json"
    path.write_text('{"_type": "export", "__export_format": 4, "resources": []}')
    with pytest.raises(UsageError, match=r"export\.json: an Insomnia export: .* export as HAR"):
        load_traffic(path)


@pytest.mark.parametrize("pieces", [False, True])
def test_binary_response_of_nock_is_read(pieces: bool, tmp_path: Path) -> None:
    text = json.dumps(MESSAGE).encode().hex()
    document: Any = nock()
    document[0] |= {"response": [text] if pieces else text, "responseIsBinary": True}
    path = tmp_path / "nock.json"
    path.write_text(json.dumps(document))
    assert _only(path).body == MESSAGE
