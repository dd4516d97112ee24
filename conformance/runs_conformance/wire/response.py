"""Parsing of response bytes into a `Response`, shared by live and recorded traffic."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from runs_conformance.model.exchange import Response
from runs_conformance.model.json import ABSENT, Absent
from runs_conformance.wire import strict_json
from runs_conformance.wire.redaction import REDACTED
from runs_conformance.wire.sse import EventStreamParser

MAX_TEXT_LENGTH = 4000
"""Number of characters kept of a response that is not JSON."""


def header_map(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Header fields by lower-case name; repeated fields are joined by commas. The values of cookies are redacted."""
    headers: dict[str, str] = {}
    for name, value in pairs:
        name = name.lower()
        if name in ("cookie", "set-cookie"):
            value = REDACTED
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def is_event_stream(headers: Mapping[str, str]) -> bool:
    """Whether Content-Type declares an event stream."""
    return headers.get("content-type", "").partition(";")[0].strip().lower() == "text/event-stream"


def parse_response(status: int, headers: Mapping[str, str], content: bytes, at: float = 0.0) -> Response:
    """Build a response from its complete, decoded content. `at` is the arrival time of its events, if any."""
    if is_event_stream(headers):
        stream = EventStreamParser()
        stream.feed(content, at)
        stream.finish(at)
        return response_from_stream(status, headers, stream)
    return response_from_content(status, headers, content)


def response_from_content(
    status: int,
    headers: Mapping[str, str],
    content: bytes,
    defects: tuple[str, ...] = (),
    whole: bool = True,
    max_values: int = strict_json.MAX_VALUES,
) -> Response:
    """Build a response with this content as its body. Defects of a body that is not `whole` are ignored."""
    if not content:
        return Response(status, headers, defects=defects)
    parsed = strict_json.parse(content, max_values=max_values)
    if not isinstance(parsed.value, Absent):
        return Response(status, headers, parsed.value, defects=(*defects, *parsed.defects), size=len(content))
    body_defects = parsed.defects if whole else ()
    return Response(status, headers, ABSENT, decode_excerpt(content), None, (*defects, *body_defects), len(content))


def response_from_stream(
    status: int, headers: Mapping[str, str], stream: EventStreamParser, defects: tuple[str, ...] = ()
) -> Response:
    """Build a response with the events of this stream."""
    return Response(status, headers, events=tuple(stream.events), defects=(*defects, *stream.defects), size=stream.size)


def decode_excerpt(content: bytes) -> str:
    """The start of a content as text, followed by its size if it is truncated."""
    text = content[: MAX_TEXT_LENGTH * 4].decode(errors="replace")
    return text if len(content) <= MAX_TEXT_LENGTH else f"{text[:MAX_TEXT_LENGTH]}… ({len(content)} bytes)"
