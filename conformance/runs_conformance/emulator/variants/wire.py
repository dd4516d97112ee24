"""Answers written in other ways that HTTP, JSON and event streams allow."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runs_conformance.emulator.catalogue import variant
from runs_conformance.emulator.context import World
from runs_conformance.emulator.hooks import Behaviour, Events
from runs_conformance.emulator.patching import told
from runs_conformance.emulator.state import Run

Sending = Callable[[Message, Send, Scope], Any]


def _wrapped(behaviour: Behaviour, make: Callable[[], Sending]) -> None:
    """Have a function, made anew for each request, send what the emulator sends."""

    def wrap(app: ASGIApp) -> ASGIApp:
        async def outer(scope: Scope, receive: Receive, send: Send) -> None:
            sending = make()

            async def sent(message: Message) -> None:
                await sending(message, send, scope)

            await app(scope, receive, sent)

        return outer

    behaviour.wrappers.append(wrap)


def _headers(message: Message) -> dict[bytes, bytes]:
    return dict(message["headers"])


@variant()
def comments_its_streams(behaviour: Behaviour) -> None:
    """Streams hold comments, ids and retry lines, as the format allows."""
    inner = behaviour.frame
    behaviour.frame = lambda name, data: b": keep-alive\n\nid: 1\nretry: 3000\n" + inner(name, data)


@variant()
def ends_lines_with_crlf(behaviour: Behaviour) -> None:
    """The lines of a stream end with CRLF."""
    inner = behaviour.frame
    behaviour.frame = lambda name, data: inner(name, data).replace(b"\n", b"\r\n")


@variant()
def ends_lines_with_cr(behaviour: Behaviour) -> None:
    """The lines of a stream end with CR."""
    inner = behaviour.frame
    behaviour.frame = lambda name, data: inner(name, data).replace(b"\n", b"\r")


@variant()
def writes_streams_tightly(behaviour: Behaviour) -> None:
    """There is no space after the colons of a stream."""
    inner = behaviour.frame
    behaviour.frame = lambda name, data: (
        inner(name, data).replace(b"event: ", b"event:", 1).replace(b"data: ", b"data:", 1)
    )


@variant()
def spreads_data_over_lines(behaviour: Behaviour) -> None:
    """The data of an event is spread over several data lines."""

    def frame(name: str, data: Any) -> bytes:
        text = data if isinstance(data, str) else json.dumps(data, indent=1)
        lines = "".join(f"data: {line}\n" for line in text.split("\n"))
        return f"event: {name}\n{lines}\n".encode()

    behaviour.frame = frame


@variant()
def writes_data_first(behaviour: Behaviour) -> None:
    """The name of an event comes after its data."""

    def frame(name: str, data: Any) -> bytes:
        text = data if isinstance(data, str) else json.dumps(data)
        return f"data: {text}\nevent: {name}\n\n".encode()

    behaviour.frame = frame


@variant()
def tells_more_events(behaviour: Behaviour) -> None:
    """Streams hold events that the contract does not name."""

    def change(world: World, run: Run, name: str, data: Any) -> Events:
        return ("vendor.progress", {"object": "vendor.progress", "of": run.id}), (name, data)

    told(behaviour, change)


@variant()
def tells_only_the_main_events(behaviour: Behaviour) -> None:
    """Streams leave out what only says that something is in progress."""
    left_out = ("thread.run.step.in_progress", "thread.message.in_progress")
    told(behaviour, lambda world, run, name, data: () if name in left_out else ((name, data),))


@variant()
def tells_the_role_in_deltas(behaviour: Behaviour) -> None:
    """The deltas of a message name its role, as the published document allows."""

    def change(world: World, run: Run, name: str, data: Any) -> Events:
        if name == "thread.message.delta":
            data = {**data, "delta": {"role": "assistant", **data["delta"]}}
        return ((name, data),)

    told(behaviour, change)


@variant()
def breaks_streams_into_crumbs(behaviour: Behaviour) -> None:
    """Streams arrive a few bytes at a time, in the middle of lines and characters."""

    def make() -> Sending:
        async def send(message: Message, onward: Send, scope: Scope) -> None:
            body = message.get("body", b"")
            if message["type"] != "http.response.body" or not message.get("more_body"):
                await onward(message)
                return
            for start in range(0, len(body), 97):
                await onward({**message, "body": body[start : start + 97]})

        return send

    _wrapped(behaviour, make)


@variant()
def pauses_in_streams(behaviour: Behaviour) -> None:
    """Streams stop for 30 milliseconds in the middle of every fifth event."""

    def make() -> Sending:
        count = [0]

        async def send(message: Message, onward: Send, scope: Scope) -> None:
            body = message.get("body", b"")
            count[0] += 1
            if message["type"] == "http.response.body" and message.get("more_body") and count[0] % 5 == 0:
                await onward({**message, "body": body[: len(body) // 2]})
                await asyncio.sleep(0.03)
                body = body[len(body) // 2 :]
            await onward({**message, "body": body} if "body" in message else message)

        return send

    _wrapped(behaviour, make)


@variant()
def compresses(behaviour: Behaviour) -> None:
    """Answers are compressed where the client takes that."""

    def make() -> Sending:
        start: list[Message] = []

        async def send(message: Message, onward: Send, scope: Scope) -> None:
            accepted = dict(scope["headers"]).get(b"accept-encoding", b"")
            if message["type"] == "http.response.start":
                start.append(message)
                if b"gzip" not in accepted or b"json" not in _headers(message)[b"content-type"]:
                    start.clear()
                    await onward(message)
            elif start:
                body = gzip.compress(message.get("body", b""))
                headers = {**_headers(start[0]), b"content-encoding": b"gzip", b"content-length": b"%d" % len(body)}
                await onward({**start[0], "headers": list(headers.items())})
                await onward({**message, "body": body})
            else:
                await onward(message)

        return send

    _wrapped(behaviour, make)


@variant()
def sends_in_chunks(behaviour: Behaviour) -> None:
    """Answers do not say how long they are, and come in chunks."""

    def make() -> Sending:
        async def send(message: Message, onward: Send, scope: Scope) -> None:
            if message["type"] == "http.response.start":
                headers = {name: value for name, value in message["headers"] if name != b"content-length"}
                await onward({**message, "headers": list(headers.items())})
            elif message.get("more_body"):
                await onward(message)
            else:
                body = message.get("body", b"")
                await onward({**message, "body": body[: len(body) // 2], "more_body": True})
                await onward({**message, "body": body[len(body) // 2 :]})

        return send

    _wrapped(behaviour, make)


@variant()
def closes_connections(behaviour: Behaviour) -> None:
    """Every connection is closed after one answer."""
    inner = behaviour.headers
    behaviour.headers = lambda world: {**inner(world), "connection": "close"}


@variant()
def names_the_charset(behaviour: Behaviour) -> None:
    """Content types are written in capitals and name their character set."""
    behaviour.json_type = "Application/JSON; charset=UTF-8"
    behaviour.stream_type = "Text/Event-Stream;charset=UTF-8"


@variant()
def sends_no_headers_of_its_own(behaviour: Behaviour) -> None:
    """Answers have no x-request-id, and none of the service's other headers."""
    behaviour.headers = lambda world: {}


@variant()
def prints_prettily(behaviour: Behaviour) -> None:
    """JSON is indented, as the service wrote it."""
    behaviour.encode = lambda value: json.dumps(value, ensure_ascii=False, indent=2).encode() + b"\n"


@variant()
def escapes_characters(behaviour: Behaviour) -> None:
    """JSON escapes what is not ASCII."""
    behaviour.encode = lambda value: json.dumps(value).encode()


@variant()
def turns_members_around(behaviour: Behaviour) -> None:
    """The members of objects come in reverse order."""

    def around(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: around(value[name]) for name in reversed(value)}
        return [around(item) for item in value] if isinstance(value, list) else value

    inner, frame = behaviour.encode, behaviour.frame
    behaviour.encode = lambda value: inner(around(value))
    behaviour.frame = lambda name, data: frame(name, around(data))


@variant()
def writes_integers_as_floats(behaviour: Behaviour) -> None:
    """Integers are written with a decimal point, as JSON allows."""

    def floats(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: floats(member) for name, member in value.items()}
        if isinstance(value, list):
            return [floats(item) for item in value]
        return float(value) if isinstance(value, int) and not isinstance(value, bool) else value

    inner, frame = behaviour.encode, behaviour.frame
    behaviour.encode = lambda value: inner(floats(value))
    behaviour.frame = lambda name, data: frame(name, floats(data))


@variant()
def limits_the_rate(behaviour: Behaviour) -> None:
    """Every fortieth request is answered 429, to be sent again a moment later."""
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

    behaviour.wrappers.append(wrap)
