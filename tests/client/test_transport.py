"""One exchange ends in bounded time and memory, whatever the target does."""

from __future__ import annotations

import errno
import gzip
import os
import random
import re
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace

import pytest

from runs_conformance.client.base_url import parse_address
from runs_conformance.client.prepared_request import PreparedRequest
from runs_conformance.client.transport import ExchangeLimits, SendResult, Transport
from runs_conformance.errors import UsageError
from runs_conformance.model.exchange import MALFORMED, Completion, Response
from runs_conformance.model.json import ABSENT
from tests.client.hostile import Connection, Handler, RawServer, closed_port, head, serving

QUICK = ExchangeLimits(connect=1.5, idle=0.9, total=1.8, stream=2.4, linger=0.2, closing=0.3, max_bytes=200_000)
LONG_STREAMS = replace(QUICK, total=60, stream=60)
"""Limits that a test on a busy machine cannot mistake for the shorter ones after the end of a stream."""

GET = PreparedRequest("get_run", "GET", "/threads/t/runs/r")
POST = PreparedRequest("create_thread", "POST", "/threads", content=b'{"metadata":{}}')
SSE = {"Content-Type": "text/event-stream; charset=utf-8"}


@contextmanager
def target(handler: Handler, limits: ExchangeLimits = QUICK) -> Iterator[tuple[Transport, RawServer]]:
    with serving(handler) as server:
        transport = Transport(server.address, limits)
        try:
            yield transport, server
        finally:
            transport.close()


def send_to(
    handler: Handler, request_to_send: PreparedRequest = POST, stream: bool = False, limits: ExchangeLimits = QUICK
) -> SendResult:
    with target(handler, limits) as (transport, _):
        started = time.monotonic()
        result = transport.send(request_to_send, (), stream)
        assert time.monotonic() - started < 10
        return result


def require_response(result: SendResult) -> Response:
    assert result.completion is Completion.ANSWERED, result
    assert result.response is not None
    return result.response


def require_unknown(result: SendResult, *words: str) -> SendResult:
    assert result.completion is Completion.UNKNOWN, result
    for word in words:
        assert word in (result.problem or "")
    return result


def test_response_is_read() -> None:
    def handler(connection: Connection) -> None:
        request = connection.request() or b""
        assert request.startswith(b"POST /v1/threads HTTP/1.1\r\nHost: 127.0.0.1:")
        assert request.endswith(b'\r\n\r\n{"metadata":{}}')
        connection.respond(b'{"id": "thread_1"}', X_Request_Id="r1")

    result = send_to(handler)
    response = require_response(result)
    assert response.status == 200
    assert response.body == {"id": "thread_1"}
    assert response.headers["x-request-id"] == "r1"
    assert response.size == 18
    assert result.problem is None
    assert result.started < result.ended


@pytest.mark.parametrize(
    ("content", "defects", "text"),
    [
        (b"<html>no</html>", ("not_json",), "<html>no</html>"),
        (b'{"a": 1, "a": 2}', ("duplicate_key: a",), None),
        (b"", (), None),
    ],
)
def test_defects_are_named(content: bytes, defects: tuple[str, ...], text: str | None) -> None:
    def handler(connection: Connection) -> None:
        connection.request()
        connection.respond(content)

    response = require_response(send_to(handler))
    assert response.defects == defects
    assert response.text == text


def test_refused_connection_is_not_connected() -> None:
    result = Transport(parse_address(f"http://127.0.0.1:{closed_port()}/v1"), QUICK).send(POST, ())
    assert result.completion is Completion.NOT_CONNECTED
    assert "no connection" in (result.problem or "")


def test_unknown_host_is_not_connected() -> None:
    result = Transport(parse_address("http://no-such-host.invalid/v1"), QUICK).send(POST, ())
    assert result.completion is Completion.NOT_CONNECTED


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE])
def test_too_many_open_files_are_not_attributed_to_the_target(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("runs_conformance.client.connection.socket.socket", fail)
    with pytest.raises(UsageError, match=r"open files.*; raise the limit with ulimit -n"):
        Transport(parse_address("http://127.0.0.1:9/v1"), QUICK).send(POST, ())


def test_failed_tls_handshake_is_not_connected() -> None:
    def handler(connection: Connection) -> None:
        connection.socket.recv(100)
        connection.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with serving(handler) as server:
        result = Transport(parse_address(f"https://127.0.0.1:{server.port}/v1"), QUICK).send(POST, ())
    assert result.completion is Completion.NOT_CONNECTED
    assert "TLS" in (result.problem or "")


def test_slow_tls_handshake_times_out() -> None:
    def handler(connection: Connection) -> None:
        connection.send(b"\x16\x03\x03\x40\x00")
        connection.drip(b"\x00", 0.05)

    with serving(handler) as server:
        started = time.monotonic()
        result = Transport(parse_address(f"https://127.0.0.1:{server.port}/v1"), QUICK).send(POST, ())
    assert result.completion is Completion.NOT_CONNECTED
    assert time.monotonic() - started < 10


def test_silent_target_times_out() -> None:
    require_unknown(send_to(lambda connection: connection.drip(b"", 1)), "no response within")


@pytest.mark.parametrize(
    "start",
    [
        b"HTTP/1.1 200 O",
        b"HTTP/1.1 200 OK\r\nX-Long: ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;",
        b"HTTP/1.1 200 OK\r\n\r\n",
    ],
    ids=["status line", "header", "body", "chunk extension", "body without length"],
)
def test_slow_response_times_out(start: bytes) -> None:
    def handler(connection: Connection) -> None:
        connection.request()
        connection.send(start)
        connection.drip(b"x", 0.05)

    require_unknown(send_to(handler), " s")


@pytest.mark.parametrize(
    ("start", "flood"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"X-A: " + b"a" * 1000 + b"\r\n"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"a" * 10_000),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n", b": still here\n" * 100),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n", b"data: 1\n\n" * 1000),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n", b"data: " * 1000),
    ],
    ids=["headers", "interim answers", "body", "comments", "events", "one line"],
)
def test_response_size_is_limited(start: bytes, flood: bytes) -> None:
    def handler(connection: Connection) -> None:
        connection.request()
        connection.send(start)
        while not connection.stopping.is_set():
            connection.send(flood)

    require_unknown(send_to(handler, stream=True))


def test_target_that_reads_nothing_times_out() -> None:
    huge = PreparedRequest("create_thread", "POST", "/threads", content=b"a" * 30_000_000)
    require_unknown(send_to(lambda connection: connection.drip(b"", 1), huge))


def test_early_refusal_is_read() -> None:
    def handler(connection: Connection) -> None:
        connection.socket.recv(1000)
        connection.respond(b'{"error": {"message": "too large"}}', "413 Payload Too Large", Connection="close")
        connection.socket.shutdown(1)
        while connection.socket.recv(1_000_000):
            pass

    huge = PreparedRequest("create_thread", "POST", "/threads", content=b"a" * 3_000_000)
    assert require_response(send_to(handler, huge)).status == 413


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x01\x02\x03" * 50,
        b"SSH-2.0-OpenSSH_9.0\r\n",
        b"HTTP/9.9 banana\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: minus one\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n",
        b"",
    ],
)
def test_garbage_is_no_response(data: bytes) -> None:
    def handler(connection: Connection) -> None:
        connection.request()
        connection.send(data)

    require_unknown(send_to(handler))


def test_random_bytes_never_raise() -> None:
    dice = random.Random(7)
    starts = [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n", head(**SSE)]

    def handler(connection: Connection) -> None:
        connection.request()
        connection.send(dice.choice(starts) + dice.randbytes(dice.randrange(400)))

    with target(handler) as (transport, _):
        for _ in range(150):
            transport.send(GET, ())


def test_reset_is_of_unknown_completion() -> None:
    def handler(connection: Connection) -> None:
        connection.request()
        connection.reset()

    assert not require_unknown(send_to(handler), "no response").stale_connection


def test_truncated_response_is_of_unknown_completion() -> None:
    def handler(connection: Connection) -> None:
        connection.request()
        connection.send(head(Content_Length="100") + b'{"id": "th')

    result = require_unknown(send_to(handler), "truncated")
    assert result.response is not None
    assert (result.response.status, result.response.text) == (200, '{"id": "th')
    assert result.response.defects == ()


def test_redirect_is_not_followed() -> None:
    elsewhere: list[bytes | None] = []

    def other(connection: Connection) -> None:
        elsewhere.append(connection.request())

    with serving(other) as second:

        def handler(connection: Connection) -> None:
            connection.request()
            connection.respond(b"", "307 Temporary Redirect", Location=f"http://127.0.0.1:{second.port}/v1/threads")

        assert require_response(send_to(handler)).status == 307
    assert elsewhere == []


def test_cookies_are_not_kept() -> None:
    received: list[bytes] = []

    def handler(connection: Connection) -> None:
        while (request := connection.request()) is not None:
            received.append(request)
            connection.respond(b"{}", Set_Cookie="session=secret")

    with target(handler) as (transport, server):
        first = transport.send(GET, ())
        transport.send(GET, ())
        assert len(server.connections) == 1
    assert len(received) == 2
    assert not any(b"ookie" in request for request in received)
    assert first.response is not None
    assert first.response.headers["set-cookie"] == "[REDACTED]"


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(b'{"id":"t"}', mtime=0)),
        ("deflate", zlib.compress(b'{"id":"t"}')),
        ("deflate", zlib.compress(b'{"id":"t"}')[2:-4]),
        ("identity", b'{"id":"t"}'),
    ],
    ids=("gzip", "zlib", "deflate", "identity"),
)
def test_content_encodings_are_decoded(encoding: str, packed: bytes) -> None:
    def handler(connection: Connection) -> None:
        connection.request()
        connection.respond(packed, Content_Encoding=encoding)

    response = require_response(send_to(handler))
    assert response.body == {"id": "t"}
    assert response.defects == ()


def test_gzip_bomb_is_not_unpacked() -> None:
    bomb = gzip.compress(b"0" * 50_000_000)

    def handler(connection: Connection) -> None:
        connection.request()
        connection.respond(bomb, Content_Encoding="gzip")

    result = require_unknown(send_to(handler), "larger than 200000 bytes")
    assert result.response is not None
    assert result.response.defects == ("too_large",)


@pytest.mark.parametrize("encoding", ["gzip", "br", "nonsense"])
def test_wrong_content_encoding_is_a_defect(encoding: str) -> None:
    def handler(connection: Connection) -> None:
        connection.request()
        connection.respond(b'{"id":"t"}', Content_Encoding=encoding)

    response = require_response(send_to(handler))
    assert response.body == {"id": "t"}
    assert response.defects[0].startswith("content_encoding: ")


def test_stream_is_read_as_it_arrives() -> None:
    def handler(connection: Connection) -> None:
        connection.request()
        connection.send(head(**SSE, Transfer_Encoding="chunked"))
        for data in (b'event: a\ndata: {"n":"\xc3', b'\xa9"}\n\n', b"event: done\ndata: [DONE]\n\n"):
            time.sleep(0.3)
            connection.send(b"%x\r\n%s\r\n" % (len(data), data))
        connection.send(b"0\r\n\r\n")

    result = send_to(handler, stream=True)
    response = require_response(result)
    assert response.events is not None
    assert [(event.name, event.data) for event in response.events] == [("a", {"n": "é"}), ("done", "[DONE]")]
    assert result.started < response.events[0].at < response.events[1].at <= result.ended
    assert response.events[1].at - response.events[0].at > 0.03
    assert response.body is ABSENT
    assert response.defects == ()
    assert result.problem is None


def test_open_stream_is_left_after_done() -> None:
    def handler(connection: Connection) -> None:
        connection.request()
        connection.send(head(**SSE) + b"event: done\ndata: [DONE]\n\n")
        connection.drip(b": ping\n", 0.02)

    result = send_to(handler, stream=True, limits=LONG_STREAMS)
    assert require_response(result).events
    assert result.problem == "the stream stayed open after its done event"
    assert result.ended - result.started < 5


@pytest.mark.parametrize("status", ["completed", "requires_action"])
def test_stream_whose_run_has_stopped_is_not_waited_for_long(status: str) -> None:
    def handler(connection: Connection) -> None:
        connection.request()
        connection.send(head(**SSE) + f"event: thread.run.{status}\ndata: {{}}\n\n".encode())
        connection.drip(b": ping\n", 0.02)

    result = send_to(handler, stream=True, limits=LONG_STREAMS)
    assert result.completion is Completion.UNKNOWN
    assert re.fullmatch(r"no end of the stream for \d\.\d s after its last event", result.problem or "")
    assert result.ended - result.started < 5


def test_events_after_the_end_of_the_run_are_read() -> None:
    def handler(connection: Connection) -> None:
        connection.request()
        connection.send(head(**SSE) + b"event: thread.run.completed\ndata: {}\n\n")
        for _ in range(3):
            time.sleep(0.2)
            connection.send(b"event: thread.message.completed\ndata: {}\n\n")
        connection.send(b"event: done\ndata: [DONE]\n\n")

    result = send_to(handler, stream=True)
    assert [event.name for event in require_response(result).events or ()][-1] == "done"
    assert result.completion is Completion.ANSWERED


def test_stream_whose_run_goes_on_is_waited_for() -> None:
    def handler(connection: Connection) -> None:
        connection.request()
        connection.send(head(**SSE) + b"event: thread.run.in_progress\ndata: {}\n\n")
        time.sleep(0.6)
        connection.send(b"event: done\ndata: [DONE]\n\n")

    assert send_to(handler, stream=True).completion is Completion.ANSWERED


def test_events_after_done_are_read() -> None:
    def handler(connection: Connection) -> None:
        connection.request()
        connection.send(head(**SSE) + b"event: done\ndata: [DONE]\n\n")
        time.sleep(0.02)
        connection.send(b"event: thread.run.queued\ndata: {}\n\n")

    response = require_response(send_to(handler, stream=True))
    assert [event.name for event in response.events or ()] == ["done", "thread.run.queued"]


def test_truncated_stream_keeps_its_events() -> None:
    def handler(connection: Connection) -> None:
        connection.request()
        data = b"event: a\ndata: {}\n\nevent: b\ndata: {"
        connection.send(head(**SSE, Transfer_Encoding="chunked") + b"%x\r\n%s\r\n" % (len(data), data))

    result = require_unknown(send_to(handler, stream=True), "truncated")
    assert result.response is not None
    assert [event.name for event in result.response.events or ()] == ["a"]
    assert result.response.defects == ()


def test_stream_is_left_at_an_event() -> None:
    seen_end = threading.Event()

    def handler(connection: Connection) -> None:
        connection.request()
        connection.send(head(**SSE) + b"event: a\ndata: {}\n\nevent: thread.message.delta\ndata: {}\n\nevent: c\n")
        if connection.request() is None:
            seen_end.set()

    with target(handler) as (transport, _):
        result = transport.send(POST, (), stream=True, leave_at_event="thread.message")
        response = require_response(result)
        assert [event.name for event in response.events or ()] == ["a", "thread.message.delta"]
        assert (response.defects, result.problem) == ((), None)
        assert seen_end.wait(1)


def chunked_stream(*chunks: bytes) -> SendResult:
    """Send a request whose response is a stream of these chunks, on a connection that stays open."""

    def handler(connection: Connection) -> None:
        connection.request()
        connection.send(head(**SSE, Transfer_Encoding="chunked") + b"".join(chunks))
        time.sleep(0.2)

    return send_to(handler, stream=True)


@pytest.mark.parametrize("size", [b"9", b"11"], ids=["too small", "too large"])
def test_chunk_of_another_size_is_malformed(size: bytes) -> None:
    first = b"event: a\ndata: {}\n\n"
    result = chunked_stream(b"%x\r\n%s\r\n" % (len(first), first), size + b"\r\nevent: b\ndata:\r\n", b"0\r\n\r\n")
    assert require_unknown(result, MALFORMED).response is not None


def test_malformed_head_is_no_lost_connection() -> None:
    def handler(connection: Connection) -> None:
        connection.request()
        connection.send(b"<!DOCTYPE html>\r\n\r\n")
        time.sleep(0.2)

    assert require_unknown(send_to(handler), MALFORMED).response is None


def test_endless_stream_times_out() -> None:
    def handler(connection: Connection) -> None:
        connection.request()
        connection.send(head(**SSE) + b"event: a\ndata: {}\n\n")
        connection.drip(b": ping\n\n", 0.05)

    result = require_unknown(send_to(handler, stream=True), "not ended after 2.4 s")
    assert result.response is not None
    assert [event.name for event in result.response.events or ()] == ["a"]


def test_connections_are_kept() -> None:
    def handler(connection: Connection) -> None:
        while connection.request() is not None:
            connection.respond()

    with target(handler) as (transport, server):
        for _ in range(5):
            require_response(transport.send(POST, ()))
        assert len(server.connections) == 1


def test_a_connection_that_carried_a_server_error_is_not_reused() -> None:
    def handler(connection: Connection) -> None:
        connection.request()
        connection.respond(status="500 Internal Server Error")
        if connection.request() is not None:
            connection.reset()

    with target(handler) as (transport, server):
        for _ in range(3):
            assert require_response(transport.send(POST, ())).status == 500
        assert len(server.connections) == 3


def test_a_program_does_not_use_the_connection_on_which_another_ended_with_a_refusal() -> None:
    statuses = iter(["200 OK", "401 Unauthorized", "200 OK", "200 OK", "200 OK"])

    def handler(connection: Connection) -> None:
        while connection.request() is not None:
            connection.respond(status=next(statuses))

    with target(handler) as (transport, server):
        for program, connections in (("a", 1), ("a", 1), ("a", 1), ("b", 1), ("b", 1)):
            transport.begin_program(program)
            require_response(transport.send(POST, ()))
            assert len(server.connections) == connections
    statuses = iter(["401 Unauthorized", "401 Unauthorized", "200 OK"])
    with target(handler) as (transport, server):
        for program, connections in (("a", 1), ("a", 1), ("b", 2)):
            transport.begin_program(program)
            require_response(transport.send(POST, ()))
            assert len(server.connections) == connections


def test_each_thread_has_a_connection_of_its_own() -> None:
    def handler(connection: Connection) -> None:
        while connection.request() is not None:
            connection.respond()

    with target(handler) as (transport, server):
        for shares in (False, True):

            def work(shares: bool = shares) -> None:
                if shares:
                    transport.share_connections()
                transport.send(POST, ())

            for _ in range(2):
                thread = threading.Thread(target=work)
                thread.start()
                thread.join()
        assert len(server.connections) == 3, "two of their own, one shared"


def test_connections_are_not_reused_if_the_target_closes_them() -> None:
    """The next requests come on connections of their own, so that none of them can be lost."""

    def handler(connection: Connection) -> None:
        connection.request()
        connection.respond()

    with target(handler) as (transport, server):
        require_response(transport.send(GET, ()))
        time.sleep(0.05)
        for _ in range(10):
            require_response(transport.send(POST, ()))
        assert len(server.connections) == 11


def test_stale_connection_is_reported() -> None:
    def handler(connection: Connection) -> None:
        connection.request()
        connection.respond()
        connection.request()

    with target(handler) as (transport, server):
        require_response(transport.send(GET, ()))
        result = require_unknown(transport.send(GET, ()))
        assert result.stale_connection
        assert len(server.connections) == 1


def test_threads_share_one_transport() -> None:
    def handler(connection: Connection) -> None:
        while (request := connection.request()) is not None:
            connection.respond(request.partition(b"\r\n\r\n")[2])

    arrivals: list[SendResult] = []
    with target(handler, ExchangeLimits()) as (transport, _):

        def work(worker: int) -> None:
            for turn in range(20):
                content = b'{"worker":%d,"turn":%d}' % (worker, turn)
                result = transport.send(PreparedRequest("create_thread", "POST", "/threads", content=content), ())
                assert require_response(result).body == {"worker": worker, "turn": turn}
                arrivals.append(result)

        threads = [threading.Thread(target=work, args=(worker,)) for worker in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(arrivals) == 120


@pytest.mark.parametrize(
    ("proxy", "shown"),
    [
        ("socks5://proxy:1080", "socks5://proxy:1080"),
        ("http://user:hidden@proxy:none", "http://proxy"),
        ("http://", "http://"),
        ("http://proxy:99999", "http://proxy"),
    ],
)
def test_invalid_proxy_is_reported_in_one_line(proxy: str, shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", proxy)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with pytest.raises(UsageError, match="HTTP_PROXY is") as raised:
        Transport(parse_address("http://target.invalid/v1"))
    assert f"{shown!r}" in str(raised.value)
    assert "hidden" not in str(raised.value)
    Transport(parse_address("http://127.0.0.1:9/v1")).close()


@pytest.mark.parametrize("scheme", ["", "//", "http://user:pass@"])
def test_environment_proxy_is_used_except_for_loopback(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    received: list[bytes] = []

    def handler(connection: Connection) -> None:
        received.append(connection.request() or b"")
        connection.respond()

    with serving(handler) as server:
        monkeypatch.setenv("http_proxy", f"{scheme}127.0.0.1:{server.port}")
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        with closing(Transport(parse_address("http://target.invalid/v1"), QUICK)) as transport:
            require_response(transport.send(GET, ()))
        result = Transport(parse_address(f"http://127.0.0.1:{closed_port()}"), QUICK).send(GET, ())
    assert result.completion is Completion.NOT_CONNECTED
    (request,) = received
    assert request.startswith(b"GET http://target.invalid/v1/threads/t/runs/r HTTP/1.1\r\n")
    assert (b"Proxy-Authorization: Basic dXNlcjpwYXNz" in request) is ("user" in scheme)
