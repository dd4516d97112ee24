"""Created objects that a page of their list must show."""

from __future__ import annotations

from functools import lru_cache

from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.evidence.comparable_pages import is_complete
from runs_conformance.evidence.complete_list import item_count, may_end_early
from runs_conformance.evidence.creation import Creation, key_of
from runs_conformance.evidence.observation import observations, observations_in
from runs_conformance.evidence.page import UNKNOWN_ORDER, Page, pages
from runs_conformance.evidence.request_effect import may_have_taken_effect
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import at, equal_but_for_nulls

_LIST_OPERATIONS = frozenset(name for name, operation in OPERATIONS.items() if operation.listed_kind)

_LASTING = ("created_at", "role", "content", "assistant_id", "model", "name", "instructions")
"""Members by which an object can be recognized."""


def same_with_other_id(creation: Creation, page: Page, history: History) -> str | None:
    """The id of a listed item that is like the created object but for its id, and that only lists show; or None."""
    created = next((each for each in observations_in(creation.exchange) if each.id == creation.id), None)
    if created is None:
        return None
    for item in page.items:
        is_like = all(equal_but_for_nulls(item.value.get(name), created.value.get(name)) for name in _LASTING)
        if is_like and not _is_shown_alone(history, creation.kind, item.id):
            return item.id
    return None


def _is_shown_alone(history: History, kind: str, id_: str) -> bool:
    """Whether any response but a list shows an object."""
    return any(
        each.id == id_ and each.exchange.operation not in _LIST_OPERATIONS for each in observations(kind, history)
    )


def may_follow(creation: Creation, page: Page) -> bool:
    """Whether a page may end early, and an object would come after its last item in the order that the items show."""
    if not may_end_early(page):
        return False
    last, created = page.items[-1].time("created_at") if page.items else None, creation.created_at
    if last is None or created is None:
        return True
    if _is_oldest_first(page) or (page.order == "asc" and not _is_newest_first(page)):
        return created >= last
    return created <= last or (page.order == UNKNOWN_ORDER and not _is_newest_first(page))


def belongs_to_list(creation: Creation, page: Page, history: History) -> bool:
    """Whether a created object certainly belonged to a list while an unfiltered page from its start was read."""
    listed = page.exchange
    if page.query.keys() & {"run_id", "after", "before"} or page.limit is None:
        return False
    if listed.path.get("thread_id") not in (None, creation.thread) or creation.key is not key_of(listed):
        return False
    return creation.exchange.happened_before(listed) and not any(
        _deletes(e, creation) and e.started < listed.ended for e in _deletions(history)
    )


def must_be_listed(creation: Creation, page: Page, history: History) -> bool:
    """Whether a page must contain an object that belonged to its list."""
    last = page.items[-1].time("created_at") if page.items else None
    is_newer = last is not None and creation.created_at is not None and creation.created_at > last
    return (
        is_complete(page)
        or not item_count(page)  # Without a last item, the client cannot request the page after this one.
        or (
            page.order == "desc"
            and is_newer
            and _is_newest_first(page)
            and _starts_with_newest(history, page.exchange.operation)
        )
    )


@lru_cache(maxsize=64)
def _starts_with_newest(history: History, operation: str | None) -> bool:
    """Whether no descending page of an operation contradicts that its lists begin with the newest item."""
    shown = [page for page in pages(history) if page.exchange.operation == operation and page.order == "desc"]
    return all(times == sorted(times, reverse=True) for times in map(_creation_times, shown))


def _is_newest_first(page: Page) -> bool:
    """Whether the items themselves show that a page starts with the newest, whatever order was requested."""
    times = _creation_times(page)
    return times[0] > times[-1] and times == sorted(times, reverse=True)


def _is_oldest_first(page: Page) -> bool:
    times = _creation_times(page)
    return times[0] < times[-1] and times == sorted(times)


def _creation_times(page: Page) -> list[float]:
    return [time for item in page.items if (time := item.time("created_at")) is not None]


@lru_cache(maxsize=16)
def _deletions(history: History) -> tuple[Exchange, ...]:
    return tuple(
        exchange for exchange in history if exchange.request.method == "DELETE" or exchange.operation == "delete_thread"
    )


def _deletes(exchange: Exchange, creation: Creation) -> bool:
    """Whether a deletion may remove a created object itself, or with its thread, or a run with its assistant."""
    if exchange.operation == "delete_thread":
        return exchange.path.get("thread_id") == creation.thread
    if exchange.operation == "delete_assistant" and creation.kind == "run":
        assistant_id = at(creation.exchange.request.body, "/assistant_id")
        return exchange.path.get("assistant_id") == assistant_id and may_have_taken_effect(exchange)
    return exchange.request.method == "DELETE" and exchange.path.get(f"{creation.kind}_id") == creation.id
