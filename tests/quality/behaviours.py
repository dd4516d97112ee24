"""Servers that behave badly: each behaviour stands in for some of the answers of an emulator behind it."""

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
ODD = "/../'\"\n<script>alert(1)</script>%2F?#é\u202e\x1b[31m"
"""What odd ids end with."""
_ODD_JSON = json.dumps(ODD, ensure_ascii=False)[1:-1].encode()
_ID = re.compile(rb'"((?:asst|thread|run|msg|step|call)_[A-Za-z0-9]{15,})"')


@dataclass(frozen=True)
class Asked:
    """A request that came: how many came before it, and the honest answer to it, made when it is wanted."""

    number: int
    connection: Connection
    answer: Callable[[], bytes]
    elsewhere: str


Behave = Callable[[Asked], None]


@dataclass(frozen=True)
class Behaviour:
    """A way to misbehave. `closes` says that the connection is of no use afterwards."""

    name: str
    text: str
    behave: Behave
    closes: bool = True


_EVERY: list[Behaviour] = []


def behaviour(text: str, closes: bool = True) -> Callable[[Behave], Behave]:
    """Enter a function among the behaviours."""

    def enter(behave: Behave) -> Behave:
        _EVERY.append(Behaviour(behave.__name__, text, behave, closes))
        return behave

    return enter


def behaviours() -> list[Behaviour]:
    """All behaviours that stand in for an answer."""
    return list(_EVERY)


def _flood(asked: Asked, start: bytes, flood: bytes, most: int = 400) -> None:
    asked.connection.send(start)
    for _ in range(most):
        asked.connection.send(flood)


def _json(asked: Asked, body: bytes) -> None:
    asked.connection.answer(body)


@behaviour("takes the request and never answers")
def silent(asked: Asked) -> None:
    asked.connection.stopping.wait(600)


@behaviour("answers one byte a second")
def drips(asked: Asked) -> None:
    for byte in asked.answer():
        asked.connection.send(bytes([byte]))
        if asked.connection.stopping.wait(1):
            return


@behaviour("answers without end")
def endless_body(asked: Asked) -> None:
    _flood(asked, head(Content_Type="application/json") + b'{"a": "', MEGABYTE)


@behaviour("sends a header without end")
def endless_header(asked: Asked) -> None:
    _flood(asked, b"HTTP/1.1 200 OK\r\nX-Long: ", MEGABYTE)


@behaviour("streams events without end")
def endless_stream(asked: Asked) -> None:
    event = b'event: thread.message.delta\ndata: {"id": "msg_1", "object": "thread.message.delta"}\n\n'
    _flood(asked, head(Content_Type="text/event-stream"), event * 10_000)


@behaviour("streams one event without a line break")
def stream_without_newline(asked: Asked) -> None:
    _flood(asked, head(Content_Type="text/event-stream") + b"data: ", MEGABYTE)


@behaviour("answers with 200 MB of JSON")
def huge_json(asked: Asked) -> None:
    _flood(
        asked, head(Content_Type="application/json", Content_Length=str(200 * len(MEGABYTE) + 2)) + b'"', MEGABYTE, 200
    )


def _bomb(megabytes: int) -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    return b"".join(packer.compress(bytes(len(MEGABYTE))) for _ in range(megabytes)) + packer.flush()


_BOMB = _bomb(256)


@behaviour("answers with 256 MB of zeros, zipped", closes=False)
def gzip_bomb(asked: Asked) -> None:
    asked.connection.answer(_BOMB, Content_Encoding="gzip")


@behaviour("answers with bytes that are no UTF-8", closes=False)
def invalid_utf8(asked: Asked) -> None:
    _json(asked, b'{"id": "thread_\xff\xfe\xc0\x80", "object": "thread"}')


@behaviour("answers with NaN", closes=False)
def nan(asked: Asked) -> None:
    _json(asked, b'{"id": "thread_1", "object": "thread", "created_at": NaN, "metadata": {"a": Infinity}}')


@behaviour("answers with each member twice", closes=False)
def duplicate_keys(asked: Asked) -> None:
    _json(asked, b'{"id": "thread_1", "id": "thread_2", "object": "thread", "object": "run"}')


@behaviour("answers with numbers of 400 and of 5,000 digits", closes=False)
def long_numbers(asked: Asked) -> None:
    body = b'{"id": "thread_1", "object": "thread", "created_at": %s, "n": 1e%s}' % (b"9" * 5000, b"9" * 400)
    _json(asked, body)


@behaviour("answers with 100,000 arrays in one another", closes=False)
def deep_nesting(asked: Asked) -> None:
    _json(asked, b"[" * 100_000 + b"]" * 100_000)


@behaviour("promises more bytes than come")
def length_too_long(asked: Asked) -> None:
    top, _, body = asked.answer().partition(b"\r\n\r\n")
    asked.connection.send(re.sub(rb"(?i)content-length: \d+", b"Content-Length: 99999", top) + b"\r\n\r\n" + body)


@behaviour("promises fewer bytes than come")
def length_too_short(asked: Asked) -> None:
    top, _, body = asked.answer().partition(b"\r\n\r\n")
    asked.connection.send(re.sub(rb"(?i)content-length: \d+", b"Content-Length: 10", top) + b"\r\n\r\n" + body)


@behaviour("resets the connection in the middle of the answer")
def reset(asked: Asked) -> None:
    answer = asked.answer()
    asked.connection.send(answer[: len(answer) * 2 // 3])
    time.sleep(0.02)
    asked.connection.reset()


@behaviour("redirects to another host", closes=False)
def redirect_elsewhere(asked: Asked) -> None:
    asked.connection.answer(b"", "307 Temporary Redirect", Location=asked.elsewhere)


@behaviour("redirects to https", closes=False)
def redirect_to_https(asked: Asked) -> None:
    asked.connection.answer(b"", "301 Moved Permanently", Location=asked.elsewhere.replace("http:", "https:"))


@behaviour("redirects to a file", closes=False)
def redirect_to_file(asked: Asked) -> None:
    asked.connection.answer(b"", "302 Found", Location="file:///etc/passwd")


@behaviour("redirects to itself", closes=False)
def redirect_loop(asked: Asked) -> None:
    asked.connection.answer(b"", "308 Permanent Redirect", Location="/v1/threads")


@behaviour("answers with a web page", closes=False)
def html(asked: Asked) -> None:
    page = b"<!DOCTYPE html><title>Welcome <script>alert(1)</script></title><h1>It works</h1>"
    asked.connection.answer(page, Content_Type="text/html")


@behaviour("answers as HTTP/0.9 did, with bytes alone")
def http09(asked: Asked) -> None:
    asked.connection.send(bytes(range(256)) * 20)


@behaviour("sends 1xx answers without end")
def continues(asked: Asked) -> None:
    _flood(asked, b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 1000)


@behaviour("sets 50 cookies a time, large ones", closes=False)
def cookies(asked: Asked) -> None:
    top, _, body = asked.answer().partition(b"\r\n\r\n")
    lines = b"".join(b"\r\nSet-Cookie: c%d=%s; Path=/" % (n, b"v" * 1000) for n in range(50))
    asked.connection.send(top + lines + b"\r\n\r\n" + body)


@behaviour("says 429 and to come back in a second", closes=False)
def too_many(asked: Asked) -> None:
    error = b'{"error": {"message": "Slow down", "type": "rate_limit", "param": null, "code": "rate_limit_exceeded"}}'
    asked.connection.answer(error, "429 Too Many Requests", Retry_After="1")


@behaviour("says 429 and to come back in a day", closes=False)
def too_many_today(asked: Asked) -> None:
    asked.connection.answer(b'{"error": {"message": "No"}}', "429 Too Many Requests", Retry_After="86400")


@behaviour("answers 500", closes=False)
def broken(asked: Asked) -> None:
    error = b'{"error": {"message": "Oops", "type": "server_error", "param": null, "code": null}}'
    asked.connection.answer(error, "500 Internal Server Error")


@behaviour("answers with ids that hold slashes, quotes, line breaks and script tags", closes=False)
def odd_ids(asked: Asked) -> None:
    top, _, body = asked.answer().partition(b"\r\n\r\n")
    body = _ID.sub(lambda found: b'"' + found.group(1) + _ODD_JSON + b'"', body)
    top = re.sub(rb"(?i)content-length: \d+", b"Content-Length: %d" % len(body), top)
    asked.connection.send(top + b"\r\n\r\n" + body)


@behaviour("answers with control characters for a terminal", closes=False)
def terminal(asked: Asked) -> None:
    body = json.dumps({"error": {"message": "\x1b[2J\x1b]0;owned\x07\r\n" * 20, "type": "\x1b[31m"}}).encode()
    asked.connection.answer(body, "400 Bad Request")


@dataclass
class Elsewhere:
    """Another host; what comes to it is noted."""

    url: str
    came: list[bytes] = field(default_factory=list)


@contextmanager
def elsewhere() -> Iterator[Elsewhere]:
    """A host that nobody should be sent to."""
    came: list[bytes] = []

    def handler(connection: Connection) -> None:
        came.append(connection.socket.recv(65536))

    with serving(handler) as server:
        yield Elsewhere(f"http://127.0.0.1:{server.port}/v1/threads", came)


@contextmanager
def standing_in(
    emulator: str, behave: Behave, when: Callable[[int], bool], closes: bool, other: str
) -> Iterator[tuple[str, list[bytes]]]:
    """A server that misbehaves whenever `when` says so of the number of a request, and else answers honestly; its base
    URL, and the heads of the requests that came.
    """
    heads: list[bytes] = []
    lock = threading.Lock()

    def handler(connection: Connection) -> None:
        while (request := connection.request()) is not None:
            with lock:
                heads.append(request.partition(b"\r\n\r\n")[0])
                number = len(heads)
            asked = Asked(number, connection, lambda request=request: honest(emulator, request), other)  # type: ignore[misc]
            if when(number):
                behave(asked)
                if closes:
                    return
            else:
                connection.send(asked.answer())

    with serving(handler) as server:
        yield f"http://127.0.0.1:{server.port}/v1", heads


def honest(emulator: str, request: bytes) -> bytes:
    """What the emulator answers to a request, odd ids being the ids they were made from."""
    top, _, body = request.partition(b"\r\n\r\n")
    line, *lines = top.split(b"\r\n")
    method, target, _ = line.decode("latin-1").split(" ")
    if "script" in target:
        path, question, query = target.partition("?")
        plain = unquote_to_bytes(path).replace(ODD.encode(), b"").decode("utf-8", "replace")
        query = unquote_to_bytes(query).replace(ODD.encode(), b"").decode("utf-8", "replace")
        target = plain + question + query
    target = urlsplit(emulator).path + target.removeprefix("/v1")
    body = body.replace(_ODD_JSON, b"")
    headers = {name: value for name, _, value in (each.decode("latin-1").partition(": ") for each in lines)}
    headers = {name: value for name, value in headers.items() if name.lower() not in ("host", "content-length")}
    headers["Accept-Encoding"] = "identity"
    server = http.client.HTTPConnection(urlsplit(emulator).netloc, timeout=60)
    try:
        server.request(method, target, body or (b"" if method == "POST" else None), headers)
        answer = server.getresponse()
        content = answer.read()
        shown = {name: value for name, value in answer.getheaders() if name.lower() not in _HOP}
        return head(f"{answer.status} {answer.reason}", **shown, **{"Content-Length": str(len(content))}) + content
    finally:
        with suppress(OSError):
            server.close()


_HOP = ("content-length", "transfer-encoding", "connection")
