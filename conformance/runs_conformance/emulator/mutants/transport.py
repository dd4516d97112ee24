"""Mutants of HTTP and JSON: wrong content types, invalid JSON, and missing or truncated responses."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runs_conformance.contract.operation import Operation
from runs_conformance.emulator.api_errors import ApiError
from runs_conformance.emulator.context import Hooks, ServerState
from runs_conformance.emulator.declaration import mutant
from runs_conformance.emulator.http_protocol import CONNECTION

_GATEWAY_TIMEOUT_S = 11.0
_OPEN_S = 0.5
_LONG = 150_000

Sender = Callable[[Message, Send], Awaitable[None]]


def _alter_sending(hooks: Hooks, choose: Callable[[Scope], Sender | None]) -> None:
    """Have `choose` select, per request, a function that sends the response."""

    def wrap(app: ASGIApp) -> ASGIApp:
        async def outer(scope: Scope, receive: Receive, send: Send) -> None:
            sender = choose(scope)

            async def send_altered(message: Message) -> None:
                await (send(message) if sender is None else sender(message, send))

            await app(scope, receive, send_altered)

        return outer

    hooks.middleware.append(wrap)


@mutant("transport")
def answers_html(hooks: Hooks) -> None:
    """The content type of JSON responses is that of a web page."""
    hooks.json_content_type = "text/html; charset=utf-8"


@mutant("transport")
def marks_the_byte_order(hooks: Hooks) -> None:
    """Responses begin with a byte order mark."""
    inner = hooks.encode_json
    hooks.encode_json = lambda value: b"\xef\xbb\xbf" + inner(value)


@mutant("transport", level="should")
def names_members_twice(hooks: Hooks) -> None:
    """An object with empty metadata has a duplicate metadata member."""
    inner = hooks.encode_json
    hooks.encode_json = lambda value: inner(value).replace(b'"metadata":{}', b'"metadata":{},"metadata":{}')


@mutant("transport", level="should")
def breaks_answers_off(hooks: Hooks) -> None:
    """The response to get_run_step is truncated."""

    async def truncate(message: Message, send: Send) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": message["body"][: len(message["body"]) // 2], "more_body": True}
        await send(message)

    _alter_sending(hooks, lambda scope: truncate if "/steps/" in scope["path"] else None)


@mutant("transport")
def counts_chunks_in_characters(hooks: Hooks) -> None:
    """The size of a chunk is its number of characters, so that clients cannot read a stream beyond one with others."""

    def wrap(app: ASGIApp) -> ASGIApp:
        async def outer(scope: Scope, receive: Receive, send: Send) -> None:
            async def send_altered(message: Message) -> None:
                await send(message)
                data = message.get("body", b"")
                size = len(data.decode())
                if message.get("more_body") and size < len(data):
                    # A client that believed the stated size would find the rest where the next size has to be.
                    scope["state"][CONNECTION].write(data[size:])

            await app(scope, receive, send_altered)

        return outer

    hooks.middleware.append(wrap)


@mutant("errors-have-envelope", level="should")
def answers_errors_as_plain_text(hooks: Hooks) -> None:
    """The content type of errors is text/plain."""
    errors: list[bool] = []
    envelope, headers = hooks.error_body, hooks.response_headers

    def count_error(error: ApiError) -> Any:
        errors.append(True)
        return envelope(error)

    def error_headers(server: ServerState) -> dict[str, str]:
        return headers(server) | ({"content-type": "text/plain; charset=utf-8"} if errors and errors.pop() else {})

    hooks.error_body, hooks.response_headers = count_error, error_headers


@mutant("robustness")
def leaves_deep_bodies_hanging(hooks: Hooks) -> None:
    """A long and deeply nested body times out at a gateway after eleven seconds."""

    def wrap(app: ASGIApp) -> ASGIApp:
        async def outer(scope: Scope, receive: Receive, send: Send) -> None:
            deep, long = False, int(dict(scope["headers"]).get(b"content-length", 0)) > _LONG

            async def inspect_message() -> Message:
                nonlocal deep
                message = await receive()
                deep = deep or (long and b"[" * 50 in message.get("body", b""))
                return message

            async def send_altered(message: Message) -> None:
                if not deep:
                    await send(message)
                elif message["type"] == "http.response.start":
                    await asyncio.sleep(_GATEWAY_TIMEOUT_S)
                    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"9")]})

            await app(scope, inspect_message, send_altered)

        return outer

    hooks.middleware.append(wrap)


@mutant("robustness")
def breaks_the_connection_with_bad_json(hooks: Hooks) -> None:
    """After invalid JSON, the next request on the same connection gets 500."""
    broken: set[Any] = set()
    read = hooks.read_body
    failures: list[bool] = []

    def read_and_note(operation: Operation, raw: bytes, content_type: str | None) -> Any:
        try:
            return read(operation, raw, content_type)
        except ApiError as error:
            failures.extend([True] * error.message.startswith("We could not parse"))
            raise

    def wrap(app: ASGIApp) -> ASGIApp:
        async def outer(scope: Scope, receive: Receive, send: Send) -> None:
            breaks = tuple(scope["client"]) in broken

            async def send_altered(message: Message) -> None:
                if failures:
                    failures.clear()
                    broken.add(tuple(scope["client"]))
                if breaks and message["type"] == "http.response.start":
                    broken.discard(tuple(scope["client"]))
                    message = {**message, "status": 500}
                await send(message)

            await app(scope, receive, send_altered)

        return outer

    hooks.read_body = read_and_note
    hooks.middleware.append(wrap)


@mutant("stream-ends-with-done", level="should")
def leaves_streams_open(hooks: Hooks) -> None:
    """The connection of a stream stays open after done."""

    async def late(message: Message, send: Send) -> None:
        if message.get("more_body") is False and not message["body"]:
            await asyncio.sleep(_OPEN_S)
        await send(message)

    _alter_sending(hooks, lambda scope: late if scope["method"] == "POST" else None)


_ESCAPED_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")


@mutant("messages")
def replaces_escaped_surrogate_pairs(hooks: Hooks) -> None:
    """Each half of a character that is escaped as a surrogate pair becomes U+FFFD; in UTF-8, the character is kept."""
    inner = hooks.read_body
    hooks.read_body = lambda operation, body, content_type: inner(
        operation, _ESCAPED_SURROGATE.sub(rb"\\ufffd", body), content_type
    )
