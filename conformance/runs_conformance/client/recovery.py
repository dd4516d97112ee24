"""Waits for a target that stopped listening, which a supervisor or a command may restart."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Callable

from runs_conformance.client.base_url import Address
from runs_conformance.client.httpcore_transport import connection_endpoint

SUPERVISOR_SECONDS = 5.0
"""Seconds to wait for a target that something else may restart."""

COMMAND_SECONDS = 60.0
"""Seconds to wait for a target after its restart command was started."""

MAX_RECOVERIES = 20
"""How often the suite waits for a target that stopped listening."""

_POLL_SECONDS = 0.1


class Recovery:
    """Waits until the target listens again, and starts the restart command first if there is one. Thread-safe.

    Calls `on_recovered` each time the target was found listening again: objects from before may no longer exist.
    """

    def __init__(
        self,
        address: Address,
        command: str | None = None,
        on_recovered: Callable[[], object] = lambda: None,
        *,
        is_listening: Callable[[], bool] | None = None,
        start: Callable[[str], object] | None = None,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._command = command
        self._on_recovered = on_recovered
        self._is_listening = is_listening or (lambda: _accepts_connections(address))
        self._start = start or _start_command
        self._sleep = sleep
        self._now = now
        self._lock = threading.Lock()
        self._given_up = False
        self._recovered_at: list[float] = []

    def wait_if_down(self, lost_at: float) -> bool:
        """Wait for the target after a connection was lost, if it does not listen; returns whether it came back."""
        return not self._is_listening() and self.wait(lost_at)

    def wait(self, refused_at: float) -> bool:
        """Wait for the target after a connection was refused; returns whether it listens again.

        Threads that were refused at about the same time wait for the same recovery.
        """
        with self._lock:
            if self._recovered_at and self._recovered_at[-1] > refused_at:
                return True
            if self._given_up or len(self._recovered_at) >= MAX_RECOVERIES:
                return False
            if self._command:
                self._start(self._command)
            deadline = self._now() + (COMMAND_SECONDS if self._command else SUPERVISOR_SECONDS)
            while not self._is_listening():
                if self._now() >= deadline:
                    self._given_up = True
                    return False
                self._sleep(_POLL_SECONDS)
            self._recovered_at.append(self._now())
            self._on_recovered()
            return True


def _accepts_connections(address: Address) -> bool:
    """Whether something listens where requests are sent. Behind a proxy, the target itself may be out of reach."""
    try:
        with socket.create_connection(connection_endpoint(address), timeout=1.0):
            return True
    except OSError:
        return False


def _start_command(command: str) -> None:
    """Start a command without waiting for its end: it may be the server itself.

    The command is the user's own (`--restart-command`), and may use the shell.
    """
    subprocess.Popen(
        command,
        shell=True,  # nosec B602
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # An interrupt of the suite must not reach the server.
        start_new_session=True,
    )
