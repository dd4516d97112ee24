"""The requests that a target refused for its rate limit, and the time that the test run waited for it."""

from __future__ import annotations

from dataclasses import dataclass, field

from runs_conformance.model.exchange import Exchange, asks_to_retry_later

_Request = tuple[str, str, str]


@dataclass(slots=True)
class RateLimitUsage:
    """Counts refusals for the rate, and the seconds in which at least one refused request waited to be sent again."""

    refused: int = 0
    seconds: float = 0.0
    _last_refusals: dict[_Request, float] = field(default_factory=dict)
    """When each request that was not sent again yet was refused."""
    _counted_until: float = 0.0
    """The end of the last wait: several requests may wait at the same time."""

    def record(self, exchange: Exchange) -> None:
        """Count an exchange. Exchanges are passed in the order in which they began."""
        request = (exchange.program, exchange.request.method, exchange.request.path)
        refused_at = self._last_refusals.pop(request, None) if exchange.attempt > 1 else None
        if refused_at is not None:
            self.seconds += max(0.0, exchange.started - max(refused_at, self._counted_until))
            self._counted_until = max(self._counted_until, exchange.started)
        if exchange.response is not None and asks_to_retry_later(exchange.response):
            self.refused += 1
            self._last_refusals[request] = exchange.ended
