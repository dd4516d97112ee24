"""Encoded bodies are decoded within limits."""

from __future__ import annotations

import gzip
import zlib

import pytest

from runs_conformance.wire.content_encoding import DecodeError, Decoder, TooLargeError

TEXT = b'{"id": "thread_1"}' * 50


@pytest.mark.parametrize("size", [1, 7, 10_000])
@pytest.mark.parametrize(
    ("encoding", "encoded"),
    [
        ("", TEXT),
        ("identity", TEXT),
        ("gzip", gzip.compress(TEXT, mtime=0)),
        ("GZIP ", gzip.compress(TEXT, mtime=0)),
        ("x-gzip", gzip.compress(TEXT[:100], mtime=0) + gzip.compress(TEXT[100:], mtime=0)),
        ("deflate", zlib.compress(TEXT)),
    ],
)
def test_content_is_decoded_in_chunks(encoding: str, encoded: bytes, size: int) -> None:
    decoder = Decoder(encoding)
    assert b"".join(decoder.feed(encoded[start : start + size]) for start in range(0, len(encoded), size)) == TEXT
    decoder.finish()


def test_deflate_without_zlib_wrapper_is_decoded() -> None:
    encoded = zlib.compress(TEXT)[2:-4]
    assert Decoder("deflate").feed(encoded) == TEXT


def test_invalid_content_raises() -> None:
    with pytest.raises(DecodeError, match="not gzip"):
        Decoder("gzip").feed(b"hello")
    with pytest.raises(DecodeError, match="content encoding 'br'"):
        Decoder("br")
    decoder = Decoder("gzip")
    decoder.feed(gzip.compress(TEXT, mtime=0)[:-9])
    with pytest.raises(DecodeError, match="truncated"):
        decoder.finish()


@pytest.mark.parametrize("chunks", [1, 100])
def test_a_bomb_is_not_unencoded(chunks: int) -> None:
    encoded = gzip.compress(b"0" * 10_000_000, mtime=0)
    decoder = Decoder("gzip", max_bytes=1000)
    step = len(encoded) // chunks

    def feed() -> None:
        for start in range(0, len(encoded), step):
            decoder.feed(encoded[start : start + step])

    with pytest.raises(TooLargeError):
        feed()


def test_identity_content_is_limited() -> None:
    decoder = Decoder(max_bytes=5)
    assert decoder.feed(b"12345") == b"12345"
    with pytest.raises(TooLargeError):
        decoder.feed(b"6")


def test_bytes_after_the_encoded_data_are_an_error() -> None:
    data = gzip.compress(b"{}")
    decoder = Decoder("gzip")
    assert decoder.feed(data + b"\0" * 8) == b"{}"
    decoder.finish()
    decoder = Decoder("gzip")
    assert decoder.feed(data + b"junk" * 1_000) == b"{}"
    with pytest.raises(DecodeError, match="other bytes follow"):
        decoder.finish()
