"""Handles Ctrl-C, SIGTERM and SIGHUP: the first ends a command in an orderly way, the second immediately."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

INTERRUPTED = 130
WITH_HISTORY = "`runs-conformance cleanup` deletes what is left on the target"
WITHOUT_HISTORY = "objects that it created last may be left on the target"
"""The hint after a second signal, for commands with a history and without one."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else []))
_SHOW_CURSOR = "\x1b[?25h"


class Interruption:
    """The signal handler. `received` becomes true with the first signal; `hint` is printed at a second one.

    With `ignores_repeats`, further signals change nothing.
    """

    def __init__(self, hint: str = WITH_HISTORY, *, ignores_repeats: bool = False) -> None:
        self._hint = hint
        self._ignores_repeats = ignores_repeats
        self.received = False
        self._deferred = False

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal: KeyboardInterrupt the first time, the end of the process the second time."""
        if self.received and self._ignores_repeats:
            return
        if self.received:
            cursor = _SHOW_CURSOR if sys.stderr.isatty() else ""
            os.write(2, f"{cursor}\nruns-conformance: ended immediately; {self._hint}\n".encode())
            os._exit(INTERRUPTED)
        self.received = True
        if not self._deferred:
            raise KeyboardInterrupt

    def defer(self) -> None:
        """Do not interrupt on the first signal from now on: the rest is short and must be completed."""
        self._deferred = True


@contextmanager
def interruptible(hint: str = WITH_HISTORY, *, ignores_repeats: bool = False) -> Iterator[Interruption]:
    """Handle the signals during a block. Does nothing outside the main thread, since no other thread receives them.

    A hangup that `nohup` ignores stays ignored.
    """
    interruption = Interruption(hint, ignores_repeats=ignores_repeats)
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return
    handled = [number for number in _SIGNALS if number == signal.SIGINT or signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, interruption.handle) for number in handled}
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def signals_held() -> Iterator[None]:
    """Hold signals back during a short block, and handle them afterwards. Processes that it starts ignore Ctrl-C.

    Blocking alone would not hold them: the system gives a signal to any thread that does not block it. Changes nothing
    outside the main thread, which handles all signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    received: list[int] = []
    handled = [number for number in _SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, lambda number, frame: received.append(number)) for number in handled}
    # A new process inherits what is blocked, not the handler.
    blocks = hasattr(signal, "pthread_sigmask")
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}) if blocks else None
    try:
        yield
    finally:
        if mask is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for number, handler in before.items():
            signal.signal(number, handler)
        if received:
            signal.raise_signal(received[0])
