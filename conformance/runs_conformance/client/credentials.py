"""The API keys of a target, and their redaction from everything that is recorded."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, quote_plus

from runs_conformance.errors import InternalError, UsageError
from runs_conformance.model.case import Key
from runs_conformance.model.json import JSON
from runs_conformance.wire.redaction import REDACTED

WRONG_KEY = "sk-runs-conformance-0000-no-such-key"
"""A fictitious key that no target accepts."""

MIN_SECRET_LENGTH = 8
"""Shorter keys (`test`, `EMPTY`) protect nothing, and redacting them from bodies would falsify the evidence."""

_ESCAPE = re.compile("%[0-9A-F]{2}")


@dataclass(frozen=True, slots=True)
class Credentials:
    """The keys of one target: the primary one, and a second one of another tenant.

    `header` carries the key: as a bearer token in `Authorization`, unchanged in any other. `extra_secrets` are further
    values to redact, such as those of extra headers.
    """

    primary: str | None = field(default=None, repr=False)
    second: str | None = field(default=None, repr=False)
    header: str = "Authorization"
    extra_secrets: tuple[str, ...] = field(default=(), repr=False)
    secrets: tuple[str, ...] = field(init=False, repr=False)
    """All strings to redact, in every encoding that a target may return them in, longest first."""
    _in_json: tuple[bytes, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        for name, key in (("API key", self.primary), ("second API key", self.second)):
            if key is not None and not (key.isascii() and key.isprintable() and key == key.strip()):
                raise UsageError(
                    f"the {name} contains characters that a header cannot carry (surrounding spaces, a line break?)"
                )
        keys = {
            secret
            for secret in (self.primary, self.second, *self.extra_secrets)
            if secret and len(secret) >= MIN_SECRET_LENGTH
        }
        forms = {form for secret in keys for form in _encodings(secret)}
        object.__setattr__(self, "secrets", tuple(sorted(forms, key=len, reverse=True)))
        escaped = {
            json.dumps(secret, ensure_ascii=ascii_)[1:-1].encode() for secret in forms for ascii_ in (True, False)
        }
        object.__setattr__(self, "_in_json", tuple(escaped))

    def headers_for(self, key: Key) -> tuple[tuple[str, str], ...]:
        """Return the header fields that carry this key; empty if there is no key."""
        secret = self._secret(key)
        if secret is None:
            return ()
        if key is Key.BASIC:
            return (("Authorization", f"Basic {secret}"),)
        bearer = self.header.lower() == "authorization"
        return ((self.header, f"Bearer {secret}" if bearer else secret),)

    def _secret(self, key: Key) -> str | None:
        match key:
            case Key.PRIMARY | Key.BASIC:
                return self.primary
            case Key.WRONG:
                return WRONG_KEY
            case Key.NONE:
                return None
            case Key.SECOND:
                if self.second is None:
                    raise InternalError("a step requires the second API key, but none was given")
                return self.second

    def redact(self, text: str) -> str:
        """Replace every secret in a text by `[REDACTED]`."""
        for secret in self.secrets:
            if secret in text:
                text = text.replace(secret, REDACTED)
        return text

    def redact_json(self, value: JSON) -> JSON:
        """Replace every secret in the strings and member names of a JSON value."""
        if isinstance(value, str):
            return self.redact(value)
        if isinstance(value, Mapping):
            return {self.redact(name): self.redact_json(member) for name, member in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.redact_json(item) for item in value]
        return value

    def occurs_in(self, line: bytes) -> bool:
        """Whether a secret occurs in a line of JSON."""
        return any(secret in line for secret in self._in_json)


def _encodings(secret: str) -> set[str]:
    """Return a secret verbatim and encoded for URLs and HTML, in base64 and in hexadecimal."""
    data = secret.encode()
    in_url = {quote(secret), quote(secret, safe=""), quote_plus(secret)}
    in_url |= {_ESCAPE.sub(lambda match: match.group().lower(), form) for form in in_url}
    forms = {secret, *in_url, html.escape(secret), html.escape(secret, quote=False), data.hex(), data.hex().upper()}
    for before in range(3):
        # In the base64 of a longer text the secret has one of three alignments; characters shared with adjacent
        # bytes are left out.
        for coded in (base64.b64encode(bytes(before) + data), base64.urlsafe_b64encode(bytes(before) + data)):
            start, end = (0, 2, 3)[before], len(coded) - (0, 4, 4)[-(before + len(data)) % 3]
            forms.add(coded[start:end].decode())
    return {form for form in forms if len(form) >= MIN_SECRET_LENGTH}
