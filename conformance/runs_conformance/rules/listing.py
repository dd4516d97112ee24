"""Lists: their order, and what belongs in them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from runs_conformance.evidence.creation import Creation, creations, key_of
from runs_conformance.evidence.page import Listing, Page, listings, pages
from runs_conformance.evidence.pagination import Mirror, is_whole, mirrors
from runs_conformance.evidence.timeline import find_run
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, schema
from runs_conformance.model.verdict import HELD, Result, Undecided

_SPEC = "openai-openapi f85dbe2 openapi.yaml"
_ORDER = schema(f"{_SPEC} parameter order: sort order by the created_at timestamp of the objects")
_PARENT = schema(f"{_SPEC} listRuns, listMessages, listRunSteps: those that belong to a thread, a run")
_BY_RUN = schema(f"{_SPEC} listMessages parameter run_id: filter messages by the run ID that generated them")
_DELETE = schema(f"{_SPEC} deleteMessage, deleteAssistant")


@rule(over=pages, level=Level.MUST, source=_ORDER, capability="listing", items=("L-48",))
def newest_come_first_by_default(page: Page) -> Iterator[Result]:
    """A list that is asked for without an order comes newest first.

    Clients that show the latest message take the first item of the default page. Sort by `created_at`, descending;
    objects of the same second may stand in any order that stays the same.
    """
    if "order" not in page.query:
        yield from _sorted(page, "desc")


@rule(over=pages, level=Level.MUST, source=_ORDER, capability="listing", items=("L-48", "L-49"))
def order_is_kept(page: Page) -> Iterator[Result]:
    """A list that is asked for with an order is sorted by `created_at` in that order.

    `asc` is oldest first, `desc` newest first; objects of the same second may stand in any order that stays the same.
    """
    if page.query.get("order") in ("asc", "desc"):
        yield from _sorted(page, page.query["order"])


def _sorted(page: Page, order: str) -> Iterator[Result]:
    times = [(item.time("created_at"), item) for item in page.items]
    judged = False
    for (earlier, _), (later, item) in pairwise(times):
        if earlier is None or later is None:
            continue
        judged = True
        if later < earlier if order == "asc" else later > earlier:
            wrong = "older" if order == "asc" else "newer"
            yield item.finding(f"in {order} order, this item is {wrong} than the one before it", "/created_at")
            return
    if judged:
        yield HELD


@rule(over=mirrors, level=Level.MUST, source=_ORDER, capability="listing", items=("L-49",), closed=True)
def ascending_reverses_descending(mirror: Mirror) -> Iterator[Result]:
    """A whole list in ascending order holds the same items as in descending order, the other way round.

    A server that ignores `order` shows the same list twice. Where several objects were created in the same second,
    only their places among each other are left open.
    """
    up, down = mirror.ascending, mirror.descending
    ids, reverse = _kept(mirror, up), _kept(mirror, down)[::-1]
    if max(len(ids), len(reverse)) < 2:
        return
    if ids == reverse:
        yield HELD
        return
    times = {item.id: item.time("created_at") for page in (up, down) for item in page.items}
    tied = [times.get(id_) for id_ in ids] == [times.get(id_) for id_ in reverse]
    if sorted(ids) != sorted(reverse):
        missing = sorted(set(ids) ^ set(reverse))
        yield up.exchange.finding(f"only one of the two orders shows {', '.join(missing[:3])}", "/data")
    elif not tied or _backwards(mirror, ids, reverse):
        yield up.exchange.finding("asc is not the reverse of desc", "/data", expected=list(reverse), actual=list(ids))
    else:
        yield Undecided("the items were created in the same second and may stand in any order")


def _kept(mirror: Mirror, page: Page) -> tuple[str, ...]:
    if not mirror.shared:
        return page.ids
    own = {creation.id for creation in creations(mirror.history)}
    return tuple(id_ for id_ in page.ids if id_ in own)


def _backwards(mirror: Mirror, ids: tuple[str, ...], reverse: tuple[str, ...]) -> bool:
    """Whether `order` had no effect: both lists are the same, and ascending is the very reverse of how the items came
    to be. Sorting by a time that is the same for all leaves the order of creation, or an arbitrary one, in both.
    """
    made = [c for c in creations(mirror.history) if c.id in ids]
    one_by_one = all(one.exchange.before(next_.exchange) for one, next_ in pairwise(made))
    known = {creation.id for creation in made}
    listed = [id_ for id_ in ids if id_ in known]
    return ids == reverse[::-1] and one_by_one and len(made) >= 4 and listed == [c.id for c in reversed(made)]


@rule(over=mirrors, level=Level.SHOULD, source=_ORDER, capability="listing", items=("L-49",))
def ties_keep_one_order(mirror: Mirror) -> Iterator[Result]:
    """Objects of the same second, too, come in ascending order as the reverse of descending.

    A list with one order of its own, for example that of creation, can be walked from both ends and never skips or
    repeats an item. Break ties by what does not change.
    """
    ids, reverse = _kept(mirror, mirror.ascending), _kept(mirror, mirror.descending)[::-1]
    if len(ids) > 1 and sorted(ids) == sorted(reverse):
        finding = mirror.ascending.exchange.finding(
            "items of the same second stand in the same order in asc and desc", "/data", list(reverse), list(ids)
        )
        yield HELD if ids == reverse else finding


@rule(over=pages, level=Level.MUST, source=_PARENT, capability="listing", items=("L-48", "L-60"))
def items_belong_to_what_is_listed(page: Page) -> Iterator[Result]:
    """The runs and messages of a thread's list belong to that thread, the steps of a run's list to that run.

    An object of another thread that turns up here tells one user what another said.
    """
    for item in page.items:
        for name, id_ in page.exchange.path.items():
            says = item.get(name)
            if isinstance(says, str):
                yield item.check(says == id_, f"{name} is not the one that is listed", f"/{name}", id_, says)


@rule(over=pages, level=Level.MUST, source=_BY_RUN, capability="listing", operation="list_messages", items=("L-60",))
def messages_can_be_listed_by_run(page: Page) -> Iterator[Result]:
    """Listing messages with `run_id` shows only the messages which that run generated.

    Clients fetch a run's answer this way. Filter by the message's own `run_id`.
    """
    wanted = page.query.get("run_id")
    if page.exchange.operation == "list_messages" and wanted:
        for item in page.items:
            says = item.get("run_id")
            yield item.check(says == wanted, "this message is not of the run asked for", "/run_id", wanted, says)


@rule(over=listings, level=Level.MUST, source=_BY_RUN, capability="listing", operation="list_messages", items=("L-60",))
def listing_by_run_misses_no_message(listing: Listing) -> Iterator[Result]:
    """Listing messages with `run_id` shows every message which that run generated.

    Compared with the whole list of the thread, read while nothing changed.
    """
    if listing.kind == "message":
        for page in listing.pages:
            wanted = page.query.get("run_id")
            run = find_run(listing.history, wanted) if wanted else None
            for other in pages(listing.history) if run else ():
                settled = run is not None and run.surely_terminal(page.exchange) and run.surely_terminal(other.exchange)
                if settled and _holds_all_of(other, page) and listing.undisturbed(page, other):
                    due = [item.id for item in other.items if item.get("run_id") == wanted][: page.limit]
                    missed = [id_ for id_ in due if id_ not in page.ids]
                    found = page.exchange.finding(f"the run's message {', '.join(missed)} is not listed", "/data")
                    yield found if missed else HELD
                    break


def _holds_all_of(other: Page, page: Page) -> bool:
    """Whether a page held the whole list of the thread, in the order in which another was filtered from its start."""
    from_the_start = not page.query.keys() & {"after", "before"} and page.limit is not None
    same_list = other.kind == "message" and other.exchange.path == page.exchange.path and other.order == page.order
    return from_the_start and same_list and "run_id" not in other.query and is_whole(other)


@rule(over=listings, level=Level.MUST, source=_PARENT, capability="listing", items=("L-48",), closed=True)
def what_was_created_is_listed(listing: Listing) -> Iterator[Result]:
    """An object that was created, and not deleted since, is in its list.

    Judged where the page must hold it: because the page holds the whole list, or because the object is newer than the
    last item of a page that begins with the newest.
    """
    for page in listing.pages:
        for creation in creations(listing.history):
            if creation.kind == listing.kind and _due(creation, page, listing.history):
                found = page.exchange.finding(f"{creation.id}, which was created before, is not listed", "/data")
                yield HELD if creation.id in page.ids else found


def _due(creation: Creation, page: Page, history: History) -> bool:
    listed = page.exchange
    if page.query.keys() & {"run_id", "after", "before"} or page.limit is None:
        return False
    if listed.path.get("thread_id") not in (None, creation.thread) or creation.key is not key_of(listed):
        return False
    if not creation.exchange.before(listed) or any(_deletes(e, creation) and e.started < listed.ended for e in history):
        return False
    last = page.items[-1].time("created_at") if page.items else None
    newer = last is not None and creation.created_at is not None and creation.created_at > last
    return is_whole(page) or (page.order == "desc" and newer)


def _deletes(exchange: Exchange, creation: Creation) -> bool:
    if exchange.operation == "delete_thread":
        return exchange.path.get("thread_id") == creation.thread
    return exchange.request.method == "DELETE" and exchange.path.get(f"{creation.kind}_id") == creation.id


@rule(over=listings, level=Level.SHOULD, source=_DELETE, capability="listing", items=("L-88",))
def what_was_deleted_is_not_listed(listing: Listing) -> Iterator[Result]:
    """An object that was deleted is no longer in its list."""
    deletions = [e for e in listing.history if e.request.method == "DELETE" and e.accepted]
    for page in listing.pages:
        for deletion in deletions:
            gone = deletion.path.get(f"{listing.kind}_id")
            if gone is not None and deletion.before(page.exchange):
                found = page.exchange.finding(f"{gone} was deleted before, but is listed", "/data")
                yield found if gone in page.ids else HELD
