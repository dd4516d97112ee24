"""The way to a target as an `httpx` transport: `httpcore`, its engine, on connections that keep deadlines."""

from __future__ import annotations

import ssl
import urllib.request
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import unquote, urlsplit

import httpcore
import httpx

from runs_conformance.client.base_url import DEFAULT_PORTS, Address, redact_url
from runs_conformance.client.connection import DeadlineBackend, SocketConnectionRefused, SocketDeadlineExceeded
from runs_conformance.errors import UsageError

REQUEST_TARGET = "request_target"
"""The extension of a request that holds its target byte for byte; an `httpx` URL would spell odd ids anew."""

_MAX_IDLE_CONNECTIONS = 64


class DeadlineExceeded(httpx.TimeoutException):
    """The time for the whole exchange is over."""


class ConnectionRefused(httpx.ConnectError):
    """Nobody listens there, now: the one failure to connect that may be over in a moment."""


class HttpcoreTransport(httpx.BaseTransport):
    """Carries requests to one address, from any number of threads, each within the deadline that its thread has set.

    What goes wrong is raised as `httpx` names it. Where the target is known to close connections unasked, none is kept.
    """

    def __init__(self, address: Address, tls: ssl.SSLContext | None = None) -> None:
        self.backend = DeadlineBackend()
        self._tls = tls or (_default_tls_context() if address.scheme == "https" else None)
        self._keeping = self._pool(address, _MAX_IDLE_CONNECTIONS)
        self._fresh = self._pool(address, 0)
        # A wire that is dropped leaves no connection open.
        weakref.finalize(self, _close, self._keeping, self._fresh)

    def _pool(self, address: Address, keep: int) -> httpcore.ConnectionPool:
        return httpcore.ConnectionPool(
            ssl_context=self._tls,
            proxy=_proxy(address),
            max_connections=None,
            max_keepalive_connections=keep,
            keepalive_expiry=2.0,
            network_backend=self.backend,
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; the answer's body is still to be read."""
        pool = self._fresh if self.backend.closes_idle_connections else self._keeping
        target = request.extensions.get(REQUEST_TARGET, request.url.raw_path)
        url = httpcore.URL(
            scheme=request.url.raw_scheme, host=request.url.raw_host, port=request.url.port, target=target
        )
        with _as_httpx_errors():
            raw = pool.handle_request(
                httpcore.Request(
                    request.method,
                    url,
                    headers=request.headers.raw,
                    content=request.content,
                    extensions={"timeout": request.extensions.get("timeout", {})},
                )
            )
        return httpx.Response(raw.status, headers=raw.headers, stream=_Body(raw), extensions=raw.extensions)

    def close(self) -> None:
        """Close every connection."""
        _close(self._keeping, self._fresh)


def _close(*pools: httpcore.ConnectionPool) -> None:
    for pool in pools:
        pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, raw: httpcore.Response) -> None:
        self._raw = raw

    def __iter__(self) -> Iterator[bytes]:
        with _as_httpx_errors():
            yield from self._raw.iter_stream()

    def close(self) -> None:
        self._raw.close()


@contextmanager
def _as_httpx_errors() -> Iterator[None]:
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
    except httpcore.ProtocolError as error:
        raise httpx.ProtocolError(str(error)) from error


def _default_tls_context() -> ssl.SSLContext:
    """Trusts what certifi and this machine trust."""
    context = httpcore.default_ssl_context()
    context.load_default_certs()
    return context


def _proxy(address: Address) -> httpcore.Proxy | None:
    """The proxy that the environment names for this address; never one for this machine itself.

    Raises UsageError where what it names is none that can be used.
    """
    url = urllib.request.getproxies().get(address.scheme)
    if not url or address.is_loopback or urllib.request.proxy_bypass(address.host):
        return None
    url = url if "://" in url else f"http://{url.lstrip('/')}"
    shown = redact_url(url)
    try:
        parts = urlsplit(url)
        usable = parts.scheme in DEFAULT_PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise UsageError(
            f"{address.scheme.upper()}_PROXY names {shown!r}, which is no proxy of the form http://host:port; "
            f"set it so, or NO_PROXY={address.host} to use none"
        )
    auth = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    return httpcore.Proxy(shown, auth=auth)
