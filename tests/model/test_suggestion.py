"""Errors suggest the names that are most similar."""

from __future__ import annotations

from runs_conformance.model.suggestion import did_you_mean, nearest_names, sort_by_similarity

NAMES = ["create_run", "list_runs", "get_thread"]


def test_nearest_names() -> None:
    assert nearest_names("create_rum", NAMES, count=1) == ["create_run"]
    assert nearest_names("zzz", NAMES) == []


def test_names_are_sorted_by_similarity() -> None:
    assert sort_by_similarity("get_thred", NAMES)[0] == "get_thread"


def test_suggestion() -> None:
    assert did_you_mean("create_rnu", ["create_run", "xyz"]) == "; did you mean create_run?"
    assert did_you_mean("terminal", ["lifecycle.terminal_status_is_final"]) == (
        "; did you mean lifecycle.terminal_status_is_final?"
    )
    assert did_you_mean("zzz", NAMES) == ""
