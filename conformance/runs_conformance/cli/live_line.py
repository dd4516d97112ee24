"""One line of a terminal that is rewritten while a command works."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TextIO

from runs_conformance.cli.stderr import say

_INTERVAL_S = 0.5
_CLEAR = "\r\x1b[K"


class LiveLine:
    """Shows a line that replaces the one before; nothing, if the stream is not a terminal."""

    def __init__(self, stream: TextIO | None = None, now: Callable[[], float] = time.monotonic) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._now = now
        self._shown_at = -_INTERVAL_S
        self._text = ""

    def show(self, text: str) -> None:
        """Show a text, at most twice a second."""
        if text == self._text or self._now() - self._shown_at < _INTERVAL_S or not self._stream.isatty():
            return
        self._shown_at, self._text = self._now(), text
        self._stream.write(f"{_CLEAR}{text}")
        self._stream.flush()

    def say_above(self, text: str) -> None:
        """Print a line that stays."""
        self.clear()
        say(text)

    def clear(self) -> None:
        """Remove the line."""
        if self._text:
            self._text = ""
            self._stream.write(_CLEAR)
            self._stream.flush()
