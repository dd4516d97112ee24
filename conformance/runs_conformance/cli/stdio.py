"""Makes standard output and standard error tolerate a closed reader and redact secrets."""

from __future__ import annotations

import os
import sys
from typing import Any, TextIO

from runs_conformance.wire import known_secrets


class TolerantStream:
    """A text stream that discards its output once the reader has gone: the exit code matters more than the output.

    Raises other errors, unless it is `lenient`. Known secrets are redacted.
    """

    def __init__(self, stream: TextIO, lenient: bool) -> None:
        self._stream = stream
        self._lenient = lenient

    def write(self, text: str) -> int:
        """Write, or discard the text if the reader has gone."""
        try:
            self._stream.write(known_secrets.redact(text))
        except OSError as error:
            self._discard_output(error)
        return len(text)

    def flush(self) -> None:
        """Flush, or discard the buffer if the reader has gone."""
        try:
            self._stream.flush()
        except OSError as error:
            self._discard_output(error)

    def _discard_output(self, error: OSError) -> None:
        if not self._lenient and not isinstance(error, BrokenPipeError):
            raise error
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, self._stream.fileno())
        os.close(devnull)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def tolerate_closed_pipes() -> None:
    """Make both streams tolerate a closed reader, even one closed before the process started."""
    sys.stdout = TolerantStream(sys.stdout or _open_devnull(), lenient=False)
    sys.stderr = TolerantStream(sys.stderr or _open_devnull(), lenient=True)


def _open_devnull() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")
