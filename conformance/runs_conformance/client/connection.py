"""Connections with a deadline for the whole exchange, which holds even if a target drips single bytes."""

from __future__ import annotations

import errno
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import httpcore

from runs_conformance.client.dns import Resolver
from runs_conformance.errors import UsageError

IMMEDIATE_CLOSE_SECONDS = 0.5
"""A target that closes a connection within this many seconds of a response does not support keep-alive."""

_MAX_BUFFERED = 64 * 1024
_MIN_TIMEOUT = 0.001
_OWN_LIMITS = (errno.EMFILE, errno.ENFILE)
"""Error numbers of this process and machine having too many open files."""


class SocketDeadlineExceeded(httpcore.TimeoutException):
    """The deadline of the whole exchange has passed, as raised to httpcore."""


class SocketConnectionRefused(httpcore.ConnectError):
    """The connection was refused, as raised to httpcore."""


class HeldSend:
    """Sends the start of a request on an open connection, once: whichever thread calls it first sends it."""

    def __init__(self, send: Callable[[], None]) -> None:
        self._send = send
        self._error: Exception | None = None
        self.sent: float | None = None
        """When it was sent, on the monotonic clock."""

    def __call__(self) -> None:
        """Send it unless that was done. An error is kept for the thread whose request it is."""
        if self.sent is not None:
            return
        self.sent = time.monotonic()
        try:
            self._send()
        except Exception as error:
            self._error = error

    def finish(self) -> None:
        """Send it unless that was done, and raise the error of that, if any."""
        self()
        if self._error is not None:
            raise self._error


class ExchangeProgress(threading.local):
    """The progress of this thread's exchange. Times are on the monotonic clock; `received` counts bytes.

    `sent` is when the last part of the request was sent, or None before that. `reached_end` says that the target closed
    the connection.

    `hold`, if set, is called once, when the connection is open, with what sends the first bytes; they are sent when it
    returns, if not before. `notify` is called with the name of each event of a stream.
    """

    deadline = 0.0
    opened_connection = False
    received = 0
    reached_end = False
    sent: float | None = None
    hold: Callable[[HeldSend], object] | None = None
    notify: Callable[[str], object] | None = None

    def begin(self, deadline: float) -> None:
        """Start a new exchange that may last until `deadline`."""
        self.deadline, self.opened_connection, self.received, self.sent = deadline, False, 0, None
        self.reached_end = False

    def send(self, send: Callable[[], None]) -> None:
        """Send a part of the request and note the time; the first part when `hold` says so."""
        hold, self.hold = self.hold, None
        held = HeldSend(send)
        if hold is not None:
            hold(held)
        try:
            held.finish()
        finally:
            self.sent = held.sent

    def remaining(self, idle: float | None) -> float:
        """How long the next socket operation may take, at most `idle`. Raises SocketDeadlineExceeded."""
        return _remaining(self.deadline, idle)


def _remaining(deadline: float, idle: float | None) -> float:
    remaining = deadline - time.monotonic()
    if remaining < _MIN_TIMEOUT:
        raise SocketDeadlineExceeded("the deadline of the whole exchange has passed")
    return remaining if idle is None else min(idle, remaining)


class DeadlineBackend(httpcore.NetworkBackend):
    """Opens connections.

    `closes_idle_connections` is set once the target closes a connection directly after a response without announcing
    it.
    """

    def __init__(self) -> None:
        self.progress = ExchangeProgress()
        self.closes_idle_connections = False
        self._resolver = Resolver()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Open a connection to this host and port."""
        try:
            sock = self._connect(host, port, time.monotonic() + self.progress.remaining(timeout))
        except (TimeoutError, SocketDeadlineExceeded) as error:
            raise httpcore.ConnectTimeout(str(error) or "no connection in time") from None
        except ConnectionRefusedError as error:
            raise SocketConnectionRefused(error.strerror) from None
        except (OSError, UnicodeError) as error:
            if isinstance(error, OSError) and error.errno in _OWN_LIMITS:
                # It says nothing about the target.
                raise UsageError(
                    f"no connection can be opened: {error.strerror}", "raise the limit with ulimit -n"
                ) from None
            raise httpcore.ConnectError(getattr(error, "strerror", None) or str(error)) from error
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.progress.opened_connection = True
        return _SocketStream(sock, self)

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


class _SocketStream(httpcore.NetworkStream):
    """One connection. Written data is buffered until the next read, so that head and body are sent together."""

    def __init__(self, sock: socket.socket, backend: DeadlineBackend) -> None:
        self._socket = sock
        self._backend = backend
        self._buffer = bytearray()
        self._last_read = 0.0

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        progress = self._backend.progress
        try:
            self._flush(timeout)
            self._socket.settimeout(progress.remaining(timeout))
            data = self._socket.recv(max_bytes)
        except TimeoutError:
            # The socket timeout was the smaller of the idle time and the time to the deadline: tell them apart.
            progress.remaining(timeout)
            raise httpcore.ReadTimeout("no data in time") from None
        except OSError as error:
            raise httpcore.ReadError(str(error)) from error
        self._last_read = time.monotonic()
        progress.received += len(data)
        progress.reached_end = not data
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._buffer += buffer
        if len(self._buffer) > _MAX_BUFFERED:
            try:
                self._flush(timeout)
            except TimeoutError:
                raise httpcore.WriteTimeout("the target does not accept the request") from None

    def _flush(self, timeout: float | None) -> None:
        """Send the buffered data."""
        data = memoryview(bytes(self._buffer))
        self._buffer.clear()
        if data:
            progress = self._backend.progress
            progress.send(partial(self._send, data, timeout, progress.deadline))

    def _send(self, remaining: memoryview, timeout: float | None, deadline: float) -> None:
        """Send data, in any thread. Ignore send errors: a target that stopped reading may already have responded."""
        try:
            while remaining:
                self._socket.settimeout(_remaining(deadline, timeout))
                remaining = remaining[self._socket.send(remaining) :]
        except OSError as error:
            if isinstance(error, TimeoutError):
                raise

    def close(self) -> None:
        self._socket.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        try:
            self._socket.settimeout(self._backend.progress.remaining(timeout))
            return _SocketStream(ssl_context.wrap_socket(self._socket, server_hostname=server_hostname), self._backend)
        except (TimeoutError, SocketDeadlineExceeded):
            self.close()
            raise httpcore.ConnectTimeout("the TLS handshake took too long") from None
        except (OSError, ValueError) as error:
            self.close()
            raise httpcore.ConnectError(f"the TLS handshake failed: {error}") from error

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":
            return self._is_closed()
        return self._socket if info == "ssl_object" and isinstance(self._socket, ssl.SSLSocket) else None

    def _is_closed(self) -> bool:
        """Whether the target has closed this idle connection, which nothing else makes readable."""
        try:
            if hasattr(select, "poll"):
                poller = select.poll()
                poller.register(self._socket, select.POLLIN)
                closed = bool(poller.poll(0))
            else:
                closed = bool(select.select([self._socket], [], [], 0)[0])
        except (OSError, ValueError):
            return True
        if closed and time.monotonic() - self._last_read < IMMEDIATE_CLOSE_SECONDS:
            self._backend.closes_idle_connections = True
        return closed
