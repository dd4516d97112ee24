"""Connections with a deadline for the whole exchange, which holds even if a target drips single bytes."""

from __future__ import annotations

import errno
import select
import socket
import ssl
import threading
import time

from runs_conformance.client.dns import Resolver
from runs_conformance.client.transfer_errors import (
    ConnectionRefused,
    DeadlineExceeded,
    NoConnection,
    TransferError,
    TransferTimeout,
)
from runs_conformance.errors import UsageError

IMMEDIATE_CLOSE_SECONDS = 0.5
"""A target that closes a connection within this many seconds of a response does not support keep-alive."""

_MIN_TIMEOUT = 0.001
_OWN_LIMITS = (errno.EMFILE, errno.ENFILE)
"""Error numbers of this process and machine having too many open files."""


class ExchangeProgress(threading.local):
    """The progress of this thread's exchange. `deadline` is on the monotonic clock; `received` counts bytes.

    `connect` limits the time for a connection, and `idle` that of a single read or write.
    """

    deadline = 0.0
    connect = idle = float("inf")
    opened_connection = False
    received = 0

    def begin(self, deadline: float, *, connect: float = float("inf"), idle: float = float("inf")) -> None:
        """Start a new exchange that may last until `deadline`."""
        self.deadline, self.connect, self.idle = deadline, connect, idle
        self.opened_connection, self.received = False, 0

    def remaining(self, limit: float) -> float:
        """Return how long the next socket operation may take, at most `limit`. Raises DeadlineExceeded."""
        remaining = self.deadline - time.monotonic()
        if remaining < _MIN_TIMEOUT:
            raise DeadlineExceeded("the deadline of the whole exchange has passed")
        return min(limit, remaining)


class Connector:
    """Opens connections.

    `closes_idle_connections` is set once the target closes a connection directly after a response without announcing
    it.
    """

    def __init__(self) -> None:
        self.progress = ExchangeProgress()
        self.closes_idle_connections = False
        self._resolver = Resolver()

    def connect(self, host: str, port: int) -> SocketStream:
        """Open a connection to this host and port."""
        try:
            sock = self._connect(host, port, time.monotonic() + self.progress.remaining(self.progress.connect))
        except (TimeoutError, DeadlineExceeded) as error:
            raise NoConnection(str(error) or "no connection in time") from None
        except ConnectionRefusedError as error:
            raise ConnectionRefused(error.strerror) from None
        except (OSError, UnicodeError) as error:
            if isinstance(error, OSError) and error.errno in _OWN_LIMITS:
                # It says nothing about the target.
                raise UsageError(
                    f"no connection can be opened: {error.strerror}", "raise the limit with ulimit -n"
                ) from None
            raise NoConnection(getattr(error, "strerror", None) or str(error)) from error
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.progress.opened_connection = True
        return SocketStream(sock, self)

    def _connect(self, host: str, port: int, deadline: float) -> socket.socket:
        """Connect to the first of the host's addresses that accepts, within the deadline."""
        failure: OSError = OSError("the host has no address")
        for family, address in self._resolver.resolve(host, port, deadline - time.monotonic()):
            remaining = deadline - time.monotonic()
            if remaining < _MIN_TIMEOUT:
                raise TimeoutError("no connection in time")
            sock = socket.socket(family, socket.SOCK_STREAM)
            try:
                sock.settimeout(remaining)
                sock.connect(address)
            except OSError as error:
                sock.close()
                failure = error
                continue
            return sock
        raise TimeoutError("no connection in time") if isinstance(failure, TimeoutError) else failure


class SocketStream:
    """The bytes of one connection, in both directions."""

    def __init__(self, sock: socket.socket, connector: Connector) -> None:
        self.socket = sock
        self._connector = connector
        self._last_read = 0.0

    def read(self, max_bytes: int) -> bytes:
        """Wait for data and return them; empty at the end of the stream."""
        progress = self._connector.progress
        try:
            self.socket.settimeout(progress.remaining(progress.idle))
            data = self.socket.recv(max_bytes)
        except TimeoutError:
            # The socket timeout was the smaller of the idle time and the time to the deadline: tell them apart.
            progress.remaining(progress.idle)
            raise TransferTimeout("no data in time") from None
        except OSError as error:
            raise TransferError(str(error)) from error
        self._last_read = time.monotonic()
        progress.received += len(data)
        return data

    def write(self, data: bytes) -> None:
        """Send data. Ignores send errors: a target that stopped reading may already have responded."""
        progress = self._connector.progress
        remaining = memoryview(data)
        try:
            while remaining:
                self.socket.settimeout(progress.remaining(progress.idle))
                remaining = remaining[self.socket.send(remaining) :]
        except TimeoutError:
            progress.remaining(progress.idle)
            raise TransferTimeout("the target does not accept the request") from None
        except OSError:
            return

    def close(self) -> None:
        """Close the connection."""
        self.socket.close()

    def start_tls(self, context: ssl.SSLContext, host: str | None) -> SocketStream:
        """Return the stream that this one carries encrypted."""
        progress = self._connector.progress
        try:
            self.socket.settimeout(progress.remaining(progress.connect))
            return SocketStream(context.wrap_socket(self.socket, server_hostname=host), self._connector)
        except (TimeoutError, DeadlineExceeded):
            self.close()
            raise NoConnection("the TLS handshake took too long") from None
        except (OSError, ValueError) as error:
            self.close()
            raise NoConnection(f"the TLS handshake failed: {error}") from error

    def is_closed(self) -> bool:
        """Whether the target has closed this idle connection, which nothing else makes readable."""
        try:
            if hasattr(select, "poll"):
                poller = select.poll()
                poller.register(self.socket, select.POLLIN)
                closed = bool(poller.poll(0))
            else:
                closed = bool(select.select([self.socket], [], [], 0)[0])
        except (OSError, ValueError):
            return True
        if closed and time.monotonic() - self._last_read < IMMEDIATE_CLOSE_SECONDS:
            self._connector.closes_idle_connections = True
        return closed
