"""Determines what a response lost when it was copied into a file: tools that print streams drop parts of it."""

from __future__ import annotations

import re
from itertools import pairwise

from runs_conformance.model.exchange import Event, Response
from runs_conformance.model.json import JSON, Absent, is_object
from runs_conformance.wire import strict_json

NEITHER = "the file holds neither JSON nor an event stream"
SEVERAL = "the file holds several streams"
NO_END = "the stream in the file has no end"

_ENDS_OF_STREAMS = re.compile(
    r"done|error|thread\.run\.(?:completed|failed|cancelled|expired|incomplete|requires_action)"
)


def copy_loss(content: bytes, response: Response) -> str:
    """Describe what a copied response lacks; an empty string if nothing."""
    if response.events is None:
        return NEITHER if isinstance(response.body, Absent) else ""
    content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    missing = []
    if any(map(_holds_several_events, content.split(b"\n\n"))):
        missing.append("blank lines between the events")
    if _lacks_names(content, response):
        missing.append("`event:` lines")
    if missing:
        return f"the file lacks the {' and the '.join(missing)} of the stream"
    if any(event.is_end and not following.is_end for event, following in pairwise(response.events)):
        return SEVERAL
    last = response.events[-1] if response.events else None
    is_ended = last is not None and (last.is_end or last.is_error or _ENDS_OF_STREAMS.fullmatch(last.name))
    return "" if is_ended else NO_END


def _holds_several_events(block: bytes) -> bool:
    """Whether lines that make up one event belong to several. The lines of one are not JSON each by itself."""
    if sum(line.startswith(b"event:") for line in block.split(b"\n")) > 1:
        return True
    data = _data_lines(block)
    return len(data) > 1 and all(each == b"[DONE]" or is_object(strict_json.parse(each).value) for each in data)


def _data_lines(content: bytes) -> list[bytes]:
    lines = content.split(b"\n")
    return [line.removeprefix(b"data:").strip() for line in lines if line.startswith(b"data:")]


def _parse(line: bytes) -> JSON:
    value = strict_json.parse(line).value
    return line.decode(errors="replace") if isinstance(value, Absent) else value


def _lacks_names(content: bytes, response: Response) -> bool:
    """Whether no event has a name, on its own line or in its data, though it needs one to be understood."""
    if re.search(rb"^event:", content, re.MULTILINE):
        return False
    events = response.events or [Event("", _parse(line)) for line in _data_lines(content)]
    unclear = [event.data for event in events if not event.is_end and not event.is_error]
    return bool(unclear) and not any(is_object(data) and isinstance(data.get("event"), str) for data in unclear)
