"""A page is a slice of a complete list, unless the list changed."""

from __future__ import annotations

from runs_conformance.evidence.pagination import page_comparisons, page_traversals
from tests.rules.histories import HistoryBuilder, assistant, page, run

A, B, C = (run(id_=f"run_{letter}") for letter in "abc")


def test_slice_of_a_complete_page() -> None:
    builder = HistoryBuilder()
    builder.send("list_runs", page(C, B, A))
    part = builder.send("list_runs", page(B, has_more=True), query={"limit": 1, "after": "run_c"})
    (found,) = [each for each in page_comparisons(builder.history()) if each.page.exchange is part]
    assert found.expected_ids == ("run_b", "run_a")
    assert found.ids == ("run_b",)
    assert found.remaining_ids == ("run_a",)
    assert not found.is_shared


def test_list_that_changed_in_between_is_not_compared() -> None:
    builder = HistoryBuilder()
    builder.send("list_runs", page(B, A))
    builder.create_run(C)
    builder.send("list_runs", page(C, has_more=True), query={"limit": 1})
    assert page_comparisons(builder.history()) == ()


def test_unknown_cursor_is_not_compared() -> None:
    builder = HistoryBuilder()
    builder.send("list_runs", page(B, A))
    builder.send("list_runs", page(), query={"after": "run_x"})
    assert all("after" not in each.page.query for each in page_comparisons(builder.history()))


def test_slice_of_a_shared_list_contains_own_objects() -> None:
    builder = HistoryBuilder()
    builder.send("create_assistant", assistant())
    builder.send("list_assistants", page(assistant(), assistant("asst_x")))
    builder.send("list_assistants", page(assistant("asst_x"), has_more=True), query={"limit": 1})
    part = page_comparisons(builder.history())[-1]
    assert part.is_shared
    assert part.expected_ids == ("asst_a",)
    assert part.ids == ()


def test_order_of_one_item_does_not_matter() -> None:
    builder = HistoryBuilder()
    builder.send("list_runs", page(A))
    part = builder.send("list_runs", page(A, has_more=True), query={"order": "asc", "limit": 1})
    (found,) = [each for each in page_comparisons(builder.history()) if each.page.exchange is part]
    assert found.complete.ids == ("run_a",)


def test_traversal_from_start_to_end() -> None:
    builder = HistoryBuilder()
    builder.send("list_runs", page(C, B, has_more=True), query={"limit": 2})
    builder.send("list_runs", page(A), query={"limit": 2, "after": "run_b"})
    (traversal,) = page_traversals(builder.history())
    assert [each.ids for each in traversal.pages] == [("run_c", "run_b"), ("run_a",)]
    assert traversal.complete is None


def test_unfinished_traversal_is_left_out() -> None:
    builder = HistoryBuilder()
    builder.send("list_runs", page(C, has_more=True), query={"limit": 1})
    builder.send("list_runs", page(B, has_more=True), query={"limit": 1, "after": "run_c"})
    assert page_traversals(builder.history()) == ()
