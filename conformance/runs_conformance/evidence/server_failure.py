"""Answers that say the target itself failed, and whether that was more than a moment's weakness."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from runs_conformance.model.exchange import Completion, Exchange
from runs_conformance.model.history import History

TIMEOUT_SECONDS = 10.0
"""Seconds after which a request without a whole answer counts as left hanging; one that ended sooner was cut."""


@dataclass(frozen=True, eq=False)
class ServerFailure:
    """One request that was answered with 5xx, or left hanging.

    `served` says that requests before and after were accepted, so that it was this request and not the target being
    down.
    """

    exchange: Exchange
    others_served: bool

    @property
    def is_timeout(self) -> bool:
        """Whether it was left hanging, and not answered with 5xx."""
        return not is_server_error(self.exchange)


@dataclass(frozen=True, eq=False)
class OperationFailures:
    """How a target stood up to all requests of one operation in a history, or to one kind of probe.

    `probe` names the probe; it is None for the ordinary requests.
    """

    operation: str
    probe: str | None
    exchanges: tuple[Exchange, ...]
    failures: tuple[ServerFailure, ...]


def is_server_error(exchange: Exchange) -> bool:
    """Whether the answer says that the target failed. 501 says what it does not offer, 503 with Retry-After when to
    come again.
    """
    status = exchange.status
    if status is None or status < 500 or status == 501:
        return False
    return not (status == 503 and exchange.response is not None and "retry-after" in exchange.response.headers)


def timed_out(exchange: Exchange) -> bool:
    """Whether a request that must have arrived was left without a whole answer for long. A stream may take its time."""
    streams = exchange.response is not None and exchange.response.events is not None
    late = exchange.ended - exchange.started >= TIMEOUT_SECONDS
    return exchange.completion is Completion.UNKNOWN and late and not streams


def others_served_around(history: History, exchange: Exchange) -> bool:
    """Whether the target accepted something before an exchange began, and something after it had ended."""
    accepted = [other for other in history if other.accepted]
    return any(other.happened_before(exchange) for other in accepted) and any(
        exchange.happened_before(other) for other in accepted
    )


@lru_cache(maxsize=16)
def operation_failures(history: History) -> tuple[OperationFailures, ...]:
    """The conduct at every operation and every probe of a history."""
    grouped: dict[tuple[str, str | None], list[Exchange]] = {}
    for exchange in history:
        if exchange.operation is not None and exchange.completion is not Completion.NOT_CONNECTED:
            grouped.setdefault((exchange.operation, exchange.anomaly if exchange.is_probe else None), []).append(
                exchange
            )
    return tuple(
        OperationFailures(operation, probe, tuple(sent), tuple(_failures(history, sent)))
        for (operation, probe), sent in grouped.items()
    )


def _failures(history: History, sent: list[Exchange]) -> Iterator[ServerFailure]:
    for exchange in sent:
        if is_server_error(exchange) or timed_out(exchange):
            yield ServerFailure(exchange, others_served_around(history, exchange))
