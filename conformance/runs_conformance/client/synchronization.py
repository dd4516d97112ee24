"""Synchronizes requests that are sent concurrently."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

from runs_conformance.client.connection import HeldSend
from runs_conformance.client.transport import Transport
from runs_conformance.model.case import Step

_MAX_HOLD = 1.0
"""Seconds for which requests wait for each other's connections."""

_MAX_EVENT_WAIT = 5.0
"""Seconds for which a request waits for an event."""


class Synchronization:
    """Decides when each of several concurrent steps is sent; each is sent by a thread of its own.

    Steps without a condition leave together, once all their connections are open: a TLS handshake may take longer than
    the target needs for a request. One thread sends all of them, since threads may need as long to wake up. A step with
    a pause leaves after it, and one with `after_event` when the stream of another shows that event, or when all others
    have ended.
    """

    def __init__(self, steps: Sequence[Step], transport: Transport, sleep: Callable[[float], None]) -> None:
        self._transport = transport
        self._sleep = sleep
        self._started = threading.Barrier(len(steps))
        self._held: list[HeldSend] = []
        self._connected = threading.Barrier(max(1, sum(map(_leaves_at_once, steps))), self._send_all)
        self._signals = {step.after_event: threading.Event() for step in steps if step.after_event}
        self._lock = threading.Lock()
        self._others = sum(not step.after_event for step in steps)

    def wait(self, step: Step) -> None:
        """Wait until this thread may send the step. Its connection may still have to wait for the others."""
        self._transport.share_connections()
        self._started.wait()
        if step.after_event:
            self._signals[step.after_event].wait(_MAX_EVENT_WAIT)
        elif step.pause:
            self._sleep(step.pause)
        else:
            self._transport.hold_next_request(self._hold)
        if self._signals:
            self._transport.watch_events(self._signal)

    def finish(self, step: Step) -> None:
        """Note that the step has ended, even if it could not be sent, so that no other waits for it."""
        if _leaves_at_once(step):
            self._connected.abort()
        with self._lock:
            self._others -= not step.after_event
            if not self._others:
                self._signal("")

    def abort(self) -> None:
        """Stop waiting for threads that could not be started."""
        self._started.abort()

    def _hold(self, send: HeldSend) -> None:
        """Wait for the other connections; the last thread to open one sends all requests."""
        with self._lock:
            self._held.append(send)
        with suppress(threading.BrokenBarrierError):
            self._connected.wait(_MAX_HOLD)

    def _send_all(self) -> None:
        for send in self._held:
            send()

    def _signal(self, event: str) -> None:
        """Let the steps go that wait for this event; without a name, all of them."""
        for prefix, signal in self._signals.items():
            if not event or event.startswith(prefix):
                signal.set()


def _leaves_at_once(step: Step) -> bool:
    return not (step.pause or step.after_event)
