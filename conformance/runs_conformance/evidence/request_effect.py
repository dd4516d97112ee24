"""Whether a request may have changed anything on the server."""

from __future__ import annotations

from runs_conformance.model.exchange import Completion, Exchange, asks_to_retry_later

_TIMEOUT = 408
"""RFC 9110 sends it for a request that did not arrive, but gateways also send it if the server behind them is slow."""


def may_have_taken_effect(exchange: Exchange) -> bool:
    """Whether a request may have been carried out: it was accepted, failed with 5xx or 408, or got no full response.

    One that the server asked to send again later, by HTTP 429 or by 503 with Retry-After, had no effect: the client
    repeats it as a new request.
    """
    if exchange.has_success_status or exchange.completion is Completion.UNKNOWN:
        return True
    if exchange.status is None or (exchange.response is not None and asks_to_retry_later(exchange.response)):
        return False
    return exchange.status >= 500 or exchange.status == _TIMEOUT
