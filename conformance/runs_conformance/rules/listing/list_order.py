"""The order of lists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from runs_conformance.evidence.both_orders import (
    BothOrders,
    DefaultOrderPage,
    default_order_pages,
    lists_in_both_orders,
)
from runs_conformance.evidence.complete_list import may_end_early
from runs_conformance.evidence.creation import creations
from runs_conformance.evidence.list_part import MESSAGES, RUNS, STEPS, parts_of_lists, pass_for_list
from runs_conformance.evidence.page import LACKS_IDS, LAGS, Page, pages
from runs_conformance.model.history import History
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, schema
from runs_conformance.model.verdict import PASSED, Inconclusive, Result, Suspicion

_SPEC = "openai-openapi f85dbe2 openapi.yaml"
_SORTED = "a page of {} with items of several seconds"
_BOTH_ORDERS = "a pair of lists from {} in both orders"
_LISTS = (RUNS, MESSAGES, STEPS)

_ORDER = schema(f"{_SPEC} parameter order: sort order by the created_at timestamp of the objects")


@rule(
    units=default_order_pages,
    level=Level.MUST,
    source=_ORDER,
    capability="listing",
    clauses=("list-envelope-order-and-default-limit",),
    needs_parts=parts_of_lists(_SORTED, *_LISTS),
)
def newest_come_first_by_default(unit: DefaultOrderPage) -> Iterator[Result]:
    """A list requested without `order` starts with the newest object.

    Clients that show the latest message take the first item of the default page. Objects created in the same second may
    be in any stable order. If all items were created in one second, and the lists in `asc` and `desc` are each other's
    reverse, the list without `order` must equal the one in `desc`.

    Fix: Sort by `created_at`, descending, if the request gives no order.
    """
    results = tuple(_check_sorted(unit.page, "desc"))
    yield from results
    if results or not unit.descending_ids:
        return
    if unit.page.ids == unit.descending_ids:
        yield pass_for_list(unit.page, _SORTED)
    elif unit.page.ids == unit.ascending_ids:
        yield unit.page.exchange.finding(
            "without `order`, the list is in ascending order",
            "/data",
            expected=list(unit.descending_ids),
            actual=list(unit.page.ids),
        )


@rule(
    units=pages,
    level=Level.MUST,
    source=_ORDER,
    capability="listing",
    clauses=("list-envelope-order-and-default-limit", "ascending-reverses-descending"),
    needs_parts=parts_of_lists(_SORTED, *_LISTS),
)
def order_is_kept(page: Page) -> Iterator[Result]:
    """A list is sorted by `created_at` in the requested order: `asc` is oldest first, `desc` newest first.

    Clients display lists as they come. Objects created in the same second may be in any stable order.

    Fix: Apply `order` to the sort by `created_at`.
    """
    if page.query.get("order") in ("asc", "desc") and not page.has_both_cursors:
        yield from _check_sorted(page, page.query["order"])


def _check_sorted(page: Page, order: str) -> Iterator[Result]:
    """Judge the order of a page by times that differ; equal times do not show an order."""
    times = [(item.time("created_at"), item) for item in page.items]
    compared = False
    for (earlier, _), (later, item) in pairwise(times):
        if earlier is None or later is None or earlier == later:
            continue
        compared = True
        if later < earlier if order == "asc" else later > earlier:
            relation = "older" if order == "asc" else "newer"
            yield item.finding(f"in {order} order, this item is {relation} than the one before it", "/created_at")
            return
    if compared:
        yield pass_for_list(page, _SORTED)


@rule(
    units=lists_in_both_orders,
    level=Level.MUST,
    source=_ORDER,
    capability="listing",
    clauses=("ascending-reverses-descending",),
    needs_complete_history=True,
    needs_parts=parts_of_lists(_BOTH_ORDERS, *_LISTS),
)
def ascending_reverses_descending(orders: BothOrders) -> Iterator[Result]:
    """A complete list in ascending order is the reverse of the same list in descending order.

    Clients read a list from either end. A server that ignores `order` returns the same list twice. Only objects created
    in the same second may change places among each other.

    Fix: Sort the same set of objects in both directions.
    """
    ascending, descending = orders.ascending, orders.descending
    ids, reverse = _comparable_lists(orders)
    if max(len(ids), len(reverse)) < 2:
        return
    if orders.lacks_ids:
        yield Inconclusive(LACKS_IDS)
        return
    if ids == reverse:
        yield pass_for_list(ascending, _BOTH_ORDERS)
        return
    if orders.is_lagging:
        yield Inconclusive(LAGS)
        return
    times = {item.id: item.time("created_at") for page in (ascending, descending) for item in page.items}
    is_tied = [times.get(id_) for id_ in ids] == [times.get(id_) for id_ in reverse]
    shorter = ascending if set(ids) < set(reverse) else descending if set(reverse) < set(ids) else None
    if shorter is not None and may_end_early(shorter):
        yield Suspicion("the shorter of the two lists may have ended before its last item")
    elif sorted(ids) != sorted(reverse):
        missing = sorted(set(ids) ^ set(reverse))
        yield ascending.exchange.finding(f"only one of the two orders contains {', '.join(missing[:3])}", "/data")
    elif not is_tied or _ignores_order(orders, ids, reverse):
        yield ascending.exchange.finding(
            "asc is not the reverse of desc", "/data", expected=list(reverse), actual=list(ids)
        )
    else:
        yield Inconclusive("the items were created in the same second and may be in any order")


def _comparable_lists(orders: BothOrders) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The ids of the ascending list, and those of the descending list from its end."""
    return _comparable_ids(orders, orders.ascending), _comparable_ids(orders, orders.descending)[::-1]


def _comparable_ids(orders: BothOrders, page: Page) -> tuple[str, ...]:
    if not orders.is_shared:
        return page.ids
    created_ids = {creation.id for creation in creations(orders.history)}
    return tuple(id_ for id_ in page.ids if id_ in created_ids)


def _ignores_order(orders: BothOrders, ids: tuple[str, ...], reverse: tuple[str, ...]) -> bool:
    """Whether `order` had no effect: both lists are equal, and ascending is the exact reverse of the order of creation.

    Sorting by equal times leaves both lists in the order of creation or in an arbitrary one.
    """
    ordered = [c for c in creations(orders.history) if c.id in ids]
    is_sequential = all(first.exchange.happened_before(second.exchange) for first, second in pairwise(ordered))
    known = {creation.id for creation in ordered}
    listed = [id_ for id_ in ids if id_ in known]
    return ids == reverse[::-1] and is_sequential and len(ordered) >= 4 and listed == [c.id for c in reversed(ordered)]


@rule(
    units=lists_in_both_orders,
    level=Level.SHOULD,
    source=_ORDER,
    capability="listing",
    clauses=("ascending-reverses-descending",),
)
def ties_keep_one_order(orders: BothOrders) -> Iterator[Result]:
    """Objects created in the same second are in opposite order in the ascending and the descending list.

    A list with one total order, such as the order of creation, can be read from both ends without skipping or repeating
    an item.

    Fix: Break ties by a value that never changes, and reverse it with `order`.
    """
    ids, reverse = _comparable_lists(orders)
    if orders.lacks_ids:
        yield Inconclusive(LACKS_IDS)
    elif sorted(ids) == sorted(reverse):
        ties, reversed_ties = _ties(orders.ascending, ids), _ties(orders.ascending, reverse)
        finding = orders.ascending.exchange.finding(
            "items created in the same second are in the same order in asc and desc", "/data", list(reverse), list(ids)
        )
        if ties:
            yield PASSED if ties == reversed_ties else finding


@rule(
    units=lists_in_both_orders,
    level=Level.SHOULD,
    source=_ORDER,
    capability="listing",
    clauses=("ascending-reverses-descending",),
)
def ties_are_in_the_order_of_creation(orders: BothOrders) -> Iterator[Result]:
    """Objects created one after another in the same second are listed in the order of their creation.

    Timestamps in whole seconds do not tell which message of a conversation came first, or which run is the last. Judged
    if each of the two orders is the reverse of the other.

    Fix: Break ties by a number that increases with each object, not by the id.
    """
    ids, reverse = _comparable_lists(orders)
    if orders.lacks_ids:
        yield Inconclusive(LACKS_IDS)
    elif ids == reverse and not orders.is_lagging:
        for group in _ties(orders.ascending, ids).values():
            expected = _in_order_of_creation(orders.history, group)
            listed = [id_ for id_ in group if id_ in expected]
            if len(expected) > 1:
                message = "items created in the same second are not in the order of their creation"
                finding = orders.ascending.exchange.finding(message, "/data", expected, listed)
                yield PASSED if listed == expected else finding


def _in_order_of_creation(history: History, ids: Sequence[str]) -> list[str]:
    """The ids whose creation is known, in the order of creation; empty if some of the requests for it overlapped."""
    created = [creation for creation in creations(history) if creation.id in ids]
    is_sequential = all(first.exchange.happened_before(second.exchange) for first, second in pairwise(created))
    return [creation.id for creation in created] if is_sequential else []


def _ties(page: Page, ids: tuple[str, ...]) -> Mapping[float, Sequence[str]]:
    """By time of creation, the ids of the items of a page that were created then, if there are several."""
    times = {item.id: item.time("created_at") for item in page.items}
    groups: dict[float, list[str]] = {}
    for id_ in ids:
        if (time := times[id_]) is not None:
            groups.setdefault(time, []).append(id_)
    return {time: group for time, group in groups.items() if len(group) > 1}
