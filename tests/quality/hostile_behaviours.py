"""Behaviours of hostile servers. A behaviour replaces some of the responses of an emulator behind the server."""

from __future__ import annotations

import http.client
import json
import re
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes, urlsplit

from tests.client.hostile import Connection, head, serving

MEGABYTE = b"x" * 1024 * 1024
ID_SUFFIX = "/../'\"\n<script>alert(1)</script>%2F?#é\u202e\x1b[31m"
"""The suffix of odd ids."""
_JSON_SUFFIX = json.dumps(ID_SUFFIX, ensure_ascii=False)[1:-1].encode()
_ID = re.compile(rb'"((?:asst|thread|run|msg|step|call)_[A-Za-z0-9]{15,})"')


@dataclass(frozen=True)
class HostileRequest:
    """A request to a hostile server: its number and connection, the emulator's response, the URL of another host."""

    number: int
    connection: Connection
    response: Callable[[], bytes]
    other_url: str


Respond = Callable[[HostileRequest], None]


@dataclass(frozen=True)
class HostileBehaviour:
    """A hostile behaviour. `closes` means that the connection is unusable afterwards."""

    name: str
    text: str
    respond: Respond
    closes: bool = True


_BEHAVIOURS: list[HostileBehaviour] = []


def behaviour(text: str, closes: bool = True) -> Callable[[Respond], Respond]:
    """Register a function as a behaviour named like it."""

    def register(respond: Respond) -> Respond:
        _BEHAVIOURS.append(HostileBehaviour(respond.__name__, text, respond, closes))
        return respond

    return register


def behaviours() -> list[HostileBehaviour]:
    """All registered behaviours."""
    return list(_BEHAVIOURS)


def _flood(request: HostileRequest, start: bytes, flood: bytes, times: int = 400) -> None:
    request.connection.send(start)
    for _ in range(times):
        request.connection.send(flood)


def _json(request: HostileRequest, body: bytes) -> None:
    request.connection.respond(body)


@behaviour("never responds")
def silent(request: HostileRequest) -> None:
    request.connection.stopping.wait(600)


@behaviour("sends one byte per second")
def drips(request: HostileRequest) -> None:
    for byte in request.response():
        request.connection.send(bytes([byte]))
        if request.connection.stopping.wait(1):
            return


@behaviour("sends an endless body")
def endless_body(request: HostileRequest) -> None:
    _flood(request, head(Content_Type="application/json") + b'{"a": "', MEGABYTE)


@behaviour("sends an endless header")
def endless_header(request: HostileRequest) -> None:
    _flood(request, b"HTTP/1.1 200 OK\r\nX-Long: ", MEGABYTE)


@behaviour("sends an endless event stream")
def endless_stream(request: HostileRequest) -> None:
    event = b'event: thread.message.delta\ndata: {"id": "msg_1", "object": "thread.message.delta"}\n\n'
    _flood(request, head(Content_Type="text/event-stream"), event * 10_000)


@behaviour("sends an endless event without a line break")
def stream_without_newline(request: HostileRequest) -> None:
    _flood(request, head(Content_Type="text/event-stream") + b"data: ", MEGABYTE)


@behaviour("responds with 200 MB of JSON")
def huge_json(request: HostileRequest) -> None:
    _flood(
        request,
        head(Content_Type="application/json", Content_Length=str(200 * len(MEGABYTE) + 2)) + b'"',
        MEGABYTE,
        200,
    )


def _bomb(megabytes: int) -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    return b"".join(packer.compress(bytes(len(MEGABYTE))) for _ in range(megabytes)) + packer.flush()


_BOMB = _bomb(256)


@behaviour("responds with 256 MB of compressed zeros", closes=False)
def gzip_bomb(request: HostileRequest) -> None:
    request.connection.respond(_BOMB, Content_Encoding="gzip")


@behaviour("responds with invalid UTF-8", closes=False)
def invalid_utf8(request: HostileRequest) -> None:
    _json(request, b'{"id": "thread_\xff\xfe\xc0\x80", "object": "thread"}')


@behaviour("responds with NaN", closes=False)
def nan(request: HostileRequest) -> None:
    _json(request, b'{"id": "thread_1", "object": "thread", "created_at": NaN, "metadata": {"a": Infinity}}')


@behaviour("responds with duplicate members", closes=False)
def duplicate_keys(request: HostileRequest) -> None:
    _json(request, b'{"id": "thread_1", "id": "thread_2", "object": "thread", "object": "run"}')


@behaviour("responds with numbers of 400 and 5,000 digits", closes=False)
def long_numbers(request: HostileRequest) -> None:
    body = b'{"id": "thread_1", "object": "thread", "created_at": %s, "n": 1e%s}' % (b"9" * 5000, b"9" * 400)
    _json(request, body)


@behaviour("responds with 100,000 nested arrays", closes=False)
def deep_nesting(request: HostileRequest) -> None:
    _json(request, b"[" * 100_000 + b"]" * 100_000)


@behaviour("announces more bytes than it sends")
def length_too_long(request: HostileRequest) -> None:
    top, _, body = request.response().partition(b"\r\n\r\n")
    request.connection.send(re.sub(rb"(?i)content-length: \d+", b"Content-Length: 99999", top) + b"\r\n\r\n" + body)


@behaviour("announces fewer bytes than it sends")
def length_too_short(request: HostileRequest) -> None:
    top, _, body = request.response().partition(b"\r\n\r\n")
    request.connection.send(re.sub(rb"(?i)content-length: \d+", b"Content-Length: 10", top) + b"\r\n\r\n" + body)


@behaviour("resets the connection in the middle of the response")
def reset(request: HostileRequest) -> None:
    response = request.response()
    request.connection.send(response[: len(response) * 2 // 3])
    time.sleep(0.02)
    request.connection.reset()


@behaviour("redirects to another host", closes=False)
def redirect_elsewhere(request: HostileRequest) -> None:
    request.connection.respond(b"", "307 Temporary Redirect", Location=request.other_url)


@behaviour("redirects to https", closes=False)
def redirect_to_https(request: HostileRequest) -> None:
    request.connection.respond(b"", "301 Moved Permanently", Location=request.other_url.replace("http:", "https:"))


@behaviour("redirects to a file", closes=False)
def redirect_to_file(request: HostileRequest) -> None:
    request.connection.respond(b"", "302 Found", Location="file:///etc/passwd")


@behaviour("redirects to itself", closes=False)
def redirect_loop(request: HostileRequest) -> None:
    request.connection.respond(b"", "308 Permanent Redirect", Location="/v1/threads")


@behaviour("responds with a web page", closes=False)
def html(request: HostileRequest) -> None:
    page = b"<!DOCTYPE html><title>Welcome <script>alert(1)</script></title><h1>It works</h1>"
    request.connection.respond(page, Content_Type="text/html")


@behaviour("responds like HTTP/0.9, without a status line")
def http09(request: HostileRequest) -> None:
    request.connection.send(bytes(range(256)) * 20)


@behaviour("sends endless 1xx responses")
def continues(request: HostileRequest) -> None:
    _flood(request, b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 1000)


@behaviour("sets 50 large cookies per response", closes=False)
def cookies(request: HostileRequest) -> None:
    top, _, body = request.response().partition(b"\r\n\r\n")
    lines = b"".join(b"\r\nSet-Cookie: c%d=%s; Path=/" % (n, b"v" * 1000) for n in range(50))
    request.connection.send(top + lines + b"\r\n\r\n" + body)


@behaviour("responds with 429 and Retry-After 1", closes=False)
def too_many(request: HostileRequest) -> None:
    error = b'{"error": {"message": "Slow down", "type": "rate_limit", "param": null, "code": "rate_limit_exceeded"}}'
    request.connection.respond(error, "429 Too Many Requests", Retry_After="1")


@behaviour("responds with 429 and Retry-After 86400", closes=False)
def too_many_today(request: HostileRequest) -> None:
    request.connection.respond(b'{"error": {"message": "No"}}', "429 Too Many Requests", Retry_After="86400")


@behaviour("responds with 500", closes=False)
def broken(request: HostileRequest) -> None:
    error = b'{"error": {"message": "Oops", "type": "server_error", "param": null, "code": null}}'
    request.connection.respond(error, "500 Internal Server Error")


@behaviour("responds with ids that contain slashes, quotes, line breaks and script tags", closes=False)
def odd_ids(request: HostileRequest) -> None:
    top, _, body = request.response().partition(b"\r\n\r\n")
    body = _ID.sub(lambda match: b'"' + match.group(1) + _JSON_SUFFIX + b'"', body)
    top = re.sub(rb"(?i)content-length: \d+", b"Content-Length: %d" % len(body), top)
    request.connection.send(top + b"\r\n\r\n" + body)


@behaviour("responds with terminal control characters", closes=False)
def terminal(request: HostileRequest) -> None:
    body = json.dumps({"error": {"message": "\x1b[2J\x1b]0;owned\x07\r\n" * 20, "type": "\x1b[31m"}}).encode()
    request.connection.respond(body, "400 Bad Request")


@dataclass
class OtherHost:
    """Another host, and the data it received."""

    url: str
    received: list[bytes] = field(default_factory=list)


@contextmanager
def other_host() -> Iterator[OtherHost]:
    """Serve a host that no request should reach."""
    received: list[bytes] = []

    def handler(connection: Connection) -> None:
        received.append(connection.socket.recv(65536))

    with serving(handler) as server:
        yield OtherHost(f"http://127.0.0.1:{server.port}/v1/threads", received)


@contextmanager
def hostile_server(
    emulator: str, respond: Respond, is_hostile: Callable[[int], bool], closes: bool, other_url: str
) -> Iterator[tuple[str, list[bytes]]]:
    """Serve an emulator's responses, except for the requests whose number `is_hostile`; yields the base URL, and the
    heads of the received requests.
    """
    heads: list[bytes] = []
    lock = threading.Lock()

    def handler(connection: Connection) -> None:
        while (raw := connection.request()) is not None:
            with lock:
                heads.append(raw.partition(b"\r\n\r\n")[0])
                number = len(heads)
            request = HostileRequest(number, connection, lambda raw=raw: emulator_response(emulator, raw), other_url)  # type: ignore[misc]
            if is_hostile(number):
                respond(request)
                if closes:
                    return
            else:
                connection.send(request.response())

    with serving(handler) as server:
        yield f"http://127.0.0.1:{server.port}/v1", heads


def emulator_response(emulator: str, request: bytes) -> bytes:
    """The emulator's response to a request; the suffix of odd ids is removed from the request."""
    top, _, body = request.partition(b"\r\n\r\n")
    line, *lines = top.split(b"\r\n")
    method, target, _ = line.decode("latin-1").split(" ")
    if "script" in target:
        path, question_mark, query = target.partition("?")
        path = unquote_to_bytes(path).replace(ID_SUFFIX.encode(), b"").decode("utf-8", "replace")
        query = unquote_to_bytes(query).replace(ID_SUFFIX.encode(), b"").decode("utf-8", "replace")
        target = path + question_mark + query
    target = urlsplit(emulator).path + target.removeprefix("/v1")
    body = body.replace(_JSON_SUFFIX, b"")
    headers = {name: value for name, _, value in (each.decode("latin-1").partition(": ") for each in lines)}
    headers = {name: value for name, value in headers.items() if name.lower() not in ("host", "content-length")}
    headers["Accept-Encoding"] = "identity"
    server = http.client.HTTPConnection(urlsplit(emulator).netloc, timeout=60)
    try:
        server.request(method, target, body or (b"" if method == "POST" else None), headers)
        response = server.getresponse()
        content = response.read()
        end_to_end = {name: value for name, value in response.getheaders() if name.lower() not in _HOP_BY_HOP}
        status = f"{response.status} {response.reason}"
        return head(status, **end_to_end, **{"Content-Length": str(len(content))}) + content
    finally:
        with suppress(OSError):
            server.close()


_HOP_BY_HOP = ("content-length", "transfer-encoding", "connection")
