"""Hostile servers whose responses are well-formed HTTP: large, long or odd contents, lost keys and endless refusals."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from typing import Any

from tests.client.hostile import head
from tests.quality.hostile_behaviours import behaviour, behaviours
from tests.quality.hostile_server import HostileRequest

MEGABYTE = 1_000_000
_REFUSAL = b'{"error": {"message": "Incorrect API key provided.", "type": "a", "code": "invalid_api_key"}}'
_BUSY = b'{"error": {"message": "Slow down", "type": "rate_limit", "param": null, "code": "rate_limit_exceeded"}}'


def _edited(request: HostileRequest, edit: Callable[[Any], Any]) -> None:
    """Respond with the emulator's response after a change to its JSON, or to the JSON of each event."""
    top, _, body = request.response().partition(b"\r\n\r\n")
    if b"text/event-stream" in top:
        body = re.sub(rb"(?m)^data: (\{.*)$", lambda match: b"data: " + _encode(edit(json.loads(match[1]))), body)
    elif body.startswith((b"{", b"[")):
        body = _encode(edit(json.loads(body)))
    top = re.sub(rb"(?i)content-length: \d+", b"Content-Length: %d" % len(body), top)
    request.connection.send(top + b"\r\n\r\n" + body)


def _encode(value: Any) -> bytes:
    return json.dumps(value).encode()


def _with(request: HostileRequest, **members: Any) -> None:
    _edited(request, lambda value: {**value, **members} if isinstance(value, dict) else value)


def _error(request: HostileRequest, message: str) -> None:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    request.connection.respond(_encode({"error": error}), "400 Bad Request")


@behaviour("refuses with a message of a million letters", closes=False)
def long_word(request: HostileRequest) -> None:
    _error(request, "a" * MEGABYTE)


@behaviour("refuses with a message of a million line breaks", closes=False)
def many_lines(request: HostileRequest) -> None:
    _error(request, "\n" * MEGABYTE)


@behaviour("adds a list of 300,000 empty objects", closes=False)
def empty_objects(request: HostileRequest) -> None:
    _with(request, data=[{}] * 300_000)


@behaviour("adds 100,000 members", closes=False)
def many_members(request: HostileRequest) -> None:
    _with(request, **{f"m{number}": number for number in range(100_000)})


@behaviour("repeats 20,000 members", closes=False)
def repeated_members(request: HostileRequest) -> None:
    top, _, body = request.response().partition(b"\r\n\r\n")
    if body.startswith(b"{"):
        body = b"{" + b"".join(b'"m%d":0,"m%d":1,' % (number, number) for number in range(20_000)) + body[1:]
        top = re.sub(rb"(?i)content-length: \d+", b"Content-Length: %d" % len(body), top)
    request.connection.send(top + b"\r\n\r\n" + body)


@behaviour("responds with ids of 1 MB", closes=False)
def long_ids(request: HostileRequest) -> None:
    _edited(request, lambda value: {**value, "id": value["id"] + "a" * MEGABYTE} if "id" in value else value)


@behaviour("asks for 5,000 tool outputs", closes=False)
def many_calls(request: HostileRequest) -> None:
    function = {"name": "f", "arguments": "{}"}
    calls = [{"id": f"call_{number}", "type": "function", "function": function} for number in range(5_000)]
    action = {"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": calls}}
    _with(request, status="requires_action", required_action=action)


@behaviour("responds with a status of 1 MB", closes=False)
def long_status(request: HostileRequest) -> None:
    _with(request, status="s" * MEGABYTE)


@behaviour("responds with a list as status and object", closes=False)
def list_status(request: HostileRequest) -> None:
    _with(request, status=["completed"], object=["thread.run"])


@behaviour("responds with half of a surrogate pair", closes=False)
def lone_surrogate(request: HostileRequest) -> None:
    _with(request, status="\ud800", instructions="\udfff")


@behaviour("responds with words of shells, of Python and of web pages in every text", closes=False)
def payloads(request: HostileRequest) -> None:
    text = '$(touch X)`touch X`\'; raise SystemExit #"""\n</script><script>alert(1)</script>'
    _with(request, status=text, instructions=text, name=text, last_error={"code": text, "message": text})


@behaviour("streams 9,000 events of 1.5 KB", closes=False)
def many_events(request: HostileRequest) -> None:
    event = {"id": "msg_1", "object": "thread.message.delta", "delta": {"content": [{"text": {"value": "x" * 1_400}}]}}
    body = b"event: thread.message.delta\ndata: " + _encode(event) + b"\n\n"
    content = body * 9_000 + b"event: done\ndata: [DONE]\n\n"
    request.connection.send(head(Content_Type="text/event-stream", Content_Length=str(len(content))) + content)


@behaviour("sends 1 MB of junk behind compressed data", closes=False)
def junk_behind_gzip(request: HostileRequest) -> None:
    _, _, body = request.response().partition(b"\r\n\r\n")
    request.connection.respond(gzip.compress(body) + b"junk" * 250_000, Content_Encoding="gzip")


@behaviour("responds with 401, whatever the key", closes=False)
def denies(request: HostileRequest) -> None:
    request.connection.respond(_REFUSAL, "401 Unauthorized")


@behaviour("responds with 429 and Retry-After 0", closes=False)
def too_many_at_once(request: HostileRequest) -> None:
    request.connection.respond(_BUSY, "429 Too Many Requests", Retry_After="0")


@behaviour("responds with 429 and a Retry-After that has passed", closes=False)
def too_many_since_long(request: HostileRequest) -> None:
    date = "Wed, 21 Oct 2015 07:28:00 GMT"
    request.connection.respond(_BUSY, "429 Too Many Requests", Retry_After=date)


@behaviour("responds with 503 and Retry-After 0", closes=False)
def unavailable_at_once(request: HostileRequest) -> None:
    request.connection.respond(_BUSY, "503 Service Unavailable", Retry_After="0")


@behaviour("responds with 401, 500, 307, 429, 404 and nothing by turns")
def changes(request: HostileRequest) -> None:
    statuses = ("401 Unauthorized", "500 Oops", "307 Temporary Redirect", "429 Too Many Requests", "404 Not Found")
    turn = request.number % (len(statuses) + 1)
    if turn < len(statuses):
        request.connection.respond(_REFUSAL, statuses[turn], Location="/v1/threads", Connection="close")
    else:
        request.connection.reset()


@behaviour("repeats the entries of each list 2,000 times", closes=False)
def long_pages(request: HostileRequest) -> None:
    def lengthen(value: Any) -> Any:
        is_page = isinstance(value, dict) and isinstance(value.get("data"), list)
        return {**value, "data": value["data"] * 2_000} if is_page else value

    _edited(request, lengthen)


@behaviour("streams the key in pieces", closes=False)
def streams_keys(request: HostileRequest) -> None:
    from tests.quality.emulator_host import KEYS

    pieces = [KEYS[0][start : start + 3] for start in range(0, len(KEYS[0]), 3)]
    delta = {"id": "msg_1", "object": "thread.message.delta"}
    texts = [
        {**delta, "delta": {"content": [{"index": 0, "type": "text", "text": {"value": each}}]}} for each in pieces
    ]
    top, _, body = request.response().partition(b"\r\n\r\n")
    if b"text/event-stream" in top:
        events = b"".join(b"event: thread.message.delta\ndata: " + _encode(each) + b"\n\n" for each in texts)
        body = events + body
        top = re.sub(rb"(?i)content-length: \d+", b"Content-Length: %d" % len(body), top)
    request.connection.send(top + b"\r\n\r\n" + body)


@behaviour("repeats the key whole and in pieces", closes=False)
def repeats_keys(request: HostileRequest) -> None:
    from tests.quality.emulator_host import KEYS

    key = KEYS[0]
    _with(request, instructions=key.upper(), name=key[:7], description=key[7:], metadata={key: "".join(reversed(key))})


TESTABLE = tuple(
    each.name
    for each in behaviours()
    if each.respond.__module__ == __name__
    and each.respond not in (denies, too_many_at_once, too_many_since_long, unavailable_at_once)
)
"""The behaviours here that, even for every request, may count as failures of the server."""
