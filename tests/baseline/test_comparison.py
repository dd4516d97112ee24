from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from runs_conformance.baseline import Baseline, BaselineEntry, BaselineGate, EntryStatus, Revision, RunScope, compare
from runs_conformance.engine.outcome import decide_outcome
from runs_conformance.model.verdict import Outcome, Verdict

TODAY = date(2026, 11, 21)
WHOLE = RunScope(profile="standard")


def verdict(id_: str, outcome: Outcome, level: str = "must") -> Verdict:
    return Verdict(id_, "rule", level, "core", None, outcome, 1, "It holds.", "prose: a test")


BROKEN, KEPT = verdict("a.broken", Outcome.FAIL), verdict("a.kept", Outcome.PASS)
ASKED, WARNED = verdict("a.asked", Outcome.INCONCLUSIVE), verdict("a.warned", Outcome.FAIL, "should")
VERDICTS = [BROKEN, KEPT, ASKED, WARNED]


def entry(id_: str, expires: date | None = None) -> BaselineEntry:
    return BaselineEntry(id=id_, reason="known", expires=expires)


def gate(*entries: BaselineEntry, revision: Revision = Revision.NONE, profile: str | None = None) -> BaselineGate:
    return BaselineGate(baseline=Baseline(entries=entries, profile=profile), revision=revision, today=TODAY)


@pytest.mark.parametrize(
    ("entries", "standing", "code"),
    [
        ((entry("a.broken"),), EntryStatus.KNOWN, 0),
        ((entry("a.broken", TODAY),), EntryStatus.KNOWN, 0),
        ((entry("a.broken", date(2026, 11, 20)),), EntryStatus.EXPIRED, 1),
        ((entry("a.asked", date(2026, 11, 20)), entry("a.broken")), EntryStatus.EXPIRED, 1),
        ((entry("a.kept"), entry("a.broken")), EntryStatus.STALE, 1),
        ((entry("a.kept", date(2026, 11, 20)), entry("a.broken")), EntryStatus.STALE, 1),
        ((entry("a.brokne"), entry("a.broken")), EntryStatus.STALE, 1),
        ((entry("a.asked"), entry("a.broken")), EntryStatus.UNSEEN, 0),
        ((entry("a.warned"), entry("a.broken")), EntryStatus.KNOWN, 0),
        ((entry("a.asked"),), EntryStatus.UNSEEN, 1),
    ],
)
def test_how_an_entry_stands_and_what_follows(
    entries: tuple[BaselineEntry, ...], standing: EntryStatus, code: int
) -> None:
    compared = compare(VERDICTS, gate(*entries), WHOLE)
    assert compared.entry_results[0].status is standing
    assert decide_outcome(VERDICTS, comparison=compared).exit_code == code


def test_what_no_entry_names_is_new() -> None:
    compared = compare(VERDICTS, gate(), WHOLE)
    assert compared.new == ("a.broken",)
    assert compare(VERDICTS, gate(), WHOLE, levels=("must", "should")).new == ("a.broken", "a.warned")
    assert "does not know" in decide_outcome(VERDICTS, comparison=compared).reason


def test_a_name_that_there_is_not_is_answered_with_the_nearest() -> None:
    (stand,) = compare([KEPT, BROKEN], gate(entry("a.brokne")), WHOLE).entry_results
    assert stand.note == "there is no such rule or constraint; did you mean a.broken?"


@pytest.mark.parametrize(
    ("extent", "profile"),
    [
        (RunScope(profile="quick"), "standard"),
        (RunScope(), "quick"),
        (RunScope(profile="full", limitation="the run was cut short"), None),
    ],
)
def test_what_passes_where_less_was_seen_is_not_stale(extent: RunScope, profile: str | None) -> None:
    given = gate(entry("a.kept"), revision=Revision.PRUNE, profile=profile)
    (stand,) = compare([KEPT], given, extent).entry_results
    assert stand.status is EntryStatus.UNSEEN


@pytest.mark.parametrize(
    ("extent", "profile"),
    [(RunScope(profile="quick"), "quick"), (RunScope(profile="full"), "quick"), (RunScope(), None)],
)
def test_what_passes_where_as_much_was_seen_is_stale(extent: RunScope, profile: str | None) -> None:
    (stand,) = compare([KEPT], gate(entry("a.kept"), profile=profile), extent).entry_results
    assert stand.status is EntryStatus.STALE


def test_a_rule_that_was_renamed_is_known_by_its_old_name() -> None:
    compared = compare(VERDICTS, gate(entry("old.name")), WHOLE, renamed={"old.name": "a.broken"})
    assert compared.accepted == {"a.broken"}


def test_an_update_adds_what_fails_and_drops_what_passes() -> None:
    given = gate(entry("a.kept"), entry("a.asked"), revision=Revision.UPDATE)
    compared = compare(VERDICTS, given, WHOLE)
    assert [one.id for one in compared.baseline.entries] == ["a.asked", "a.broken"]
    assert compared.baseline.profile == "standard"
    assert compared.baseline.entries[1].reason == "not explained yet; failed on 2026-11-21"
    assert decide_outcome(VERDICTS, comparison=compared).exit_code == 0


def test_an_update_gives_nobody_more_time() -> None:
    given = gate(entry("a.broken", date(2026, 1, 1)), revision=Revision.UPDATE)
    assert compare(VERDICTS, given, WHOLE).entry_results[0].status is EntryStatus.EXPIRED


def test_pruning_only_takes_out() -> None:
    given = gate(entry("a.kept"), entry("a.asked"), revision=Revision.PRUNE)
    compared = compare(VERDICTS, given, WHOLE)
    assert [one.id for one in compared.baseline.entries] == ["a.asked"]
    assert compared.new == ("a.broken",)


def test_the_digest_is_of_what_is_accepted() -> None:
    one, two = Baseline(entries=(entry("a"), entry("b"))), Baseline(entries=(entry("b"), entry("a")))
    assert one.digest == two.digest
    assert one.digest != replace(one, entries=(entry("a"),)).digest
    assert one.digest != replace(one, entries=(entry("a", TODAY), entry("b"))).digest
