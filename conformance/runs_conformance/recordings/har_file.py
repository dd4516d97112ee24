"""Opens a HAR: plain, compressed, or in an archive with its bodies, on any file system that fsspec supports."""

from __future__ import annotations

import base64
import contextlib
import gzip
import re
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import IO, Any, cast

from runs_conformance.errors import UsageError
from runs_conformance.files import open_file, read_bytes
from runs_conformance.recordings import har_stream
from runs_conformance.recordings.har_stream import HarItem
from runs_conformance.wire import strict_json

GZIP, ZIP = b"\x1f\x8b", b"PK\x03\x04"
_READ_ERRORS = (OSError, EOFError, zlib.error, zipfile.BadZipFile)


@dataclass(frozen=True, slots=True)
class HarFile:
    """A file that begins as a HAR does. `member` is its name in an archive.

    The entries of a file that `is_plain` can be read again at the offsets that its items name.
    """

    path: str
    is_plain: bool
    member: str = ""

    @property
    def name(self) -> str:
        """The name of the file in reports and messages."""
        return self.path

    def items(self) -> Iterator[HarItem]:
        """The raw entries with their bodies. A last item with a problem says why the reading ended early."""
        try:
            with open_recording(self.path) as file:
                if self.member:
                    yield from self._member_items(file)
                else:
                    opened = file if self.is_plain else cast("IO[bytes]", gzip.open(file))  # noqa: SIM115
                    with har_stream.open_text(opened) as text:
                        for item in har_stream.read_entries(text):
                            if item.may_name_files:
                                insert_bodies(item.entry, self.path)
                            yield item
        except _READ_ERRORS as error:
            yield HarItem(None, problem=f"{har_stream.TRUNCATED} ({error})")

    def _member_items(self, file: IO[bytes]) -> Iterator[HarItem]:
        folder = self.member.rpartition("/")[0]
        with zipfile.ZipFile(file) as archive, har_stream.open_text(archive.open(self.member)) as text:
            for item in har_stream.read_entries(text):
                if item.may_name_files:
                    _insert_bodies(item.entry, lambda name: archive.read(f"{folder}/{name}".lstrip("/")))
                yield item


def open_har(path: str) -> HarFile | None:
    """The HAR at a path or URL; None if the file is something else. Raises UsageError if it cannot be read."""
    try:
        with open_recording(path) as file:
            magic = file.read(4)
            file.seek(0)
            if magic.startswith(ZIP):
                with zipfile.ZipFile(file) as archive:
                    member = next((name for name in archive.namelist() if name.endswith(".har")), None)
                if member is None:
                    raise UsageError(f"{path}: the archive holds no .har file")
                return HarFile(path, False, member)
            is_plain = not magic.startswith(GZIP)
            opened = file if is_plain else cast("IO[bytes]", gzip.open(file))  # noqa: SIM115
            with har_stream.open_text(opened) as text:
                start = text.read(har_stream.START_LENGTH)
            return HarFile(path, is_plain) if har_stream.is_har_text(start) else None
    except _READ_ERRORS as error:
        raise UsageError(f"{path}: {getattr(error, 'strerror', None) or error}") from None


def open_recording(path: str) -> IO[bytes]:
    """Open a regular file, or the file that a URL names, for reading. Raises OSError like `open_file`."""
    if "://" not in path:
        return open_file(Path(path), sys.maxsize)
    try:
        fsspec = import_module("fsspec")
    except ImportError:
        raise UsageError(f"{path}: to read URLs, install runs-conformance[distributed]") from None
    opened: IO[bytes] = fsspec.open(path, "rb").open()
    return opened


def insert_bodies(entry: Any, path: str) -> None:
    """Insert the bodies that Playwright keeps in files beside the HAR at this path into an entry."""
    if "://" not in path:
        _insert_bodies(entry, lambda name: read_bytes(Path(path).parent / name))


def _insert_bodies(entry: Any, load: Callable[[str], bytes]) -> None:
    if not isinstance(entry, dict):
        return
    for message, member in (("request", "postData"), ("response", "content")):
        body = entry[message].get(member) if isinstance(entry.get(message), dict) else None
        if not isinstance(body, dict):
            continue
        name = body.get("_file")
        if isinstance(name, str) and body.get("text") is None and re.fullmatch(r"[\w.-]+", name):
            with contextlib.suppress(OSError, KeyError, zipfile.BadZipFile):
                content = load(name)[: strict_json.MAX_BYTES]
                body |= {"text": base64.b64encode(content).decode(), "encoding": "base64"}
