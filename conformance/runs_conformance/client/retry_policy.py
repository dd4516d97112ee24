"""Decides whether and when a request is sent again."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from runs_conformance.client.prepared_request import PreparedRequest
from runs_conformance.client.transport import SendResult
from runs_conformance.model.exchange import RETRY_LATER_STATUSES


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Limits for retrying requests that certainly had no effect.

    `max_wait` bounds the total delay of one step, in seconds; a target that asks for more is not waited for. `backoff`
    holds the delays used if the target asks for none.
    """

    max_attempts: int = 4
    max_wait: float = 30.0
    backoff: tuple[float, ...] = (0.2, 0.5, 1.0)

    def delay(self, request: PreparedRequest, result: SendResult, attempt: int) -> float | None:
        """The seconds to wait before a retry; None if the request must not be retried."""
        if result.stale_connection and request.method == "GET":
            return 0.0
        return self._backoff_delay(attempt) if result.connection_refused else self.overload_delay(result, attempt)

    def overload_delay(self, result: SendResult, attempt: int) -> float | None:
        """The seconds to wait because the target asks for it; None if it does not."""
        if result.response is None or not is_overload(result):
            return None
        requested = parse_retry_after(result.response.headers)
        return self._backoff_delay(attempt) if requested is None and result.response.status == 429 else requested

    def _backoff_delay(self, attempt: int) -> float:
        return self.backoff[min(attempt, len(self.backoff)) - 1]


def is_overload(result: SendResult) -> bool:
    """Whether the target asks to send the request later."""
    return result.response is not None and result.response.status in RETRY_LATER_STATUSES


def parse_retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds that the target asks to wait; None if it does not, or not in a valid form.

    `retry-after-ms` is preferred to Retry-After, which is a number of seconds or a date, as the official clients do
    (openai-python `_parse_retry_after_header`).
    """
    milliseconds = _parse_number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    text = headers.get("retry-after", "")
    if (seconds := _parse_number(text)) is not None:
        return seconds
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def _parse_number(text: str) -> float | None:
    text = text.strip()
    return float(text) if text.replace(".", "", 1).isdecimal() else None
