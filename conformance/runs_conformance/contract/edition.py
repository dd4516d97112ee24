"""Editions: the contract changed over time, and an edition is a date."""

from __future__ import annotations

import re
from datetime import date

EDITIONS = (
    "2024-04-17",
    "2024-06-06",
    "2024-08-06",
    "2024-08-28",
    "2025-02-10",
    "2025-08-07",
    "2025-12-04",
    "2026-08-14",
)
"""The dates at which the v2 contract changed in a way that a user may want to choose."""

DEFAULT_EDITION = EDITIONS[-1]
V2_LAUNCH = EDITIONS[0]
RETIRED = "2026-08-26"

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")


def is_edition(text: str) -> bool:
    """Whether a text names an edition: a date (ISO) on which the v2 contract was in force."""
    if not _DATE.match(text) or text < V2_LAUNCH:
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def in_force(edition: str, since: str | None, until: str | None) -> bool:
    """Whether something that exists from `since` (inclusive) to `until` (exclusive) belongs to an edition."""
    return (not since or since <= edition) and (not until or edition < until)
