"""Ctrl-C and SIGTERM: the first ends a run in good order, the second at once."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

INTERRUPTED = 130
_AT_ONCE = "\nruns-conformance: ended at once; `runs-conformance cleanup` deletes what is left on the target\n"
_SHOW_CURSOR = "\x1b[?25h"


class Interruption:
    """What the signals do. `came` says that there was one."""

    def __init__(self) -> None:
        self.came = False
        self._put_off = False

    def take(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal: KeyboardInterrupt the first time, the end of the process the second time."""
        if self.came:
            cursor = _SHOW_CURSOR if sys.stderr.isatty() else ""
            os.write(2, (cursor + _AT_ONCE).encode())
            os._exit(INTERRUPTED)
        self.came = True
        if not self._put_off:
            raise KeyboardInterrupt

    def put_off(self) -> None:
        """From now on the first signal ends nothing: what is left to do is short, and has to be whole."""
        self._put_off = True


@contextmanager
def interruptible() -> Iterator[Interruption]:
    """A block that both signals end alike. Outside the main thread, where there are no signals, nothing changes."""
    interruption = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return
    before = {number: signal.signal(number, interruption.take) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
