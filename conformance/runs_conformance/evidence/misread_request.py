"""Requests before which the target read the unread body of an earlier request on the same connection."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from runs_conformance.model.error_message import refusal_text
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import is_object

_PREFIX = 12
"""Characters of the earlier body that a response must quote."""


@lru_cache(maxsize=16)
def misread_requests(history: History) -> Mapping[str, Exchange]:
    """The ids of exchanges whose response refuses what an earlier request left on the connection, and that request.

    Such a response quotes an earlier body directly followed by the method of its own request. It says nothing about
    the request that it was recorded for. If it quotes only the beginning of a body, the latest that begins so was left.
    """
    quoting = {exchange.id: quoted for exchange in history if (quoted := _quoted_before_method(exchange))}
    bodies: list[tuple[str, Exchange]] = []
    misread: dict[str, Exchange] = {}
    for exchange in history if quoting else ():
        quoted = quoting.get(exchange.id, "")
        if found := [(body in quoted, earlier) for body, earlier in bodies if body[:_PREFIX] in quoted]:
            misread[exchange.id] = max(found, key=lambda each: (each[0], each[1].index))[1]
        if is_object(exchange.request.body):
            body = _without_space(json.dumps(exchange.request.body, ensure_ascii=False, default=str))
            bodies.append((body, exchange))
    return MappingProxyType(misread)


def _quoted_before_method(exchange: Exchange) -> str:
    """The text of a refusal up to an object that the method of its own request directly follows; empty if none does."""
    if exchange.status is None or exchange.status < 400:
        return ""
    text = _without_space(html.unescape(refusal_text(exchange)))
    found = re.search(rf"\}}{re.escape(exchange.request.method)}(?![A-Za-z])", text)
    return text[: found.end()] if found is not None else ""


def _without_space(text: str) -> str:
    return "".join(text.split())
