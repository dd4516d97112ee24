"""Redaction of secrets in headers and query parameters, recognized by name."""

from __future__ import annotations

import re
from functools import lru_cache

REDACTED = "[REDACTED]"

_NAME = re.compile(r"auth|key|token|secret|passw|cookie|credential|signature|^sig$|^code$", re.IGNORECASE)


@lru_cache(maxsize=1024)
def is_secret_name(name: str) -> bool:
    """Whether a header or query parameter of this name is likely to carry a secret."""
    return _NAME.search(name) is not None


_KEY_HEADER = re.compile(r"auth(?!or(?!i[sz]))|key|token|secret|passw|credential", re.IGNORECASE)
_KEYLESS_HEADER = re.compile(r"idempotency|csrf|xsrf|authenticate$|^sec-", re.IGNORECASE)


@lru_cache(maxsize=1024)
def is_key_header(name: str) -> bool:
    """Whether a request header of this name carries an API key or another secret of the client.

    The values of such headers are redacted everywhere, and requests with different values may see different objects.
    """
    return _KEY_HEADER.search(name) is not None and _KEYLESS_HEADER.search(name) is None


def redact_value(name: str, value: str) -> str:
    """The value of a header or query parameter, redacted except for the scheme `Bearer` if its name is secret."""
    if not is_secret_name(name):
        return value
    return f"Bearer {REDACTED}" if value.startswith("Bearer ") else REDACTED
