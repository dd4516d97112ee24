"""Lists that one page shows completely, and threads that nothing changes meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache

from runs_conformance.evidence.creation import uses_key_of_creator
from runs_conformance.evidence.observation import (
    all_observations,
    message_observations,
    observations_in,
)
from runs_conformance.evidence.page import LACKS_IDS, Page, pages
from runs_conformance.evidence.request_effect import may_have_taken_effect
from runs_conformance.evidence.run_timeline import find_run, runs_of_thread
from runs_conformance.evidence.timeline import timelines
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.list_body import listed_items
from runs_conformance.model.verdict import PASSED, Result, Suspicion

_MUTATING = ("POST", "DELETE")


@lru_cache(maxsize=16)
def complete_lists(history: History) -> tuple[Page, ...]:
    """Every page that shows a complete list: requested without a cursor, not full, with `has_more` false.

    Items of another thread or run are left out: one rule reports them, and they may not belong to the list. An object
    that is among them is not lost, since its ids may be what is wrong.
    """
    return tuple(
        replace(page, items=tuple(item for item in page.items if not item.is_misplaced))
        for page in pages(history)
        if "after" not in page.query and "before" not in page.query and page.exchange.member("has_more") is False
        if page.limit is not None and len(page.items) < page.limit
    )


NOT_SHOWN_TO_ITS_END = "no list was shown to its end: `has_more` is true on pages that are not full"
"""Why a rule on complete lists judges none."""


@lru_cache(maxsize=16)
def unended_lists(history: History) -> tuple[Page, ...]:
    """Every page from the start of a list that is not full and says that more follows, unless the end is shown."""
    ended = {page.list_key for page in pages(history) if page.exchange.member("has_more") is not True}
    return tuple(
        page
        for page in pages(history)
        if "after" not in page.query and "before" not in page.query and page.list_key not in ended
        if page.limit is not None and item_count(page) < page.limit
    )


_USUAL_PAGE_SIZES = frozenset({5, 10, 15, 20, 25, 30, 50, 100})
"""Numbers of items at which a server with its own page size, or its own maximum, ends a page."""


def may_end_early(page: Page) -> bool:
    """Whether a page that claims to be the whole list may hold only its first items.

    A page that ends early with `has_more` false has one defect, which the rules on pagination report; what it lacks is
    not lost.
    """
    return page.exchange.member("has_more") is not True and item_count(page) in _USUAL_PAGE_SIZES


def item_count(page: Page) -> int:
    """The number of items on a page, whatever they are."""
    return len(listed_items(page.exchange.body)[1])


def check_listed(page: Page, ids: Iterable[str], message: str) -> Result:
    """Check that a complete list shows the objects with these ids; `message` has a place for the first missing one.

    A suspicion if the list shows it with the id of another thread or run, or may show it without its own id.
    """
    unlisted = [id_ for id_ in ids if id_ not in page.ids]
    shown = {item.id for item in page.shown}
    lost = [id_ for id_ in unlisted if id_ not in shown]
    if lost and "" in shown:
        return Suspicion(LACKS_IDS)
    if lost:
        return page.exchange.finding(message.format(lost[0]), "/data")
    return Suspicion("the list shows the object, but with another `thread_id` or `run_id`") if unlisted else PASSED


def is_shown_later(history: History, kind: str, id_: str, exchange: Exchange) -> bool:
    """Whether an object was shown by a response that did not arrive before an exchange began, other than its own."""
    return any(
        observation.kind == kind
        and observation.id == id_
        and observation.exchange is not exchange
        and observation.exchange.started >= exchange.started
        for observation in all_observations(history)
    )


def complete_lists_of(history: History, operation: str, **path: str) -> Iterator[Page]:
    """The complete, unfiltered lists of one operation whose path contains these ids, read with their creator's key.

    What the list shows to another key tells only of the access that the key has.
    """
    for page in complete_lists(history):
        is_unfiltered = page.exchange.operation == operation and "run_id" not in page.query
        if (
            is_unfiltered
            and all(page.exchange.path.get(name) == id_ for name, id_ in path.items())
            and uses_key_of_creator(history, page.exchange)
        ):
            yield page


def steps_after_run_end(history: History, run_id: str) -> Page | None:
    """The first complete list of a run's steps that was requested after the run had certainly ended."""
    run = find_run(history, run_id)
    for page in complete_lists_of(history, "list_run_steps", run_id=run_id):
        if run is not None and run.had_ended_before(page.exchange):
            return page
    return None


def thread_creation(history: History, thread_id: str) -> Exchange | None:
    """The accepted request that created a thread; None if it was not recorded."""
    return _thread_creations(history).get(thread_id)


@lru_cache(maxsize=16)
def _thread_creations(history: History) -> Mapping[object, Exchange]:
    """By the id of each thread, the first accepted request that created it."""
    found: dict[object, Exchange] = {}
    for exchange in history.select("create_thread", "create_thread_and_run"):
        if exchange.accepted:
            is_thread = exchange.operation == "create_thread"
            id_ = exchange.member("id") if is_thread else _thread_of_run(exchange)
            if isinstance(id_, str):
                found.setdefault(id_, exchange)
    return found


def _thread_of_run(exchange: Exchange) -> object:
    return next(
        (observation.text("thread_id") for observation in observations_in(exchange) if observation.kind == "run"), None
    )


def run_creations(history: History, thread_id: str) -> Iterator[Exchange]:
    """The requests that created, or may have created, a run on a thread."""
    for exchange in history.select("create_run", "create_thread_and_run"):
        is_run = exchange.operation == "create_run"
        target = exchange.path.get("thread_id") if is_run else _thread_of_run(exchange)
        if target == thread_id and may_have_taken_effect(exchange):
            yield exchange


def is_quiescent(history: History, thread_id: str, exchange: Exchange) -> bool:
    """Whether nothing can have changed a thread during an exchange.

    True if the creation of the thread was recorded, every run that may have been created on it is known and had
    certainly ended, and no modifying request overlaps the exchange. A run whose creation was not recorded, because
    another client created it, counts from the beginning of the thread.
    """
    if thread_creation(history, thread_id) is None or not _unrecorded_runs_had_ended(history, thread_id, exchange):
        return False
    started = [each for each in run_creations(history, thread_id) if each.started < exchange.ended]
    known = {run.creation.id: run for run in runs_of_thread(history, thread_id) if run.creation is not None}
    ended = all(each.id in known and known[each.id].had_ended_before(exchange) for each in started)
    is_concurrently_modified = any(
        other is not exchange
        and other.request.method in _MUTATING
        and other.ended > exchange.started
        and other.started < exchange.ended
        for other in history
    )
    return ended and not is_concurrently_modified


def _unrecorded_runs_had_ended(history: History, thread_id: str, exchange: Exchange) -> bool:
    """Whether every run of the thread whose creation was not recorded had certainly ended before an exchange."""
    seen = {run.id: run for run in runs_of_thread(history, thread_id)}
    unrecorded = {id_ for id_, run in seen.items() if run.creation is None} | (
        _runs_of_messages(history).get(thread_id, frozenset()) - seen.keys()
    )
    return all(id_ in seen and seen[id_].had_ended_before(exchange) for id_ in unrecorded)


@lru_cache(maxsize=16)
def _runs_of_messages(history: History) -> Mapping[str, frozenset[str]]:
    """By thread, the runs that messages say they are of."""
    found: dict[str, set[str]] = {}
    for message in message_observations(history):
        if run_id := message.text("run_id"):
            found.setdefault(message.text("thread_id"), set()).add(run_id)
    return {thread_id: frozenset(ids) for thread_id, ids in found.items()}


_DELETIONS = {"delete_thread": "thread_id", "delete_message": "message_id"}


def message_certainly_exists(history: History, exchange: Exchange) -> bool:
    """Whether the message in the path certainly exists in the thread in the path, and no run locks the thread."""
    thread_id, message_id = exchange.path.get("thread_id", ""), exchange.path.get("message_id", "")
    timeline = next((each for each in timelines("message", history) if each.id == message_id), None)
    observation = timeline.latest_before(exchange) if timeline is not None else None
    if (
        observation is None
        or observation.text("thread_id") != thread_id
        or not is_quiescent(history, thread_id, exchange)
    ):
        return False
    return not any(
        other is not exchange
        and may_have_taken_effect(other)
        and other.started < exchange.ended
        and exchange.path.get(name := _DELETIONS[other.operation or ""]) == other.path.get(name)
        for other in history.select(*_DELETIONS)
    )
