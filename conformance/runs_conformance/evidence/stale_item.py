"""Items of lists that show an object as it was before, although the responses around them show it as it is."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from types import NoneType
from typing import TypeGuard

from runs_conformance.contract.lifecycle import STATUSES, TERMINAL, reachable, reachable_without_outputs
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.evidence.observation import Observation, observations
from runs_conformance.evidence.request_effect import may_have_taken_effect
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import JSON, Absent, json_equal

_STATUS, _METADATA = "status", "metadata"
_MODIFICATIONS = tuple(name for name in OPERATIONS if name.startswith("modify_"))
_CHANGES = ("submit_tool_outputs", *_MODIFICATIONS)
"""The operations that can bring an object back to a status or metadata that it had before."""


@dataclass(frozen=True, eq=False)
class StaleItem:
    """An object in a list, and the member of which the list shows an earlier value.

    `current` is the observation that showed the later value before the list was requested.
    """

    item: Observation
    name: str
    current: Observation


@lru_cache(maxsize=16)
def stale_items(history: History) -> tuple[StaleItem, ...]:
    """Every item that shows a value which its object had before.

    A response about the object itself showed a later value before the list was requested, and the next one after it
    agrees, or a later list if there is none, and no request can have changed the object meanwhile. If nothing follows,
    lists of the same operation are known to show earlier values. A history that lacks requests shows no such item.
    """
    if history.partial:
        return ()
    found: list[StaleItem] = []
    unconfirmed: list[StaleItem] = []
    for kind in sorted({each.listed_kind for each in OPERATIONS.values() if each.listed_kind}):
        grouped: dict[str, list[Observation]] = {}
        for observation in observations(kind, history):
            if observation.id:
                grouped.setdefault(observation.id, []).append(observation)
        for id_, those in grouped.items():
            for stale, is_confirmed in _stale_among(id_, those, history):
                (found if is_confirmed else unconfirmed).append(stale)
    lagging = {each.item.exchange.operation for each in found}
    return (*found, *(each for each in unconfirmed if each.item.exchange.operation in lagging))


@lru_cache(maxsize=16)
def _runs_go_back(history: History) -> bool:
    """Whether responses about a run itself show that it went back to an earlier status, so that a list may be right."""
    single: dict[str, list[Observation]] = {}
    for observation in observations("run", history):
        if observation.id and not is_list_item(observation) and observation.status in STATUSES:
            single.setdefault(observation.id, []).append(observation)
    submissions = (each for each in history.select("submit_tool_outputs") if may_have_taken_effect(each))
    resumed = {id_ for each in submissions for id_ in each.path.values()}
    return any(
        one.latest <= other.earliest and other.status not in reachable_without_outputs(one.status)
        for id_, those in single.items()
        if id_ not in resumed
        for one, other in pairwise(sorted(those, key=_end_of))
    )


@lru_cache(maxsize=16)
def _stale_places(history: History) -> frozenset[tuple[str, str]]:
    return frozenset((each.item.exchange.id, each.item.pointer) for each in stale_items(history))


def mark_stale(observation: Observation, history: History) -> Observation:
    """The observation, as a consequence of the violation that a list is not up to date if it is a stale item."""
    is_stale = (observation.exchange.id, observation.pointer) in _stale_places(history)
    return replace(observation, is_consequence=True) if is_stale else observation


def is_list_item(observation: Observation) -> bool:
    """Whether an object was shown by a list."""
    operation = OPERATIONS.get(observation.exchange.operation or "")
    return operation is not None and bool(operation.listed_kind)


def _end_of(observation: Observation) -> tuple[float, int, int]:
    return (observation.latest, observation.exchange.index, observation.position)


def _stale_among(id_: str, those: Sequence[Observation], history: History) -> Iterator[tuple[StaleItem, bool]]:
    """The stale items among the observations of one object, each with whether something that follows confirms it."""
    listed = [each for each in those if is_list_item(each)]
    single = sorted((each for each in those if not is_list_item(each)), key=_end_of)
    if not listed or not single:
        return
    names = (_METADATA,) if _runs_go_back(history) else (_STATUS, _METADATA)
    ends = [each.latest for each in single]
    changes = [each for each in history.select(*_CHANGES) if id_ in each.path.values() and may_have_taken_effect(each)]
    for item in listed:
        before = single[: bisect_right(ends, item.earliest)]
        if before and any(not _is_shown_alike(item, name, before[-1]) for name in names):
            after = _next_observation(item, single, listed)
            for name in names:
                if _is_stale(item, name, before, after or before[-1], changes):
                    yield StaleItem(item, name, before[-1]), after is not None


def _next_observation(
    item: Observation, single: Sequence[Observation], listed: Sequence[Observation]
) -> Observation | None:
    """The next response about the object itself, or else the last list that shows it."""
    later = [each for each in single if item.latest <= each.earliest]
    if later:
        return min(later, key=lambda each: (each.earliest, each.exchange.index, each.position))
    return max((each for each in listed if item.latest <= each.earliest), key=_end_of, default=None)


def _is_stale(
    item: Observation, name: str, before: Sequence[Observation], after: Observation, changes: Iterable[Exchange]
) -> bool:
    """Whether an item shows a value that the object had before that of the responses around it."""
    current = before[-1]
    shown, value, next_value = item.get(name), current.get(name), after.get(name)
    may_have_changed = any(
        each is not current.exchange and each.ended > current.earliest and each.started < max(after.latest, item.latest)
        for each in changes
        if each.operation in (("submit_tool_outputs",) if name == "status" else _MODIFICATIONS)
    )
    if name == "status":
        if not (_is_status(shown) and _is_status(value) and _is_status(next_value)):
            return False
        if shown == "queued" and not isinstance(item.get("started_at"), (Absent, NoneType)):
            # A copy of the run from before it started would not know when it started.
            return False
        is_backward = shown not in reachable_without_outputs(value) and value in reachable(shown)
        follows = next_value in reachable_without_outputs(value)
        return is_backward and follows and (value in TERMINAL or not may_have_changed)
    had_before = any(_is_shown_alike(item, name, each) for each in before[:-1])
    return (
        not isinstance(next_value, Absent)
        and not _is_shown_alike(item, name, current)
        and _is_shown_alike(after, name, current)
        and had_before
        and not may_have_changed
    )


def _is_status(value: JSON | Absent) -> TypeGuard[str]:
    return isinstance(value, str) and value in STATUSES


def _is_shown_alike(one: Observation, name: str, other: Observation) -> bool:
    """Whether two observations show the same value of a member, or one does not show it; null is as good as {}."""
    value, other_value = one.get(name), other.get(name)
    if isinstance(value, Absent) or isinstance(other_value, Absent):
        return True
    is_empty = value in (None, {}) and other_value in (None, {})
    return is_empty or json_equal(value, other_value)
