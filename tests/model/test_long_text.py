"""Long texts written short, and read back as they were."""

import json

import pytest

from runs_conformance.model.json import JSON
from runs_conformance.model.long_text import compress, expand, split_repeats

LONG = "é" * 70_000


@pytest.mark.parametrize(
    "text", [LONG, '{"metadata": {"k": "' + "ab" * 40_000 + '"}}', "[" * 5_000 + "]" * 5_000, "no repeats " * 3]
)
def test_a_text_is_the_parts_that_it_is_made_of(text: str) -> None:
    assert "".join(part * times for part, times in split_repeats(text)) == text


def test_a_long_text_is_written_short_and_read_back() -> None:
    value: JSON = {"body": {"metadata": {"k": LONG}, "tools": [None, 1, LONG + "!"]}, "short": "as it is"}
    written = compress(value)
    assert len(json.dumps(written)) < 500
    assert expand(written) == value


@pytest.mark.parametrize(
    "parts",
    [[{"text": "a", "times": 10**12}], [{"text": "a"}], [{"text": 1, "times": 1}], [{"text": "a", "times": -1}]],
)
def test_what_is_no_text_in_parts_is_refused(parts: list[object]) -> None:
    with pytest.raises(ValueError, match="text"):
        expand({"$joined": parts})  # type: ignore[dict-item]
