"""Pages: limits, cursors, and walks from one page to the next."""

from __future__ import annotations

from collections.abc import Iterator

from runs_conformance.contract.operation import kind_of_operation
from runs_conformance.evidence.observation import all_sightings
from runs_conformance.evidence.page import Listing, Page, listings, pages
from runs_conformance.evidence.pagination import SHARED, Walk, Window, walks, whole_of, windows
from runs_conformance.evidence.request_expectation import usual
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import Absent
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, observed, schema
from runs_conformance.model.verdict import HELD, Result

_SPEC = "openai-openapi f85dbe2 openapi.yaml"
_CURSOR = schema(f"{_SPEC} parameter after: an object ID that defines your place in the list")
_LIMIT = schema(f"{_SPEC} parameter limit: between 1 and 100, and the default is 20")
_MORE = schema(f"{_SPEC} ListRunsResponse.has_more and its like")
_BEFORE = observed("supercompat contracts/listMessages, against the real service")
_ENDS = observed("recorded traffic: 94 of 94 pages with items, 18 of 18 without")
_NO_SOURCE = observed("none: no record says what the service did")


@rule(over=pages, level=Level.MUST, source=_LIMIT, capability="listing", items=("L-48", "L-52"))
def limit_is_kept(page: Page) -> Iterator[Result]:
    """A page holds no more items than its limit, which is 20 where none is given.

    Clients size their buffers and screens by it.
    """
    if page.limit is not None and page.items:
        count = len(page.items)
        found = page.exchange.finding(f"{count} items on a page of at most {page.limit}", "/data", page.limit, count)
        yield HELD if count <= page.limit else found


def _plainly_asked(history: History) -> Iterator[tuple[Exchange, bool]]:
    """Each request for a list by a legal limit and order alone, with whether the same list was shown afterwards."""
    shown = pages(history)
    for exchange in history:
        query = dict(exchange.request.query)
        asks = exchange.operation is not None and (kind_of_operation(exchange.operation) or "").endswith("_list")
        if not asks or not query or not query.keys() <= {"limit", "order"} or not usual(exchange):
            continue
        limit = query.get("limit", "20")
        if limit.isdecimal() and 1 <= int(limit) <= 100 and query.get("order", "asc") in ("asc", "desc"):
            later = (page.exchange for page in shown if page.exchange.operation == exchange.operation)
            yield exchange, any(exchange.before(other) and other.path == exchange.path for other in later)


@rule(over=_plainly_asked, level=Level.MUST, source=_LIMIT, capability="listing", items=("L-52",))
def legal_limits_and_orders_are_taken(asked: tuple[Exchange, bool]) -> Iterator[Result]:
    """A list can be asked for with any limit from 1 to 100, in either order."""
    exchange, shown = asked
    if exchange.accepted:
        yield HELD
    elif exchange.refused and shown:
        asks = " and ".join(f"{name} {value}" for name, value in exchange.request.query)
        yield exchange.finding(f"{asks} was refused, though the list can be shown", actual=exchange.status)


@rule(over=windows, level=Level.MUST, source=_LIMIT, capability="listing", items=("L-48",), closed=True)
def twenty_is_the_default(window: Window) -> Iterator[Result]:
    """A list that is asked for without a limit shows 20 items, or all where there are fewer.

    Clients that never give a limit rely on it.
    """
    due, count = min(20, len(window.rest)), len(window.ids)
    if "limit" in window.page.query or window.shared:
        return
    if count < due:
        yield window.page.exchange.finding(f"{count} items, where 20 are the default", "/data", due, count)
    elif len(window.rest) > 20:
        yield HELD


def _limited(history: History) -> Iterator[tuple[Page, Window | None]]:
    """Each page that was asked for by a legal limit, with what it should hold where that is known.

    Not by `before`, where no source says what there has to be more of.
    """
    known = {id(window.page): window for window in windows(history) if not window.shared and window.rest}
    for page in pages(history):
        if page.limit is not None and "limit" in page.query and "before" not in page.query:
            yield page, known.get(id(page))


@rule(over=_limited, level=Level.SHOULD, source=_LIMIT, capability="listing", items=("L-52",))
def pages_are_full(asked: tuple[Page, Window | None]) -> Iterator[Result]:
    """A page holds as many items as its limit allows and the list has.

    A shorter page is not forbidden while `has_more` is true, but it costs every client more requests.
    """
    page, window = asked
    count, due = len(page.items), page.limit or 0
    more = page.exchange.member("has_more") is True
    if window is not None and not more:
        due = min(due, len(window.rest))
    elif count < due and not more:
        return
    found = page.exchange.finding(f"{count} items on a page that could hold {due}", "/data", due, count)
    yield HELD if count >= due else found


@rule(over=pages, level=Level.MUST, source=_CURSOR, capability="listing", items=("L-50",))
def items_are_not_repeated(page: Page) -> Iterator[Result]:
    """No item stands on a page twice."""
    if len(page.ids) > 1:
        twice = next((id_ for id_ in page.ids if page.ids.count(id_) > 1), None)
        yield HELD if twice is None else page.exchange.finding(f"{twice} stands on this page twice", "/data")


@rule(over=pages, level=Level.MUST, source=_CURSOR, capability="listing", items=("L-50",))
def after_excludes_its_item(page: Page) -> Iterator[Result]:
    """The item that `after` names is not on the page.

    A client that follows the cursor would see it twice. Begin the page with the item behind it.
    """
    after = page.query.get("after")
    if after is not None and page.items:
        found = page.exchange.finding(f"the page after {after} holds {after}", "/data")
        yield found if after in page.ids else HELD


@rule(over=windows, level=Level.MUST, source=_CURSOR, capability="listing", items=("L-50", "L-52"), closed=True)
def pages_hold_what_comes_next(window: Window) -> Iterator[Result]:
    """A page holds the items that come next in the order asked for, from its cursor on and without gaps.

    Compared with a page that held the whole list. A gap loses objects for every client that walks a list.
    """
    held, due = window.ids, window.rest[: len(window.ids)]
    if held != due or (not held and window.rest and not window.shared):
        due = due or window.rest[:1]
        page = window.page.exchange
        yield page.finding("the page is not what comes next in the list", "/data", list(due), list(held))
    elif not window.shared or held:
        yield HELD


@rule(over=windows, level=Level.MUST, source=_MORE, capability="listing", items=("L-50",), closed=True)
def has_more_is_true_exactly_where_more_follows(window: Window) -> Iterator[Result]:
    """`has_more` is true exactly where items follow after the page.

    A client stops at false and loses what follows; at a needless true it asks once too often.
    """
    says, follows = window.page.exchange.member("has_more"), bool(window.left)
    if not isinstance(says, bool) or (window.shared and not follows) or window.ids != window.rest[: len(window.ids)]:
        return
    shown = f"{len(window.left)} items follow" if follows else "nothing follows"
    found = window.page.exchange.finding(f"has_more is {str(says).lower()}, but {shown}", "/has_more", follows, says)
    yield HELD if says is follows else found


@rule(over=walks, level=Level.MUST, source=_CURSOR, capability="listing", items=("L-50",))
def walks_reach_every_item_once(walk: Walk) -> Iterator[Result]:
    """Walking a list from page to page by `after` reaches every item of it, and each once."""
    ids = [id_ for page in walk.pages for id_ in page.ids]
    last = walk.pages[-1].exchange
    twice = next((id_ for id_ in ids if ids.count(id_) > 1), None)
    missed = [id_ for id_ in walk.whole.ids if id_ not in ids] if walk.whole and not walk.shared else []
    if twice is not None:
        yield last.finding(f"a walk over {len(walk.pages)} pages came upon {twice} twice", "/data")
    elif missed:
        yield last.finding(f"a walk over {len(walk.pages)} pages missed {', '.join(missed[:3])}", "/data")
    else:
        yield HELD


@rule(over=listings, level=Level.SHOULD, source=_BEFORE, capability="listing", items=("L-51",), closed=True)
def before_ends_at_its_item(listing: Listing) -> Iterator[Result]:
    """A page asked for with `before` holds items that come before the one it names, in the order asked for.

    The service's document only calls it a cursor. Whether a limited page holds the first of them or the nearest is left
    open.
    """
    for page in listing.pages if listing.kind not in SHARED else ():
        before = page.query.get("before")
        whole = whole_of(listing, page) if before is not None and "after" not in page.query else None
        if whole is None or before not in whole.ids:
            continue
        preceding = whole.ids[: whole.ids.index(before)]
        count = len(page.ids)
        fits = page.ids in (preceding[:count], preceding[len(preceding) - count :]) and bool(count) == bool(preceding)
        found = page.exchange.finding(f"the page before {before}", "/data", list(preceding), list(page.ids))
        yield HELD if fits else found


@rule(over=pages, level=Level.SHOULD, source=_ENDS, capability="listing", items=("L-53",))
def first_and_last_id_are_those_of_the_page(page: Page) -> Iterator[Result]:
    """`first_id` and `last_id` are the ids of the first and the last item, or null on an empty page.

    Client libraries ask for the page after `last_id`; swapped or stale ids make them walk in circles.
    """
    ends = {"first_id": page.ids[0], "last_id": page.ids[-1]} if page.items else {"first_id": None, "last_id": None}
    for name, due in ends.items():
        says = page.exchange.member(name)
        if not isinstance(says, Absent):
            if says == due:
                yield HELD
            else:
                yield page.exchange.finding(f"{name} is not that of the page", f"/{name}", due, says)


def _astray(history: History) -> Iterator[Exchange]:
    """Every page that was asked for around an id which nothing in the history has."""
    known = {sighting.id for sighting in all_sightings(history)}
    for exchange in history:
        answer = kind_of_operation(exchange.operation) or ""
        cursors = [value for name, value in exchange.request.query if name in ("after", "before")]
        if exchange.step and answer.endswith("_list") and any(cursor not in known for cursor in cursors):
            yield exchange


@rule(over=_astray, level=Level.MAY, source=_NO_SOURCE, capability="listing", items=("L-50",))
def unknown_cursors_lead_nowhere(exchange: Exchange) -> Iterator[Result]:
    """A page asked for from an unknown id on is refused or empty.

    Nothing says which. A page of items, as if no cursor had been given, makes a client that resumes after a deleted
    object start from the beginning again.
    """
    if exchange.accepted or exchange.refused:
        items = exchange.member("data") if exchange.accepted else []
        found = exchange.finding("items are listed around an id that does not exist", "/data")
        yield found if items else HELD
