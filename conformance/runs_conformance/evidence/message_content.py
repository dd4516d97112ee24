"""What a message says, in a form in which what was sent and what is shown can be compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TypeAlias

from runs_conformance.model.json import JSON, Absent, at, is_array, is_object

Part: TypeAlias = tuple[str, str]
MessageContent: TypeAlias = tuple[str, tuple[Part, ...]]
"""Who says what: a role, and the parts of the content."""


def content_parts(content: JSON | Absent) -> tuple[Part, ...]:
    """The parts of a content, each with its type and its text, URL or file id. A text alone is one part."""
    if isinstance(content, str):
        return (("text", content),)
    return tuple(_part(item) for item in content if is_object(item)) if is_array(content) else ()


def _part(part: Mapping[str, JSON]) -> Part:
    kind = part.get("type")
    text = part.get("text")
    ways = (
        text,
        at(part, "/text/value"),
        at(part, "/image_url/url"),
        at(part, "/image_file/file_id"),
        part.get("refusal"),
    )
    return str(kind), next((way for way in ways if isinstance(way, str)), "")


def message_content(message: object) -> MessageContent | None:
    """Who says what in a message, sent or shown; None where it is no message."""
    if not is_object(message):
        return None
    role = message.get("role")
    return (role, content_parts(message.get("content"))) if isinstance(role, str) else None


def message_contents(messages: object) -> tuple[MessageContent, ...]:
    """What the messages of a request say, in order."""
    found = (message_content(message) for message in messages) if is_array(messages) else ()
    return tuple(each for each in found if each is not None)


def missing_contents(wanted: Iterable[MessageContent], shown: Iterable[MessageContent]) -> list[MessageContent]:
    """What is wanted and not shown, each as often as it is wanted more often than shown."""
    return list((Counter(wanted) - Counter(shown)).elements())


def appear_in_order(wanted: Iterable[MessageContent], shown: Iterable[MessageContent]) -> bool:
    """Whether what is wanted is shown in this order; other messages may stand between."""
    rest = iter(shown)
    return all(any(each == other for other in rest) for each in wanted)
