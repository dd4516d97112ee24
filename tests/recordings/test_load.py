"""Every format gives the same exchanges; what cannot be judged is listed, what cannot be read is said in one line."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from runs_conformance.errors import UsageError
from runs_conformance.model.exchange import Completion, Exchange, exchange_to_json
from runs_conformance.recordings.load import RecordedTraffic, load_traffic

DATE = "Thu, 30 Oct 2025 21:59:07 GMT"
RUN = {"id": "run_1", "object": "thread.run", "created_at": 1761861547, "status": "queued"}
URL = "https://api.openai.com/v1/threads/thread_1/runs?include[]=x"
SENT = {"assistant_id": "asst_1", "instructions": "é"}
STREAM = 'event: thread.run.created\ndata: {"id": "run_1"}\n\nevent: done\ndata: [DONE]\n\n'

Write = Callable[[str | bytes], RecordedTraffic]


@pytest.fixture
def reading(tmp_path: Path) -> Write:
    def write(content: str | bytes, edition: str | None = None) -> RecordedTraffic:
        path = tmp_path / "recording"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return load_traffic(path, edition)

    return write


def only(reading: RecordedTraffic) -> Exchange:
    assert reading.skipped == ()
    (history,) = reading.histories
    (exchange,) = history.exchanges
    return exchange


def vcrpy(url: str = URL, body: Any = None, headers: dict[str, Any] | None = None, **request: Any) -> dict[str, Any]:
    return {
        "version": 1,
        "interactions": [
            {
                "request": {
                    "method": "POST", "uri": url, "body": json.dumps(SENT),
                    "headers": {"authorization": ["Bearer sk-secret"], "OpenAI-Beta": ["assistants=v2"]}, **request,
                },
                "response": {
                    "status": {"code": 200, "message": "OK"},
                    "headers": {"Content-Type": ["application/json"], "Date": [DATE], **(headers or {})},
                    "body": {"string": json.dumps(RUN)} if body is None else body,
                },
            }
        ],
    }  # fmt: skip


def ruby(body: Any = None) -> dict[str, Any]:
    interaction = vcrpy()["interactions"][0]
    interaction["request"]["method"] = "post"
    interaction["request"]["body"] = {"encoding": "UTF-8", "string": json.dumps(SENT)}
    interaction["response"]["body"] = {"encoding": "UTF-8", "string": json.dumps(RUN)} if body is None else body
    interaction["recorded_at"] = DATE
    return {"http_interactions": [interaction], "recorded_with": "VCR 6.1.0"}


def go_vcr() -> dict[str, Any]:
    return {
        "version": 2,
        "interactions": [
            {
                "id": 0,
                "request": {"method": "POST", "url": URL, "body": json.dumps(SENT), "headers": {"Api_key": ["x"]}},
                "response": {"code": 200, "body": json.dumps(RUN), "headers": {"Date": [DATE]}},
            }
        ],
    }


def har(**entry: Any) -> dict[str, Any]:
    given = {
        "startedDateTime": "2025-10-30T21:59:07.250Z",
        "time": 1500,
        "request": {
            "method": "POST", "url": URL, "headers": [{"name": "Authorization", "value": "Bearer sk-secret"}],
            "postData": {"mimeType": "application/json", "text": json.dumps(SENT)},
        },
        "response": {
            "status": 200, "headers": [{"name": "Content-Type", "value": "application/json"}],
            "content": {"text": json.dumps(RUN), "size": 80},
        },
    }  # fmt: skip
    return {"log": {"version": "1.2", "entries": [{**given, **entry}]}}


def session_record() -> dict[str, Any]:
    return {
        "Entries": [
            {
                "RequestUri": URL, "RequestMethod": "POST", "RequestBody": SENT, "StatusCode": 200,
                "RequestHeaders": {"Authorization": "Sanitized", "Content-Type": "application/json"},
                "ResponseHeaders": {"Content-Type": "application/json", "Date": DATE}, "ResponseBody": RUN,
            }
        ],
        "Variables": {},
    }  # fmt: skip


FORMATS = {
    "vcrpy": vcrpy(),
    "Ruby VCR": ruby(),
    "go-vcr": go_vcr(),
    "HAR": har(),
    "test proxy": session_record(),
    "bare list": vcrpy()["interactions"],
    "vcrpy with base64": vcrpy(body={"base64_string": base64.b64encode(json.dumps(RUN).encode()).decode()}),
    "vcrpy of httpx": vcrpy() | {"interactions": [
        {**vcrpy()["interactions"][0],
         "response": {"status_code": 200, "headers": [["Date", DATE]], "content": json.dumps(RUN)}}
    ]},
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "notation"),
    [
        *((name, json.dumps) for name in FORMATS),
        *((name, yaml.safe_dump) for name in ("vcrpy", "Ruby VCR", "go-vcr", "bare list", "vcrpy with base64")),
    ],
)
def test_all_formats_give_the_same_exchange(name: str, notation: Callable[[Any], str], reading: Write) -> None:
    exchange = only(reading(notation(FORMATS[name])))
    assert (exchange.operation, exchange.path) == ("create_run", {"thread_id": "thread_1"})
    assert (exchange.request.method, exchange.request.path) == ("POST", "/threads/thread_1/runs")
    assert exchange.request.query == (("include[]", "x"),)
    assert exchange.request.body == SENT
    assert (exchange.status, exchange.body) == (200, RUN)
    assert (exchange.edition, exchange.dialect, exchange.completion) == ("2025-10-30", "openai", Completion.ANSWERED)
    assert exchange.step is None
    assert "sk-secret" not in repr(exchange)
    assert exchange.response is not None
    assert exchange.response.defects == ()
    assert abs(exchange.wall - 1761861547) < 1


@pytest.mark.parametrize(
    "text",
    [
        STREAM,
        STREAM.replace("\n", "\r\n"),
        base64.b64encode(gzip.compress(STREAM.encode(), mtime=0)).decode(),
    ],
)
def test_streams_and_compressed_bodies_are_read(text: str, reading: Write) -> None:
    packed = not text.startswith("event")
    body = {"base64_string": text} if packed else {"string": text}
    headers = {"Content-Type": ["text/event-stream; charset=utf-8"], "Content-Encoding": ["gzip"]}
    exchange = only(reading(json.dumps(vcrpy(body=body, headers=headers))))
    assert [(event.name, event.data) for event in exchange.events] == [
        ("thread.run.created", {"id": "run_1"}),
        ("done", "[DONE]"),
    ]


def test_a_stream_recorded_line_by_line_is_read(reading: Write) -> None:
    record = session_record()
    record["Entries"][0]["ResponseHeaders"]["Content-Type"] = "text/event-stream"
    record["Entries"][0]["ResponseBody"] = STREAM.splitlines(keepends=True)
    assert [event.name for event in only(reading(json.dumps(record))).events] == ["thread.run.created", "done"]


def test_trimmed_end_of_a_stream_is_not_a_defect(reading: Write) -> None:
    body, headers = {"string": STREAM.rstrip()}, {"Content-Type": ["text/event-stream"]}
    exchange = only(reading(json.dumps(vcrpy(body=body, headers=headers))))
    assert exchange.events[-1].name == "done"
    assert exchange.response is not None
    assert exchange.response.defects == ()


def test_unsaved_stream_is_named(reading: Write) -> None:
    found = reading(json.dumps(vcrpy(body={"string": ""}, headers={"Content-Type": ["text/event-stream"]})))
    assert "did not save" in found.skipped[0].reason


def test_binary_bodies_of_yaml_are_read(reading: Write) -> None:
    packed = gzip.compress(json.dumps(RUN).encode())
    cassette = vcrpy(body={"string": packed}, headers={"Content-Encoding": ["gzip"]})
    text = yaml.safe_dump(cassette)
    assert "!!binary" in text
    assert only(reading(text)).body == RUN
    assert only(reading(text.replace("!!binary", "!binary"))).body == RUN


def test_unsupported_content_encoding_is_a_loss(reading: Write) -> None:
    cassette = vcrpy(body={"string": b"\x1b\x05\x80packed"}, headers={"Content-Encoding": ["compress"]})
    found = reading(yaml.safe_dump(cassette))
    (exchange,) = found.histories[0]
    assert exchange.response is None
    assert "content encoding" in exchange.loss
    assert [skipped.reason for skipped in found.skipped] == [exchange.loss]
    undone = vcrpy(headers={"Content-Encoding": ["br"]})
    assert only(reading(json.dumps(undone))).body == RUN


@pytest.mark.parametrize(
    ("url", "operation", "path"),
    [
        ("https://api.openai.com/v1/threads/runs", "create_thread_and_run", "/threads/runs"),
        ("https://x.openai.azure.com/openai/threads/t?api-version=2024-05-01-preview", "modify_thread", "/threads/t"),
        ("https://x.azure.com/openai/deployments/gpt-4o/assistants", "create_assistant", "/assistants"),
        ("https://x.services.ai.azure.com/api/projects/assistants/threads", "create_thread", "/threads"),
        ("http://127.0.0.1:8000/threads/a%2Fb/runs/r/cancel", "cancel_run", "/threads/a%2Fb/runs/r/cancel"),
        (
            "http://proxy/a/b/c/v1/threads/t/runs/r/submit_tool_outputs",
            "submit_tool_outputs",
            "/threads/t/runs/r/submit_tool_outputs",
        ),
    ],
)
def test_base_path_may_be_anything(url: str, operation: str, path: str, reading: Write) -> None:
    exchange = only(reading(json.dumps(vcrpy(url))))
    assert (exchange.operation, exchange.request.path) == (operation, path)
    if "%2F" in url:
        assert exchange.path["thread_id"] == "a/b"


@pytest.mark.parametrize(
    ("url", "headers", "dialect"),
    [
        (URL, {}, "openai"),
        ("http://localhost/v1/threads", {}, "openai"),
        ("https://x.openai.azure.com/openai/threads?api-version=2024-07-01-preview", {}, "azure"),
        ("https://x.cognitiveservices.azure.com/openai/threads", {}, "azure"),
        ("https://sanitized/openai/threads?api-version=2024-07-01-preview", {}, "azure"),
        ("https://sanitized/openai/threads", {"apim-request-id": ["1"]}, "azure"),
    ],
)
def test_dialect_is_detected_by_host_or_version(
    url: str, headers: dict[str, Any], dialect: str, reading: Write
) -> None:
    assert only(reading(json.dumps(vcrpy(url, headers=headers)))).dialect == dialect


@pytest.mark.parametrize(
    ("cassette", "reason"),
    [
        (vcrpy("https://api.openai.com/v1/files"), "not an operation of the Runs API: POST /v1/files"),
        (vcrpy("https://api.openai.com/v1/threads/t/nothing/here"), "not an operation of the Runs API"),
        (vcrpy("http://[::1"), "not a URL"),
        (vcrpy(body={"string": '{"id": "run_1", "created_at": 1699998504}'}), "launch of v2 on 2024-04-17"),
        (vcrpy(headers=None, method=5), "method is not a string"),
        ({"interactions": [{"request": {}}]}, "response is not an object"),
        ({"interactions": ["nothing"]}, "an interaction is not an object"),
        (vcrpy(body={"base64_string": "a"}), "not base64"),
        (vcrpy(body=[1]), "neither text nor bytes"),
    ],
)
def test_skipped_entries_have_location_and_reason(cassette: Any, reason: str, reading: Write, tmp_path: Path) -> None:
    found = reading(json.dumps(cassette))
    assert found.histories == ()
    assert found.skipped[0].location == f"{tmp_path / 'recording'}:1"
    assert reason in found.skipped[0].reason


def test_v1_beta_is_skipped(reading: Write) -> None:
    cassette = vcrpy()
    cassette["interactions"][0]["request"]["headers"]["OpenAI-Beta"] = ["assistants=v1"]
    assert [skipped.reason for skipped in reading(json.dumps(cassette)).skipped] == ["assistants=v1, the earlier beta"]


def test_unsaved_response_is_named(reading: Write) -> None:
    response = {"status": 200, "headers": [], "content": {"size": 100}}
    assert "did not save" in reading(json.dumps(har(response=response))).skipped[0].reason


def test_missing_response_has_unknown_completion(reading: Write) -> None:
    exchange = only(reading(json.dumps(har(response={"status": 0, "headers": [], "content": {}}))))
    assert (exchange.completion, exchange.response) == (Completion.UNKNOWN, None)


def test_given_edition_overrides_dates(reading: Any) -> None:
    old = vcrpy(headers={"Date": ["Tue, 14 Nov 2023 21:48:24 GMT"]})
    assert only(reading(json.dumps(old), "2024-06-06")).edition == "2024-06-06"


def test_undated_entries_take_the_date_of_their_content_or_predecessor(reading: Write) -> None:
    dated, undated = vcrpy()["interactions"][0], vcrpy(body={"string": '{"deleted": true}'})["interactions"][0]
    for interaction in (dated, undated):
        del interaction["response"]["headers"]["Date"]
    found = reading(json.dumps({"interactions": [dated, undated]}))
    assert [exchange.edition for exchange in found.histories[0]] == ["2025-10-30", "2025-10-30"]
    assert only(reading(json.dumps({"interactions": [undated]}))).edition == "2026-08-14"


def test_edition_is_capped_at_the_last(reading: Write) -> None:
    body = {"string": json.dumps({**RUN, "created_at": 1951250347})}
    late = vcrpy(headers={"Date": ["Thu, 30 Oct 2031 21:59:07 GMT"]}, body=body)
    assert only(reading(json.dumps(late))).edition == "2026-08-14"


def test_entries_of_a_cassette_follow_each_other(reading: Write) -> None:
    cassette = vcrpy()
    cassette["interactions"] *= 3
    (history,) = reading(json.dumps(cassette)).histories
    first, second, third = history
    assert first.happened_before(second)
    assert second.happened_before(third)
    assert [exchange.index for exchange in history] == [1, 2, 3]
    assert len({exchange.id for exchange in history}) == 3


def test_har_entries_keep_their_overlap(reading: Write) -> None:
    entries = [
        har(startedDateTime=f"2025-10-30T21:59:0{second}.000Z", time=time)["log"]["entries"][0]
        for second, time in ((6, 200), (5, 1500), (7, 500))
    ]
    (history,) = reading(json.dumps({"log": {"entries": entries}})).histories
    assert [exchange.id.rpartition(":")[2] for exchange in history] == ["2", "1", "3"]
    first, second, third = history
    assert not first.happened_before(second)
    assert not second.happened_before(first)
    assert first.happened_before(third)


def test_file_order_applies_to_times_in_whole_seconds(reading: Write) -> None:
    entries = [
        har(startedDateTime=f"2025-10-30T21:59:{second}Z", time=250)["log"]["entries"][0]
        for second in ("07", "07", "08")
    ]
    (history,) = reading(json.dumps({"log": {"entries": entries}})).histories
    first, second, third = history
    assert first.happened_before(second)
    assert second.happened_before(third)


def test_long_entry_overlaps_others_though_times_are_whole_seconds(reading: Write) -> None:
    entries = [
        har(startedDateTime=f"2025-10-30T21:59:{second}Z", time=time)["log"]["entries"][0]
        for second, time in (("07", 2500), ("08", 100), ("11", 100))
    ]
    (history,) = reading(json.dumps({"log": {"entries": entries}})).histories
    first, second, third = history
    assert not first.happened_before(second)
    assert first.happened_before(third)


def test_nothing_is_ordered_while_a_clock_was_set_back(reading: Write) -> None:
    entries = [
        har(startedDateTime=f"2025-10-30T21:59:{second}.000Z", time=100)["log"]["entries"][0]
        for second in ("10", "20", "15", "30")
    ]
    (history,) = reading(json.dumps({"log": {"entries": entries}})).histories
    first, second, third, fourth = history
    assert first.happened_before(second)
    assert not second.happened_before(third)
    assert not third.happened_before(second)
    assert third.happened_before(fourth)


def test_events_arrive_with_the_end_of_their_stream(reading: Write) -> None:
    headers = [{"name": "Content-Type", "value": "text/event-stream"}]
    content = {"text": "event: thread.run.created\ndata: {}\n\nevent: done\ndata: [DONE]\n\n"}
    exchange = only(reading(json.dumps(har(response={"status": 200, "headers": headers, "content": content}))))
    assert exchange.ended == exchange.started + 1.5
    assert [event.at for event in exchange.events] == [exchange.ended, exchange.ended]


def test_each_key_gives_a_partial_history(reading: Write) -> None:
    entries = []
    for second, key in enumerate(("sk-a", "sk-b", "sk-a")):
        (entry,) = har(startedDateTime=f"2025-10-30T21:59:0{second}.250Z")["log"]["entries"]
        entry["request"] = {**entry["request"], "headers": [{"name": "Authorization", "value": f"Bearer {key}"}]}
        entries.append(entry)
    keyless = {**entries[0]["request"], "headers": []}
    entries.append({**entries[0], "startedDateTime": "2025-10-30T21:59:09.250Z", "request": keyless})
    found = reading(json.dumps({"log": {"entries": entries}}))
    places = [[exchange.id.rpartition(":")[2] for exchange in history] for history in found.histories]
    assert places == [["1", "3", "4"], ["2"]]
    assert all(history.partial for history in found.histories)
    (alone,) = reading(json.dumps({"log": {"entries": entries[:1]}})).histories
    assert not alone.partial


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"   \n",
        b"hello",
        b'{"log": 1}',
        b'{"log": {"entries": 5}}',
        b'{"log": {"entries": "five"}}',
        b"{}",
        b"[1, 2]",
        b"\x00\x01\x02",
        b"\xff\xfe",
        b"a: [",
        b"a: 'b",
        b"- &a [*a]",
        b"[" * 100_000,
        b"{" * 100_000,
        b"- " * 100_000,
        b"? " * 50_000,
        b"a: &a [x,x]\nb: " + b"[" + b"*a," * 20_000 + b"]",
        b"x: !!python/object/apply:os.system ['true']",
        b"%YAML 9.9\n---\na: 1",
        b"interactions: !!binary '&'",
    ],
    ids=range(21),
)
def test_unreadable_file_is_a_one_line_error(content: bytes, reading: Write) -> None:
    with pytest.raises(UsageError) as raised:
        reading(content)
    assert "\n" not in str(raised.value)
    assert "recording" in str(raised.value)
    assert len(str(raised.value)) < 400


def test_missing_file_is_a_one_line_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        load_traffic(tmp_path / "nothing.har")
    with pytest.raises(UsageError, match=r"folder|directory"):
        load_traffic(tmp_path)


def test_yaml_tags_and_merges_are_inert(reading: Write) -> None:
    bomb = "".join(f"- &a{n}\n  <<: [{', '.join(f'*a{n - 1}' for _ in range(9))}]\n" for n in range(1, 4))
    hostile = (
        yaml.safe_dump(vcrpy())
        + f"extra: !ruby/object:Gem::Installer\n  i: x\nmore: !!python/name:os.system ''\nbomb:\n- &a0 {{a: b}}\n{bomb}"
    )
    assert only(reading(hostile)).body == RUN


def test_self_referencing_body_is_rejected(reading: Write) -> None:
    levels = "".join(f"b{n}: &b{n} {{{', '.join(f'k{k}: *b{n - 1}' for k in range(9))}}}\n" for n in range(1, 30))
    text = f"b0: &b0 {{x: y}}\n{levels}"
    interaction = f"interactions:\n- request: {{method: POST, uri: {URL!r}, body: *b29}}\n  response: {{code: 200}}\n"
    with pytest.raises(UsageError, match="its aliases stand for more than"):
        reading(text + interaction)


def test_later_documents_are_read_too(reading: Write) -> None:
    assert only(reading("---\nnothing: here\n---\n" + yaml.safe_dump(ruby()))).body == RUN


def test_truncated_history_is_read_to_its_end(reading: Write) -> None:
    first = only(reading(json.dumps(vcrpy())))
    line = json.dumps({"type": "exchange", **exchange_to_json(first)})
    found = reading(f'{{"type":"run","edition":"2024-06-06"}}\n{line}\n{line[:50]}')
    assert found.header["edition"] == "2024-06-06"
    assert found.histories[0].exchanges == (first,)
    assert "truncated" in found.skipped[0].reason
    with pytest.raises(UsageError, match="recording:2: not an exchange"):
        reading(f'{{"type":"run"}}\n{line[:50]}\n{line}\n')
