"""A comparable form of message content, for messages in requests and in responses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TypeAlias

from runs_conformance.model.json import JSON, Absent, at, is_array, is_object

Part: TypeAlias = tuple[str, str]
MessageContent: TypeAlias = tuple[str, tuple[Part, ...]]
"""A role, and the parts of the content."""


def content_parts(content: JSON | Absent) -> tuple[Part, ...]:
    """The parts of a content, each with its type and its text, URL or file id. A string is one text part."""
    if isinstance(content, str):
        return (("text", content),)
    return tuple(_part(item) for item in content if is_object(item)) if is_array(content) else ()


def _part(part: Mapping[str, JSON]) -> Part:
    kind = part.get("type")
    text = part.get("text")
    candidates = (
        text,
        at(part, "/text/value"),
        at(part, "/image_url/url"),
        at(part, "/image_file/file_id"),
        part.get("refusal"),
    )
    return str(kind), next((value for value in candidates if isinstance(value, str)), "")


def message_content(message: object) -> MessageContent | None:
    """The role and content of a message in a request or a response; None if it is not a message."""
    if not is_object(message):
        return None
    role = message.get("role")
    return (role, content_parts(message.get("content"))) if isinstance(role, str) else None


def message_contents(messages: object) -> tuple[MessageContent, ...]:
    """The contents of a list of messages, in order."""
    contents = (message_content(message) for message in messages) if is_array(messages) else ()
    return tuple(content for content in contents if content is not None)


def missing_contents(expected: Iterable[MessageContent], shown: Iterable[MessageContent]) -> list[MessageContent]:
    """The multiset difference of two collections of contents."""
    return list((Counter(expected) - Counter(shown)).elements())


def appear_in_order(expected: Iterable[MessageContent], shown: Iterable[MessageContent]) -> bool:
    """Whether all expected contents are shown in this order; other messages may stand between them."""
    rest = iter(shown)
    return all(any(each == other for other in rest) for each in expected)
