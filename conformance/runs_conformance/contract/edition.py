"""Editions: dated versions of the contract."""

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
"""The editions that users are offered: dates of notable changes to the v2 contract."""

DEFAULT_EDITION = EDITIONS[-1]
V2_LAUNCH = EDITIONS[0]
RETIRED = "2026-08-26"

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")


def is_edition(text: str) -> bool:
    """Whether a text is an edition: an ISO date on or after the launch of v2."""
    if not _DATE.match(text) or text < V2_LAUNCH:
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def in_force(edition: str, since: str | None, until: str | None) -> bool:
    """Whether an edition is in the range from `since` (inclusive) to `until` (exclusive); None is unbounded."""
    return (not since or since <= edition) and (not until or edition < until)
