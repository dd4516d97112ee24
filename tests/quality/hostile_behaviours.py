"""Behaviours of hostile servers. A behaviour replaces some of the responses of an emulator behind the server."""

from __future__ import annotations

import json
import re
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from tests.client.hostile import head
from tests.quality.hostile_server import JSON_SUFFIX, HostileRequest, Respond

MEGABYTE = b"x" * 1024 * 1024
_ID = re.compile(rb'"((?:asst|thread|run|msg|step|call)_[A-Za-z0-9]{15,})"')


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
    request.pauses.add(1)
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
    body = _ID.sub(lambda match: b'"' + match.group(1) + JSON_SUFFIX + b'"', body)
    top = re.sub(rb"(?i)content-length: \d+", b"Content-Length: %d" % len(body), top)
    request.connection.send(top + b"\r\n\r\n" + body)


@behaviour("responds with terminal control characters", closes=False)
def terminal(request: HostileRequest) -> None:
    body = json.dumps({"error": {"message": "\x1b[2J\x1b]0;owned\x07\r\n" * 20, "type": "\x1b[31m"}}).encode()
    request.connection.respond(body, "400 Bad Request")
