"""A limit on the requests per minute, stated in the headers of the service."""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.types import Message, Send

_WINDOW_S = 60.0
_MAX_KEYS = 1000


@dataclass(frozen=True, slots=True)
class RequestAllowance:
    """The limit that a response states, the requests that remain, and the seconds until the next one is allowed."""

    limit: int
    remaining: int
    reset_s: float
    is_exceeded: bool

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the response."""
        fields = {
            "x-ratelimit-limit-requests": str(self.limit),
            "x-ratelimit-remaining-requests": str(self.remaining),
            "x-ratelimit-reset-requests": _duration(self.reset_s),
        }
        if self.is_exceeded:
            fields |= {
                "retry-after": str(math.ceil(self.reset_s)),
                "retry-after-ms": str(math.ceil(self.reset_s * 1000)),
            }
        return fields

    @property
    def error(self) -> dict[str, Any]:
        """The body of the response to a request that exceeds the limit."""
        message = (
            f"Rate limit reached for gpt-9 in organization org-emulator on requests per min (RPM): Limit {self.limit}, "
            f"Used {self.limit}, Requested 1. Please try again in {_duration(self.reset_s)}. "
            "Visit https://platform.openai.com/account/rate-limits to learn more."
        )
        return {"error": {"message": message, "type": "requests", "param": None, "code": "rate_limit_exceeded"}}

    def with_headers(self, send: Send) -> Send:
        """A `send` that adds the headers to the response."""
        pairs = [(name.encode(), value.encode()) for name, value in self.headers.items()]

        async def telling_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *pairs]}
            await send(message)

        return telling_send


@dataclass(slots=True)
class RateLimit:
    """Allows a number of requests in any 60 seconds of the emulator's clock, for each API key."""

    requests_per_minute: int
    now: Callable[[], float]
    _allowed: defaultdict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque))

    def allow(self, key: str) -> RequestAllowance:
        """Count a request of a key, unless the limit is reached."""
        now = self.now()
        times = self._allowed[key]
        if len(self._allowed) > _MAX_KEYS:
            del self._allowed[next(iter(self._allowed))]
        while times and times[0] <= now - _WINDOW_S:
            times.popleft()
        is_exceeded = len(times) >= self.requests_per_minute
        if not is_exceeded:
            times.append(now)
        remaining = self.requests_per_minute - len(times)
        return RequestAllowance(self.requests_per_minute, remaining, times[0] + _WINDOW_S - now, is_exceeded)


def _duration(seconds: float) -> str:
    """A duration as the service writes it: `250ms`, `1.5s`, `6m0s`."""
    if seconds < 1:
        return f"{seconds * 1000:.0f}ms"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
