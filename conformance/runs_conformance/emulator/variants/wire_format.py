"""Other encodings that HTTP, JSON and event streams permit."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runs_conformance.emulator.context import Events, Hooks, ServerState
from runs_conformance.emulator.declaration import variant
from runs_conformance.emulator.patching import patch_events
from runs_conformance.emulator.state import Run

Sender = Callable[[Message, Send, Scope], Any]


def _alter_sending(hooks: Hooks, make: Callable[[], Sender]) -> None:
    """Have a function, created for each request by `make`, send the messages of the emulator."""

    def wrap(app: ASGIApp) -> ASGIApp:
        async def outer(scope: Scope, receive: Receive, send: Send) -> None:
            sender = make()

            async def send_altered(message: Message) -> None:
                await sender(message, send, scope)

            await app(scope, receive, send_altered)

        return outer

    hooks.middleware.append(wrap)


def _headers(message: Message) -> dict[bytes, bytes]:
    return dict(message["headers"])


@variant()
def comments_its_streams(hooks: Hooks) -> None:
    """Streams contain comments, ids and retry fields."""
    inner = hooks.encode_event
    hooks.encode_event = lambda name, data: b": keep-alive\n\nid: 1\nretry: 3000\n" + inner(name, data)


@variant()
def pings_without_a_name(hooks: Hooks) -> None:
    """Streams contain unnamed events of a proxy, whose data is not an object of the API."""
    inner = hooks.encode_event
    hooks.encode_event = lambda name, data: b'data: {"ping": true}\n\n' + inner(name, data)


@variant()
def ends_lines_with_crlf(hooks: Hooks) -> None:
    """The lines of a stream end with CRLF."""
    inner = hooks.encode_event
    hooks.encode_event = lambda name, data: inner(name, data).replace(b"\n", b"\r\n")


@variant()
def ends_lines_with_cr(hooks: Hooks) -> None:
    """The lines of a stream end with CR."""
    inner = hooks.encode_event
    hooks.encode_event = lambda name, data: inner(name, data).replace(b"\n", b"\r")


@variant()
def writes_streams_tightly(hooks: Hooks) -> None:
    """The fields of a stream have no space after the colon."""
    inner = hooks.encode_event
    hooks.encode_event = lambda name, data: (
        inner(name, data).replace(b"event: ", b"event:", 1).replace(b"data: ", b"data:", 1)
    )


@variant()
def spreads_data_over_lines(hooks: Hooks) -> None:
    """The data of an event has several data fields."""

    def frame(name: str, data: Any) -> bytes:
        text = data if isinstance(data, str) else json.dumps(data, indent=1)
        lines = "".join(f"data: {line}\n" for line in text.split("\n"))
        return f"event: {name}\n{lines}\n".encode()

    hooks.encode_event = frame


@variant()
def writes_data_first(hooks: Hooks) -> None:
    """The name of an event comes after its data."""

    def frame(name: str, data: Any) -> bytes:
        text = data if isinstance(data, str) else json.dumps(data)
        return f"data: {text}\nevent: {name}\n\n".encode()

    hooks.encode_event = frame


@variant()
def tells_more_events(hooks: Hooks) -> None:
    """Streams contain events that the contract does not define."""

    def change(server: ServerState, run: Run, name: str, data: Any) -> Events:
        return ("vendor.progress", {"object": "vendor.progress", "of": run.id}), (name, data)

    patch_events(hooks, change)


@variant()
def tells_only_the_main_events(hooks: Hooks) -> None:
    """Streams have no in_progress events of steps and messages."""
    left_out = ("thread.run.step.in_progress", "thread.message.in_progress")
    patch_events(hooks, lambda server, run, name, data: () if name in left_out else ((name, data),))


@variant()
def tells_the_role_in_deltas(hooks: Hooks) -> None:
    """Message deltas contain the role, as the published document permits."""

    def change(server: ServerState, run: Run, name: str, data: Any) -> Events:
        if name == "thread.message.delta":
            data = {**data, "delta": {"role": "assistant", **data["delta"]}}
        return ((name, data),)

    patch_events(hooks, change)


@variant()
def breaks_streams_into_crumbs(hooks: Hooks) -> None:
    """Streams arrive a few bytes at a time, split within lines and characters."""

    def make() -> Sender:
        async def send(message: Message, forward: Send, scope: Scope) -> None:
            body = message.get("body", b"")
            if message["type"] != "http.response.body" or not message.get("more_body"):
                await forward(message)
                return
            for start in range(0, len(body), 97):
                await forward({**message, "body": body[start : start + 97]})

        return send

    _alter_sending(hooks, make)


@variant()
def pauses_in_streams(hooks: Hooks) -> None:
    """Streams pause for 30 milliseconds in the middle of every fifth event."""

    def make() -> Sender:
        count = [0]

        async def send(message: Message, forward: Send, scope: Scope) -> None:
            body = message.get("body", b"")
            count[0] += 1
            if message["type"] == "http.response.body" and message.get("more_body") and count[0] % 5 == 0:
                await forward({**message, "body": body[: len(body) // 2]})
                await asyncio.sleep(0.03)
                body = body[len(body) // 2 :]
            await forward({**message, "body": body} if "body" in message else message)

        return send

    _alter_sending(hooks, make)


@variant()
def compresses(hooks: Hooks) -> None:
    """Responses are compressed if the client accepts it."""

    def make() -> Sender:
        start: list[Message] = []

        async def send(message: Message, forward: Send, scope: Scope) -> None:
            accepted = dict(scope["headers"]).get(b"accept-encoding", b"")
            if message["type"] == "http.response.start":
                start.append(message)
                if b"gzip" not in accepted or b"json" not in _headers(message)[b"content-type"]:
                    start.clear()
                    await forward(message)
            elif start:
                body = gzip.compress(message.get("body", b""))
                headers = {**_headers(start[0]), b"content-encoding": b"gzip", b"content-length": b"%d" % len(body)}
                await forward({**start[0], "headers": list(headers.items())})
                await forward({**message, "body": body})
            else:
                await forward(message)

        return send

    _alter_sending(hooks, make)


@variant()
def sends_in_chunks(hooks: Hooks) -> None:
    """Responses have no content length and are sent in chunks."""

    def make() -> Sender:
        async def send(message: Message, forward: Send, scope: Scope) -> None:
            if message["type"] == "http.response.start":
                headers = {name: value for name, value in message["headers"] if name != b"content-length"}
                await forward({**message, "headers": list(headers.items())})
            elif message.get("more_body"):
                await forward(message)
            else:
                body = message.get("body", b"")
                await forward({**message, "body": body[: len(body) // 2], "more_body": True})
                await forward({**message, "body": body[len(body) // 2 :]})

        return send

    _alter_sending(hooks, make)


@variant()
def closes_connections(hooks: Hooks) -> None:
    """Every connection is closed after one response."""
    inner = hooks.response_headers
    hooks.response_headers = lambda server: {**inner(server), "connection": "close"}


@variant()
def names_the_charset(hooks: Hooks) -> None:
    """Content types are capitalized and name their charset."""
    hooks.json_content_type = "Application/JSON; charset=UTF-8"
    hooks.stream_content_type = "Text/Event-Stream;charset=UTF-8"


@variant()
def sends_no_headers_of_its_own(hooks: Hooks) -> None:
    """Responses have no x-request-id and no other header of the service."""
    hooks.response_headers = lambda server: {}


@variant()
def prints_prettily(hooks: Hooks) -> None:
    """JSON is indented, as the service wrote it."""
    hooks.encode_json = lambda value: json.dumps(value, ensure_ascii=False, indent=2).encode() + b"\n"


@variant()
def escapes_characters(hooks: Hooks) -> None:
    """JSON escapes what is not ASCII."""
    hooks.encode_json = lambda value: json.dumps(value).encode()


@variant()
def turns_members_around(hooks: Hooks) -> None:
    """The members of objects are in reverse order."""

    def around(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: around(value[name]) for name in reversed(value)}
        return [around(item) for item in value] if isinstance(value, list) else value

    inner, frame = hooks.encode_json, hooks.encode_event
    hooks.encode_json = lambda value: inner(around(value))
    hooks.encode_event = lambda name, data: frame(name, around(data))


@variant()
def writes_integers_as_floats(hooks: Hooks) -> None:
    """Integers are written with a decimal point, as JSON allows."""

    def floats(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: floats(member) for name, member in value.items()}
        if isinstance(value, list):
            return [floats(item) for item in value]
        return float(value) if isinstance(value, int) and not isinstance(value, bool) else value

    inner, frame = hooks.encode_json, hooks.encode_event
    hooks.encode_json = lambda value: inner(floats(value))
    hooks.encode_event = lambda name, data: frame(name, floats(data))


@variant()
def limits_the_rate(hooks: Hooks) -> None:
    """Every fortieth request gets 429 with retry-after 0."""
    body = json.dumps(
        {"error": {"message": "Rate limit reached.", "type": "requests", "param": None, "code": "rate_limit_exceeded"}}
    ).encode()
    count = [0]

    def wrap(app: ASGIApp) -> ASGIApp:
        async def outer(scope: Scope, receive: Receive, send: Send) -> None:
            count[0] += 1
            if count[0] % 40:
                await app(scope, receive, send)
                return
            headers = [(b"content-type", b"application/json"), (b"retry-after", b"0")]
            headers.append((b"content-length", b"%d" % len(body)))
            await send({"type": "http.response.start", "status": 429, "headers": headers})
            await send({"type": "http.response.body", "body": body})

        return outer

    hooks.middleware.append(wrap)
