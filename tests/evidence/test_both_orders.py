"""A list is compared with the same list in the other order only if both are complete."""

from __future__ import annotations

from runs_conformance.evidence.both_orders import lists_in_both_orders
from runs_conformance.evidence.pagination import page_comparisons
from tests.rules.histories import HistoryBuilder, page, run

A, B = (run(id_=f"run_{letter}") for letter in "ab")


def test_list_in_both_orders() -> None:
    builder = HistoryBuilder()
    builder.send("list_runs", page(B, A), query={"order": "desc"})
    builder.send("list_runs", page(A, B), query={"order": "asc"})
    (both,) = lists_in_both_orders(builder.history())
    assert both.ascending.ids == ("run_a", "run_b")
    assert both.descending.ids == ("run_b", "run_a")


def test_full_page_with_the_items_of_a_complete_one_is_a_list_in_the_other_order() -> None:
    builder = HistoryBuilder()
    builder.send("list_runs", page(B, A, has_more=True), query={"order": "desc", "limit": 2})
    builder.send("list_runs", page(A, B), query={"order": "asc"})
    part = builder.send("list_runs", page(B, has_more=True), query={"order": "desc", "limit": 1})
    (both,) = lists_in_both_orders(builder.history())
    assert both.descending.ids == ("run_b", "run_a")
    found = [each for each in page_comparisons(builder.history()) if each.page.exchange is part]
    assert [each.complete.ids for each in found] == [("run_b", "run_a")]


def test_default_order_that_no_page_shows_is_compared_with_no_requested_order() -> None:
    builder = HistoryBuilder()
    builder.send("list_runs", page(B, A))
    builder.send("list_runs", page(A, B), query={"order": "asc"})
    builder.send("list_runs", page(A), query={"order": "desc", "limit": 1})
    builder.send("list_runs", page(A), query={"limit": 1})
    assert lists_in_both_orders(builder.history()) == ()
    queries = {tuple(each.page.query.items()) for each in page_comparisons(builder.history())}
    assert queries == {(("limit", "1"),)}


def test_incomplete_page_is_no_list_in_both_orders() -> None:
    builder = HistoryBuilder()
    builder.send("list_runs", page(B, A), query={"order": "desc"})
    builder.send("list_runs", page(A, has_more=True), query={"order": "asc", "limit": 1})
    assert lists_in_both_orders(builder.history()) == ()
