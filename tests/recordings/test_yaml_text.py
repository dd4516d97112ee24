"""YAML that would expand to a large value is refused."""

from __future__ import annotations

import pytest

from runs_conformance.recordings.yaml_text import MAX_ALIASES, MAX_DEPTH, YamlError, documents


def _doubling(levels: int, width: int = 9) -> bytes:
    lines = ["a0: &a0 [" + ",".join(["x"] * width) + "]"]
    lines += [f"a{level}: &a{level} [" + ",".join([f"*a{level - 1}"] * width) + "]" for level in range(1, levels)]
    return "\n".join(lines).encode()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (_doubling(9), "aliases stand for more than"),
        (b"a: &a " + b"x" * 1_700_000 + b"\nb: [" + b",".join([b"*a"] * 100) + b"]", "aliases stand for more than"),
        (b"a: &a {k: " + b"x" * 100_000 + b"}\nb: &b [*a,*a,*a,*a]\nc: [" + b"*b," * 2_000 + b"]", "aliases stand for"),
        (b"a: &a 1\nb: [" + b"*a," * (MAX_ALIASES + 1) + b"]", "more than 10000 aliases"),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "nested deeper than"),
        (b"a: &a [*a]", "not YAML"),
    ],
)
def test_texts_that_would_expand_are_refused(text: bytes, reason: str) -> None:
    with pytest.raises(YamlError, match=reason):
        documents(text)


def test_aliases_are_read() -> None:
    assert documents(b"a: &a [1, &b 2]\nc: *a\nd: *b\n--- 1\n") == [{"a": ["1", "2"], "c": ["1", "2"], "d": "2"}, "1"]
    assert documents(_doubling(4))[0]["a3"][8][8][8][8] == "x"
