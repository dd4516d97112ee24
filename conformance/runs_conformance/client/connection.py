"""Connections on which no exchange outlives its deadline, however slowly a target drips."""

from __future__ import annotations

import select
import socket
import ssl
import threading
import time
from collections.abc import Iterable
from typing import Any

import httpcore

from runs_conformance.client.dns import Lookup

AT_ONCE = 0.5
"""A connection that the target closes within this many seconds of its last answer was never meant to be used again."""

_WRITTEN_TOGETHER = 64 * 1024
_SMALLEST_WAIT = 0.001


class DeadlinePassed(httpcore.TimeoutException):
    """The time for the whole exchange is over."""


class ConnectionRefused(httpcore.ConnectError):
    """Nobody listens there, now: the one failure to connect that may be over in a moment."""


class Progress(threading.local):
    """How far this thread's exchange has come. `deadline` is on the monotonic clock."""

    deadline = 0.0
    opened = False
    received = 0

    def begin(self, deadline: float) -> None:
        """A new exchange begins; it may last until `deadline`."""
        self.deadline, self.opened, self.received = deadline, False, 0

    def seconds(self, idle: float | None) -> float:
        """How long the next move on the wire may take. Raises DeadlinePassed where nothing is left."""
        left = self.deadline - time.monotonic()
        if left < _SMALLEST_WAIT:
            raise DeadlinePassed("the time for the whole exchange is over")
        return left if idle is None else min(idle, left)


class Backend(httpcore.NetworkBackend):
    """Opens connections, and notes what they show of the target.

    `closes_unasked` says that the target has closed a connection right after an answer without having said that it
    would.
    """

    def __init__(self) -> None:
        self.progress = Progress()
        self.closes_unasked = False
        self._lookup = Lookup()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """A connection to this host and port."""
        try:
            sock = self._connected(host, port, time.monotonic() + self.progress.seconds(timeout))
        except (TimeoutError, DeadlinePassed) as error:
            raise httpcore.ConnectTimeout(str(error) or "no connection in time") from None
        except ConnectionRefusedError as error:
            raise ConnectionRefused(error.strerror) from None
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(getattr(error, "strerror", None) or str(error)) from error
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.progress.opened = True
        return _Stream(sock, self)

    def _connected(self, host: str, port: int, deadline: float) -> socket.socket:
        """A socket to the first of a host's places that takes one, each within what is left of the time."""
        failure: OSError = OSError("the host has no address")
        for family, place in self._lookup.places(host, port, deadline - time.monotonic()):
            left = deadline - time.monotonic()
            if left < _SMALLEST_WAIT:
                raise TimeoutError("no connection in time")
            sock = socket.socket(family, socket.SOCK_STREAM)
            try:
                sock.settimeout(left)
                sock.connect(place)
            except OSError as error:
                sock.close()
                failure = error
                continue
            return sock
        raise TimeoutError("no connection in time") if isinstance(failure, TimeoutError) else failure


class _Stream(httpcore.NetworkStream):
    """One connection. What is written leaves when something is read, so that head and body travel together."""

    def __init__(self, sock: socket.socket, backend: Backend) -> None:
        self._socket = sock
        self._backend = backend
        self._unsent = bytearray()
        self._last = 0.0

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        progress = self._backend.progress
        try:
            self._flush(timeout)
            self._socket.settimeout(progress.seconds(timeout))
            data = self._socket.recv(max_bytes)
        except TimeoutError:
            # The timeout of the last move is the idle time or what the exchange had left, whichever was less.
            progress.seconds(timeout)
            raise httpcore.ReadTimeout("nothing came in time") from None
        except OSError as error:
            raise httpcore.ReadError(str(error)) from error
        self._last = time.monotonic()
        progress.received += len(data)
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._unsent += buffer
        if len(self._unsent) > _WRITTEN_TOGETHER:
            try:
                self._flush(timeout)
            except TimeoutError:
                raise httpcore.WriteTimeout("the target does not take the request") from None

    def _flush(self, timeout: float | None) -> None:
        """Send what is unsent. A target that has stopped listening may still have answered, so that is left to be
        read.
        """
        left = memoryview(bytes(self._unsent))
        self._unsent.clear()
        try:
            while left:
                self._socket.settimeout(self._backend.progress.seconds(timeout))
                left = left[self._socket.send(left) :]
        except OSError as error:
            if isinstance(error, TimeoutError):
                raise

    def close(self) -> None:
        self._socket.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        try:
            self._socket.settimeout(self._backend.progress.seconds(timeout))
            return _Stream(ssl_context.wrap_socket(self._socket, server_hostname=server_hostname), self._backend)
        except (TimeoutError, DeadlinePassed):
            self.close()
            raise httpcore.ConnectTimeout("the TLS handshake took too long") from None
        except (OSError, ValueError) as error:
            self.close()
            raise httpcore.ConnectError(f"the TLS handshake failed: {error}") from error

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":
            return self._has_ended()
        return self._socket if info == "ssl_object" and isinstance(self._socket, ssl.SSLSocket) else None

    def _has_ended(self) -> bool:
        """Whether the target has closed this idle connection: nothing else makes it readable."""
        try:
            if hasattr(select, "poll"):
                poller = select.poll()
                poller.register(self._socket, select.POLLIN)
                ended = bool(poller.poll(0))
            else:
                ended = bool(select.select([self._socket], [], [], 0)[0])
        except (OSError, ValueError):
            return True
        if ended and time.monotonic() - self._last < AT_ONCE:
            self._backend.closes_unasked = True
        return ended
