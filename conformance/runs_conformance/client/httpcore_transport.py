"""Sends requests by `httpcore`, with connections that enforce deadlines."""

from __future__ import annotations

import ssl
import threading
import urllib.request
import weakref
from collections.abc import Mapping, Sequence
from urllib.parse import unquote, urlsplit

import httpcore

from runs_conformance.client.base_url import DEFAULT_PORTS, Address, redact_url
from runs_conformance.client.connection import DeadlineBackend
from runs_conformance.errors import UsageError

_MAX_IDLE_CONNECTIONS = 64

CONNECTION_ERRORS = (httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.ProxyError)
"""The exceptions of a request that was certainly not sent."""
TRANSFER_ERRORS = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError)
"""The other exceptions of a request and of reading its response."""


class HttpcoreTransport:
    """Sends requests to one address, each within the deadline set by its thread. Thread-safe.

    Each thread reuses a connection of its own, so that an odd request meets the next one of its program, and no other.
    Failures are `CONNECTION_ERRORS` or `TRANSFER_ERRORS`. No connection is kept alive once the target is known to close
    idle ones.
    """

    def __init__(self, address: Address, tls: ssl.SSLContext | None = None) -> None:
        self.backend = DeadlineBackend()
        self._tls = tls or (_default_tls_context() if address.scheme == "https" else None)
        self._address = address
        self._port = None if address.port == DEFAULT_PORTS[address.scheme] else address.port
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

    def send(
        self,
        method: str,
        target: str,
        headers: Sequence[tuple[bytes, bytes]],
        content: bytes,
        timeouts: Mapping[str, float],
    ) -> httpcore.Response:
        """Send a request with this exact target and return the response; its body is still unread."""
        pool = self._one_shot_pool if self.backend.closes_idle_connections else self._pool_of_thread()
        # Not parsed from a text, which would normalize unusual ids.
        url = httpcore.URL(
            scheme=self._address.scheme.encode(),
            host=self._address.host.encode(),
            port=self._port,
            target=target.encode("ascii"),
        )
        extensions = {"timeout": dict(timeouts)}
        return pool.handle_request(
            httpcore.Request(method, url, headers=headers, content=content, extensions=extensions)
        )

    def share_connections(self) -> None:
        """Let this thread use connections that others opened before, as suits a thread that sends one request."""
        self._own.pool = self._shared_pool

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


def _default_tls_context() -> ssl.SSLContext:
    """Return a TLS context that trusts the certificates of certifi and of this machine."""
    context = httpcore.default_ssl_context()
    context.load_default_certs()
    return context


def _proxy(address: Address) -> httpcore.Proxy | None:
    """Return the proxy that the environment defines for this address; None for an address on this machine.

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
