"""Server errors and timeouts, per operation and per kind of probe."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from runs_conformance.evidence.misread_request import misread_requests
from runs_conformance.evidence.preceding_anomaly import preceding_anomaly
from runs_conformance.model.exchange import Completion, Exchange, asks_to_retry_later
from runs_conformance.model.history import History

_NOT_IMPLEMENTED = 501

TIMEOUT_SECONDS = 10.0
"""Seconds after which a request without a complete response counts as timed out, not as disconnected."""

STREAM_SILENCE_SECONDS = 2.0
"""Seconds of silence at the end of an incomplete stream after which it counts as timed out, not as truncated."""

STALL_SECONDS = 2.0
"""Seconds after which a request without a complete response may have been left hanging, though the client gave up."""

RANDOM_FAILURES = 2
"""Steps that fail with HTTP 5xx and succeed at other times, from which on a target is said to fail at random."""


@dataclass(frozen=True, eq=False)
class ServerFailure:
    """One request that got HTTP 5xx or timed out.

    HTTP 501 counts if it comes as a page for people although the target has the operation.
    `others_served` says that requests before and after it were accepted, so the target was not down. `after` is the
    anomaly of an earlier request that may be the reason, empty if there is none.
    """

    exchange: Exchange
    others_served: bool
    after: str = ""

    @property
    def is_timeout(self) -> bool:
        """Whether the request timed out, rather than getting HTTP 5xx."""
        return not is_server_error(self.exchange) and self.exchange.status != _NOT_IMPLEMENTED


@dataclass(frozen=True, eq=False)
class OperationFailures:
    """All requests of one operation in a history, or its probes of one kind, with the failures among them.

    `probe` is the kind of the probes, None for ordinary requests. `misread` are the requests in whose place the target
    read the body of an earlier one.
    """

    operation: str
    probe: str | None
    exchanges: tuple[Exchange, ...]
    failures: tuple[ServerFailure, ...]
    misread: tuple[Exchange, ...] = ()

    @property
    def unanswered(self) -> int:
        """The number of requests whose connection was lost before a status arrived."""
        return sum(exchange.status is None and not timed_out(exchange) for exchange in self.exchanges)

    @property
    def stalled(self) -> int:
        """The number of incomplete responses that took long, but not long enough to count as timed out."""
        return sum(_is_late(exchange, STALL_SECONDS) and not _is_stream(exchange) for exchange in self.exchanges) - sum(
            map(timed_out, self.exchanges)
        )


def is_server_error(exchange: Exchange) -> bool:
    """Whether a response is a server error: 5xx, except 501 (not implemented) and 503 with Retry-After."""
    status = exchange.status
    if status is None or status < 500 or status == _NOT_IMPLEMENTED:
        return False
    return exchange.response is None or not asks_to_retry_later(exchange.response)


def describe_unusable(exchange: Exchange) -> str:
    """The defect of a response in words: a server error, or an error or no JSON with a status of success."""
    return f"{exchange.operation} got {describe_unclear_status(exchange)}"


def describe_unclear_status(exchange: Exchange) -> str:
    """The status of a response that neither accepts nor refuses the request; what contradicts it if it says success."""
    if exchange.status is None:
        return "no response"
    return f"{'an error or no JSON with ' if exchange.has_success_status else ''}HTTP {exchange.status}"


def timed_out(exchange: Exchange) -> bool:
    """Whether a sent request got no complete response within the timeout. Streams are exempt."""
    return _is_late(exchange) and not _is_stream(exchange)


def stream_timed_out(exchange: Exchange) -> bool:
    """Whether the client stopped waiting for a stream that had become silent, or continued for too long."""
    if exchange.completion is not Completion.UNKNOWN or not _is_stream(exchange):
        return False
    last = exchange.events[-1].at if exchange.events else exchange.started
    return _is_late(exchange) or exchange.ended - last >= STREAM_SILENCE_SECONDS


def _is_late(exchange: Exchange, seconds: float = TIMEOUT_SECONDS) -> bool:
    return exchange.completion is Completion.UNKNOWN and exchange.ended - exchange.started >= seconds


def _is_stream(exchange: Exchange) -> bool:
    return exchange.response is not None and exchange.response.events is not None


def others_served_around(history: History, exchange: Exchange) -> bool:
    """Whether the target accepted a request before an exchange began, and one after it had ended."""
    accepted = [other for other in history if other.accepted]
    return any(other.happened_before(exchange) for other in accepted) and any(
        exchange.happened_before(other) for other in accepted
    )


@lru_cache(maxsize=16)
def operation_failures(history: History) -> tuple[OperationFailures, ...]:
    """The failures of every operation and every kind of probe in a history."""
    grouped: dict[tuple[str, str | None], list[Exchange]] = {}
    misread = misread_requests(history)
    for exchange in history:
        if exchange.operation is not None and exchange.completion is not Completion.NOT_CONNECTED:
            grouped.setdefault((exchange.operation, exchange.anomaly if exchange.is_probe else None), []).append(
                exchange
            )
    return tuple(
        OperationFailures(
            operation,
            probe,
            tuple(sent),
            tuple(_failures(history, [each for each in sent if each.id not in misread])),
            tuple(each for each in sent if each.id in misread),
        )
        for (operation, probe), sent in grouped.items()
    )


def _failures(history: History, sent: list[Exchange]) -> Iterator[ServerFailure]:
    is_offered = any(exchange.accepted for exchange in sent)
    for exchange in sent:
        if is_server_error(exchange) or timed_out(exchange) or (is_offered and _is_unimplemented_page(exchange)):
            after = preceding_anomaly(history, exchange)
            yield ServerFailure(exchange, others_served_around(history, exchange), after)


def _is_unimplemented_page(exchange: Exchange) -> bool:
    """Whether a web server says, in HTML, that it does not know the method of a request."""
    text = (exchange.response.text or "") if exchange.response is not None else ""
    return exchange.status == _NOT_IMPLEMENTED and text.lstrip().startswith("<")


def count_unsteady_steps(exchanges: Iterable[Exchange]) -> int:
    """The number of steps of a program that got HTTP 5xx once and another status another time."""
    failed, served = set[str](), set[str]()
    for exchange in exchanges:
        if exchange.step is not None and exchange.status is not None:
            (failed if exchange.status >= 500 else served).add(exchange.step.id)
    return len(failed & served)
