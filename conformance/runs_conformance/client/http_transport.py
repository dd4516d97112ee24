"""Sends requests to one address over connections that enforce deadlines."""

from __future__ import annotations

import ssl
import threading
import weakref
from typing import Protocol

from runs_conformance.client.base_url import Address
from runs_conformance.client.connection import Connector
from runs_conformance.client.http_connection import HttpConnection, IncomingResponse, OutgoingRequest

_MAX_IDLE_CONNECTIONS = 64


class WireTransport(Protocol):
    """Sends requests to one address. Failures are raised as TransferError."""

    @property
    def connector(self) -> Connector:
        """Opens the connections."""
        ...

    def send(self, request: OutgoingRequest) -> IncomingResponse:
        """Send a request and return the response; its body is still unread."""
        ...

    def share_connections(self) -> None:
        """Let this thread use connections that others opened before, as suits a thread that sends one request."""
        ...

    def close(self) -> None:
        """Close every connection."""
        ...


class HttpTransport:
    """Sends requests to one address, each within the deadline set by its thread. Thread-safe.

    Each thread reuses a connection of its own, so that an odd request meets the next one of its program, and no other.
    No connection is kept alive once the target is known to close idle ones.
    """

    def __init__(self, address: Address, tls: ssl.SSLContext | None = None) -> None:
        self.connector = Connector()
        self._tls = (tls or default_tls_context()) if address.scheme == "https" else None
        if self._tls is not None:
            self._tls.set_alpn_protocols(["http/1.1"])
        self._address = address
        self._idle: list[HttpConnection] = []
        self._own = threading.local()
        self._lock = threading.Lock()
        self._open: set[HttpConnection] = set()
        # Close the connections of a transport that is garbage-collected.
        weakref.finalize(self, _close, self._open)

    def send(self, request: OutgoingRequest) -> IncomingResponse:
        """Send a request and return the response; its body is still unread."""
        connection = self._take() or self._connect()
        try:
            status, headers = connection.send(request)
        except BaseException:
            self._forget(connection)
            raise

        def close() -> None:
            connection.finish()
            self._keep(connection)

        def discard() -> None:
            connection.close()
            self._forget(connection)

        return IncomingResponse(status, headers, connection.body(), close, discard)

    def share_connections(self) -> None:
        """Let this thread use connections that others opened before, as suits a thread that sends one request."""
        self._own.shares = True

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            connections = list(self._open)
            self._open.clear()
            self._idle.clear()
        _close(connections)

    def _take(self) -> HttpConnection | None:
        """An idle connection for this thread, if it may use one."""
        if self.connector.closes_idle_connections:
            return None
        if not self._shares():
            own: HttpConnection | None = getattr(self._own, "connection", None)
            self._own.connection = None
            return own if own is not None and self._is_reusable(own) else None
        while True:
            with self._lock:
                if not self._idle:
                    return None
                connection = self._idle.pop(0)
            if self._is_reusable(connection):
                return connection

    def _keep(self, connection: HttpConnection) -> None:
        """Keep a connection whose exchange has ended for the next one, if that may use it."""
        if connection.is_closed or self.connector.closes_idle_connections:
            connection.close()
            self._forget(connection)
        elif not self._shares():
            self._own.connection = connection
        else:
            with self._lock:
                is_kept = len(self._idle) < _MAX_IDLE_CONNECTIONS and connection in self._open
                if is_kept:
                    self._idle.append(connection)
            if not is_kept:
                connection.close()
                self._forget(connection)

    def _shares(self) -> bool:
        return getattr(self._own, "shares", False)

    def _is_reusable(self, connection: HttpConnection) -> bool:
        if connection.is_reusable():
            return True
        connection.close()
        self._forget(connection)
        return False

    def _forget(self, connection: HttpConnection) -> None:
        with self._lock:
            self._open.discard(connection)

    def _connect(self) -> HttpConnection:
        stream = self.connector.connect(self._address.host, self._address.port)
        if self._tls is not None:
            stream = stream.start_tls(self._tls, self._address.host)
        connection = HttpConnection(stream)
        with self._lock:
            self._open.add(connection)
        return connection


def _close(connections: list[HttpConnection] | set[HttpConnection]) -> None:
    for connection in list(connections):
        connection.close()


def default_tls_context() -> ssl.SSLContext:
    """A TLS context for HTTP/1.1 that trusts the certificates of certifi and of this machine."""
    import certifi

    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    context.load_default_certs()
    return context
