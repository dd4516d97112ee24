"""Parses durations and rates."""

from __future__ import annotations

import math
import re

from runs_conformance.errors import UsageError

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}
_DAY = 86_400.0
_LENGTH = re.compile(r"(\d+(?:\.\d+)?(?:e[+-]?\d+)?) ?([smh]?)\Z")


def parse_duration(text: str) -> float | None:
    """The seconds in `90`, `90s`, `1.5m` or `1h`; None for any other text."""
    match = _LENGTH.match(text.strip())
    length = float(match.group(1)) * _UNITS[match.group(2)] if match else math.inf
    return length if math.isfinite(length) else None


_UNIT_SECONDS = {
    "s": 1.0,
    "sec": 1.0,
    "second": 1.0,
    "m": 60.0,
    "min": 60.0,
    "minute": 60.0,
    "h": 3600.0,
    "hour": 3600.0,
}


def parse_rate(text: str) -> float:
    """The requests per second of a rate like `10/s` or `60/min`. Raises UsageError for any other text."""
    count, _, unit = text.partition("/")
    length = _UNIT_SECONDS.get(unit.strip())
    try:
        number = float(count)
    except ValueError:
        number = 0.0
    if length is None or not 0 < number < float("inf"):
        raise UsageError(f"--rate-limit {text!r}: write a rate as 10/s, 60/min or 1000/h")
    if number * _DAY < length:
        raise UsageError(f"--rate-limit {text!r}: less than one request a day; write a rate as 10/s")
    return number / length
