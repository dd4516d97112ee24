"""Standard output and standard error, made to bear that nobody reads them."""

from __future__ import annotations

import os
import sys
from typing import Any, TextIO


class Outlet:
    """A text stream that goes on as if it were read when its reader has gone: a verdict is more than its telling.

    Other errors are raised, unless it is `lenient`.
    """

    def __init__(self, stream: TextIO, lenient: bool) -> None:
        self._stream = stream
        self._lenient = lenient

    def write(self, text: str) -> int:
        """Write as far as somebody reads."""
        try:
            return self._stream.write(text)
        except OSError as error:
            self._lose(error)
            return len(text)

    def flush(self) -> None:
        """Flush as far as somebody reads."""
        try:
            self._stream.flush()
        except OSError as error:
            self._lose(error)

    def _lose(self, error: OSError) -> None:
        if not self._lenient and not isinstance(error, BrokenPipeError):
            raise error
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def settle() -> None:
    """Make both outlets bear it, also where one was closed before the process began."""
    sys.stdout = Outlet(sys.stdout or _nowhere(), lenient=False)
    sys.stderr = Outlet(sys.stderr or _nowhere(), lenient=True)


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")
