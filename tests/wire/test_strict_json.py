"""JSON is parsed strictly and within limits, and each defect is named."""

from __future__ import annotations

import json
import tracemalloc

import pytest

from runs_conformance.model.json import ABSENT
from runs_conformance.wire.strict_json import MAX_DEPTH, count_values, parse

HUGE = "9" * 400


@pytest.mark.parametrize(
    ("text", "value", "defects"),
    [
        (b'{"a": [1, 1.5, true, null, "\xc3\xa9"]}', {"a": [1, 1.5, True, None, "é"]}, ()),
        (b' \r\n\t"x" ', "x", ()),
        (b"12345678901234567890", 12345678901234567890, ()),
        (b"1e5", 1e5, ()),
        (b'"\\ud800"', "\ud800", ()),
        (b"", ABSENT, ("not_json",)),
        (b"<html>", ABSENT, ("not_json",)),
        (b"{} {}", ABSENT, ("not_json",)),
        (b"{'a': 1}", ABSENT, ("not_json",)),
        (b'{"a": 1,}', ABSENT, ("not_json",)),
        (b'{"a": 01}', ABSENT, ("not_json",)),
        (b'{"a": 1', ABSENT, ("not_json",)),
        (b"nan", ABSENT, ("not_json",)),
        (b'{"a": 1, "b": 2, "a": 3}', {"a": 3, "b": 2}, ("duplicate_key: a",)),
        (b'{"x": {"a": 1, "a": 1}}', {"x": {"a": 1}}, ("duplicate_key: a",)),
        (b"[NaN, -Infinity]", ["NaN", "-Infinity"], ("not_a_number: NaN", "not_a_number: -Infinity")),
        (b'{"inf":"nan","b":inf}', {"inf": "nan", "b": "Infinity"}, ("not_a_number: Infinity",)),
        (b"[-inf, nan]", ["-Infinity", "NaN"], ("not_a_number: -Infinity", "not_a_number: NaN")),
        (b"[inf, infinite]", ABSENT, ("not_json",)),
        (b"[1e999]", [1.7976931348623157e308], ("number_out_of_range: 1e999",)),
        (f"[{HUGE}]".encode(), [2**63 - 1], (f"number_too_long: {'9' * 40}… (400 characters)",)),
        (f"[-{HUGE * 20}]".encode(), [-(2**63) + 1], (f"number_too_long: -{'9' * 39}… (8001 characters)",)),
        (f'["{HUGE}"]'.encode(), [HUGE], ()),
        (b'["\xff"]', ["\ufffd"], ("invalid_utf8",)),
        (b'["\xed\xa0\x80"]', ["\ufffd\ufffd\ufffd"], ("invalid_utf8",)),
        (b"\xef\xbb\xbf{}", {}, ("byte_order_mark",)),
        (b'["a\nb"]', ["a\nb"], ("control_character",)),
        ('{"a": 1}'.encode("utf-16"), ABSENT, ("invalid_utf8", "not_json")),
    ],
)
def test_value_and_defects(text: bytes, value: object, defects: tuple[str, ...]) -> None:
    parsed = parse(text)
    assert parsed.value == value
    assert parsed.defects == defects
    if parsed.value is not ABSENT:
        json.dumps(parsed.value, allow_nan=False)


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_nesting_is_limited(opening: bytes) -> None:
    def nested(depth: int) -> bytes:
        return opening * depth + b"1" + (b"]" if opening == b"[" else b"}") * depth

    assert parse(nested(MAX_DEPTH)).defects == ()
    assert parse(nested(MAX_DEPTH + 1)).defects == ("too_deep",)
    assert parse(nested(1_000_000)).value is ABSENT
    assert parse(opening * 400_000).defects == ("too_deep",)


def test_brackets_in_strings_and_siblings_do_not_count_as_nesting() -> None:
    assert parse(b'["' + b"[{" * 1000 + b'"]').defects == ()
    assert parse(b'["\\"' + b"[" * 1000 + b'"]').defects == ()
    assert parse(b"[" + b"[]," * 1000 + b"[]]").defects == ()


def test_size_is_limited() -> None:
    assert parse(b'"' + b"a" * 100 + b'"', max_bytes=50).defects == ("too_large",)


def test_values_are_counted_before_they_are_built() -> None:
    assert parse(b"[" + b"{}," * 300_000 + b"{}]").defects == ("too_large",)
    assert parse(b"[1,2,3,4]", max_values=3).defects == ("too_large",)
    assert parse(b'["' + b",[{" * 100 + b'"]', max_values=3).defects == ()


def test_a_text_of_many_strings_is_not_split() -> None:
    text = b"{" + b'"ab":"cd",' * 400_000 + b'"e":1}'
    tracemalloc.start()
    try:
        assert parse(text, max_values=50_000).defects == ("too_large",)
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()
    assert parse(b'["' + b'\\"' * 1_000 + b'"]', max_values=5).defects == ()


def test_each_kind_of_defect_is_named_a_bounded_number_of_times() -> None:
    members = "".join(f'"m{number}":0,"m{number}":1,' for number in range(5_000))
    defects = parse(b"{" + members.encode() + b'"a":NaN,"b":"\n"}').defects
    assert len(defects) < 200
    assert {"not_a_number: NaN", "control_character", "duplicate_key: m0"} <= {*defects}


def test_a_string_without_an_end_is_parsed_in_linear_time() -> None:
    text = b"[" + b"[]," * 300 + b'"' + rb"\"" * 500_000
    assert parse(text).defects == ("not_json",)


@pytest.mark.parametrize("escape", [b'\\"', b"\\\\", b"\\n"])
def test_values_beside_long_escaped_texts_are_counted_within_the_size_of_the_text(escape: bytes) -> None:
    text = b'{"a": "[' + escape * 300_000 + b'{,", "b": [1, 2]}'
    tracemalloc.start()
    try:
        assert count_values(text) == 4
        assert tracemalloc.get_traced_memory()[1] < 3 * len(text)
    finally:
        tracemalloc.stop()
