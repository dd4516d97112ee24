"""The message in an error response."""

from __future__ import annotations

from runs_conformance.model.json import JSON, Absent, at
from runs_conformance.model.text import truncate

SUMMARY_LENGTH = 160


def error_message(body: JSON | Absent) -> str | None:
    """The `error.message` of a response body; None if there is none or it is not a string."""
    message = at(body, "/error/message")
    return message if isinstance(message, str) else None


def summarize_error(body: JSON | Absent) -> str:
    """The error message in one line of at most 160 characters, or an empty string."""
    return summarize(error_message(body) or "")


def summarize(text: str) -> str:
    """A text in one line of at most 160 characters."""
    return truncate(" ".join(text.split()), SUMMARY_LENGTH)
