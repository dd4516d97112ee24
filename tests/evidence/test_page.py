"""Pages of one listing belong together, and limits and orders have documented defaults."""

from collections.abc import Sequence

import pytest

from runs_conformance.evidence.page import UNKNOWN_ORDER, Page, listings, pages
from runs_conformance.model.exchange import Completion, Exchange, Request, Response
from runs_conformance.model.history import History
from runs_conformance.model.json import JSON

_SOME_TIME = 1_761_826_000


def _page(
    index: int,
    ids: list[str],
    *query: tuple[str, str],
    method: str = "GET",
    operation: str = "list_runs",
    times: Sequence[int] = (),
) -> Exchange:
    data: list[JSON] = [{"id": id_, "object": "thread.run"} for id_ in ids]
    if times:
        data = [
            {"id": id_, "object": "thread.run", "created_at": _SOME_TIME + at}
            for id_, at in zip(ids, times, strict=True)
        ]
    return Exchange(
        id=f"x{index}",
        index=index,
        program="p",
        operation=operation,
        request=Request(method, "/threads/t/runs", query=query),
        response=Response(200, body={"object": "list", "data": data}),
        completion=Completion.ANSWERED,
        started=float(index),
        ended=index + 0.5,
        path={"thread_id": "t"},
    )


@pytest.mark.parametrize(
    ("text", "limit"), [(None, 20), ("1", 1), ("100", 100), ("0", None), ("101", None), ("-1", None), ("abc", None)]
)
def test_limit_is_none_outside_its_range(text: str | None, limit: int | None) -> None:
    query = () if text is None else (("limit", text),)
    (page,) = pages(History.of([_page(0, ["run_1"], *query)]))
    assert page.limit == limit


def test_pages_of_any_order_and_cursor_belong_to_one_listing() -> None:
    history = History.of(
        [_page(0, ["b", "a"]), _page(1, ["a", "b"], ("order", "asc")), _page(2, ["a"], ("after", "b"))]
    )
    (listing,) = listings(history)
    assert [page.ids for page in listing.pages] == [("b", "a"), ("a", "b"), ("a",)]


@pytest.mark.parametrize(
    ("times", "order"), [((2, 1), "desc"), ((1, 2), UNKNOWN_ORDER), ((1, 1), UNKNOWN_ORDER), ((), UNKNOWN_ORDER)]
)
def test_default_order_is_the_documented_one_if_a_page_shows_it(times: Sequence[int], order: str) -> None:
    default = _page(0, ["a", "b"], times=times)
    requested = _page(1, ["b", "a"], ("order", "asc"), times=times[::-1])
    history = History.of([default, requested, _page(2, ["a"], ("limit", "1"))])
    assert [page.order for page in pages(history)] == [order, "asc", order]


def test_default_order_is_unknown_if_one_page_contradicts_it() -> None:
    history = History.of([_page(0, ["b", "a"], times=(2, 1)), _page(1, ["c", "d"], times=(3, 4))])
    assert [page.order for page in pages(history)] == [UNKNOWN_ORDER, UNKNOWN_ORDER]


def test_listing_is_changed_by_a_request_between_two_pages() -> None:
    post = _page(1, [], method="POST", operation="create_run")
    (listing,) = listings(History.of([_page(0, ["a"]), post, _page(2, ["a"]), _page(3, ["a"])]))
    first, second, third = listing.pages
    assert isinstance(first, Page)
    assert not listing.is_unchanged_between(first, second)
    assert listing.is_unchanged_between(second, third)
