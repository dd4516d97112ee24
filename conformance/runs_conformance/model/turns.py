"""Orders items so that different kinds take turns, in case only the first few are used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain, zip_longest
from typing import TypeVar

T = TypeVar("T")


def take_turns(items: Sequence[T], *keys: Callable[[T], object]) -> list[T]:
    """Order items so that those with different values of the first key take turns.

    Among those with the same value, the next key decides; items with equal values of all keys keep their order.
    """
    if not keys:
        return list(items)
    groups: dict[object, list[T]] = {}
    for item in items:
        groups.setdefault(keys[0](item), []).append(item)
    queues = [[(item,) for item in take_turns(group, *keys[1:])] for group in groups.values()]
    return list(chain.from_iterable(chain.from_iterable(zip_longest(*queues, fillvalue=()))))
