"""The emulator refuses what is too large before it has read it, and closes connections with half a request."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec

import pytest

from runs_conformance.emulator import http_protocol, server
from runs_conformance.emulator.app import build
from runs_conformance.emulator.server_options import EmulatorOptions

PROTOCOLS = ["h11", "httptools"] if find_spec("httptools") else ["h11"]
_HEAD = (
    b"POST /v1/threads HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sk-1\r\nOpenAI-Beta: assistants=v2\r\n"
    b"Content-Type: application/json\r\n"
)


@pytest.fixture(scope="module", params=PROTOCOLS)
def address(request: pytest.FixtureRequest) -> Iterator[tuple[str, int]]:
    protocol = server.fast_protocol() if request.param == "httptools" else http_protocol.BoundedH11Protocol
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server, "BoundedH11Protocol", protocol)
        with server.serve_in_thread(build(EmulatorOptions())) as origin:
            host, _, port = origin.removeprefix("http://").partition(":")
            yield host, int(port)


def test_a_large_body_is_refused_before_it_is_sent(address: tuple[str, int]) -> None:
    with socket.create_connection(address, 10) as client:
        client.sendall(_HEAD + b"Content-Length: 400000000\r\n\r\n")
        assert client.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_a_large_body_of_unknown_length_is_refused_while_it_is_sent(address: tuple[str, int]) -> None:
    with socket.create_connection(address, 10) as client:
        client.sendall(_HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        block = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
        for _ in range(33):
            client.sendall(block)
        assert client.recv(65536).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("sent", [b"", b"POST /v1/thr", _HEAD, _HEAD + b"Content-Length: 10\r\n\r\n{"], ids=range(4))
def test_half_a_request_does_not_keep_a_connection_open(
    sent: bytes, address: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_protocol, "REQUEST_TIMEOUT_S", 0.1)
    with socket.create_connection(address, 10) as client:
        client.sendall(sent)
        assert client.recv(65536) == b""


def test_a_connection_with_whole_requests_stays_open(address: tuple[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "REQUEST_TIMEOUT_S", 0.2)
    with socket.create_connection(address, 10) as client:
        for _ in range(2):
            client.sendall(_HEAD + b"Content-Length: 2\r\n\r\n{}")
            received = client.recv(65536)
            while not received.endswith(b"}"):
                received += client.recv(65536)
            assert received.startswith(b"HTTP/1.1 200 ")


def test_a_request_head_without_an_end_is_refused_or_ended(address: tuple[str, int]) -> None:
    with socket.create_connection(address, 10) as client:
        with suppress(OSError):
            client.sendall(b"GET /v1/threads HTTP/1.1\r\nX-Long: " + b"x" * 1_000_000)
        with suppress(ConnectionResetError):
            assert client.recv(65536)[:13] in (b"", b"HTTP/1.1 400 ")


def test_an_offer_of_http_2_is_ignored(address: tuple[str, int]) -> None:
    """The client of the JDK makes it on every connection."""
    offer = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABk\r\n"
    with socket.create_connection(address, 10) as client:
        for _ in range(2):
            client.sendall(_HEAD + offer + b"Content-Length: 25\r\n\r\n" + b'{"metadata": {"a": "bc"}}')
            received = client.recv(65536)
            while not received.endswith(b"}"):
                received += client.recv(65536)
            assert b'"metadata":{"a":"bc"}' in received
