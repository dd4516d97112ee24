"""Reads files that the user names: only regular ones, up to a size."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

MAX_BYTES = 16 * 1024 * 1024


def open_file(path: Path, max_bytes: int = MAX_BYTES) -> BinaryIO:
    """Open a regular file for reading. Raises OSError for a device, a pipe or a socket, and for a larger file.

    Those may never end; opening a pipe without a writer would block.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, "it is a folder", str(path))
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        if status.st_size > max_bytes:
            raise OSError(errno.EFBIG, f"larger than {max_bytes // 2**20} MB", str(path))
        return os.fdopen(descriptor, "rb")
    except OSError:
        os.close(descriptor)
        raise


def read_bytes(path: Path, max_bytes: int = MAX_BYTES) -> bytes:
    """The content of a regular file. Raises OSError for anything else, and for a larger file."""
    with open_file(path, max_bytes) as file:
        return file.read(max_bytes)


def read_text(path: Path, max_bytes: int = MAX_BYTES) -> str:
    """The content of a regular file in UTF-8. Raises OSError like `read_bytes`, and UnicodeDecodeError."""
    return read_bytes(path, max_bytes).decode("utf-8")
