"""Lists that lag behind are one cause, with what only they show as its consequences."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runs_conformance.model.verdict import Finding, Verdict
from tests.causes.verdicts import broken_rule, by_kind

LISTED = "listing.what_was_created_is_listed"
UNLISTED = "listing.what_was_deleted_is_not_listed"
FINAL = "lifecycle.terminal_status_is_final"


def failing(id_: str, *found: tuple[str, str], judged: int = 20) -> Verdict:
    """A rule that fails with these operations and messages."""
    findings = tuple(Finding(message, "x", operation, "/data") for operation, message in found)
    fix = f"It is required.\n\nFix: Fix {id_}."
    return replace(broken_rule(id_, found[0][0]), findings=findings, judged=judged, explanation=fix)


OLD_STATUS = ("list_runs", "the list shows the `status` that run_1 had before")
LATE = ("list_messages", "msg_1, which was created before, is listed only later")
LOST = ("list_messages", "msg_1, which was created before, is not listed")
REOPENED = "the run had ended 'completed', and is now 'in_progress'"


def test_lists_that_lag_behind_are_named_with_their_fix() -> None:
    cause = by_kind(failing(LISTED, OLD_STATUS, LATE, ("list_assistants", "asst_1 is not listed")))["lists.lag"]
    names = "list_assistants, list_messages, list_runs"
    assert cause.title == f"Lists lag behind: what was just written is missing or old in {names}"
    assert cause.fix == f"Fix {LISTED}."


def test_other_faults_of_lists_that_lag_behind_are_a_cause_of_their_own() -> None:
    order = failing("listing.order_is_kept", ("list_runs", "it is older"))
    deleted = replace(failing(UNLISTED, ("list_runs", "run_1 was deleted before, but is listed")), level="should")
    causes = by_kind(failing(LISTED, OLD_STATUS), order, deleted)
    assert causes["lists.lag"].title.endswith("is missing or old in list_runs")
    assert causes["lists.lag"].fix == f"Fix {LISTED}."
    assert set(causes["lists.lag"].ids) == {LISTED, UNLISTED}
    assert causes["lists"].ids == (order.id,)
    assert causes["lists"].fix == "Fix listing.order_is_kept."


def test_objects_that_are_never_listed_are_no_lag() -> None:
    assert "lag" not in by_kind(failing(LISTED, LOST))["lists"].title


def test_what_only_lists_show_follows_from_their_lag() -> None:
    causes = by_kind(failing(LISTED, OLD_STATUS), failing(FINAL, ("list_runs", REOPENED)))
    assert list(causes) == ["lists.lag"]
    assert causes["lists.lag"].consequences == (FINAL,)


@pytest.mark.parametrize(
    ("final", "listed"),
    [
        (failing(FINAL, ("get_run", REOPENED), ("list_runs", REOPENED)), OLD_STATUS),
        (failing(FINAL, ("list_runs", REOPENED), judged=1), OLD_STATUS),
        (failing(FINAL, ("list_runs", REOPENED)), LOST),
    ],
)
def test_what_reads_show_or_all_lists_or_without_lag_is_a_cause_of_its_own(
    final: Verdict, listed: tuple[str, str]
) -> None:
    assert "lifecycle" in by_kind(failing(LISTED, listed), final)


def test_runs_that_only_lists_show_reopened_explain_no_lock() -> None:
    refused = ("create_message", "a message was refused although run run_1 had ended 'completed'")
    lock = failing("lock.message_is_taken_after_the_end", refused)
    causes = by_kind(failing(LISTED, OLD_STATUS), failing(FINAL, ("list_runs", REOPENED)), lock)
    assert set(causes) == {"lists.lag", "lock"}
