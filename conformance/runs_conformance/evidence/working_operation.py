"""Operations that work: an expected refusal has the expected reason only if the operation accepts other requests."""

from __future__ import annotations

from functools import lru_cache

from runs_conformance.evidence.server_failure import is_server_error
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.verdict import PASSED, Inconclusive, Result, Suspicion


def operation_works(history: History, exchange: Exchange) -> bool:
    """Whether the operation of a request was accepted in another request.

    If not, it may be missing or broken, and respond to existing objects, valid keys and valid bodies in the same way.
    """
    return bool(_accepted_exchanges(history).get(exchange.operation, frozenset()) - {exchange.id})


def pass_if_working(exchange: Exchange, works: bool) -> Result:
    """The result of an expected refusal: `PASSED` if the operation works otherwise, inconclusive if not."""
    if works:
        return PASSED
    return Inconclusive(f"no {exchange.operation} was accepted in its program, so a refusal may have another reason")


def neither_accepted_nor_refused(exchange: Exchange, reason: str) -> Inconclusive:
    """The result of a request that had to be refused, and was not, but was not accepted either.

    A request that got a server error may have been carried out first, so that this is a suspicion.
    """
    return Suspicion(reason) if is_server_error(exchange) else Inconclusive(reason)


@lru_cache(maxsize=16)
def _accepted_exchanges(history: History) -> dict[str | None, frozenset[str]]:
    accepted: dict[str | None, set[str]] = {}
    for exchange in history:
        if exchange.accepted:
            accepted.setdefault(exchange.operation, set()).add(exchange.id)
    return {operation: frozenset(ids) for operation, ids in accepted.items()}
