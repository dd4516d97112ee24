"""Incremental, bounded decoding of content encodings."""

from __future__ import annotations

import zlib
from typing import Final

ACCEPT_ENCODING: Final = "gzip, deflate"
"""The value of Accept-Encoding: the encodings that can be decoded."""

_GZIP_MAGIC = b"\x1f\x8b"


class DecodeError(Exception):
    """The bytes do not match Content-Encoding, or the encoding is not supported."""


class TooLargeError(Exception):
    """The decoded bytes exceed the limit."""


class Decoder:
    """An incremental decoder of one content encoding (`gzip`, `deflate` or none)."""

    __slots__ = ("_encoding", "_inflate", "_remaining", "_started")

    def __init__(self, encoding: str = "", max_bytes: int = 16 * 1024 * 1024) -> None:
        """Raises DecodeError for an unknown encoding."""
        self._encoding = encoding.strip().lower()
        self._remaining = max_bytes
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
        """Decode the next bytes. Raises DecodeError, or TooLargeError once the limit is exceeded."""
        if self._inflate is not None and data:
            data = self._decompress(data)
        if len(data) > self._remaining:
            raise TooLargeError
        self._remaining -= len(data)
        return data

    def finish(self) -> None:
        """End the input. Raises DecodeError if the encoded data is incomplete, or other bytes follow it."""
        if self._inflate is not None and self._started and not self._inflate.eof:
            raise DecodeError(f"{self._encoding} data is truncated")
        # Zeros may pad the data.
        if self._inflate is not None and self._inflate.unused_data.strip(b"\0"):
            raise DecodeError(f"other bytes follow the {self._encoding} data")

    def _decompress(self, data: bytes) -> bytes:
        assert self._inflate is not None
        try:
            try:
                out = self._inflate.decompress(data, self._remaining + 1)
            except zlib.error:
                if self._encoding != "deflate" or self._started:
                    raise
                # Many servers send "deflate" without the zlib wrapper that the standard requires.
                self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)
                out = self._inflate.decompress(data, self._remaining + 1)
        except zlib.error as error:
            raise DecodeError(f"not {self._encoding}: {error}") from None
        self._started = True
        while self._inflate.eof and self._inflate.unused_data.startswith(_GZIP_MAGIC) and len(out) <= self._remaining:
            rest, self._inflate = self._inflate.unused_data, zlib.decompressobj(16 + zlib.MAX_WBITS)
            try:
                out += self._inflate.decompress(rest, self._remaining + 1 - len(out))
            except zlib.error as error:
                raise DecodeError(f"not {self._encoding}: {error}") from None
        return out
