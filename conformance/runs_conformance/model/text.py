"""Shortening of long texts."""

from __future__ import annotations


def truncate(text: str, limit: int) -> str:
    """The text, cut to `limit` characters, the last of which is an ellipsis, if it is longer."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def excerpt(text: str, limit: int, keep: int | None = None) -> str:
    """The text, or its first `keep` characters (`limit` by default) and its length if it is longer than `limit`."""
    return text if len(text) <= limit else f"{text[: limit if keep is None else keep]}… ({len(text)} characters)"
