"""Valid requests that were accepted once and refused another time, with nothing in between that explains it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from runs_conformance.evidence.refusal_reason import parameter_named_by_id
from runs_conformance.evidence.request_effect import may_have_taken_effect
from runs_conformance.evidence.request_expectation import must_be_accepted
from runs_conformance.evidence.server_failure import is_server_error
from runs_conformance.evidence.thread_lock import says_locked
from runs_conformance.evidence.thread_occupancy import thread_occupancy
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import Absent

_STATELESS = ("create_assistant", "create_thread")
_ON_THREAD = ("create_message", "create_run")
_REFUSALS = (400, 404, 409, 422)


@dataclass(frozen=True, eq=False)
class EqualRequests:
    """Requests of one operation with equal bodies, each of which a correct server accepts.

    `unclear` holds the requests whose responses are server errors, or contradict their HTTP status.
    """

    operation: str
    accepted: tuple[Exchange, ...]
    refused: tuple[Exchange, ...]
    unclear: tuple[Exchange, ...] = ()

    @property
    def differ(self) -> bool:
        """Whether some were accepted and others refused."""
        return bool(self.accepted and self.refused)


@lru_cache(maxsize=16)
def equal_requests(history: History) -> tuple[EqualRequests, ...]:
    """Every group of equal valid requests, on objects whose state gives no reason to refuse one of them."""
    groups: dict[tuple[str, str], list[Exchange]] = {}
    for exchange in _candidates(history):
        body = json.dumps(exchange.request.body, sort_keys=True, default=repr)
        groups.setdefault((exchange.operation or "", body), []).append(exchange)
    return tuple(
        EqualRequests(
            operation,
            tuple(each for each in group if each.accepted),
            # A lock for all threads, and a thread that is lost, are other faults.
            tuple(each for each in group if each.status in _REFUSALS and not _names_thread(each)),
            tuple(each for each in group if is_server_error(each) or (each.has_success_status and not each.accepted)),
        )
        for (operation, _), group in groups.items()
        if len(group) > 1
    )


def _names_thread(exchange: Exchange) -> bool:
    return says_locked(exchange) or parameter_named_by_id(exchange) is not None


@lru_cache(maxsize=16)
def random_refusals(history: History) -> Mapping[str, EqualRequests]:
    """The operations that refused a valid request which they accepted another time."""
    return {each.operation: each for each in equal_requests(history) if each.differ}


def _candidates(history: History) -> Iterator[Exchange]:
    sent = [
        exchange
        for exchange in history.select(*_STATELESS, *_ON_THREAD)
        if exchange.step is not None and must_be_accepted(exchange) and not isinstance(exchange.request.body, Absent)
    ]
    if not sent:
        return
    occupancy = thread_occupancy(history)
    deletes = any(exchange.request.method == "DELETE" and may_have_taken_effect(exchange) for exchange in history)
    for exchange in sent:
        if exchange.operation in _STATELESS or (
            exchange.operation in _ON_THREAD and not deletes and not occupancy.had_run_before(exchange)
        ):
            yield exchange
