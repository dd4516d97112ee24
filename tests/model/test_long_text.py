"""Long texts are compressed without loss."""

import json

import pytest

from runs_conformance.model.json import JSON
from runs_conformance.model.long_text import compress, expand, split_repeats

LONG = "é" * 70_000


@pytest.mark.parametrize(
    "text", [LONG, '{"metadata": {"k": "' + "ab" * 40_000 + '"}}', "[" * 5_000 + "]" * 5_000, "no repeats " * 3]
)
def test_split_parts_join_to_the_text(text: str) -> None:
    assert "".join(part * times for part, times in split_repeats(text)) == text


@pytest.mark.parametrize("times", [50, 51, 99, 100, 1_000, 70_001])
def test_all_repetitions_of_a_part_are_counted(times: int) -> None:
    assert split_repeats("<" + "ab" * times + ">") == [("<", 1), ("ab", times), (">", 1)]


def test_compress_round_trip() -> None:
    value: JSON = {"body": {"metadata": {"k": LONG}, "tools": [None, 1, LONG + "!"]}, "short": "as it is"}
    compressed = compress(value)
    assert len(json.dumps(compressed)) < 500
    assert expand(compressed) == value


def test_compressing_again_changes_nothing() -> None:
    without_repeats = " ".join(str(number) for number in range(2_000))
    compressed = compress({"raw": without_repeats})
    assert compress(compressed) == compressed
    assert expand(compress(compressed)) == {"raw": without_repeats}


@pytest.mark.parametrize(
    "parts",
    [[{"text": "a", "times": 10**12}], [{"text": "a"}], [{"text": 1, "times": 1}], [{"text": "a", "times": -1}]],
)
def test_invalid_parts_raise(parts: list[object]) -> None:
    with pytest.raises(ValueError, match="text"):
        expand({"$joined": parts})  # type: ignore[dict-item]
