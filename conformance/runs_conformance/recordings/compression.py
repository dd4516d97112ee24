"""Removes the content encodings that recorders left on bodies."""

from __future__ import annotations

import binascii
import json
import re
from collections.abc import Callable
from importlib import import_module
from types import ModuleType

from runs_conformance.recordings.entry import MalformedEntryError, decode_base64
from runs_conformance.wire import strict_json
from runs_conformance.wire.content_encoding import DecodeError, Decoder, TooLargeError

_ZLIB_MAGIC = (b"\x1f\x8b", b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
_REPLACEMENT = "\ufffd".encode()
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_PACKED_PIECES = (b'["H4sI', b'["1f8b')
"""The start of a JSON list of gzip pieces, in base64 and in hexadecimal."""
_LIST_OF_TEXTS = re.compile(rb'\s*\[\s*"')
_CHUNK = re.compile(rb"([0-9a-fA-F]{1,7})(?:;[^\r\n]*)?\r\n")
_TEXT_START = ("{", "[", "event:", "data:", ":")


class UndecodableError(Exception):
    """A body cannot be decoded here, which is not the server's fault; the message says why."""


def decode_content(content: bytes, encoding: str) -> tuple[bytes, tuple[str, ...]]:
    """Remove the content encoding, if it is still there; returns the body and its defects.

    Recorders keep the header after decoding. Raises UndecodableError if a library is missing or
    the recorder damaged the body.
    """
    encoding = encoding.strip().lower()
    if not encoding and _join_pieces(content).startswith(_ZLIB_MAGIC[0]):
        encoding = "gzip"  # The recorder saved the compressed body, but not the header.
    if _CHUNK.match(content) and _is_in_chunks(content):
        raise UndecodableError("the recorder saved the chunks of the transfer, or the server sent them as content")
    if not encoding or encoding == "identity" or not content:
        return content, ()
    content = _join_pieces(content)
    try:
        if encoding in ("br", "zstd"):
            return _decode_by_library(content, encoding), ()
        if not content.startswith(_ZLIB_MAGIC) and _is_text(content):
            return content, ()
        return Decoder(encoding, strict_json.MAX_BYTES).feed(content), ()
    except TooLargeError:
        return b"", ("too_large",)
    except DecodeError as error:
        if _REPLACEMENT in content:
            raise UndecodableError("the recorder saved the compressed body as text") from None
        if error.args and str(error).startswith("content encoding"):
            raise UndecodableError(str(error)) from None
        return content, (f"content_encoding: {error}",)


def _is_in_chunks(content: bytes) -> bool:
    """Whether a body consists of chunks, each after its size, up to the empty one."""
    position = 0
    while chunk := _CHUNK.match(content, position):
        size = int(chunk[1], 16)
        if size == 0:
            return True
        position = chunk.end() + size + 2
        if content[position - 2 : position] != b"\r\n":
            return False
    return False


def _is_text(content: bytes) -> bool:
    if content.isascii():
        return True
    try:
        return content.decode().lstrip("\ufeff \t\r\n").startswith(_TEXT_START)
    except UnicodeDecodeError:
        return False


def _join_pieces(content: bytes) -> bytes:
    """Join the pieces of a compressed body that Polly stores as a JSON list of base64 or hexadecimal texts.

    Raises UndecodableError if the list was truncated.
    """
    if _LIST_OF_TEXTS.match(content) is None:
        return content
    try:
        pieces = json.loads(content)
    except ValueError:
        if content.startswith(_PACKED_PIECES):
            raise UndecodableError("the recorder truncated the compressed body") from None
        return content
    if not isinstance(pieces, list) or not all(isinstance(piece, str) for piece in pieces):
        return content
    for decode in (bytes.fromhex, decode_base64):
        try:
            return b"".join(map(decode, pieces))
        except (ValueError, binascii.Error, MalformedEntryError):
            continue
    return content


def _decode_by_library(content: bytes, encoding: str) -> bytes:
    """Decode `br` or `zstd`. Content that is readable as it is was decoded by the recorder."""
    if _is_text(content) and not content.startswith(_ZSTD_MAGIC):
        return content
    decompress = _brotli() if encoding == "br" else _zstd()
    try:
        return decompress(content)
    except TooLargeError:
        raise
    except Exception as error:
        raise DecodeError(f"not {encoding}: {error}") from None


def _brotli() -> Callable[[bytes], bytes]:
    library = next((found for name in ("brotli", "brotlicffi") if (found := _import(name)) is not None), None)
    if library is None:
        raise UndecodableError("content encoding 'br'; install runs-conformance[recordings]")

    def decompress(content: bytes) -> bytes:
        decompressor = library.Decompressor()
        process = getattr(decompressor, "process", None) or decompressor.decompress
        out = bytearray()
        for start in range(0, len(content), 4096):
            out += process(content[start : start + 4096])
            if len(out) > strict_json.MAX_BYTES:
                raise TooLargeError
        return bytes(out)

    return decompress


def _import(name: str) -> ModuleType | None:
    try:
        return import_module(name)
    except ImportError:
        return None


def _zstd() -> Callable[[bytes], bytes]:
    library = _import("zstandard")
    if library is None:
        raise UndecodableError("content encoding 'zstd'; install runs-conformance[recordings]")

    def decompress(content: bytes) -> bytes:
        with library.ZstdDecompressor().stream_reader(content) as reader:
            out: bytes = reader.read(strict_json.MAX_BYTES + 1)
        if len(out) > strict_json.MAX_BYTES:
            raise TooLargeError
        return out

    return decompress
