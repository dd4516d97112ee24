"""`history.jsonl`: one line for the run, then one for each exchange as soon as it has ended, then one that says how the
run ended; nothing is ever rewritten.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from io import SEEK_END, FileIO
from pathlib import Path
from typing import Protocol

from runs_conformance.client.credentials import Credentials
from runs_conformance.errors import UsageError
from runs_conformance.model.exchange import Exchange, Response, exchange_from_json, exchange_to_json
from runs_conformance.model.json import ABSENT, JSON

if sys.platform != "win32":
    import fcntl

MAX_LINE = 8 * 1024 * 1024
"""An exchange whose line would be longer is written without the body of its answer."""

_BLOCK = 1024 * 1024
_READABLE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False)
_ESCAPED = json.JSONEncoder(separators=(",", ":"), check_circular=False)


class Recorder(Protocol):
    """What a session tells of its exchanges."""

    def record(self, exchange: Exchange) -> Exchange:
        """Take down an exchange; gives back what was taken down, without any secret."""
        ...


class HistoryFile:
    """Writes exchanges to a file, from any number of threads; what is written survives the end of this process."""

    def __init__(self, path: Path, header: Mapping[str, JSON] | None, credentials: Credentials | None = None) -> None:
        """Begin the file with a line for the run; without one, go on with a file that there is.

        Raises UsageError where it cannot be written, or another run is writing it.
        """
        self.path = path
        self._credentials = credentials or Credentials()
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Emptied when it is ours alone, and not before: another run may be writing into it.
            self._file = path.open("r+b" if header is None else "a+b", buffering=0)
            _claim(self._file, path)
            if header is not None and self._file.seek(0, SEEK_END):
                self._file.truncate(0)
            self._size = _whole(self._file)
        except OSError as error:
            raise _unwritable(path, error) from None
        if header is None:
            return
        try:
            self._write(_line(self._credentials.redact_json({"type": "run", **header})))
        except UsageError:
            self._file.close()
            raise

    def record(self, exchange: Exchange) -> Exchange:
        """Write one exchange; gives it back as it was written, without any secret."""
        data = exchange_to_json(exchange)
        line = _line({"type": "exchange", **data})
        if self._credentials.shows_in(line):
            redacted = self._credentials.redact_json(data)
            assert isinstance(redacted, dict)
            exchange, line = exchange_from_json(redacted), _line({"type": "exchange", **redacted})
        if len(line) > MAX_LINE:
            line = _line({"type": "exchange", **exchange_to_json(_without_body(exchange, len(line)))})
        self._write(line)
        return exchange

    def end(self, ending: Mapping[str, JSON]) -> None:
        """Write the last line, which says how the run ended."""
        self._write(_line(self._credentials.redact_json({"type": "end", **ending})))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._file.close()

    def _write(self, line: bytes) -> None:
        left = memoryview(line + b"\n")
        with self._lock:
            try:
                while left:
                    left = left[self._file.write(left) :]
                self._size += len(line) + 1
            except OSError as error:
                # What did not fit is taken back, so that every line that stays is whole.
                with suppress(OSError):
                    self._file.truncate(self._size)
                    self._file.seek(self._size)
                raise _unwritable(self.path, error) from None


class Unrecorded:
    """Writes nothing down; for exchanges that are no evidence, and for tests."""

    def __init__(self, credentials: Credentials | None = None) -> None:
        self._credentials = credentials or Credentials()

    def record(self, exchange: Exchange) -> Exchange:
        """Give the exchange back without any secret."""
        data = exchange_to_json(exchange)
        if not self._credentials.secrets or not self._credentials.shows_in(_line(data)):
            return exchange
        redacted = self._credentials.redact_json(data)
        assert isinstance(redacted, dict)
        return exchange_from_json(redacted)


def _claim(file: FileIO, path: Path) -> None:
    """Make the file this process's alone for as long as it is open, where the system knows how. Raises UsageError
    where it is another's.
    """
    if sys.platform == "win32":
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise UsageError(f"{path}: another run is writing into it; give each its own --report-dir") from None
    except OSError:
        return


def _line(value: JSON) -> bytes:
    try:
        return _READABLE.encode(value).encode()
    except UnicodeEncodeError:
        return _ESCAPED.encode(value).encode()


def _without_body(exchange: Exchange, size: int) -> Exchange:
    answer = exchange.response
    note = f"(left out: the line had {size} bytes)"
    if answer is not None:
        answer = Response(
            answer.status, answer.headers, ABSENT, note, None, (*answer.defects, "too_large"), answer.size
        )
    return replace(exchange, response=answer)


def _whole(file: FileIO) -> int:
    """The size of a file up to the end of its last whole line; what follows is cut off, and writing goes on there."""
    size = file.seek(0, SEEK_END)
    tail = b""
    start = size
    while start and b"\n" not in tail:
        start = max(0, start - _BLOCK)
        file.seek(start)
        tail = file.read(_BLOCK)
    if size:
        size = start + tail.rfind(b"\n") + 1
        file.truncate(size)
        file.seek(size)
    return size


def _unwritable(path: Path, error: OSError) -> UsageError:
    return UsageError(f"{path}: cannot be written: {error.strerror or error}")
