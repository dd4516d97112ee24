"""Lists: their order and their contents."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from runs_conformance.evidence.complete_list import may_end_early
from runs_conformance.evidence.creation import Creation, creations, key_of
from runs_conformance.evidence.page import Listing, Page, listings, pages
from runs_conformance.evidence.pagination import BothOrders, is_complete, lists_in_both_orders
from runs_conformance.evidence.timeline import find_run
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, schema
from runs_conformance.model.verdict import PASSED, Inconclusive, Result

_SPEC = "openai-openapi f85dbe2 openapi.yaml"
_ORDER = schema(f"{_SPEC} parameter order: sort order by the created_at timestamp of the objects")
_PARENT = schema(f"{_SPEC} listRuns, listMessages, listRunSteps: those that belong to a thread, a run")
_BY_RUN = schema(f"{_SPEC} listMessages parameter run_id: filter messages by the run ID that generated them")
_DELETE = schema(f"{_SPEC} deleteMessage, deleteAssistant")


@rule(
    units=pages,
    level=Level.MUST,
    source=_ORDER,
    capability="listing",
    requirements=("list-envelope-order-and-default-limit",),
)
def newest_come_first_by_default(page: Page) -> Iterator[Result]:
    """A list requested without `order` starts with the newest object.

    Clients that show the latest message take the first item of the default page. Objects created in the same second may
    be in any stable order.

    Fix: Sort by `created_at`, descending, if the request gives no order.
    """
    if "order" not in page.query:
        yield from _check_sorted(page, "desc")


@rule(
    units=pages,
    level=Level.MUST,
    source=_ORDER,
    capability="listing",
    requirements=("list-envelope-order-and-default-limit", "ascending-reverses-descending"),
)
def order_is_kept(page: Page) -> Iterator[Result]:
    """A list is sorted by `created_at` in the requested order: `asc` is oldest first, `desc` newest first.

    Clients display lists as they come. Objects created in the same second may be in any stable order.

    Fix: Apply `order` to the sort by `created_at`.
    """
    if page.query.get("order") in ("asc", "desc"):
        yield from _check_sorted(page, page.query["order"])


def _check_sorted(page: Page, order: str) -> Iterator[Result]:
    times = [(item.time("created_at"), item) for item in page.items]
    compared = False
    for (earlier, _), (later, item) in pairwise(times):
        if earlier is None or later is None:
            continue
        compared = True
        if later < earlier if order == "asc" else later > earlier:
            relation = "older" if order == "asc" else "newer"
            yield item.finding(f"in {order} order, this item is {relation} than the one before it", "/created_at")
            return
    if compared:
        yield PASSED


@rule(
    units=lists_in_both_orders,
    level=Level.MUST,
    source=_ORDER,
    capability="listing",
    requirements=("ascending-reverses-descending",),
    needs_complete_history=True,
)
def ascending_reverses_descending(orders: BothOrders) -> Iterator[Result]:
    """A complete list in ascending order is the reverse of the same list in descending order.

    A server that ignores `order` returns the same list twice. Only objects created in the same second may change places
    among each other.

    Fix: Sort the same set of objects in both directions.
    """
    ascending, descending = orders.ascending, orders.descending
    ids, reverse = _comparable_ids(orders, ascending), _comparable_ids(orders, descending)[::-1]
    if max(len(ids), len(reverse)) < 2:
        return
    if ids == reverse:
        yield PASSED
        return
    times = {item.id: item.time("created_at") for page in (ascending, descending) for item in page.items}
    is_tied = [times.get(id_) for id_ in ids] == [times.get(id_) for id_ in reverse]
    if sorted(ids) != sorted(reverse):
        missing = sorted(set(ids) ^ set(reverse))
        yield ascending.exchange.finding(f"only one of the two orders contains {', '.join(missing[:3])}", "/data")
    elif not is_tied or _ignores_order(orders, ids, reverse):
        yield ascending.exchange.finding(
            "asc is not the reverse of desc", "/data", expected=list(reverse), actual=list(ids)
        )
    else:
        yield Inconclusive("the items were created in the same second and may be in any order")


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
    requirements=("ascending-reverses-descending",),
)
def ties_keep_one_order(orders: BothOrders) -> Iterator[Result]:
    """Objects created in the same second also appear in reverse between ascending and descending order.

    A list with one total order, such as the order of creation, can be read from both ends without skipping or repeating
    an item.

    Fix: Break ties by a value that never changes, and reverse it with `order`.
    """
    ids, reverse = _comparable_ids(orders, orders.ascending), _comparable_ids(orders, orders.descending)[::-1]
    if len(ids) > 1 and sorted(ids) == sorted(reverse):
        finding = orders.ascending.exchange.finding(
            "items created in the same second are in the same order in asc and desc", "/data", list(reverse), list(ids)
        )
        yield PASSED if ids == reverse else finding


@rule(
    units=pages,
    level=Level.MUST,
    source=_PARENT,
    capability="listing",
    requirements=("list-envelope-order-and-default-limit", "messages-filter-by-run"),
    occasions=5,
)
def items_belong_to_what_is_listed(page: Page) -> Iterator[Result]:
    """Runs and messages in a thread's list belong to that thread, and steps in a run's list to that run.

    An object of another thread discloses one user's conversation to another.

    Fix: Filter every list by the ids in its path.
    """
    for item in page.items:
        for name, id_ in page.exchange.path.items():
            actual = item.get(name)
            if isinstance(actual, str):
                yield item.check(actual == id_, f"{name} differs from the one in the path", f"/{name}", id_, actual)


@rule(
    units=pages,
    level=Level.MUST,
    source=_BY_RUN,
    capability="listing",
    operation="list_messages",
    requirements=("messages-filter-by-run",),
)
def messages_can_be_listed_by_run(page: Page) -> Iterator[Result]:
    """A message list requested with `run_id` contains only messages that this run wrote.

    Clients fetch a run's answer this way.

    Fix: Filter by the message's own `run_id`.
    """
    run_id = page.query.get("run_id")
    if page.exchange.operation == "list_messages" and run_id:
        for item in page.items:
            actual = item.get("run_id")
            yield item.check(actual == run_id, "this message belongs to another run", "/run_id", run_id, actual)


@rule(
    units=listings,
    level=Level.MUST,
    source=_BY_RUN,
    capability="listing",
    operation="list_messages",
    requirements=("messages-filter-by-run",),
)
def listing_by_run_misses_no_message(listing: Listing) -> Iterator[Result]:
    """A message list requested with `run_id` contains every message that this run wrote.

    A client that fetches a run's answer this way would lose part of it. Compared with the complete list of the thread,
    read while nothing changed.

    Fix: Apply the filter before the limit.
    """
    if listing.kind == "message":
        for page in listing.pages:
            run_id = page.query.get("run_id")
            run = find_run(listing.history, run_id) if run_id else None
            for other in pages(listing.history) if run else ():
                is_settled = (
                    run is not None and run.had_ended_before(page.exchange) and run.had_ended_before(other.exchange)
                )
                if is_settled and _is_unfiltered_list_of(other, page) and listing.is_unchanged_between(page, other):
                    expected_ids = [item.id for item in other.items if item.get("run_id") == run_id][: page.limit]
                    missing = [id_ for id_ in expected_ids if id_ not in page.ids]
                    finding = page.exchange.finding(f"the run's message {', '.join(missing)} is not listed", "/data")
                    if missing and may_end_early(page):
                        yield Inconclusive("the list may have ended before its last message")
                    else:
                        yield finding if missing else PASSED
                    break


def _is_unfiltered_list_of(other: Page, page: Page) -> bool:
    """Whether `other` held the whole list of the thread, in the order of `page`, which was filtered from its start."""
    from_the_start = not page.query.keys() & {"after", "before"} and page.limit is not None
    same_list = other.kind == "message" and other.exchange.path == page.exchange.path and other.order == page.order
    return from_the_start and same_list and "run_id" not in other.query and is_complete(other)


@rule(
    units=listings,
    level=Level.MUST,
    source=_PARENT,
    capability="listing",
    requirements=("list-envelope-order-and-default-limit",),
    needs_complete_history=True,
)
def what_was_created_is_listed(listing: Listing) -> Iterator[Result]:
    """Every object that was created and not deleted is in its list.

    Clients find their objects by listing them. Judged where the page must contain the object: if it holds the whole
    list, or if the object is newer than the last item of a page that starts with the newest.

    Fix: Read lists from the store that creation writes to, not from a cache that lags behind.
    """
    for page in listing.pages:
        for creation in creations(listing.history):
            if creation.kind == listing.kind and _must_be_listed(creation, page, listing.history):
                if creation.id in page.ids:
                    yield PASSED
                elif _may_follow(creation, page):
                    yield Inconclusive("the list may have ended before its last item")
                else:
                    yield page.exchange.finding(f"{creation.id}, which was created before, is not listed", "/data")


def _may_follow(creation: Creation, page: Page) -> bool:
    """Whether a page may end early, and an object would come after its last item."""
    last, created = page.items[-1].time("created_at") if page.items else None, creation.created_at
    if not may_end_early(page) or last is None or created is None:
        return may_end_early(page)
    return created <= last if page.order == "desc" else created >= last


def _must_be_listed(creation: Creation, page: Page, history: History) -> bool:
    listed = page.exchange
    if page.query.keys() & {"run_id", "after", "before"} or page.limit is None:
        return False
    if listed.path.get("thread_id") not in (None, creation.thread) or creation.key is not key_of(listed):
        return False
    if not creation.exchange.happened_before(listed) or any(
        _deletes(e, creation) and e.started < listed.ended for e in history
    ):
        return False
    last = page.items[-1].time("created_at") if page.items else None
    is_newer = last is not None and creation.created_at is not None and creation.created_at > last
    return is_complete(page) or (page.order == "desc" and is_newer)


def _deletes(exchange: Exchange, creation: Creation) -> bool:
    if exchange.operation == "delete_thread":
        return exchange.path.get("thread_id") == creation.thread
    return exchange.request.method == "DELETE" and exchange.path.get(f"{creation.kind}_id") == creation.id


@rule(
    units=listings, level=Level.SHOULD, source=_DELETE, capability="listing", requirements=("deleted-object-is-gone",)
)
def what_was_deleted_is_not_listed(listing: Listing) -> Iterator[Result]:
    """A deleted object is no longer in its list.

    Clients take a listed object to exist, and fail when they read it.

    Fix: Remove the object from its lists in the transaction that deletes it.
    """
    deletions = [e for e in listing.history if e.request.method == "DELETE" and e.accepted]
    for page in listing.pages:
        for deletion in deletions:
            deleted_id = deletion.path.get(f"{listing.kind}_id")
            if deleted_id is not None and deletion.happened_before(page.exchange):
                finding = page.exchange.finding(f"{deleted_id} was deleted before, but is listed", "/data")
                yield finding if deleted_id in page.ids else PASSED
