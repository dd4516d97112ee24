"""Chunks that a recorder kept in a body are not attributed to the server."""

from __future__ import annotations

import pytest

from runs_conformance.recordings.compression import UndecodableError, decode_content


@pytest.mark.parametrize("encoding", ["", "gzip"])
@pytest.mark.parametrize(
    "content", [b"2\r\n{}\r\n0\r\n\r\n", b'8\r\n{"id": "\r\n3;x=1\r\na"}\r\n0\r\n\r\n', b"0\r\n\r\n"]
)
def test_body_in_chunks_is_a_loss(content: bytes, encoding: str) -> None:
    with pytest.raises(UndecodableError, match="chunks"):
        decode_content(content, encoding)


@pytest.mark.parametrize("content", [b"2\r\n{}", b"2\r\n{}}\r\n0\r\n\r\n", b"2\n{}\n0\n\n", b"12", b"{}"])
def test_other_bodies_are_those_of_the_server(content: bytes) -> None:
    assert decode_content(content, "") == (content, ())
