"""Which objects a list contains."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from runs_conformance.contract.known_members import known_members
from runs_conformance.evidence.comparable_pages import is_complete
from runs_conformance.evidence.complete_list import NOT_SHOWN_TO_ITS_END, may_end_early, unended_lists
from runs_conformance.evidence.creation import SHARED_ID, Creation, creations, shared_ids, uses_key_of_creator
from runs_conformance.evidence.expected_items import belongs_to_list, may_follow, must_be_listed, same_with_other_id
from runs_conformance.evidence.list_and_reads import ItemBetweenReads, items_between_reads
from runs_conformance.evidence.list_part import (
    MESSAGES,
    RUNS,
    STEPS,
    list_name,
    part_name,
    parts_of_lists,
    pass_for_list,
)
from runs_conformance.evidence.member_form import same_value
from runs_conformance.evidence.page import LACKS_IDS, Listing, Page, listings, pages
from runs_conformance.evidence.run_timeline import find_run
from runs_conformance.evidence.stale_item import stale_items
from runs_conformance.evidence.supplied_messages import supplied_messages
from runs_conformance.evidence.written_messages import lists_after_runs
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, schema
from runs_conformance.model.verdict import PASSED, Finding, Inconclusive, Passed, Result, Suspicion, with_part

_SPEC = "openai-openapi f85dbe2 openapi.yaml"
_PARENT = schema(f"{_SPEC} listRuns, listMessages, listRunSteps: those that belong to a thread, a run")
_BY_RUN = schema(f"{_SPEC} listMessages parameter run_id: filter messages by the run ID that generated them")
_PAGE = "a page of {}"
_LISTED_AGAIN = "list_messages while a run worked, and again after its end"
_DELETE = schema(f"{_SPEC} deleteMessage, deleteAssistant")


@rule(
    units=pages,
    level=Level.MUST,
    source=_PARENT,
    capability="listing",
    clauses=("list-envelope-order-and-default-limit", "messages-filter-by-run"),
    occasions=5,
    needs_parts=parts_of_lists(_PAGE, RUNS, MESSAGES, STEPS),
)
def items_belong_to_what_is_listed(page: Page) -> Iterator[Result]:
    """Runs and messages in a thread's list belong to that thread, and steps in a run's list to that run.

    An object of another thread discloses one user's conversation to another.

    Fix: Filter every list by the ids in its path.
    """
    # The path of a run's steps names a thread, too; whether the run is found only there is for other rules.
    name = "run_id" if "run_id" in page.exchange.path else "thread_id"
    id_ = page.exchange.path.get(name)
    for item in page.items if id_ is not None else ():
        actual = item.get(name)
        if isinstance(actual, str):
            message = f"`{name}` differs from the one in the path"
            result = item.check(actual == id_, message, f"/{name}", id_, actual)
            yield with_part(result, part_name(_PAGE, list_name(page)))
        else:
            yield Suspicion(f"listed objects have no `{name}`, which would tell where they belong")


@rule(
    units=pages,
    level=Level.MUST,
    source=_BY_RUN,
    capability="listing",
    operation="list_messages",
    clauses=("messages-filter-by-run",),
    relies_on=("paging.pages_hold_what_comes_next",),
)
def messages_can_be_listed_by_run(page: Page) -> Iterator[Result]:
    """A message list requested with `run_id` contains only messages that this run wrote.

    Clients fetch a run's answer this way. A server that filters only the first page may hide that by skipping items.

    Fix: Filter by the message's own `run_id`.
    """
    run_id = page.query.get("run_id")
    if page.exchange.operation == "list_messages" and run_id:
        for item in page.items:
            actual = item.get("run_id")
            if actual is ABSENT:
                yield Suspicion("listed messages have no `run_id`, which would tell who wrote them")
                continue
            what = "belongs to another" if isinstance(actual, str) else "belongs to none"
            yield item.check(actual == run_id, f"a message in the list of one run {what}", "/run_id", run_id, actual)


@rule(
    units=listings,
    level=Level.MUST,
    source=_BY_RUN,
    capability="listing",
    operation="list_messages",
    clauses=("messages-filter-by-run",),
)
def listing_by_run_misses_no_message(listing: Listing) -> Iterator[Result]:
    """A message list requested with `run_id` contains every message that this run wrote.

    A client that fetches a run's answer this way would lose part of it. Compared with the complete list of the thread,
    read while nothing changed.

    Fix: Apply filters before the limit.
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
                    if page.lacks_ids or other.lacks_ids:
                        yield Inconclusive(LACKS_IDS)
                    elif missing and may_end_early(page):
                        yield Suspicion("the list may have ended before its last message")
                    elif missing and any(item.get("run_id") != run_id for item in page.items):
                        yield Suspicion("the messages of other runs take the place of the run's own")
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
    clauses=("list-envelope-order-and-default-limit",),
    needs_complete_history=True,
    needs_parts=(*parts_of_lists(_PAGE, RUNS, MESSAGES), (_LISTED_AGAIN, MESSAGES, "get_run")),
)
def what_was_created_is_listed(listing: Listing) -> Iterator[Result]:
    """Every object that was created and not deleted is in its list, in its current state.

    Clients find their objects by listing them. Judged where the page must contain the object: if it holds the whole
    list, or if the object is newer than the last item of a page that starts with the newest. A listed state is outdated
    if the responses about the object itself, before and after the list, show a later one. A message that a run wrote
    must be listed once the run has ended.

    Fix: Read lists from the store that all writes go to, those of runs included, not from a cache or a copy that lags
    behind.
    """
    unended = {page.exchange.id for page in unended_lists(listing.history)}
    for page in listing.pages:
        for creation in creations(listing.history):
            if creation.kind != listing.kind or not belongs_to_list(creation, page, listing.history):
                continue
            if must_be_listed(creation, page, listing.history):
                if creation.id in page.ids:
                    yield pass_for_list(page, _PAGE)
                elif may_follow(creation, page):
                    yield Suspicion("the list may have ended before its last item")
                elif page.lacks_ids:
                    yield Suspicion(LACKS_IDS)
                elif (other := same_with_other_id(creation, page, listing.history)) is not None:
                    yield Suspicion(f"{creation.id} is not listed; {other}, which differs only in its id, may be it")
                else:
                    when = "is listed only later" if _is_listed_later(creation, page, listing) else "is not listed"
                    yield page.exchange.finding(f"{creation.id}, which was created before, {when}", "/data")
            elif page.exchange.id in unended:
                yield Inconclusive(NOT_SHOWN_TO_ITS_END)
        yield from _report_lag(page, listing.history)
        yield from _check_answers(page, listing.history)


def _is_listed_later(creation: Creation, page: Page, listing: Listing) -> bool:
    return any(creation.id in other.ids and page.exchange.happened_before(other.exchange) for other in listing.pages)


def _report_lag(page: Page, history: History) -> Iterator[Finding]:
    """The objects that a page shows in an earlier state, and the supplied messages that only a later list shows."""
    for stale in stale_items(history):
        if stale.item.exchange is page.exchange:
            message = f"the list shows the `{stale.name}` that {stale.item.id} had before"
            current, shown = stale.current.get(stale.name), stale.item.get(stale.name)
            yield stale.item.finding(message, f"/{stale.name}", current, shown)
    for supplied in supplied_messages(history) if page.kind == "message" else ():
        if supplied.page.exchange is page.exchange and supplied.is_late:
            message = f"a message that {supplied.exchange.operation} was given is listed only later"
            yield page.exchange.finding(message, "/data")


def _check_answers(page: Page, history: History) -> Iterator[Result]:
    """Check that a complete list shows the messages that runs had written when they ended."""
    for listed in lists_after_runs(history):
        if listed.page.exchange is page.exchange and listed.late:
            message = f"{listed.late[0]}, which run {listed.run.id} had written when it ended, is listed only later"
            yield page.exchange.finding(message, "/data")
        elif listed.page.exchange is page.exchange and listed.repeats_earlier_list:
            yield Passed(_LISTED_AGAIN)


@lru_cache(maxsize=16)
def _certain_deletions(history: History) -> dict[str, list[tuple[str, Exchange]]]:
    """By path parameter, the ids in the paths of accepted deletions with the key that created the object."""
    found: dict[str, list[tuple[str, Exchange]]] = {}
    for exchange in history:
        if exchange.request.method == "DELETE" and exchange.accepted and uses_key_of_creator(history, exchange):
            for name, id_ in exchange.path.items():
                found.setdefault(name, []).append((id_, exchange))
    return found


@rule(units=listings, level=Level.SHOULD, source=_DELETE, capability="listing", clauses=("deleted-object-is-gone",))
def what_was_deleted_is_not_listed(listing: Listing) -> Iterator[Result]:
    """A deleted object is no longer in its list.

    Clients take a listed object to exist, and fail when they read it.

    Fix: Remove the object from its lists in the transaction that deletes it.
    """
    deletions = _certain_deletions(listing.history).get(f"{listing.kind}_id", ())
    shared = shared_ids(listing.history)
    for page in listing.pages:
        for deleted_id, deletion in deletions:
            if not deletion.happened_before(page.exchange) or not _is_of_list(deletion, page):
                continue
            if (listing.kind, deleted_id) in shared:
                yield Inconclusive(SHARED_ID)
            elif deleted_id in page.ids:
                yield page.exchange.finding(f"{deleted_id} was deleted before, but is listed", "/data")
            elif (is_complete(page) and any(page.ids)) or _was_listed(deleted_id, listing, page, deletion):
                yield PASSED
            else:
                yield Inconclusive("the list may never have shown the deleted object")


def _is_of_list(deletion: Exchange, page: Page) -> bool:
    """Whether the object of a deletion can be in a list: a message is in the list of its thread only."""
    thread_id = page.exchange.path.get("thread_id")
    return thread_id in (None, deletion.path.get("thread_id"))


def _was_listed(id_: str, listing: Listing, page: Page, deletion: Exchange) -> bool:
    """Whether the same request showed an object before its deletion."""
    return any(
        id_ in other.ids and other.query == page.query and other.exchange.happened_before(deletion)
        for other in listing.pages
    )


_DATA = schema("openai-openapi f85dbe2 openapi.yaml ListRunsResponse, ListRunStepsResponse, ListMessagesResponse: data")

_JUDGED_ELSEWHERE = frozenset({"metadata", "tool_resources"})
"""Members that rules on metadata judge, or that the real service itself showed differently."""


@rule(units=items_between_reads, level=Level.SHOULD, source=_DATA, capability="listing", needs_complete_history=True)
def items_are_as_their_objects_are_read(unit: ItemBetweenReads) -> Iterator[Result]:
    """A list shows a run, step or message as a read of it does.

    Clients list objects to avoid a request for each of them. Judged between two reads that agree on a member, if no
    request can have changed the object in between.

    Fix: Build the items of lists and single responses by the same code.
    """
    known = known_members(unit.item.kind, unit.item.exchange.edition) - _JUDGED_ELSEWHERE
    for name in sorted(known & unit.item.value.keys()):
        was, shown, is_now = unit.before.get(name), unit.item.get(name), unit.after.get(name)
        if was is ABSENT or is_now is ABSENT or not same_value(was, is_now):
            continue
        if not same_value(was, shown):
            message = f"the list shows another `{name}` than the reads before and after it"
            yield unit.item.finding(message, f"/{name}", was, shown)
            return
    yield PASSED
