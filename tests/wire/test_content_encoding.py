from __future__ import annotations

import gzip
import zlib

import pytest

from runs_conformance.wire.content_encoding import DecodeError, Decoder, TooLargeError

TEXT = b'{"id": "thread_1"}' * 50


@pytest.mark.parametrize("size", [1, 7, 10_000])
@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("", TEXT),
        ("identity", TEXT),
        ("gzip", gzip.compress(TEXT, mtime=0)),
        ("GZIP ", gzip.compress(TEXT, mtime=0)),
        ("x-gzip", gzip.compress(TEXT[:100], mtime=0) + gzip.compress(TEXT[100:], mtime=0)),
        ("deflate", zlib.compress(TEXT)),
    ],
)
def test_encodings_are_undone_piece_by_piece(encoding: str, packed: bytes, size: int) -> None:
    decoder = Decoder(encoding)
    assert b"".join(decoder.feed(packed[start : start + size]) for start in range(0, len(packed), size)) == TEXT
    decoder.finish()


def test_bare_deflate_is_undone() -> None:
    packed = zlib.compress(TEXT)[2:-4]
    assert Decoder("deflate").feed(packed) == TEXT


def test_what_is_not_so_encoded_is_undecodable() -> None:
    with pytest.raises(DecodeError, match="not gzip"):
        Decoder("gzip").feed(b"hello")
    with pytest.raises(DecodeError, match="content encoding 'br'"):
        Decoder("br")
    decoder = Decoder("gzip")
    decoder.feed(gzip.compress(TEXT, mtime=0)[:-9])
    with pytest.raises(DecodeError, match="too early"):
        decoder.finish()


@pytest.mark.parametrize("pieces", [1, 100])
def test_a_bomb_is_not_unpacked(pieces: int) -> None:
    packed = gzip.compress(b"0" * 10_000_000, mtime=0)
    decoder = Decoder("gzip", max_bytes=1000)
    step = len(packed) // pieces

    def feed() -> None:
        for start in range(0, len(packed), step):
            decoder.feed(packed[start : start + step])

    with pytest.raises(TooLargeError):
        feed()


def test_plain_content_is_bounded_too() -> None:
    decoder = Decoder(max_bytes=5)
    assert decoder.feed(b"12345") == b"12345"
    with pytest.raises(TooLargeError):
        decoder.feed(b"6")
