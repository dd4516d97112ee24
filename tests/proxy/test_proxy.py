"""The proxy passes traffic on unchanged, records it, and judges it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from runs_conformance.app.judge_recording import judge
from runs_conformance.app.options import RunOptions
from runs_conformance.app.proxy_session import ProxySession, open_test_proxy
from runs_conformance.cli import run_command
from runs_conformance.emulator.app import build
from runs_conformance.emulator.server import serve_in_thread
from runs_conformance.emulator.server_options import EmulatorOptions
from runs_conformance.errors import UsageError
from runs_conformance.model.exchange import Completion
from runs_conformance.model.verdict import Outcome
from runs_conformance.proxy.forwarding import ForwardedRequest
from runs_conformance.proxy.injection import parse_fault
from runs_conformance.proxy.proxy_server import serve_on_loopback
from runs_conformance.proxy.recording import ProxyRecorder
from runs_conformance.recordings import compression
from runs_conformance.recordings.load import load_traffic
from tests.fakes import closed_port_url
from tests.recordings import traffic
from tests.recordings.traffic import FLOWS, RecordingClient

KEY = "sk-a-secret-that-must-not-be-written"


@contextmanager
def _proxy(upstream: str, folder: Path) -> Iterator[tuple[str, ProxySession]]:
    session = ProxySession(upstream, folder / "history.jsonl", RunOptions(), lambda id_, message: None)
    with serve_on_loopback(session.app, 0) as origin:
        yield origin, session


def _run_flows(base_url: str, *flows: Callable[[RecordingClient], Awaitable[None]]) -> None:
    async def run_flows() -> None:
        async with httpx.AsyncClient(base_url=base_url, headers={"Authorization": f"Bearer {KEY}"}) as client:
            for flow in flows:
                await flow(RecordingClient(client))

    asyncio.run(run_flows())


def _judge_until(session: ProxySession, done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not done() and time.monotonic() < deadline:
        time.sleep(0.05)
        session.judge_resting()


def test_faultless_traffic_passes_and_keys_are_not_written(tmp_path: Path) -> None:
    with (
        serve_in_thread(build(EmulatorOptions(step_ms=2))) as upstream,
        _proxy(f"{upstream}/v1", tmp_path) as (origin, session),
    ):
        _run_flows(f"{origin}/v1", *FLOWS)
    review = session.conclude()
    assert review.report.exit_code == 0, review.report.reason
    assert review.report.usage.requests == session.requests > 50
    assert sum(verdict.outcome is Outcome.PASS for verdict in review.report.verdicts) > 400
    assert "secret" not in (tmp_path / "history.jsonl").read_text()


_HEADERS = [
    ("Authorization", f"Bearer {KEY}"),
    ("api-key", KEY),
    ("X-Gateway-Key", KEY),
    ("Ocp-Apim-Subscription-Key", KEY),
    ("X-Access-Token", f"Token {KEY}"),
    ("X-Tenant", KEY),
]


@pytest.mark.parametrize(("name", "value"), _HEADERS, ids=[name for name, _ in _HEADERS])
def test_key_that_the_server_repeats_is_not_written(name: str, value: str, tmp_path: Path) -> None:
    recorder = ProxyRecorder(tmp_path / "history.jsonl", {}, key_header="X-Tenant")
    request = _forwarded(json.dumps({"error": {"message": f"unknown key {KEY}", "echo": KEY[::-1]}}).encode())
    request.headers = [(name.lower().encode(), value.encode())]
    recorder.record(request)
    recorder.close()
    text = (tmp_path / "history.jsonl").read_text()
    assert "unknown key [REDACTED]" in text
    assert KEY not in text
    assert KEY[::-1] in text


def test_keys_of_later_clients_are_not_written_either(tmp_path: Path) -> None:
    recorder = ProxyRecorder(tmp_path / "history.jsonl", {})
    keys = [f"{KEY}-{number}-{number * 7919:08}" for number in range(3)]
    for key in keys:
        request = _forwarded(json.dumps({"error": {"message": f"unknown keys {' and '.join(keys)}"}}).encode())
        request.headers = [(b"authorization", f"Bearer {key}".encode())]
        recorder.record(request)
    recorder.close()
    last = (tmp_path / "history.jsonl").read_text().splitlines()[-2]
    assert "unknown keys [REDACTED]" in last
    assert not any(key in last for key in keys)
    assert recorder.distinct_keys == 3


def test_key_in_the_query_is_not_written(tmp_path: Path) -> None:
    recorder = ProxyRecorder(tmp_path / "history.jsonl", {})
    request = _forwarded(json.dumps({"error": {"message": f"unknown key {KEY}"}}).encode())
    request.url += f"?subscription-key={KEY}"
    recorder.record(request)
    recorder.close()
    assert KEY not in (tmp_path / "history.jsonl").read_text()


@pytest.mark.parametrize(
    ("encoding", "content"), [("br", b"\x8b\x00"), ("zstd", b"\x28\xb5\x2f\xfd"), ("x-new", b"\xff")]
)
def test_response_that_the_proxy_cannot_decode_is_its_own_loss(
    encoding: str, content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compression, "_import", lambda name: None)
    recorder = ProxyRecorder(tmp_path / "history.jsonl", {})
    request = _forwarded(content)
    request.response_headers.append((b"content-encoding", encoding.encode()))
    recorder.record(request)
    recorder.close()
    (exchange,) = load_traffic(tmp_path / "history.jsonl").histories[0]
    assert exchange.loss.startswith("the response was not decoded: ")
    verdicts = judge([tmp_path / "history.jsonl"], RunOptions()).report.verdicts
    assert [each.id for each in verdicts if each.outcome is Outcome.FAIL] == []


def test_response_too_long_to_be_kept_is_a_loss_of_the_proxy(tmp_path: Path) -> None:
    recorder = ProxyRecorder(tmp_path / "history.jsonl", {})
    request = _forwarded(b'{"id": "thread_1')
    request.is_truncated = True
    exchange = recorder.record(request)
    recorder.close()
    assert exchange is not None
    assert exchange.loss == "the recorder truncated the response"


def _forwarded(content: bytes) -> ForwardedRequest:
    """A request for a thread, answered with this content."""
    request = ForwardedRequest(
        1, "GET", "https://api.example.com/v1/threads/thread_1", [], b"", started=0.0, started_unix=1.8e9
    )
    request.ended, request.status, request.chunks = 1.0, 200, [(1.0, content)]
    request.response_headers = [(b"content-type", b"application/json")]
    return request


def test_defects_are_found_while_traffic_passes_and_at_the_end(tmp_path: Path) -> None:
    app = build(EmulatorOptions(step_ms=2), ["reopens_ended_runs"])
    with serve_in_thread(app) as upstream, _proxy(f"{upstream}/v1", tmp_path) as (origin, session):

        async def look_twice(client: RecordingClient) -> None:
            await traffic.tools(client)
            run = next(each["request"]["url"] for each in client.entries if "/runs/run_" in each["request"]["url"])
            for _ in range(3):
                await client.send("GET", run)

        _run_flows(f"{origin}/v1", look_twice)
        _judge_until(session, lambda: bool(session.failed))
    failed = {each.id for each in session.conclude().report.verdicts if each.outcome is Outcome.FAIL}
    assert "lifecycle.terminal_status_is_final" in session.failed
    assert session.failed.keys() <= failed


def test_base_path_may_be_left_out_and_other_requests_are_passed_on(tmp_path: Path) -> None:
    with (
        serve_in_thread(build(EmulatorOptions())) as upstream,
        _proxy(f"{upstream}/v1", tmp_path) as (origin, session),
    ):
        headers = {"Authorization": f"Bearer {KEY}", "OpenAI-Beta": "assistants=v2"}
        assert httpx.post(f"{origin}/threads", json={}, headers=headers).status_code == 200
        assert httpx.get(f"{origin}/v1/batches", headers=headers).status_code == 404
    session.recorder.close()
    assert session.recorder.skipped == 1


async def _slow_stream(request: Request) -> Response:
    async def body() -> AsyncIterator[bytes]:
        for number in range(3):
            yield f'event: thread.run.created\ndata: {{"n": {number}}}\n\n'.encode()
            await asyncio.sleep(0.2)
        yield b"event: done\ndata: [DONE]\n\n"

    return StreamingResponse(body(), media_type="text/event-stream")


_STREAMING = Starlette(routes=[Route("/v1/threads/{thread}/runs", _slow_stream, methods=["POST"])])


def test_streams_are_passed_on_without_delay_with_their_times(tmp_path: Path) -> None:
    with serve_in_thread(_STREAMING) as upstream, _proxy(f"{upstream}/v1", tmp_path) as (origin, session):
        arrivals: list[float] = []
        with httpx.stream("POST", f"{origin}/v1/threads/thread_1/runs", json={"stream": True}) as response:
            received = b""
            for chunk in response.iter_raw():
                arrivals.append(time.monotonic())
                received += chunk
    session.recorder.close()
    assert received.count(b"thread.run.created") == 3
    assert received.endswith(b"data: [DONE]\n\n")
    assert arrivals[-1] - arrivals[0] > 0.4
    (exchange,) = load_traffic(tmp_path / "history.jsonl").histories[0]
    times = [event.at for event in exchange.events]
    assert times[-1] - times[0] > 0.4


def test_many_streams_run_at_once(tmp_path: Path) -> None:
    async def measure_streams(url: str) -> list[int]:
        limits = httpx.Limits(max_connections=300)
        async with httpx.AsyncClient(limits=limits, timeout=60) as client:
            calls = [client.post(f"{url}/v1/threads/thread_{n}/runs", json={"stream": True}) for n in range(200)]
            return [len(response.content) for response in await asyncio.gather(*calls)]

    with serve_in_thread(_STREAMING) as upstream, _proxy(f"{upstream}/v1", tmp_path) as (origin, session):
        sizes = asyncio.run(measure_streams(origin))
    session.recorder.close()
    assert len(set(sizes)) == 1
    exchanges = load_traffic(tmp_path / "history.jsonl").histories[0].exchanges
    assert len(exchanges) == 200
    assert max(each.started for each in exchanges) < min(each.ended for each in exchanges)


def test_client_that_disconnects_causes_no_finding(tmp_path: Path) -> None:
    with serve_in_thread(_STREAMING) as upstream, _proxy(f"{upstream}/v1", tmp_path) as (origin, session):
        with httpx.stream("POST", f"{origin}/v1/threads/thread_1/runs", json={"stream": True}) as response:
            next(response.iter_raw())
        _judge_until(session, lambda: session.requests == 1)
    session.recorder.close()
    (exchange,) = load_traffic(tmp_path / "history.jsonl").histories[0]
    assert (exchange.completion, exchange.loss) == (
        Completion.UNKNOWN,
        "the client disconnected before the end of the response",
    )


def test_unreachable_upstream_is_reported_to_the_client(tmp_path: Path) -> None:
    with closed_port_url() as closed, _proxy(f"{closed}/v1", tmp_path) as (origin, session):
        response = httpx.post(f"{origin}/v1/threads", json={})
    assert response.status_code == 502
    assert response.json()["error"]["type"] == "proxy_error"
    session.recorder.close()
    (exchange,) = load_traffic(tmp_path / "history.jsonl").histories[0]
    assert (exchange.response, exchange.completion) == (None, Completion.UNKNOWN)
    assert "ConnectError" in (exchange.problem or "")


@pytest.mark.parametrize(("mutants", "expected"), [((), 0), (("reopens_ended_runs",), 1)])
def test_proxy_of_a_test_names_what_the_server_broke(mutants: tuple[str, ...], expected: int, tmp_path: Path) -> None:
    app = build(EmulatorOptions(step_ms=2), mutants)
    with serve_in_thread(app) as upstream, open_test_proxy(f"{upstream}/v1", tmp_path / "history.jsonl") as proxy:

        async def poll_after_the_end(client: RecordingClient) -> None:
            await traffic.tools(client)
            run = next(each["request"]["url"] for each in client.entries if "/runs/run_" in each["request"]["url"])
            for _ in range(3):
                await client.send("GET", run)

        _run_flows(proxy.base_url, poll_after_the_end)
    assert any("lifecycle.terminal_status_is_final" in problem for problem in proxy.problems) == bool(expected)
    assert bool(proxy.problems) == bool(expected)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_official_client_works_through_the_proxy(tmp_path: Path) -> None:
    openai = pytest.importorskip("openai")
    with (
        serve_in_thread(build(EmulatorOptions(step_ms=2))) as upstream,
        _proxy(f"{upstream}/v1", tmp_path) as (origin, session),
        openai.OpenAI(base_url=f"{origin}/v1", api_key=KEY) as client,
    ):
        assistant = client.beta.assistants.create(model="gpt-4o")
        thread = client.beta.threads.create(messages=[{"role": "user", "content": "Hello"}])
        run = client.beta.threads.runs.create_and_poll(
            thread_id=thread.id, assistant_id=assistant.id, poll_interval_ms=10
        )
        with client.beta.threads.runs.stream(thread_id=thread.id, assistant_id=assistant.id) as stream:
            stream.until_done()
    assert run.status == "completed"
    assert session.conclude().report.exit_code == 0


@pytest.mark.slow
def test_proxy_finds_what_the_suite_finds_on_the_same_traffic(tmp_path: Path) -> None:
    mutants = ["writes_expiry_as_text", "reopens_ended_runs", "relaxed:create_run.max_prompt_tokens.minimum"]
    with (
        serve_in_thread(build(EmulatorOptions(step_ms=1), mutants)) as upstream,
        _proxy(f"{upstream}/v1", tmp_path) as (origin, session),
    ):
        flags = ["--profile", "quick", "--phase", "lifecycle", "--no-database", "-q", "--api-key", KEY]
        flags += ["--select", "run.*", "--select", "lifecycle.*", "--select", "cancel.*"]
        assert run_command(["run", f"{origin}/v1", "--report-dir", str(tmp_path / "suite"), *flags]) == 1
    suite = {
        verdict["id"]
        for verdict in json.loads((tmp_path / "suite" / "report.json").read_text())["verdicts"]
        if verdict["outcome"] == "fail" and verdict["level"] == "must"
    }
    proxy = {
        verdict.id
        for verdict in session.conclude().report.verdicts
        if verdict.outcome is Outcome.FAIL and verdict.level == "must"
    }
    assert {"run.expires_at.type", "lifecycle.terminal_status_is_final"} <= suite
    assert suite <= proxy


async def _ask(url: str, count: int) -> list[int]:
    async with httpx.AsyncClient() as client:
        statuses: list[int] = []
        for _ in range(count):
            try:
                statuses.append((await client.get(f"{url}/threads/thread_1")).status_code)
            except httpx.HTTPError:
                statuses.append(0)
        return statuses


def test_injected_faults_reach_the_client_and_are_not_judged(tmp_path: Path) -> None:
    faults = [parse_fault("429:0.2"), parse_fault("cut:0.2")]
    with serve_in_thread(build(EmulatorOptions())) as upstream:
        session = ProxySession(
            f"{upstream}/v1", tmp_path / "history.jsonl", RunOptions(), lambda id_, message: None, faults=faults
        )
        with serve_on_loopback(session.app, 0) as origin:
            statuses = asyncio.run(_ask(f"{origin}/v1", 60))
    session.recorder.close()
    assert {*statuses} == {0, 401, 429}
    assert session.status().injected == statuses.count(0) + statuses.count(429)
    assert session.requests == statuses.count(401)
    assert all(exchange.status == 401 for exchange in load_traffic(session.history).histories[0])


@pytest.mark.parametrize("spec", ["", "429:2", "200:0.1", "cut:0", "delay:0.1", "delay9999:0.1", "429:x", "99:0.1"])
def test_unusable_faults_are_refused(spec: str) -> None:
    with pytest.raises(UsageError, match="--inject"):
        parse_fault(spec)


def test_live_page_shows_findings_to_this_machine_alone(tmp_path: Path) -> None:
    with (
        serve_in_thread(build(EmulatorOptions())) as upstream,
        _proxy(f"{upstream}/v1", tmp_path) as (origin, session),
    ):
        session.failed["run.object.const"] = "<script>alert(1)</script>"
        page = httpx.get(f"{origin}/_runs-conformance")
        data = httpx.get(f"{origin}/_runs-conformance/status.json").json()
        foreign = httpx.get(f"{origin}/_runs-conformance", headers={"Host": "attacker.example"})
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "run.object.const" in page.text
    assert "<script>" not in page.text
    session.recorder.close()
    assert data["findings"] == dict(session.failed)
    assert "run.object.const" not in foreign.text


def test_thread_is_judged_when_it_rests_though_others_do_not(tmp_path: Path) -> None:
    with (
        serve_in_thread(build(EmulatorOptions(step_ms=2), ["writes_expiry_as_text"])) as upstream,
        _proxy(f"{upstream}/v1", tmp_path) as (origin, session),
    ):
        _run_flows(f"{origin}/v1", traffic.tools)
        session.app.in_flight = 1  # A stream of another thread goes on.
        _judge_until(session, lambda: bool(session.failed))
        session.app.in_flight = 0
    session.recorder.close()
    assert "run.expires_at.type" in session.failed


_MANY_BYTES = 8 * 1024 * 1024
"""More than the buffers between the proxy and a client that does not read hold."""
_SMALL_BUFFER = [(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)]


async def _large(request: Request) -> Response:
    async def body() -> AsyncIterator[bytes]:
        for _ in range(_MANY_BYTES // 65_536):
            yield b" " * 65_536

    return StreamingResponse(body(), media_type="application/json")


async def _small(request: Request) -> Response:
    return Response(b'{"id": "thread_1", "object": "thread"}', media_type="application/json")


_LARGE_AND_SMALL = Starlette(routes=[Route("/v1/files/large", _large), Route("/v1/threads/{thread}", _small)])


def test_slow_client_does_not_hold_the_others(tmp_path: Path) -> None:
    with serve_in_thread(_LARGE_AND_SMALL) as upstream, _proxy(f"{upstream}/v1", tmp_path) as (origin, session):
        with (
            httpx.Client(transport=httpx.HTTPTransport(socket_options=_SMALL_BUFFER)) as client,
            client.stream("GET", f"{origin}/v1/files/large") as slow,
        ):
            statuses = [httpx.get(f"{origin}/v1/threads/thread_{n}", timeout=5).status_code for n in range(20)]
            _judge_until(session, lambda: session.app.in_flight == 1)
            in_flight_meanwhile = session.app.in_flight
            received = sum(map(len, slow.iter_raw()))
        _judge_until(session, lambda: session.recorder.skipped == 1)
    session.recorder.close()
    assert (statuses, in_flight_meanwhile, received) == ([200] * 20, 1, _MANY_BYTES)


@contextmanager
def _raw_server(*pieces: bytes, pause: float = 0.0) -> Iterator[str]:
    """A server that sends each connection these bytes, then closes it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        connection.recv(65_536)
                        for piece in pieces:
                            connection.sendall(piece)
                            time.sleep(pause)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)


_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 30\r\n\r\n"


def _read_until_broken_off(url: str) -> tuple[int, bytes, str]:
    """The status, the bytes that arrived, and the kind of error that ended the response."""
    received, error = b"", ""
    with httpx.stream("GET", url) as response:
        try:
            for chunk in response.iter_raw():
                received += chunk
        except httpx.HTTPError as problem:
            error = type(problem).__name__
    return response.status_code, received, error


@pytest.mark.parametrize(
    ("pieces", "sent"),
    [
        ((_HEAD, b'{"id": "thr'), b'{"id": "thr'),
        ((_HEAD.replace(b"Content-Length: 30", b"Transfer-Encoding: chunked"), b'5\r\n{"id"\r\n'), b'{"id"'),
    ],
    ids=["by length", "in chunks"],
)
def test_response_that_upstream_breaks_off_is_broken_off(
    pieces: tuple[bytes, ...], sent: bytes, tmp_path: Path
) -> None:
    with _raw_server(*pieces) as upstream, _proxy(upstream, tmp_path) as (origin, session):
        answer = _read_until_broken_off(f"{origin}/v1/threads/thread_1")
        _judge_until(session, lambda: session.requests == 1)
    session.recorder.close()
    assert answer == (200, sent, "RemoteProtocolError")
    (exchange,) = load_traffic(tmp_path / "history.jsonl").histories[0]
    assert (exchange.response, exchange.completion, exchange.loss) == (None, Completion.UNKNOWN, "")
    assert "RemoteProtocolError" in (exchange.problem or "")


@pytest.mark.parametrize("pieces", [(), (b"HTTP/1.1 200",), (b"not HTTP\r\n\r\n",)])
def test_upstream_that_closes_without_a_response_is_reported_as_such(pieces: tuple[bytes, ...], tmp_path: Path) -> None:
    with _raw_server(*pieces) as upstream, _proxy(upstream, tmp_path) as (origin, session):
        response = httpx.get(f"{origin}/v1/threads/thread_1")
    session.recorder.close()
    assert (response.status_code, response.json()["error"]["type"]) == (502, "proxy_error")


def test_slow_response_is_passed_on_as_slowly(tmp_path: Path) -> None:
    body = b'{"id": "thread_1", "a": "bcd"}'
    with (
        _raw_server(_HEAD, body[:10], body[10:], pause=0.15) as upstream,
        _proxy(upstream, tmp_path) as (origin, session),
        httpx.stream("GET", f"{origin}/v1/threads/thread_1") as response,
    ):
        began = time.monotonic()
        arrived = [(chunk, time.monotonic() - began) for chunk in response.iter_raw()]
    session.recorder.close()
    assert [chunk for chunk, _ in arrived] == [body[:10], body[10:]]
    assert arrived[1][1] - arrived[0][1] > 0.1
