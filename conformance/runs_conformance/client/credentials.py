"""The API keys of a target, and their redaction from everything that is recorded."""

from __future__ import annotations

from dataclasses import dataclass, field

from runs_conformance.errors import InternalError, UsageError
from runs_conformance.model.case import Key
from runs_conformance.wire import known_secrets
from runs_conformance.wire.redactor import Redactor

WRONG_KEY = "sk-runs-conformance-0000-no-such-key"
"""A fictitious key that no target accepts."""


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
    redactor: Redactor = field(init=False, repr=False, compare=False)
    """Redacts all of these, and every part of them, from what is recorded."""

    def __post_init__(self) -> None:
        for name, key in (("API key", self.primary), ("second API key", self.second)):
            if key is not None and not (key.isascii() and key.isprintable() and key == key.strip()):
                raise UsageError(
                    f"the {name} contains characters that a header cannot carry (surrounding spaces, a line break?)"
                )
        secrets = [secret for secret in (self.primary, self.second, *self.extra_secrets) if secret]
        known_secrets.remember(secrets)
        object.__setattr__(self, "redactor", Redactor(secrets))

    def headers_for(self, key: Key) -> tuple[tuple[str, str], ...]:
        """The header fields that carry this key; empty if there is no key."""
        secret = self._secret(key)
        if secret is None:
            return ()
        if key is Key.BASIC:
            return ((self.header, f"Basic {secret}"),)
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
