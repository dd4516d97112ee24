"""Event streams are parsed in all valid spellings, and defects are reported."""

from __future__ import annotations

import pytest

from runs_conformance.model.exchange import Event
from runs_conformance.wire.sse import EventStreamParser


def parse(data: bytes, size: int | None = None) -> EventStreamParser:
    """Parse data in chunks of this size."""
    stream = EventStreamParser()
    for start in range(0, len(data), size or max(1, len(data))):
        stream.feed(data[start : start + (size or len(data))], 1.0)
    stream.finish(2.0)
    return stream


def names_and_data(stream: EventStreamParser) -> list[tuple[str, object]]:
    return [(event.name, event.data) for event in stream.events]


STREAM = 'event: a\ndata: {"n": "é"}\n\nevent: done\ndata: [DONE]\n\n'.encode()
EVENTS = [("a", {"n": "é"}), ("done", "[DONE]")]


@pytest.mark.parametrize("size", [None, 1, 2, 3, 7])
@pytest.mark.parametrize(
    "data",
    [
        STREAM,
        STREAM.replace(b"\n", b"\r\n"),
        STREAM.replace(b"\n", b"\r"),
        b"\xef\xbb\xbf" + STREAM,
        b": hello\n\n" + STREAM,
        STREAM.replace(b"\n\n", b"\n: ping\n\n:\n\n"),
        STREAM.replace(b": ", b":"),
        STREAM.replace(b"event: a\n", b"id: 1\nretry: 10\nevent: a\nx-more: y\nx\n"),
        STREAM.replace(b'data: {"n"', b'data: {\ndata:  "n"'),
        STREAM.replace(b"event: a\n", b"event: b\nevent: a\n"),
        b"\n\n\n" + STREAM + b"\n\n",
        STREAM.replace(b"\n", b"\r\n", 3),
    ],
)
def test_all_valid_spellings_parse_equally(data: bytes, size: int | None) -> None:
    stream = parse(data, size)
    assert names_and_data(stream) == EVENTS
    assert stream.defects == ()
    assert stream.done
    assert stream.size == len(data)


def test_events_have_the_time_of_their_last_byte() -> None:
    stream = EventStreamParser()
    stream.feed(b"data: 1\n", 1.0)
    stream.feed(b"\ndata: 2\n\nda", 2.0)
    stream.feed(b"ta: 3\r", 3.0)
    stream.feed(b"\n\r\n", 4.0)
    assert stream.events == [Event("message", 1, 2.0), Event("message", 2, 2.0), Event("message", 3, 4.0)]


def test_carriage_return_ends_an_event_immediately() -> None:
    stream = EventStreamParser()
    stream.feed(b"data: 1\r\r", 1.0)
    assert names_and_data(stream) == [("message", 1)]
    stream.feed(b"\ndata: 2\r\n\r\n", 2.0)
    assert names_and_data(stream) == [("message", 1), ("message", 2)]


def test_block_without_data_is_ignored() -> None:
    stream = parse(b"event: a\n\ndata: 1\n\n")
    assert names_and_data(stream) == [("message", 1)]
    assert stream.defects == ()


@pytest.mark.parametrize(
    ("data", "events", "defects"),
    [
        (b"event: a\ndata: {}", [("a", {})], ("sse: unfinished_event: a",)),
        (b"event: a\ndata: {}\n", [("a", {})], ("sse: unfinished_event: a",)),
        (b'event: done\ndata: "[DONE]"\n\n', [("done", '"[DONE]"')], ()),
        (b"data: [DONE]", [("message", "[DONE]")], ("sse: unfinished_event: message",)),
        (b'event: a\ndata: {"b', [], ("sse: unfinished_event: a",)),
        (b"event: a\ndata: oops\n\n", [("a", "oops")], ("sse: not_json in a",)),
        (b"event: a\ndata: [\xff]\n\n", [("a", "[\ufffd]")], ("sse: invalid_utf8 in a", "sse: not_json in a")),
        (b'event: a\ndata: "\xff"\n\n', [("a", "\ufffd")], ("sse: invalid_utf8 in a",)),
        (b'event: a\ndata: {"x":1,"x":2}\n\n', [("a", {"x": 2})], ("sse: duplicate_key: x in a",)),
        (b'{"error": {}}\n\ndata: 1\n\n', [("message", 1)], ('sse: stray_line: {"error": {}}',)),
        (b"<html>\n", [], ("sse: stray_line: <html>",)),
        (b"event: a\n", [], ()),
        (b"", [], ()),
    ],
)
def test_defects_are_reported(data: bytes, events: list[tuple[str, object]], defects: tuple[str, ...]) -> None:
    stream = parse(data)
    assert names_and_data(stream) == events
    assert stream.defects == defects


@pytest.mark.parametrize(
    ("stream", "data", "defect"),
    [
        (EventStreamParser(max_line=10), b"data: 123456", "sse: line_too_long"),
        (EventStreamParser(max_events=2), b"data: 1\n\n" * 3, "sse: too_many_events"),
        (EventStreamParser(max_bytes=20), b": ping\n" * 3, "sse: too_large"),
        (EventStreamParser(max_values=3), b"data: 1\n" * 5, "sse: too_large"),
    ],
)
def test_limits_are_enforced(stream: EventStreamParser, data: bytes, defect: str) -> None:
    for byte in data:
        stream.feed(bytes([byte]))
    assert stream.overflowed
    assert stream.defects == (defect,)
    count = len(stream.events)
    stream.feed(b"data: 1\n\n" * 5)
    stream.finish()
    assert len(stream.events) == count


def test_megabyte_in_small_chunks_is_parsed() -> None:
    stream = parse(b"data: " + b'"' + b"a" * 1_000_000 + b'"\n\n', 100)
    assert len(str(stream.events[0].data)) == 1_000_000
