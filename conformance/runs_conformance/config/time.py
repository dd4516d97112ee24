"""Lengths of time and rates as people write them."""

from __future__ import annotations

import math
import re

from runs_conformance.errors import UsageError

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}
_DAY = 86_400.0
_LENGTH = re.compile(r"(\d+(?:\.\d+)?(?:e[+-]?\d+)?) ?([smh]?)\Z")


def seconds(given: str) -> float | None:
    """How long `90`, `90s`, `1.5m` or `1h` is; None for any other text."""
    found = _LENGTH.match(given.strip())
    length = float(found.group(1)) * _UNITS[found.group(2)] if found else math.inf
    return length if math.isfinite(length) else None


_PER = {"s": 1.0, "sec": 1.0, "second": 1.0, "m": 60.0, "min": 60.0, "minute": 60.0, "h": 3600.0, "hour": 3600.0}


def rate(given: str) -> float:
    """The seconds between two requests that a rate like `10/s` or `60/min` allows. Raises UsageError for any other."""
    count, _, unit = given.partition("/")
    length = _PER.get(unit.strip())
    try:
        number = float(count)
    except ValueError:
        number = 0.0
    if length is None or not 0 < number < float("inf"):
        raise UsageError(f"--rate-limit {given!r}: a rate is given as 10/s, 60/min or 1000/h")
    if number * _DAY < length:
        raise UsageError(f"--rate-limit {given!r}: it is less than one request a day; a rate is given as 10/s")
    return length / number
