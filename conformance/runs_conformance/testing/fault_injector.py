"""Faults between a client and the emulator, and a record of the requests that the client sent."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runs_conformance.contract.operation import find_operation
from runs_conformance.emulator.app import BASE
from runs_conformance.errors import UsageError
from runs_conformance.testing.control_words import Document
from runs_conformance.testing.faulty_response import (
    ErrorResponse,
    EventCounter,
    ResponseReplaced,
    cut_response,
    end_with_error_event,
    pause_response,
    replace_response,
)
from runs_conformance.testing.key_session import ALL_KEYS, current_key
from runs_conformance.testing.named_errors import NAMED_ERRORS
from runs_conformance.testing.rate_limit import RateLimit, RequestAllowance

_MAX_RECEIVED, _MAX_RECEIVED_BYTES = 10_000, 64 * 1024 * 1024
_MAX_RECORDED_BODY = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """A request from the client. `operation` is None if the path has none."""

    method: str
    path: str
    operation: str | None
    headers: Mapping[str, str] = field(repr=False)
    query: str = ""
    raw: bytes = field(default=b"", repr=False)

    @property
    def body(self) -> Any:
        """The JSON of the body; None if it is not JSON, or is larger than 4 MB."""
        try:
            return json.loads(self.raw) if self.raw else None
        except (ValueError, RecursionError):
            return None

    @property
    def size(self) -> int:
        """The bytes of headers and body."""
        return len(self.raw) + sum(len(name) + len(value) for name, value in self.headers.items())

    @property
    def key(self) -> str:
        """The API key of the request, or an empty string."""
        scheme, _, key = self.headers.get("authorization", "").partition(" ")
        return key.strip() if scheme.lower() == "bearer" else self.headers.get("api-key", "")


@dataclass(slots=True)
class InjectedFault:
    """A fault of the next requests: `word` and `arguments` are those of a scenario.

    It lets `skip` requests pass, then applies to `times`, or to every one if that is None. `used` counts them.
    """

    word: str
    arguments: Document
    key: str = ALL_KEYS
    skip: int = 0
    times: int | None = 1
    used: int = 0
    limit: RateLimit | None = None

    def matches(self, request: ReceivedRequest) -> bool:
        """Whether the request is of this fault's key and operation."""
        return self.key in (ALL_KEYS, request.key) and self.arguments.get("operation") in (None, request.operation)


def make_fault(
    word: str, arguments: Document, key: str = ALL_KEYS, now: Callable[[], float] = time.monotonic
) -> InjectedFault:
    """The fault of a word with checked arguments; `now` is the clock of rate limits. Raises UsageError."""
    if arguments.get("error") is not None:
        for other in ("body", "content_type", "http_status"):
            if arguments.get(other) is not None:
                raise UsageError(f"refuse takes 'error' or {other!r}, not both")
    if word == "limit_rate":
        limit = RateLimit(arguments["requests_per_minute"], now)
        return InjectedFault(word, arguments, key, times=None, limit=limit)
    return InjectedFault(word, arguments, key, arguments.get("skip", 0), arguments.get("times", 1))


@dataclass(slots=True)
class FaultInjector:
    """Middleware between a client and an emulator. Only the last requests are remembered."""

    faults: list[InjectedFault] = field(default_factory=list)
    received: deque[ReceivedRequest] = field(default_factory=deque)
    _bytes: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wrap(self, app: ASGIApp) -> ASGIApp:
        """The application with faults injected before it."""

        async def inject(scope: Scope, receive: Receive, send: Send) -> None:
            request = _parse_head(scope)
            request, receive = await _with_body(request, receive)
            current_key.set(request.key)
            fault, allowances = self._record(request)
            for allowance in allowances:
                send = allowance.with_headers(send)
            exceeded = next((allowance for allowance in allowances if allowance.is_exceeded), None)
            if exceeded is not None:
                await ErrorResponse(429, body=exceeded.error).send_to(send)
            elif fault is None:
                await app(scope, receive, send)
            else:
                with suppress(ResponseReplaced):
                    await _respond_with(fault, app, scope, receive, send)

        return inject

    def add(self, fault: InjectedFault) -> None:
        """Queue a fault."""
        with self._lock:
            self.faults.append(fault)

    def clear(self, key: str | None = None) -> None:
        """Discard the faults and the received requests, of one key or all."""
        with self._lock:
            self.faults = [fault for fault in self.faults if key not in (None, fault.key)]
            self.received = deque(request for request in self.received if key not in (None, request.key))
            self._bytes = sum(request.size for request in self.received)

    def _record(self, request: ReceivedRequest) -> tuple[InjectedFault | None, list[RequestAllowance]]:
        """Record a request; returns its fault, if any, and what the rate limits allow. A refused one meets no fault."""
        with self._lock:
            self.received.append(request)
            self._bytes += request.size
            while len(self.received) > _MAX_RECEIVED or self._bytes > _MAX_RECEIVED_BYTES:
                self._bytes -= self.received.popleft().size
            matching = [fault for fault in self.faults if fault.matches(request)]
            allowances = []
            for fault in matching:
                if fault.limit is not None:
                    fault.used += 1
                    allowances.append(fault.limit.allow(request.key))
            if any(allowance.is_exceeded for allowance in allowances):
                return None, allowances
            for fault in matching:
                if fault.limit is not None:
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                fault.used += 1
                if fault.times is not None and fault.used >= fault.times:
                    self.faults.remove(fault)
                return fault, allowances
        return None, allowances


async def _respond_with(fault: InjectedFault, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    arguments = fault.arguments
    counter = EventCounter(arguments.get("after", 0), arguments.get("event"))
    match fault.word:
        case "refuse":
            response = _error_response(arguments)
            if not arguments.get("after_doing"):
                await response.send_to(send)
                return
            send = replace_response(send, response)
        case "delay":
            await asyncio.sleep(arguments["seconds"])
        case "break_answer":
            send = cut_response(send, counter)
        case "pause_answer":
            send = pause_response(send, counter, arguments.get("seconds"))
        case "send_error_event":
            text = arguments.get("message", "The server had an error while processing your request.")
            send = end_with_error_event(send, counter, text, arguments.get("code"))
    await app(scope, receive, send)


def _error_response(arguments: Document) -> ErrorResponse:
    retry_after = arguments.get("retry_after")
    headers = {} if retry_after is None else {"retry-after": f"{retry_after:g}"}
    if (name := arguments.get("error")) is not None:
        error = NAMED_ERRORS[name]
        return ErrorResponse(error.http_status, {**error.headers, **headers}, error.body)
    return ErrorResponse(
        arguments.get("http_status", 429), headers, arguments.get("body"), arguments.get("content_type")
    )


def _parse_head(scope: Scope) -> ReceivedRequest:
    path = scope["path"]
    match = find_operation(scope["method"], path.partition(BASE)[2])
    return ReceivedRequest(
        method=scope["method"],
        path=path,
        operation=match[0].name if match else None,
        headers={name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
        query=scope["query_string"].decode("latin-1"),
    )


async def _with_body(request: ReceivedRequest, receive: Receive) -> tuple[ReceivedRequest, Receive]:
    """The request with its body, and a `receive` that replays it. A large body is left to the application."""
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) > _MAX_RECORDED_BODY:
        return request, receive
    messages: list[Message] = []
    size, is_whole = 0, False
    while not is_whole and size <= _MAX_RECORDED_BODY:
        message = await receive()
        messages.append(message)
        size += len(message.get("body", b""))
        is_whole = message["type"] != "http.request" or not message.get("more_body")
    is_form = request.headers.get("content-type", "").startswith("multipart/")
    if 0 < size <= _MAX_RECORDED_BODY and is_whole and not is_form:
        request = replace(request, raw=b"".join(message.get("body", b"") for message in messages))
    replayed = iter(messages)

    async def receive_again() -> MutableMapping[str, Any]:
        return next(replayed, None) or await receive()

    return request, receive_again
