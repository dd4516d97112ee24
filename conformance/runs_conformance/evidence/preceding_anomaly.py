"""Malformed and extreme requests whose values a later response may have to show."""

from __future__ import annotations

from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History


def preceding_anomaly(history: History, exchange: Exchange) -> str:
    """The anomaly of an earlier request on the same object that was not refused; empty if there is none.

    A request explains no failure if the operation was served after it. Requests that got a server error, and may have
    taken effect nevertheless, come before accepted ones.
    """
    served = [
        each
        for each in history
        if each.accepted and each.operation == exchange.operation and each.path == exchange.path
    ]
    earlier = [
        each
        for each in history
        if each.anomaly
        and not each.refused
        and each.happened_before(exchange)
        and _concern_one_object(each, exchange)
        and not any(each.happened_before(other) and other.happened_before(exchange) for other in served)
    ]
    failed = [each for each in earlier if not each.accepted]
    return next((each.anomaly for each in (*failed, *reversed(earlier)) if each.anomaly), "")


def _concern_one_object(written: Exchange, shown: Exchange) -> bool:
    """Whether a request may change what a response to another one shows."""
    if shown.path:
        return any(written.path.get(name) == id_ for name, id_ in shown.path.items())
    listed = OPERATIONS[shown.operation].listed_kind if shown.operation else None
    return listed is not None and written.operation in (f"create_{listed}", f"modify_{listed}")
