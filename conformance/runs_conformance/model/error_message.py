"""The message in an error response."""

from __future__ import annotations

from collections.abc import Iterator

from runs_conformance.model.exchange import Exchange
from runs_conformance.model.json import JSON, Absent, at, is_array, is_object
from runs_conformance.model.text import truncate

SUMMARY_LENGTH = 160

_MAX_REFUSAL_TEXT = 2_000


def error_message(body: JSON | Absent) -> str | None:
    """The `error.message` of a response body; None if there is none or it is not a string."""
    message = at(body, "/error/message")
    return message if isinstance(message, str) else None


def refusal_text(exchange: Exchange) -> str:
    """The text of a refusal of any form: `error.message`, else every text of its JSON or plain body; truncated.

    A stream that reports nothing but an error has the text of its events.
    """
    message = error_message(exchange.body)
    if message is not None:
        return message[:_MAX_REFUSAL_TEXT]
    if exchange.response is not None and exchange.response.text is not None:
        return exchange.response.text[:_MAX_REFUSAL_TEXT]
    if exchange.response is not None and exchange.response.is_error_stream:
        return " ".join(text for event in exchange.events for text in _texts(event.data))[:_MAX_REFUSAL_TEXT]
    return " ".join(_texts(exchange.body))[:_MAX_REFUSAL_TEXT]


def _texts(value: JSON | Absent, depth: int = 4) -> Iterator[str]:
    """The first texts in a JSON value."""
    if isinstance(value, str):
        yield value[:_MAX_REFUSAL_TEXT]
    elif depth and is_array(value):
        for item in value[:20]:
            yield from _texts(item, depth - 1)
    elif depth and is_object(value):
        for member in list(value.values())[:20]:
            yield from _texts(member, depth - 1)


def summarize_error(body: JSON | Absent) -> str:
    """The error message in one line of at most 160 characters, or an empty string."""
    return summarize(error_message(body) or "")


def summarize(text: str) -> str:
    """A text in one line of at most 160 characters."""
    return truncate(" ".join(text.split()), SUMMARY_LENGTH)
