"""Sessions of one server: each API key has a script, faults, requests and a clock of its own."""

from __future__ import annotations

from contextvars import ContextVar

from runs_conformance.emulator.clock import Clock

ALL_KEYS = ""
"""The session of scripts and faults for every API key."""

current_key: ContextVar[str] = ContextVar("current_key", default=ALL_KEYS)
"""The API key of the request in progress."""

_MAX_KEYS = 10_000


class SessionClock(Clock):
    """A clock that can also be moved for the requests with one API key, and shows each request its own time.

    Only the last of very many keys keep their time; the others show that of `ALL_KEYS` again.
    """

    def __init__(self) -> None:
        super().__init__()
        self._ahead: dict[str, float] = {}

    def now(self) -> float:
        """The time of the request in progress, in seconds."""
        return super().now() + (self._ahead.get(current_key.get(), 0.0) if self._ahead else 0.0)

    def now_for(self, key: str) -> float:
        """The time that requests with this key see."""
        return super().now() + self.ahead(key)

    def ahead(self, key: str) -> float:
        """The seconds by which requests with this key are ahead of the others."""
        return self._ahead.get(key, 0.0)

    def advance_for(self, key: str, seconds: float) -> None:
        """Move the clock ahead for the requests with this key, or for all."""
        if key == ALL_KEYS:
            self.advance(seconds)
        elif seconds:
            self._ahead[key] = self._ahead.pop(key, 0.0) + seconds
            if len(self._ahead) > _MAX_KEYS:
                del self._ahead[next(iter(self._ahead))]
