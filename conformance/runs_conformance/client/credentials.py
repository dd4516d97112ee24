"""The keys a target is spoken to with, and how they are kept out of everything that is written down."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, quote_plus

from runs_conformance.errors import SuiteFault, UsageError
from runs_conformance.model.case import Key
from runs_conformance.model.json import JSON
from runs_conformance.wire.redaction import REDACTED

WRONG_KEY = "sk-runs-conformance-0000-no-such-key"
"""The key that no target knows. It is made up, so it is no secret."""

SHORTEST_SECRET = 8
"""Shorter keys (`test`, `EMPTY`) guard nothing, and blotting them out of bodies would falsify the evidence."""

_ESCAPE = re.compile("%[0-9A-F]{2}")


@dataclass(frozen=True, slots=True)
class Credentials:
    """The keys of one target: its own, and a second one that belongs to another tenant.

    `header` is the one that carries a key: `Authorization` as a bearer token, any other as it is. `others` are further
    secrets (values of extra headers) that must not be written down.
    """

    own: str | None = field(default=None, repr=False)
    second: str | None = field(default=None, repr=False)
    header: str = "Authorization"
    others: tuple[str, ...] = field(default=(), repr=False)
    secrets: tuple[str, ...] = field(init=False, repr=False)
    """Everything that must not be written down, in every form that a target may give it, the longest first."""
    _in_json: tuple[bytes, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        for name, key in (("API key", self.own), ("second API key", self.second)):
            if key is not None and not (key.isascii() and key.isprintable() and key == key.strip()):
                raise UsageError(
                    f"the {name} holds characters that a header cannot carry (spaces around it, a line break?)"
                )
        found = {
            secret for secret in (self.own, self.second, *self.others) if secret and len(secret) >= SHORTEST_SECRET
        }
        forms = {form for secret in found for form in _forms(secret)}
        object.__setattr__(self, "secrets", tuple(sorted(forms, key=len, reverse=True)))
        escaped = {
            json.dumps(secret, ensure_ascii=ascii_)[1:-1].encode() for secret in forms for ascii_ in (True, False)
        }
        object.__setattr__(self, "_in_json", tuple(escaped))

    def carried(self, key: Key) -> tuple[tuple[str, str], ...]:
        """The header fields that carry this key; none where there is none to carry."""
        secret = self._secret(key)
        if secret is None:
            return ()
        if key is Key.BASIC:
            return (("Authorization", f"Basic {secret}"),)
        bearer = self.header.lower() == "authorization"
        return ((self.header, f"Bearer {secret}" if bearer else secret),)

    def _secret(self, key: Key) -> str | None:
        match key:
            case Key.OWN | Key.BASIC:
                return self.own
            case Key.WRONG:
                return WRONG_KEY
            case Key.NONE:
                return None
            case Key.SECOND:
                if self.second is None:
                    raise SuiteFault("a step asks for the second API key, and none was given")
                return self.second

    def redact(self, text: str) -> str:
        """The text with every secret replaced by `[REDACTED]`."""
        for secret in self.secrets:
            if secret in text:
                text = text.replace(secret, REDACTED)
        return text

    def redact_json(self, value: JSON) -> JSON:
        """A JSON value with every secret in its strings and member names replaced."""
        if isinstance(value, str):
            return self.redact(value)
        if isinstance(value, Mapping):
            return {self.redact(name): self.redact_json(member) for name, member in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.redact_json(item) for item in value]
        return value

    def shows_in(self, line: bytes) -> bool:
        """Whether a line of JSON holds a secret."""
        return any(secret in line for secret in self._in_json)


def _forms(secret: str) -> set[str]:
    """A secret as it is, and as it stands in a URL, a page, base64 and hexadecimal."""
    data = secret.encode()
    in_url = {quote(secret), quote(secret, safe=""), quote_plus(secret)}
    in_url |= {_ESCAPE.sub(lambda found: found.group().lower(), form) for form in in_url}
    forms = {secret, *in_url, html.escape(secret), html.escape(secret, quote=False), data.hex(), data.hex().upper()}
    for before in range(3):
        # In the base64 of a longer text the secret begins at any of three places; what its neighbours share is left.
        for coded in (base64.b64encode(bytes(before) + data), base64.urlsafe_b64encode(bytes(before) + data)):
            start, end = (0, 2, 3)[before], len(coded) - (0, 4, 4)[-(before + len(data)) % 3]
            forms.add(coded[start:end].decode())
    return {form for form in forms if len(form) >= SHORTEST_SECRET}
