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
CLEANUP = "`runs-conformance cleanup` deletes what is left on the target"
LEFT = "what it had created last may be left on the target"
"""What is to be known where the second signal ended it: with a history, and without one."""

_SHOW_CURSOR = "\x1b[?25h"


class Interruption:
    """What the signals do. `came` says that there was one; `after` is told where a second one ends everything."""

    def __init__(self, after: str = CLEANUP) -> None:
        self._after = after
        self.came = False
        self._put_off = False

    def take(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal: KeyboardInterrupt the first time, the end of the process the second time."""
        if self.came:
            cursor = _SHOW_CURSOR if sys.stderr.isatty() else ""
            os.write(2, f"{cursor}\nruns-conformance: ended at once; {self._after}\n".encode())
            os._exit(INTERRUPTED)
        self.came = True
        if not self._put_off:
            raise KeyboardInterrupt

    def put_off(self) -> None:
        """From now on the first signal ends nothing: what is left to do is short, and has to be whole."""
        self._put_off = True


@contextmanager
def interruptible(after: str = CLEANUP) -> Iterator[Interruption]:
    """A block that both signals end alike. Outside the main thread, where there are no signals, nothing changes."""
    interruption = Interruption(after)
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return
    before = {number: signal.signal(number, interruption.take) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
