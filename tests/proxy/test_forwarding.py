"""Requests reach the upstream with the target that the client sent, and with the query of the upstream."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from runs_conformance.cli import run_command
from runs_conformance.errors import UsageError
from runs_conformance.proxy.forwarding import ForwardingApp
from tests.proxy.test_proxy import _proxy

_RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"


@contextmanager
def _upstream() -> Iterator[tuple[str, list[str]]]:
    """The address of a server, and the targets of the requests that it received."""
    targets: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    received = b""
                    while b"\r\n\r\n" not in received:
                        received += connection.recv(65_536)
                    targets.append(received.split(b"\r\n")[0].decode("latin-1").split(" ")[1])
                    connection.sendall(_RESPONSE)

        threading.Thread(target=serve, daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}", targets
        server.shutdown(socket.SHUT_RDWR)


def _send(base_url: str, target: str) -> int:
    host = base_url.removeprefix("http://").partition("/")[0]
    name, port = host.split(":")
    with socket.create_connection((name, int(port)), timeout=10) as connection:
        head = f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode("latin-1"))
        return int(connection.recv(100).split(b" ")[1])


@pytest.mark.parametrize(
    "target",
    [
        "/v1/threads/../threads/x/runs",
        "/v1/threads/x%2Fy/./runs",
        '/v1/threads/a"b|c/runs?x="|&y=%7e',
    ],
    ids=["dots", "escapes", "odd characters"],
)
def test_the_target_of_a_request_is_passed_on_unchanged(target: str, tmp_path: Path) -> None:
    with _upstream() as (host, targets), _proxy(f"http://{host}/v1", tmp_path) as (base_url, session):
        assert _send(base_url, target) == 200
    session.conclude()
    assert targets == [target]


def test_the_query_of_the_upstream_is_added(tmp_path: Path) -> None:
    with (
        _upstream() as (host, targets),
        _proxy(f"http://{host}/openai/v1?api-version=1&code=s3cret-code", tmp_path) as (base_url, session),
    ):
        assert _send(base_url, "/openai/v1/threads/thread_1") == 200
        assert _send(base_url, "/openai/v1/threads/thread_1?limit=5&api-version=2") == 200
    session.conclude()
    assert targets == [
        "/openai/v1/threads/thread_1?api-version=1&code=s3cret-code",
        "/openai/v1/threads/thread_1?limit=5&api-version=2&code=s3cret-code",
    ]
    history = (tmp_path / "history.jsonl").read_text()
    assert len([line for line in history.splitlines() if json.loads(line)["type"] == "exchange"]) == 2
    assert "s3cret" not in history


@pytest.mark.parametrize("upstream", ["https://user:pw@host.example/v1", "http://[::1", "ftp://host.example"])
def test_an_upstream_that_cannot_be_used_is_refused(upstream: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["proxy", upstream]) == 2
    assert "pw" not in capsys.readouterr().err
    with pytest.raises(UsageError):
        ForwardingApp(upstream, print)
