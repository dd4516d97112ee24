"""Numbers that a target keeps to fewer digits than it was sent."""

from __future__ import annotations

import struct

_FEWEST_DIGITS = 2
"""Fewer digits after the point change the meaning of a setting."""


def has_fewer_digits(shown: object, sent: object) -> bool:
    """Whether a number is another one rounded or truncated to at least two digits, or to single precision."""
    if not (isinstance(sent, float) and isinstance(shown, (int, float)) and not isinstance(shown, bool)):
        return False
    if shown == sent or abs(sent) > 1e15:
        return False
    single: float = struct.unpack("f", struct.pack("f", sent))[0] if abs(sent) < 1e30 else sent
    if shown == single:
        return True
    return any(
        abs(shown - sent) < 10.0**-digits and abs(shown - round(shown, digits)) < 1e-12
        for digits in range(_FEWEST_DIGITS, 13)
    )
