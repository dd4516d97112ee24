"""Writes `history.jsonl`: a header line, one line per exchange as soon as it has ended, and a footer line.

The file is append-only.
"""

from __future__ import annotations

import errno
import json
import os
import sys
import threading
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from dataclasses import replace
from io import SEEK_END, FileIO
from pathlib import Path
from typing import Protocol

from runs_conformance.client.credentials import Credentials
from runs_conformance.client.redacted_exchange import redact_exchange
from runs_conformance.errors import UnwritableFile
from runs_conformance.model.exchange import Exchange, Response, exchange_to_json
from runs_conformance.model.json import ABSENT, JSON
from runs_conformance.wire.redactor import Redactor

if sys.platform != "win32":
    import fcntl

MAX_LINE_BYTES = 8 * 1024 * 1024
"""An exchange with a longer line is written without its response body."""

_LARGE_RESPONSE = 64 * 1024
"""Bytes from which responses are written one after another: until then each takes several times its size."""

_BLOCK = 1024 * 1024
_READABLE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False)
_ESCAPED = json.JSONEncoder(separators=(",", ":"), check_circular=False)


class Recorder(Protocol):
    """Receives the exchanges of a test run."""

    def record(self, exchange: Exchange) -> Exchange:
        """Record an exchange; return it as recorded, with secrets redacted."""
        ...


class HistoryWriter:
    """Writes exchanges to a history file. Thread-safe. Each line is flushed, so it survives a crash of this process."""

    def __init__(self, path: Path, header: Mapping[str, JSON] | None, credentials: Credentials | None = None) -> None:
        """Start a file with this header; with None, continue an existing file.

        Raises UnwritableFile if it cannot be written or another test run is writing it.
        """
        self.path = path
        self._credentials = credentials or Credentials()
        self._lock = threading.Lock()
        self._large = threading.Lock()
        self._count = 0
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Truncate only after locking: another test run may be writing the file.
            self._file = open(path, "r+b" if header is None else "a+b", buffering=0, opener=_open_unless_symlink)  # noqa: SIM115
            _lock_file(self._file, path)
            if header is not None and self._file.seek(0, SEEK_END):
                self._file.truncate(0)
            self._size = _truncate_to_complete_lines(self._file)
        except OSError as error:
            raise _write_error(path, error) from None
        if header is None:
            return
        try:
            self._write(_line(self._credentials.redactor.redact_json({"type": "run", **header})))
        except UnwritableFile:
            self._file.close()
            raise

    def record(self, exchange: Exchange) -> Exchange:
        """Write an exchange; return it as written, with secrets redacted. Raises UnwritableFile if that fails."""
        is_large = exchange.response is not None and exchange.response.size > _LARGE_RESPONSE
        with self._large if is_large else nullcontext():
            exchange, line = redact(exchange, self._credentials.redactor)
            if len(line) > MAX_LINE_BYTES:
                line = _line({"type": "exchange", **exchange_to_json(_drop_body(exchange, len(line)))})
            self._write(line)
        with self._lock:
            self._count += 1
        return exchange

    def write_footer(self, footer: Mapping[str, JSON]) -> None:
        """Write the last line, which says how the test run ended, and the number of exchanges that this writer wrote.

        Raises UnwritableFile if that fails.
        """
        last = {"type": "end", **footer, "exchanges": self._count}
        self._write(_line(self._credentials.redactor.redact_json(last)))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._file.close()

    def _write(self, line: bytes) -> None:
        remaining = memoryview(line + b"\n")
        with self._lock:
            try:
                while remaining:
                    remaining = remaining[self._file.write(remaining) :]
                self._size += len(line) + 1
            except OSError as error:
                # Remove the partial line, so that every line in the file is complete.
                with suppress(OSError):
                    self._file.truncate(self._size)
                    self._file.seek(self._size)
                raise _write_error(self.path, error) from None


class NullRecorder:
    """Records nothing; for exchanges that are not evidence, and for tests."""

    def __init__(self, credentials: Credentials | None = None) -> None:
        self._credentials = credentials or Credentials()

    def record(self, exchange: Exchange) -> Exchange:
        """The exchange with secrets redacted."""
        redactor = self._credentials.redactor
        return redact(exchange, redactor)[0] if redactor else exchange


def redact(exchange: Exchange, redactor: Redactor) -> tuple[Exchange, bytes]:
    """The exchange without secrets, and its line in a history."""
    if redactor and exchange.response is not None:
        exchange = replace(exchange, repeats_key=False)
    data = exchange_to_json(exchange)
    line = _line({"type": "exchange", **data})
    redacted = redact_exchange(exchange, data, line.decode(), redactor)
    return redacted, line if redacted is exchange else _line({"type": "exchange", **exchange_to_json(redacted)})


def _open_unless_symlink(path: str, flags: int) -> int:
    """Open a file for writing; refuse a symbolic link, whose target would be truncated."""
    try:
        return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OSError(error.errno, "it is a symbolic link", path) from None
        raise


def _lock_file(file: FileIO, path: Path) -> None:
    """Lock the file for this process if the system supports it. Raises UnwritableFile if another process holds it."""
    if sys.platform == "win32":
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        problem = f"{path}: another test run is writing to it"
        raise UnwritableFile(problem, "give each one its own --report-dir") from None
    except OSError:
        return


def _line(value: JSON) -> bytes:
    try:
        return _READABLE.encode(value).encode()
    except UnicodeEncodeError:
        return _ESCAPED.encode(value).encode()


def _drop_body(exchange: Exchange, size: int) -> Exchange:
    response = exchange.response
    note = f"(left out: the line had {size} bytes)"
    if response is not None:
        response = Response(
            response.status, response.headers, ABSENT, note, None, (*response.defects, "too_large"), response.size
        )
    return replace(exchange, response=response)


def _truncate_to_complete_lines(file: FileIO) -> int:
    """Truncate a file after its last complete line; return its size and leave the position at its end."""
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


def _write_error(path: Path, error: OSError) -> UnwritableFile:
    return UnwritableFile(f"{path}: cannot be written: {error.strerror or error}")
