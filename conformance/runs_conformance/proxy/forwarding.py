"""Forwards requests unchanged, and reports each one when it is finished."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
from starlette.types import Receive, Scope, Send

from runs_conformance.client.base_url import parse_address, redact_url
from runs_conformance.errors import UsageError
from runs_conformance.proxy.injection import FaultChooser
from runs_conformance.proxy.status_page import ProxyStatus, is_for_status, send_status
from runs_conformance.wire import strict_json

_HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer transfer-encoding "
    b"upgrade host content-length expect".split()
)
_CONNECTIONS = 1000
_CONNECT_TIMEOUT_S = 10.0

Headers = list[tuple[bytes, bytes]]


@dataclass(slots=True)
class ForwardedRequest:
    """A request that the proxy forwarded, with its response. Times are monotonic, except for `started_unix`.

    `number` is its position in the order in which requests started.
    `chunks` are the pieces of the response's raw body with the times of their arrival; `is_truncated` says that a long
    body was forwarded whole, but not kept whole. `failure` says why no complete response was received.
    `client_disconnected` says that the client did not wait for the end of the response.
    """

    number: int
    method: str
    url: str
    headers: Headers
    content: bytes
    started: float
    started_unix: float
    ended: float = 0.0
    status: int | None = None
    response_headers: Headers = field(default_factory=list)
    chunks: list[tuple[float, bytes]] = field(default_factory=list)
    is_truncated: bool = False
    failure: str = ""
    client_disconnected: bool = False


def check_upstream(upstream: str) -> None:
    """Raise UsageError with the reason if requests cannot be forwarded to this URL."""
    try:
        parts = urlsplit(upstream.strip())
    except ValueError:
        parts = None
    if parts is not None and (parts.username is not None or parts.password is not None):
        raise UsageError(
            f"{redact_url(upstream)!r}: the upstream has a user name or password; let the client send the header"
        )
    parse_address(upstream)


class ForwardingApp:
    """An ASGI application that forwards every request to one upstream server.

    `on_finished` receives each request once its response was passed on, but before the client's next request is read,
    which is therefore always recorded later. The response is forwarded piece by piece as it arrives.
    """

    def __init__(
        self,
        upstream: str,
        on_finished: Callable[[ForwardedRequest], None],
        injector: FaultChooser | None = None,
        status: Callable[[], ProxyStatus] | None = None,
    ) -> None:
        """`upstream` may have a query, whose parameters are added to each request that lacks them.

        `injector` chooses requests that get a fault instead; `status` is shown on the live page. Raises UsageError if
        requests cannot be forwarded to `upstream`.
        """
        check_upstream(upstream)
        url = urlsplit(upstream.strip())
        self._injector = injector or FaultChooser()
        self._status = status
        self._origin = f"{url.scheme}://{url.netloc}"
        self._query = parse_qsl(url.query, keep_blank_values=True)
        self._base_path = url.path.rstrip("/")
        self._on_finished = on_finished
        self._client: httpx.AsyncClient | None = None
        self.in_flight = 0
        self._count = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the life of the application."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            if self._status is not None and is_for_status(scope):
                await send_status(scope, send, self._status())
                return
            self.in_flight += 1
            try:
                await self._serve(scope, receive, send)
            finally:
                self.in_flight -= 1

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        if self._client is not None:
            await self._client.aclose()
        await send({"type": "lifespan.shutdown.complete"})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        content = await _read_body(receive)
        fault = self._injector.choose()
        if fault is not None:
            await asyncio.sleep(fault.delay)
            if fault.cut:
                await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]})
                await send({"type": "http.response.body", "body": b"", "more_body": True})
                raise ConnectionAbortedError("injected")  # The server then closes the connection.
            if fault.status:
                await send({"type": "http.response.start", "status": fault.status, "headers": fault.headers})
                await send({"type": "http.response.body", "body": fault.content})
                return
        headers = [(name, value) for name, value in scope["headers"] if name.lower() not in _HOP_BY_HOP]
        self._count += 1
        started, started_unix = time.monotonic(), time.time()
        request = ForwardedRequest(
            self._count, scope["method"], self._url(scope), headers, content, started, started_unix
        )
        forwarding = asyncio.ensure_future(self._forward(request, send))
        disconnecting = asyncio.ensure_future(_wait_until_client_disconnects(receive))
        await asyncio.wait({forwarding, disconnecting}, return_when=asyncio.FIRST_COMPLETED)
        if not forwarding.done():
            request.client_disconnected = True
            forwarding.cancel()
        disconnecting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await forwarding

    def _url(self, scope: Scope) -> str:
        path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1").partition("?")[0]
        if not path.startswith(f"{self._base_path}/"):
            path = self._base_path + path
        query = scope["query_string"].decode("latin-1")
        sent = {name for name, _ in parse_qsl(query, keep_blank_values=True)}
        added = urlencode([(name, value) for name, value in self._query if name not in sent])
        query = "&".join(part for part in (query, added) if part)
        return f"{self._origin}{path}" + (f"?{query}" if query else "")

    def _connect(self) -> httpx.AsyncClient:
        if self._client is None:
            limits = httpx.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS)
            timeout = httpx.Timeout(None, connect=_CONNECT_TIMEOUT_S)
            self._client = httpx.AsyncClient(limits=limits, timeout=timeout, trust_env=False)
        return self._client

    async def _forward(self, request: ForwardedRequest, send: Send) -> None:
        is_started = False
        try:
            client = self._connect()
            outgoing = httpx.Request(
                request.method,
                self._origin,
                headers=[*request.headers],
                content=request.content or None,
                # A URL of httpx would normalize unusual paths.
                extensions={"target": request.url.removeprefix(self._origin).encode("latin-1")},
            )
            response = await client.send(outgoing, stream=True)
            try:
                request.status = response.status_code
                request.response_headers = list(response.headers.raw)
                passed = [(n, v) for n, v in response.headers.raw if n.lower() not in _HOP_BY_HOP]
                length = response.headers.get("content-length")
                passed += [(b"content-length", length.encode())] if length else []
                await send({"type": "http.response.start", "status": response.status_code, "headers": passed})
                is_started = True
                await self._pass_on(request, response, send)
            finally:
                await response.aclose()
        except httpx.HTTPError as error:
            request.failure = f"{type(error).__name__}: {error}".replace(request.url, "the upstream")[:200]
            self._finish(request)
            if is_started:
                raise ConnectionAbortedError(
                    request.failure
                ) from None  # The server then closes the connection to the client, too.
            await _send_bad_gateway(send)
        except asyncio.CancelledError:
            request.client_disconnected = True
            self._finish(request)
            raise

    async def _pass_on(self, request: ForwardedRequest, response: httpx.Response, send: Send) -> None:
        received, length = 0, response.headers.get("content-length", "")
        async for chunk in response.aiter_raw():
            received += len(chunk)
            if received <= strict_json.MAX_BYTES:
                request.chunks.append((time.monotonic(), chunk))
            else:
                request.is_truncated = True
            if length == str(received):
                self._finish(request)
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        self._finish(request)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _finish(self, request: ForwardedRequest) -> None:
        if not request.ended:
            request.ended = time.monotonic()
            # Recording would delay the response. The event loop records it before it reads the client's next request.
            asyncio.get_running_loop().call_soon(self._on_finished, request)


async def _read_body(receive: Receive) -> bytes:
    pieces: list[bytes] = []
    while True:
        message: Any = await receive()
        if message["type"] == "http.disconnect":
            break
        pieces.append(message.get("body", b""))
        if not message.get("more_body"):
            break
    return b"".join(pieces)


async def _wait_until_client_disconnects(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send_bad_gateway(send: Callable[[Any], Awaitable[None]]) -> None:
    body = (
        b'{"error": {"message": "runs-conformance proxy: the upstream server did not respond", "type": "proxy_error"}}'
    )
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 502, "headers": headers})
    await send({"type": "http.response.body", "body": body})
