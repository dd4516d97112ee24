"""Answers that are not what HTTP and JSON say they are, or do not come."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runs_conformance.contract.operation import Operation
from runs_conformance.emulator.catalogue import mutant
from runs_conformance.emulator.context import World
from runs_conformance.emulator.hooks import Behaviour
from runs_conformance.emulator.refusal import Refusal

_GATEWAY_S = 11.0
_OPEN_S = 0.5
_LONG = 150_000

Sending = Callable[[Message, Send], Awaitable[None]]


def _sent(behaviour: Behaviour, choose: Callable[[Scope], Sending | None]) -> None:
    """Have a function send the answers of the requests that it is chosen for."""

    def wrap(app: ASGIApp) -> ASGIApp:
        async def outer(scope: Scope, receive: Receive, send: Send) -> None:
            sending = choose(scope)

            async def sent(message: Message) -> None:
                await (send(message) if sending is None else sending(message, send))

            await app(scope, receive, sent)

        return outer

    behaviour.wrappers.append(wrap)


@mutant("transport")
def answers_html(behaviour: Behaviour) -> None:
    """The content type of every answer is that of a web page."""
    behaviour.json_type = "text/html; charset=utf-8"


@mutant("transport")
def marks_the_byte_order(behaviour: Behaviour) -> None:
    """Answers begin with a byte order mark."""
    inner = behaviour.encode
    behaviour.encode = lambda value: b"\xef\xbb\xbf" + inner(value)


@mutant("transport", level="should")
def names_members_twice(behaviour: Behaviour) -> None:
    """An object with metadata has that member twice, as texts do that were put together from two."""
    inner = behaviour.encode
    behaviour.encode = lambda value: inner(value).replace(b'"metadata":{}', b'"metadata":{},"metadata":{}')


@mutant("transport", level="should")
def breaks_answers_off(behaviour: Behaviour) -> None:
    """A step that is looked at by itself is cut in the middle of its text."""

    async def cut(message: Message, send: Send) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": message["body"][: len(message["body"]) // 2], "more_body": True}
        await send(message)

    _sent(behaviour, lambda scope: cut if "/steps/" in scope["path"] else None)


@mutant("L-85", level="should")
def answers_errors_as_plain_text(behaviour: Behaviour) -> None:
    """An error in JSON goes by the content type text/plain."""
    refused: list[bool] = []
    envelope, headers = behaviour.envelope, behaviour.headers

    def noted(refusal: Refusal) -> Any:
        refused.append(True)
        return envelope(refusal)

    def typed(world: World) -> dict[str, str]:
        return headers(world) | ({"content-type": "text/plain; charset=utf-8"} if refused and refused.pop() else {})

    behaviour.envelope, behaviour.headers = noted, typed


@mutant("robustness")
def leaves_deep_bodies_hanging(behaviour: Behaviour) -> None:
    """A long and deeply nested body is worked on until a gateway gives up after eleven seconds."""

    def wrap(app: ASGIApp) -> ASGIApp:
        async def outer(scope: Scope, receive: Receive, send: Send) -> None:
            deep, long = False, int(dict(scope["headers"]).get(b"content-length", 0)) > _LONG

            async def received() -> Message:
                nonlocal deep
                message = await receive()
                deep = deep or (long and b"[" * 50 in message.get("body", b""))
                return message

            async def sent(message: Message) -> None:
                if not deep:
                    await send(message)
                elif message["type"] == "http.response.start":
                    await asyncio.sleep(_GATEWAY_S)
                    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"9")]})

            await app(scope, received, sent)

        return outer

    behaviour.wrappers.append(wrap)


@mutant("robustness")
def breaks_the_connection_with_bad_json(behaviour: Behaviour) -> None:
    """The next request on a connection that carried a body which is not JSON is answered 500."""
    broken: set[Any] = set()
    read = behaviour.read_body
    bad: list[bool] = []

    def reading(operation: Operation, raw: bytes, content_type: str | None) -> Any:
        try:
            return read(operation, raw, content_type)
        except Refusal as refusal:
            bad.extend([True] * refusal.message.startswith("We could not parse"))
            raise

    def wrap(app: ASGIApp) -> ASGIApp:
        async def outer(scope: Scope, receive: Receive, send: Send) -> None:
            breaks = tuple(scope["client"]) in broken

            async def sent(message: Message) -> None:
                if bad:
                    bad.clear()
                    broken.add(tuple(scope["client"]))
                if breaks and message["type"] == "http.response.start":
                    broken.discard(tuple(scope["client"]))
                    message = {**message, "status": 500}
                await send(message)

            await app(scope, receive, sent)

        return outer

    behaviour.read_body = reading
    behaviour.wrappers.append(wrap)


@mutant("L-62", level="should")
def leaves_streams_open(behaviour: Behaviour) -> None:
    """The answer goes on after done, though nothing more comes."""

    async def late(message: Message, send: Send) -> None:
        if message.get("more_body") is False and not message["body"]:
            await asyncio.sleep(_OPEN_S)
        await send(message)

    _sent(behaviour, lambda scope: late if scope["method"] == "POST" else None)
