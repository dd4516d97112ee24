"""An `httpx` transport on `httpcore`, with connections that enforce deadlines."""

from __future__ import annotations

import ssl
import threading
import urllib.request
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import unquote, urlsplit

import httpcore
import httpx

from runs_conformance.client.base_url import DEFAULT_PORTS, Address, redact_url
from runs_conformance.client.connection import (
    DeadlineBackend,
    ExchangeProgress,
    SocketConnectionRefused,
    SocketDeadlineExceeded,
)
from runs_conformance.errors import UsageError

REQUEST_TARGET = "request_target"
"""The request extension that holds the exact request target; an `httpx` URL would normalize unusual ids."""

_MAX_IDLE_CONNECTIONS = 64
_FIRST_REFUSAL = 400
"""The lowest HTTP status of a refusal."""


class DeadlineExceeded(httpx.TimeoutException):
    """The deadline of the whole exchange has passed."""


class MalformedResponse(httpx.RemoteProtocolError):
    """The response is not HTTP, although the connection is still open."""


class ConnectionRefused(httpx.ConnectError):
    """The connection was refused: the only connection failure that may be transient."""


class HttpcoreTransport(httpx.BaseTransport):
    """Sends requests to one address, each within the deadline set by its thread. Thread-safe.

    Each thread reuses a connection of its own, so that a malformed request affects the next one of its program only.
    Failures are raised as `httpx` exceptions. No connection is kept alive once the target is known to close idle ones.
    """

    def __init__(self, address: Address, tls: ssl.SSLContext | None = None) -> None:
        self.backend = DeadlineBackend()
        self._tls = tls or (_default_tls_context() if address.scheme == "https" else None)
        self._address = address
        self._shared_pool = self._pool(address, _MAX_IDLE_CONNECTIONS)
        self._one_shot_pool = self._pool(address, 0)
        self._own = threading.local()
        self._pools = [self._shared_pool, self._one_shot_pool]
        # Close the connections of a transport that is garbage-collected.
        weakref.finalize(self, _close, self._pools)

    def _pool(self, address: Address, max_idle: int) -> httpcore.ConnectionPool:
        return httpcore.ConnectionPool(
            ssl_context=self._tls,
            proxy=_proxy(address),
            max_connections=None,
            max_keepalive_connections=max_idle,
            keepalive_expiry=2.0,
            network_backend=self.backend,
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and return the response; its body is still unread."""
        pool = self._one_shot_pool if self.backend.closes_idle_connections else self._pool_of_thread()
        target = request.extensions.get(REQUEST_TARGET, request.url.raw_path)
        url = httpcore.URL(
            scheme=request.url.raw_scheme, host=request.url.raw_host, port=request.url.port, target=target
        )
        with _as_httpx_errors(self.backend.progress):
            self._own.was_refused = True
            raw = pool.handle_request(
                httpcore.Request(
                    request.method,
                    url,
                    headers=request.headers.raw,
                    content=request.content,
                    extensions={"timeout": request.extensions.get("timeout", {})},
                )
            )
        self._own.was_refused = raw.status >= _FIRST_REFUSAL
        return httpx.Response(
            raw.status, headers=raw.headers, stream=_Body(raw, self.backend.progress), extensions=raw.extensions
        )

    def share_connections(self) -> None:
        """Let this thread use connections that others opened before, as suits a thread that sends one request."""
        self._own.pool = self._shared_pool

    def begin_program(self, program: str) -> None:
        """Close the connection of this thread if the last response on it refused a request of another program.

        A server that leaves the body of a refused request unread reads it as the next request.
        """
        own = self._own
        pool: httpcore.ConnectionPool | None = getattr(own, "pool", None)
        is_other = getattr(own, "program", program) != program
        if is_other and getattr(own, "was_refused", False) and pool is not None and pool is not self._shared_pool:
            pool.close()
            self._pools.remove(pool)
            own.pool = None
        own.program = program

    def _pool_of_thread(self) -> httpcore.ConnectionPool:
        pool: httpcore.ConnectionPool | None = getattr(self._own, "pool", None)
        if pool is None:
            pool = self._own.pool = self._pool(self._address, 1)
            self._pools.append(pool)
        return pool

    def close(self) -> None:
        """Close every connection."""
        _close(self._pools)


def _close(pools: list[httpcore.ConnectionPool]) -> None:
    for pool in pools:
        pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, raw: httpcore.Response, progress: ExchangeProgress) -> None:
        self._raw = raw
        self._progress = progress

    def __iter__(self) -> Iterator[bytes]:
        with _as_httpx_errors(self._progress):
            yield from self._raw.iter_stream()

    def close(self) -> None:
        self._raw.close()


@contextmanager
def _as_httpx_errors(progress: ExchangeProgress) -> Iterator[None]:
    try:
        yield
    except SocketDeadlineExceeded as error:
        raise DeadlineExceeded(str(error)) from error
    except SocketConnectionRefused as error:
        raise ConnectionRefused(str(error)) from error
    except httpcore.ConnectTimeout as error:
        raise httpx.ConnectTimeout(str(error)) from error
    except httpcore.TimeoutException as error:
        raise httpx.ReadTimeout(str(error)) from error
    except httpcore.ConnectError as error:
        raise httpx.ConnectError(str(error)) from error
    except httpcore.ProxyError as error:
        raise httpx.ProxyError(str(error)) from error
    except httpcore.NetworkError as error:
        raise httpx.NetworkError(str(error)) from error
    except httpcore.RemoteProtocolError as error:
        # A response that ends early is the only error of the protocol that the end of the connection reveals.
        raise (httpx.RemoteProtocolError if progress.reached_end else MalformedResponse)(str(error)) from error
    except httpcore.ProtocolError as error:
        raise httpx.ProtocolError(str(error)) from error


def _default_tls_context() -> ssl.SSLContext:
    """A TLS context that trusts the certificates of certifi and of this machine."""
    context = httpcore.default_ssl_context()
    context.load_default_certs()
    return context


def connection_endpoint(address: Address) -> tuple[str, int]:
    """The host and port that connections for this address go to: its own, or those of the proxy."""
    proxy = _proxy(address)
    if proxy is None:
        return address.host, address.port
    return proxy.url.host.decode(), proxy.url.port or DEFAULT_PORTS[proxy.url.scheme.decode()]


def _proxy(address: Address) -> httpcore.Proxy | None:
    """The proxy that the environment defines for this address; None for an address on this machine.

    Raises UsageError if the proxy URL is invalid.
    """
    url = urllib.request.getproxies().get(address.scheme)
    if not url or address.is_loopback or urllib.request.proxy_bypass(address.host):
        return None
    url = url if "://" in url else f"http://{url.lstrip('/')}"
    redacted = redact_url(url)
    try:
        parts = urlsplit(url)
        usable = parts.scheme in DEFAULT_PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise UsageError(
            f"{address.scheme.upper()}_PROXY is {redacted!r}, which is not a URL like http://host:port; "
            f"correct it, or set NO_PROXY={address.host} to use no proxy"
        )
    auth = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    return httpcore.Proxy(redacted, auth=auth)
