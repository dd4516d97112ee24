"""Bounds the memory that the exchanges of one program take, whatever the target sends."""

from __future__ import annotations

import math
import sys
from collections.abc import Collection
from dataclasses import dataclass, replace

from runs_conformance.model.exchange import Exchange, Response
from runs_conformance.model.json import ABSENT, JSON, SCALAR_TYPES, Absent, is_array, is_object
from runs_conformance.model.text import excerpt

MAX_PROGRAM_BYTES = 16 * 1024 * 1024
"""Memory for the responses of one program."""
MAX_SHOWN_BYTES = 64 * 1024
"""Memory for each value that a finding or a counterexample shows."""
MAX_SHOWN_TEXT = 4_000
_SMALL = 4 * 1024
_BYTES_PER_BYTE = 25
"""The memory that a byte of JSON takes at most once it is parsed: `{},` becomes an object and a reference to it."""


def is_large(response: Response | None) -> bool:
    """Whether what a response takes is worth measuring."""
    return response is not None and response.size > _SMALL


def response_cost(response: Response | None) -> int:
    """The bytes of memory that a response takes, estimated if it is small."""
    if response is None:
        return 0
    headers = sum(len(name) + len(value) for name, value in response.headers.items())
    if not is_large(response):
        return headers + response.size * _BYTES_PER_BYTE
    events = response.events or ()
    return headers + _cost(response.body) + sum(200 + _cost(event.data) for event in events)


def _cost(value: JSON | Absent, enough: float = math.inf) -> int:
    """The bytes of memory that a value takes, or more than `enough` of them."""
    total, pending = sys.getsizeof(value), [value]
    while pending and total <= enough:
        each = pending.pop()
        members: Collection[JSON] = ()
        if is_object(each):
            members = each.values()
            total += sum(map(sys.getsizeof, each))
        elif is_array(each):
            members = each
        total += sum(map(sys.getsizeof, members))
        pending += [member for member in members if type(member) not in SCALAR_TYPES]
    return total


def bound_value(value: JSON, budget: int = MAX_SHOWN_BYTES) -> JSON:
    """The value, or its beginning if it takes more memory than the budget."""
    return value if _cost(value, budget) <= budget else _beginning(value, _Allowance(budget))


@dataclass(slots=True)
class _Allowance:
    remaining: int

    def take(self, size: int) -> bool:
        self.remaining -= size
        return self.remaining >= 0


def _beginning(value: JSON, allowance: _Allowance) -> JSON:
    if isinstance(value, str):
        text = excerpt(value, MAX_SHOWN_TEXT, keep=80)
        allowance.take(sys.getsizeof(text))
        return text
    if is_object(value):
        members: dict[str, JSON] = {}
        for name, member in value.items():
            if not allowance.take(200):
                members["…"] = f"({len(value)} members)"
                break
            members[excerpt(name, 200, keep=80)] = _beginning(member, allowance)
        return members
    if is_array(value):
        items: list[JSON] = []
        for item in value:
            if not allowance.take(100):
                return [*items, f"… ({len(value)} items)"]
            items.append(_beginning(item, allowance))
        return items
    return value


def without_content(exchange: Exchange) -> Exchange:
    """The exchange without the content of its response, which is marked as too large."""
    response = exchange.response
    if response is None:
        return exchange
    kept = Response(
        status=response.status,
        headers={name: value[:200] for name, value in list(response.headers.items())[:50]},
        body=ABSENT,
        text=f"(left out: the responses of {exchange.program} take more than {MAX_PROGRAM_BYTES // 2**20} MB)",
        events=None if response.events is None else (),
        defects=(*response.defects, "too_large"),
        size=response.size,
    )
    return replace(exchange, response=kept)
