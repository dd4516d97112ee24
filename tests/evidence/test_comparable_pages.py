"""A page is complete if nothing comes before or after it."""

from __future__ import annotations

from runs_conformance.evidence.comparable_pages import is_complete
from runs_conformance.evidence.page import pages
from tests.rules.histories import HistoryBuilder, page, run

A, B = (run(id_=f"run_{letter}") for letter in "ab")


def test_complete_page() -> None:
    builder = HistoryBuilder()
    builder.send("list_runs", page(B, A))
    builder.send("list_runs", page(B, A, has_more=True))
    builder.send("list_runs", page(B, A), query={"limit": 2})
    builder.send("list_runs", page(A), query={"after": "run_b"})
    assert [is_complete(each) for each in pages(builder.history())] == [True, False, False, False]
