"""Entries of a baseline accept known failures; new and stale ones are reported."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import pairwise

import pytest

from runs_conformance.baseline import (
    Baseline,
    BaselineEntry,
    BaselineSettings,
    BaselineUpdateMode,
    EntryStatus,
    JudgedScope,
    compare,
)
from runs_conformance.engine.outcome import decide_outcome
from runs_conformance.model.profile import PROFILES
from runs_conformance.model.verdict import Outcome, Verdict

TODAY = date(2026, 11, 21)
WHOLE = JudgedScope(profile="standard")


def verdict(id_: str, outcome: Outcome, level: str = "must") -> Verdict:
    return Verdict(id_, "rule", level, "core", None, outcome, 1, "It holds.", "prose: a test")


BROKEN, PASSING = verdict("a.broken", Outcome.FAIL), verdict("a.kept", Outcome.PASS)
ASKED, WARNED = verdict("a.asked", Outcome.INCONCLUSIVE), verdict("a.warned", Outcome.FAIL, "should")
VERDICTS = [BROKEN, PASSING, ASKED, WARNED]


def entry(id_: str, expires: date | None = None) -> BaselineEntry:
    return BaselineEntry(id=id_, reason="known", expires=expires)


def gate(
    *entries: BaselineEntry, update_mode: BaselineUpdateMode = BaselineUpdateMode.NONE, profile: str | None = None
) -> BaselineSettings:
    return BaselineSettings(baseline=Baseline(entries=entries, profile=profile), update_mode=update_mode, today=TODAY)


@pytest.mark.parametrize(
    ("entries", "status", "code"),
    [
        ((entry("a.broken"),), EntryStatus.STILL_FAILING, 0),
        ((entry("a.broken", TODAY),), EntryStatus.STILL_FAILING, 0),
        ((entry("a.broken", date(2026, 11, 20)),), EntryStatus.EXPIRED, 1),
        ((entry("a.asked", date(2026, 11, 20)), entry("a.broken")), EntryStatus.EXPIRED, 1),
        ((entry("a.kept"), entry("a.broken")), EntryStatus.STALE, 1),
        ((entry("a.kept", date(2026, 11, 20)), entry("a.broken")), EntryStatus.STALE, 1),
        ((entry("a.brokne"), entry("a.broken")), EntryStatus.STALE, 1),
        ((entry("a.asked"), entry("a.broken")), EntryStatus.NOT_REPRODUCED, 0),
        ((entry("a.warned"), entry("a.broken")), EntryStatus.STILL_FAILING, 0),
        ((entry("a.asked"),), EntryStatus.NOT_REPRODUCED, 1),
    ],
)
def test_status_of_an_entry_decides_the_exit_code(
    entries: tuple[BaselineEntry, ...], status: EntryStatus, code: int
) -> None:
    comparison = compare(VERDICTS, gate(*entries), WHOLE)
    assert comparison.entry_results[0].status is status
    assert decide_outcome(VERDICTS, comparison=comparison).exit_code == code


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ([entry("a.kept")], "1 baseline entry is stale (remove with --baseline-prune)"),
        ([entry("a.kept"), entry("a.brokne")], "2 baseline entries are stale (remove with --baseline-prune)"),
        ([entry("a.broken", date(2026, 11, 20))], "1 baseline entry is expired"),
    ],
)
def test_entries_that_fail_a_test_run_are_its_reason(entries: list[BaselineEntry], reason: str) -> None:
    comparison = compare(VERDICTS, gate(*entries, entry("a.broken")), WHOLE)
    assert decide_outcome(VERDICTS, comparison=comparison).reason == reason


def test_failure_without_entry_is_new() -> None:
    comparison = compare(VERDICTS, gate(), WHOLE)
    assert comparison.new_failures == ("a.broken",)
    assert compare(VERDICTS, gate(), WHOLE, levels=("must", "should")).new_failures == ("a.broken", "a.warned")
    assert "does not list" in decide_outcome(VERDICTS, comparison=comparison).reason


def test_unknown_id_suggests_the_nearest() -> None:
    (result,) = compare([PASSING, BROKEN], gate(entry("a.brokne")), WHOLE).entry_results
    assert result.note == "there is no such rule or constraint; did you mean a.broken?"


@pytest.mark.parametrize(
    ("scope", "profile"),
    [
        (JudgedScope(profile="quick"), "standard"),
        (JudgedScope(), "quick"),
        (JudgedScope(profile="full", restriction="the test run stopped early"), None),
    ],
)
def test_passing_entry_is_not_stale_in_a_narrower_run(scope: JudgedScope, profile: str | None) -> None:
    given = gate(entry("a.kept"), update_mode=BaselineUpdateMode.PRUNE, profile=profile)
    (result,) = compare([PASSING], given, scope).entry_results
    assert result.status is EntryStatus.NOT_REPRODUCED


@pytest.mark.parametrize(
    ("scope", "profile"),
    [
        (JudgedScope(profile="quick"), "quick"),
        (JudgedScope(profile="full"), "quick"),
        (JudgedScope(), None),
    ],
)
def test_passing_entry_is_stale_in_an_equal_run(scope: JudgedScope, profile: str | None) -> None:
    (result,) = compare([PASSING], gate(entry("a.kept"), profile=profile), scope).entry_results
    assert result.status is EntryStatus.STALE


def test_renamed_rule_is_known_by_its_former_id() -> None:
    comparison = compare(VERDICTS, gate(entry("old.name")), WHOLE, id_renames={"old.name": "a.broken"})
    assert comparison.accepted_ids == {"a.broken"}


def test_update_adds_failures_and_drops_passes() -> None:
    given = gate(entry("a.kept"), entry("a.asked"), update_mode=BaselineUpdateMode.UPDATE)
    comparison = compare(VERDICTS, given, WHOLE)
    assert [one.id for one in comparison.baseline.entries] == ["a.asked", "a.broken"]
    assert comparison.baseline.profile == "standard"
    assert comparison.baseline.entries[1].reason == "no reason given yet; failed on 2026-11-21"
    assert decide_outcome(VERDICTS, comparison=comparison).exit_code == 0


def test_update_keeps_expiry_dates() -> None:
    given = gate(entry("a.broken", date(2026, 1, 1)), update_mode=BaselineUpdateMode.UPDATE)
    assert compare(VERDICTS, given, WHOLE).entry_results[0].status is EntryStatus.EXPIRED


def test_prune_only_removes_entries() -> None:
    given = gate(entry("a.kept"), entry("a.asked"), update_mode=BaselineUpdateMode.PRUNE)
    comparison = compare(VERDICTS, given, WHOLE)
    assert [one.id for one in comparison.baseline.entries] == ["a.asked"]
    assert comparison.new_failures == ("a.broken",)


def test_digest_covers_accepted_failures() -> None:
    one, two = Baseline(entries=(entry("a"), entry("b"))), Baseline(entries=(entry("b"), entry("a")))
    assert one.digest == two.digest
    assert one.digest != replace(one, entries=(entry("a"),)).digest
    assert one.digest != replace(one, entries=(entry("a", TODAY), entry("b"))).digest


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (Outcome.FAIL, EntryStatus.STILL_FAILING),
        (Outcome.PASS, EntryStatus.NOT_REPRODUCED),
        (Outcome.INCONCLUSIVE, EntryStatus.NOT_REPRODUCED),
    ],
)
def test_flaky_entry_is_neither_a_failure_nor_stale(outcome: Outcome, status: EntryStatus) -> None:
    verdicts = [verdict("a.flaky", outcome), verdict("a.passing", Outcome.PASS)]
    comparison = compare(verdicts, gate(replace(entry("a.flaky"), flaky=True)), JudgedScope(profile="standard"))
    assert [result.status for result in comparison.entry_results] == [status]
    assert decide_outcome(verdicts, comparison=comparison).exit_code == 0


@pytest.mark.parametrize("update_mode", [BaselineUpdateMode.PRUNE, BaselineUpdateMode.UPDATE])
def test_flaky_entry_that_passes_is_kept(update_mode: BaselineUpdateMode) -> None:
    flaky = replace(entry("a.flaky"), flaky=True)
    comparison = compare([verdict("a.flaky", Outcome.PASS)], gate(flaky, update_mode=update_mode), JudgedScope())
    assert comparison.baseline.entries == (flaky,)


def test_wider_profile_covers_the_narrower_one() -> None:
    for narrow, wide in pairwise(PROFILES):
        assert set(PROFILES[narrow]) <= set(PROFILES[wide])
        assert JudgedScope(profile=narrow).reason_for_less_coverage_than(Baseline(profile=wide)) is not None
        assert JudgedScope(profile=wide).reason_for_less_coverage_than(Baseline(profile=narrow)) is None
