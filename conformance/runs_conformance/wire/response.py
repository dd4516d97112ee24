"""An answer's bytes read into a `Response`, the same way for live and for recorded traffic."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from runs_conformance.model.exchange import Response
from runs_conformance.model.json import ABSENT, Absent
from runs_conformance.wire import strict_json
from runs_conformance.wire.redaction import REDACTED
from runs_conformance.wire.sse import EventStreamParser

MAX_TEXT_LENGTH = 4000
"""How many characters of an answer that is not JSON are kept."""


def header_map(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Header fields by their names in lower case; those that come several times are joined by commas.

    The values of cookies are left out: they are nobody's business, and nothing is judged by them.
    """
    found: dict[str, str] = {}
    for name, value in pairs:
        name = name.lower()
        if name in ("cookie", "set-cookie"):
            value = REDACTED
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def is_event_stream(headers: Mapping[str, str]) -> bool:
    """Whether Content-Type says that the answer is an event stream."""
    return headers.get("content-type", "").partition(";")[0].strip().lower() == "text/event-stream"


def parse_response(status: int, headers: Mapping[str, str], content: bytes, at: float = 0.0) -> Response:
    """The response whose whole content (content encoding undone) is given; its events all count as arrived at `at`."""
    if is_event_stream(headers):
        stream = EventStreamParser()
        stream.feed(content, at)
        stream.finish(at)
        return response_from_stream(status, headers, stream)
    return response_from_content(status, headers, content)


def response_from_content(
    status: int, headers: Mapping[str, str], content: bytes, defects: tuple[str, ...] = (), whole: bool = True
) -> Response:
    """The response with a body of this content. Of one that is not `whole`, what is there is not held against it."""
    if not content:
        return Response(status, headers, defects=defects)
    parsed = strict_json.parse(content)
    if not isinstance(parsed.value, Absent):
        return Response(status, headers, parsed.value, defects=(*defects, *parsed.defects), size=len(content))
    found = parsed.defects if whole else ()
    return Response(status, headers, ABSENT, decode_excerpt(content), None, (*defects, *found), len(content))


def response_from_stream(
    status: int, headers: Mapping[str, str], stream: EventStreamParser, defects: tuple[str, ...] = ()
) -> Response:
    """The response with the events of this stream."""
    return Response(status, headers, events=tuple(stream.events), defects=(*defects, *stream.defects), size=stream.size)


def decode_excerpt(content: bytes) -> str:
    """The start of a content as text, with a note of its size where it is cut."""
    text = content[: MAX_TEXT_LENGTH * 4].decode(errors="replace")
    return text if len(content) <= MAX_TEXT_LENGTH else f"{text[:MAX_TEXT_LENGTH]}... ({len(content)} bytes)"
