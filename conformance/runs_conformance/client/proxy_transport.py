"""Sends requests to one address through a proxy, by `httpcore` on connections that enforce deadlines."""

from __future__ import annotations

import ssl
import threading
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpcore

from runs_conformance.client.base_url import DEFAULT_PORTS, Address
from runs_conformance.client.connection import Connector, SocketStream
from runs_conformance.client.environment_proxy import EnvironmentProxy
from runs_conformance.client.http_connection import KEEP_ALIVE_SECONDS, IncomingResponse, OutgoingRequest
from runs_conformance.client.http_transport import default_tls_context
from runs_conformance.client.transfer_errors import NoConnection, TransferError, TransferTimeout

_MAX_IDLE_CONNECTIONS = 64


class ProxyTransport:
    """Sends requests to one address through a proxy, each within the deadline set by its thread. Thread-safe.

    Threads use connections as those of HttpTransport do.
    """

    def __init__(self, address: Address, proxy: EnvironmentProxy, tls: ssl.SSLContext | None = None) -> None:
        self.connector = Connector()
        self._address = address
        self._tls = (tls or default_tls_context()) if address.scheme == "https" else None
        self._proxy = httpcore.Proxy(proxy.url, auth=proxy.auth)
        self._backend = _Backend(self.connector)
        self._shared_pool = self._pool(_MAX_IDLE_CONNECTIONS)
        self._one_shot_pool = self._pool(0)
        self._own = threading.local()
        self._pools = [self._shared_pool, self._one_shot_pool]
        weakref.finalize(self, _close, self._pools)

    def send(self, request: OutgoingRequest) -> IncomingResponse:
        """Send a request and return the response; its body is still unread."""
        pool = self._one_shot_pool if self.connector.closes_idle_connections else self._pool_of_thread()
        address = self._address
        port = None if address.port == DEFAULT_PORTS[address.scheme] else address.port
        url = httpcore.URL(
            scheme=address.scheme.encode(), host=address.host.encode("ascii"), port=port, target=request.target
        )
        with _as_transfer_errors():
            response = pool.handle_request(
                httpcore.Request(request.method, url, headers=request.headers, content=request.content)
            )

        def discard() -> None:
            if (stream := response.extensions.get("network_stream")) is not None:
                stream.close()
            response.close()

        return IncomingResponse(response.status, response.headers, _body(response), response.close, discard)

    def share_connections(self) -> None:
        """Let this thread use connections that others opened before, as suits a thread that sends one request."""
        self._own.pool = self._shared_pool

    def close(self) -> None:
        """Close every connection."""
        _close(self._pools)

    def _pool_of_thread(self) -> httpcore.ConnectionPool:
        pool: httpcore.ConnectionPool | None = getattr(self._own, "pool", None)
        if pool is None:
            pool = self._own.pool = self._pool(1)
            self._pools.append(pool)
        return pool

    def _pool(self, max_idle: int) -> httpcore.ConnectionPool:
        return httpcore.ConnectionPool(
            ssl_context=self._tls,
            proxy=self._proxy,
            max_connections=None,
            max_keepalive_connections=max_idle,
            keepalive_expiry=KEEP_ALIVE_SECONDS,
            network_backend=self._backend,
        )


def _close(pools: list[httpcore.ConnectionPool]) -> None:
    for pool in pools:
        pool.close()


def _body(response: httpcore.Response) -> Iterator[bytes]:
    with _as_transfer_errors():
        yield from response.iter_stream()


@contextmanager
def _as_transfer_errors() -> Iterator[None]:
    try:
        yield
    except (httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.ProxyError) as error:
        raise NoConnection(str(error)) from error
    except httpcore.TimeoutException as error:
        raise TransferTimeout(str(error)) from error
    except (httpcore.NetworkError, httpcore.ProtocolError) as error:
        raise TransferError(str(error)) from error


class _Backend(httpcore.NetworkBackend):
    def __init__(self, connector: Connector) -> None:
        self._connector = connector

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        return _Stream(self._connector.connect(host, port))


class _Stream(httpcore.NetworkStream):
    """A connection for httpcore. Written data is buffered until the next read, so that head and body go together."""

    def __init__(self, stream: SocketStream) -> None:
        self._stream = stream
        self._buffer = bytearray()

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        written = bytes(self._buffer)
        self._buffer.clear()
        self._stream.write(written)
        return self._stream.read(max_bytes)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._buffer += buffer

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._stream.start_tls(ssl_context, server_hostname))

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":
            return self._stream.is_closed()
        return self._stream.socket if info == "ssl_object" and isinstance(self._stream.socket, ssl.SSLSocket) else None
