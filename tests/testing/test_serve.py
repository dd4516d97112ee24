"""The served emulator: access log, TLS, web pages, and how it stops."""

from __future__ import annotations

import http.client
import io
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
import trustme

from runs_conformance.emulator.server import serve_in_thread
from runs_conformance.errors import ConformanceError
from runs_conformance.testing.access_log import log_requests
from runs_conformance.testing.control_routes import build_controlled
from runs_conformance.testing.scriptable_emulator import make_control
from runs_conformance.testing.serve import ServeOptions, serve_controlled

HEADERS = {"authorization": "Bearer sk-secret", "openai-beta": "assistants=v2", "content-type": "application/json"}


class Reply(NamedTuple):
    status: int
    headers: Any
    text: str

    @property
    def body(self) -> Any:
        return json.loads(self.text)


def send(
    server: str, method: str, path: str, body: Any = None, context: ssl.SSLContext | None = None, **headers: str
) -> Reply:
    place = urlsplit(server).netloc
    connection = (
        http.client.HTTPSConnection(place, timeout=10, context=context)
        if context
        else http.client.HTTPConnection(place, timeout=10)
    )
    connection.request(method, path, None if body is None else json.dumps(body), {**HEADERS, **headers})
    response = connection.getresponse()
    reply = Reply(response.status, response.headers, response.read().decode())
    connection.close()
    return reply


@contextmanager
def started(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process of `serve`, and its origin."""
    process = subprocess.Popen(
        [sys.executable, "-m", "runs_conformance", "serve", "--port", "0", "--json", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.communicate()[1]
        yield process, json.loads(line)["url"].removesuffix("/v1")
    finally:
        process.kill()
        process.communicate()


def test_restart_after_kill_and_after_sigterm(tmp_path: Path) -> None:
    store = ("--store", str(tmp_path / "objects.sqlite"), "--watch-stdin")
    with started(*store) as (process, origin):
        created = send(origin, "POST", "/v1/assistants", {"model": "gpt-4o"}).body
        process.kill()
        process.wait(10)
    with started(*store) as (process, origin):
        assert send(origin, "GET", f"/v1/assistants/{created['id']}").body == created
        send(origin, "DELETE", f"/v1/assistants/{created['id']}")
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""
    with started(*store) as (process, origin):
        assert send(origin, "GET", f"/v1/assistants/{created['id']}").status == 404
        assert process.stdin is not None
        process.stdin.close()
        process.stdin = None
        assert process.wait(10) == 0


def test_tls_and_log(tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    context = ssl.create_default_context()
    authority.configure_trust(context)
    files = ("--cert", str(tmp_path / "cert.pem"), "--key", str(tmp_path / "key.pem"))
    with started(*files, "--log", str(tmp_path / "access.log")) as (process, origin):
        assert origin.startswith("https://")
        assert send(origin, "POST", "/v1/threads", {}, context).status == 200
        assert send(origin, "GET", "/_emulator/state?key=sk-secret", None, context).status == 200
        # A line is written after the response, so only an ended server has certainly written all.
        process.terminate()
        assert process.wait(10) == 0
    lines = (tmp_path / "access.log").read_text().splitlines()
    assert [line.split(" ")[1:4] for line in lines] == [
        ["POST", "/v1/threads", "200"],
        ["GET", "/_emulator/state", "200"],
    ]
    assert "sk-secret" not in "\n".join(lines)


def test_log_lines_cannot_be_forged() -> None:
    log = io.StringIO()
    with serve_in_thread(log_requests(build_controlled(make_control()), log), lifespan="off") as origin:
        send(origin, "GET", "/v1/threads/a%0Ab%20c%1b[31m" + "x" * 500)
    (line,) = log.getvalue().splitlines()
    assert line.split(" ")[2].startswith("/v1/threads/a?b?c?[31mxxx")
    assert len(line) < 300


def test_large_body_is_refused_before_it_is_sent() -> None:
    with serve_in_thread(build_controlled(make_control()), lifespan="off") as origin:
        place = urlsplit(origin)
        head = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items())
        with socket.create_connection((place.hostname, place.port or 80), 10) as connection:
            text = f"POST /v1/threads HTTP/1.1\r\nhost: {place.netloc}\r\n{head}content-length: 400000000\r\n\r\n"
            connection.sendall(text.encode())
            assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"cert": "c.pem"}, "belong together"),
        ({"cert": "missing.pem", "key": "missing.pem"}, "cannot use missing.pem"),
        ({"cert": __file__, "key": __file__}, "not a certificate"),
        ({"log": "missing/access.log"}, "cannot write missing/access.log"),
        ({"store": "missing/objects.sqlite"}, "cannot use missing/objects.sqlite"),
    ],
)
def test_unusable_options(options: dict[str, str], error: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConformanceError, match=error) as raised:
        serve_controlled(ServeOptions(port=0, **options), lambda url, control_url: pytest.fail("it was served"))  # type: ignore[arg-type]
    assert "\n" not in str(raised.value)
    assert os.listdir(tmp_path) == []


def test_encrypted_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_text("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n")
    certificate = tmp_path / "cert.pem"
    trustme.CA().cert_pem.write_to_path(certificate)
    with pytest.raises(ConformanceError):
        serve_controlled(ServeOptions(port=0, cert=str(certificate), key=str(path)), lambda *urls: None)


def test_web_pages_of_one_origin_may_call_the_api() -> None:
    page = "https://app.example"
    app = build_controlled(make_control(), cors_origins=[page])
    preflight: Any = {
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,x-stainless-os",
    }
    with serve_in_thread(app, lifespan="off") as origin:
        allowed = send(origin, "OPTIONS", "/v1/threads", origin=page, **preflight)
        assert (allowed.status, allowed.headers["access-control-allow-origin"]) == (200, page)
        assert "x-stainless-os" in allowed.headers["access-control-allow-headers"]
        sent = send(origin, "POST", "/v1/threads", {}, origin=page)
        assert (sent.status, sent.headers["access-control-allow-origin"]) == (200, page)
        assert "x-request-id" in sent.headers["access-control-expose-headers"]
        assert send(origin, "OPTIONS", "/v1/threads", origin="https://evil.example", **preflight).status == 400
        assert send(origin, "POST", "/_emulator/reset", {}, origin=page).status == 403
    with serve_in_thread(build_controlled(make_control()), lifespan="off") as origin:
        assert send(origin, "POST", "/v1/threads", {}, origin=page).headers["access-control-allow-origin"] is None
