"""The number of items on a page."""

from __future__ import annotations

from collections.abc import Iterator

from runs_conformance.contract.operation import response_kind_of
from runs_conformance.evidence.list_part import (
    ASSISTANTS,
    MESSAGES,
    MESSAGES_OF_RUN,
    RUNS,
    STEPS,
    part_name,
    parts_of_lists,
    pass_for_list,
)
from runs_conformance.evidence.page import DEFAULT_LIMIT, Page, pages, repeats_a_parameter
from runs_conformance.evidence.pagination import PageComparison, page_comparisons
from runs_conformance.evidence.request_expectation import uses_default_auth
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, schema
from runs_conformance.model.verdict import PASSED, Inconclusive, Passed, Result

_SPEC = "openai-openapi f85dbe2 openapi.yaml"
_LIMIT = schema(f"{_SPEC} parameter limit: between 1 and 100, and the default is 20")
_LIMIT_AND_ORDER = schema(
    f"{_SPEC} parameters limit: between 1 and 100, and the default is 20; and order: asc for ascending order, desc for"
    " descending order"
)


_REQUEST = "a request to {} with a valid limit or order"
_FULL = "a full page of {}"
_CUT = "a page of {} that its limit cuts off"


def _pages_with_cut(history: History) -> Iterator[tuple[Page, bool]]:
    """Each page, and whether its limit cut the list off: it says that more items follow, or they are known."""
    cut = {id(each.page) for each in page_comparisons(history) if each.remaining_ids}
    for page in pages(history):
        yield page, page.exchange.member("has_more") is True or id(page) in cut


@rule(
    units=_pages_with_cut,
    level=Level.MUST,
    source=_LIMIT,
    capability="listing",
    clauses=("list-envelope-order-and-default-limit", "limit-is-honoured"),
    needs_parts=parts_of_lists(_CUT, RUNS, MESSAGES, STEPS),
)
def limit_is_kept(page_with_cut: tuple[Page, bool]) -> Iterator[Result]:
    """A page holds no more items than its limit, which is 20 by default.

    Clients size their buffers and screens by the limit. Only a page that is full, or that says that more items follow,
    can pass.

    Fix: Apply `limit` to every list, with 20 as its default.
    """
    page, is_cut = page_with_cut
    if page.limit is not None and page.items:
        count = len(page.items)
        if count == page.limit or (count < page.limit and page.exchange.member("has_more") is True):
            yield pass_for_list(page, _CUT, is_cut)
        elif count > page.limit:
            yield page.exchange.finding(
                f"the page has {count} items, more than its limit of {page.limit}", "/data", page.limit, count
            )


def _valid_list_requests(history: History) -> Iterator[tuple[Exchange, bool]]:
    """Each list request with only a valid limit and order, and whether the same list was shown later."""
    known_pages = pages(history)
    for exchange in history:
        query = dict(exchange.request.query)
        is_list = exchange.operation is not None and (response_kind_of(exchange.operation) or "").endswith("_list")
        if not is_list or not query or not query.keys() <= {"limit", "order"} or not uses_default_auth(exchange):
            continue
        if repeats_a_parameter(exchange):
            continue
        limit = query.get("limit", "20")
        if limit.isdecimal() and 1 <= int(limit) <= 100 and query.get("order", "asc") in ("asc", "desc"):
            later = (page.exchange for page in known_pages if page.exchange.operation == exchange.operation)
            yield exchange, any(exchange.happened_before(other) and other.path == exchange.path for other in later)


@rule(
    units=_valid_list_requests,
    level=Level.MUST,
    source=_LIMIT_AND_ORDER,
    capability="listing",
    clauses=("limit-is-honoured",),
    relies_on=("paging.limit_is_kept", "listing.order_is_kept"),
    needs_parts=parts_of_lists(_REQUEST, RUNS, MESSAGES, STEPS, ASSISTANTS),
)
def legal_limits_and_orders_are_taken(list_request: tuple[Exchange, bool]) -> Iterator[Result]:
    """A list can be requested with any limit from 1 to 100, in either order.

    Clients choose any page size within the documented range. A server that ignores a parameter accepts any value of it,
    so there is no pass if `paging.limit_is_kept` or `listing.order_is_kept` fails.

    Fix: Accept every `limit` from 1 to 100 and both values of `order`.
    """
    exchange, is_shown_later = list_request
    if exchange.accepted:
        yield Passed(part_name(_REQUEST, str(exchange.operation)))
    elif exchange.refused and is_shown_later:
        parameters = ", ".join(f"{name}={value}" for name, value in exchange.request.query)
        yield exchange.finding(
            f"the request with {parameters} was refused, although the list can be read", "", 200, exchange.status
        )


@rule(
    units=page_comparisons,
    level=Level.MUST,
    source=_LIMIT,
    capability="listing",
    clauses=("list-envelope-order-and-default-limit",),
    needs_complete_history=True,
)
def twenty_is_the_default(comparison: PageComparison) -> Iterator[Result]:
    """A list requested without a limit shows 20 items, or all if there are fewer.

    Clients that never set a limit rely on it. Only lists of more than 20 items can pass. Pages after a cursor are
    judged by other rules.

    Fix: Use 20 as the default limit.
    """
    total, count = len(comparison.expected_ids), len(comparison.ids)
    expected = min(DEFAULT_LIMIT, total)
    if comparison.page.query.keys() & {"limit", "after", "before"} or comparison.is_shared:
        return
    if count < expected and comparison.ids != comparison.expected_ids[:count]:
        yield Inconclusive("the page lacks other items than the last, which no limit cuts off")
    elif count < expected:
        message = f"the page has {count} of {total} items, although the default limit is {DEFAULT_LIMIT}"
        yield comparison.page.exchange.finding(message, "/data", expected, count)
    elif total > DEFAULT_LIMIT:
        yield PASSED


def _pages_with_limit(history: History) -> Iterator[tuple[Page, PageComparison | None]]:
    """Each page requested with a valid limit, with its expected contents if they are known.

    Pages requested with `before` are left out, since no source says which items a limited one contains.
    """
    known = {
        id(comparison.page): comparison
        for comparison in page_comparisons(history)
        if not comparison.is_shared and comparison.expected_ids
    }
    for page in pages(history):
        if page.limit is not None and "limit" in page.query and "before" not in page.query:
            yield page, known.get(id(page))


@rule(
    units=_pages_with_limit,
    level=Level.SHOULD,
    source=_LIMIT,
    capability="listing",
    clauses=("limit-is-honoured",),
    needs_complete_history=True,
    needs_parts=parts_of_lists(_FULL, RUNS, MESSAGES, STEPS, MESSAGES_OF_RUN),
)
def pages_are_full(limited_page: tuple[Page, PageComparison | None]) -> Iterator[Result]:
    """A page holds as many items as its limit, or all remaining items if there are fewer.

    A shorter page is not forbidden while `has_more` is true, but it costs every client more requests.

    Fix: Apply filters before the limit.
    """
    page, comparison = limited_page
    count, expected = len(page.items), page.limit or 0
    has_more = page.exchange.member("has_more") is True
    if comparison is not None and not has_more:
        expected = min(expected, len(comparison.expected_ids))
    elif count < expected and not has_more:
        return
    if count >= expected:
        yield pass_for_list(page, _FULL, count == page.limit)
    else:
        yield page.exchange.finding(f"the page has {count} items and could have {expected}", "/data", expected, count)
