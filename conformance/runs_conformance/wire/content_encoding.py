"""Content encodings undone as the bytes arrive, never to more than a bound."""

from __future__ import annotations

import zlib
from typing import Final

ACCEPT_ENCODING: Final = "gzip, deflate"
"""The value of Accept-Encoding: what can be undone here."""

_GZIP_MAGIC = b"\x1f\x8b"


class DecodeError(Exception):
    """The bytes are not what Content-Encoding says, or it says something that cannot be undone here."""


class TooLargeError(Exception):
    """Undone, the bytes pass the bound."""


class Decoder:
    """Undoes one content encoding (`gzip`, `deflate` or none) piece by piece."""

    __slots__ = ("_encoding", "_inflate", "_left", "_started")

    def __init__(self, encoding: str = "", max_bytes: int = 16 * 1024 * 1024) -> None:
        """Raises Undecodable for an encoding that is not known."""
        self._encoding = encoding.strip().lower()
        self._left = max_bytes
        self._started = False
        match self._encoding:
            case "" | "identity":
                self._inflate = None
            case "gzip" | "x-gzip":
                self._inflate = zlib.decompressobj(16 + zlib.MAX_WBITS)
            case "deflate":
                self._inflate = zlib.decompressobj()
            case unknown:
                raise DecodeError(f"content encoding {unknown[:40]!r}")

    def feed(self, data: bytes) -> bytes:
        """The next bytes undone. Raises Undecodable, or TooLarge once the bound is passed."""
        if self._inflate is not None and data:
            data = self._decompress(data)
        if len(data) > self._left:
            raise TooLargeError
        self._left -= len(data)
        return data

    def finish(self) -> None:
        """Say that nothing more comes. Raises Undecodable where the encoding's own end is missing."""
        if self._inflate is not None and self._started and not self._inflate.eof:
            raise DecodeError(f"{self._encoding} data ends too early")

    def _decompress(self, data: bytes) -> bytes:
        assert self._inflate is not None
        try:
            try:
                out = self._inflate.decompress(data, self._left + 1)
            except zlib.error:
                if self._encoding != "deflate" or self._started:
                    raise
                # Much software takes "deflate" to mean the bare data, without the zlib wrapper that the standard
                # demands.
                self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)
                out = self._inflate.decompress(data, self._left + 1)
        except zlib.error as error:
            raise DecodeError(f"not {self._encoding}: {error}") from None
        self._started = True
        while self._inflate.eof and self._inflate.unused_data.startswith(_GZIP_MAGIC) and len(out) <= self._left:
            rest, self._inflate = self._inflate.unused_data, zlib.decompressobj(16 + zlib.MAX_WBITS)
            try:
                out += self._inflate.decompress(rest, self._left + 1 - len(out))
            except zlib.error as error:
                raise DecodeError(f"not {self._encoding}: {error}") from None
        return out
