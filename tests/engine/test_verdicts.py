from __future__ import annotations

from collections import Counter

from runs_conformance.contract.constraint import constraints
from runs_conformance.engine.verdicts import (
    MAX_FINDINGS,
    NotJudgedReason,
    Requirements,
    VerdictContext,
    build_verdicts,
    discard_findings,
)
from runs_conformance.model.verdict import Finding, Outcome, Tally, Verdict, merge_tallies
from runs_conformance.rules import catalogue

DEMANDS = Requirements(rules=catalogue(), constraints=constraints())
ID = "create_run.max_prompt_tokens.minimum"


def verdict(tally: Tally | None, **circumstances: object) -> Verdict:
    tallies = {} if tally is None else {ID: tally}
    made = build_verdicts(tallies, DEMANDS, VerdictContext(**circumstances))  # type: ignore[arg-type]
    return next(each for each in made if each.id == ID)


def test_every_rule_and_constraint_appears_exactly_once() -> None:
    ids = [each.id for each in build_verdicts({}, DEMANDS, VerdictContext())]
    assert sorted(ids) == sorted({*constraints(), *catalogue()})


def test_nothing_judged_is_never_a_pass() -> None:
    assert {each.outcome for each in build_verdicts({}, DEMANDS, VerdictContext())} == {Outcome.NOT_JUDGED}


def test_outcomes() -> None:
    assert verdict(Tally(judged=3)).outcome is Outcome.PASS
    assert verdict(Tally(judged=3, findings=[Finding("no")])).outcome is Outcome.FAIL
    undecided = verdict(Tally(inconclusive=Counter({"rate limited": 2})))
    assert (undecided.outcome, undecided.reason) == (Outcome.INCONCLUSIVE, "rate limited")
    assert verdict(Tally(judged=1, findings=[Finding("no")], errors=["raised"])).outcome is Outcome.ERROR


def test_an_excused_finding_is_a_pass_that_names_the_departure() -> None:
    shown = verdict(Tally(judged=3, excused=Counter({"V-01": 3})))
    assert (shown.outcome, shown.reason) == (Outcome.PASS, "excused by known departures: V-01 (3 times)")


def test_what_is_not_selected_is_not_judged_whatever_it_showed() -> None:
    shown = verdict(Tally(judged=1, findings=[Finding("no")]), selected=lambda id_: False)
    assert (shown.outcome, shown.judged, shown.findings) == (Outcome.NOT_JUDGED, 0, ())


def test_what_is_not_offered_is_not_applicable() -> None:
    missing = {"create_run": "no such route"}
    shown = verdict(Tally(judged=1, findings=[Finding("no")]), not_offered=missing)
    assert (shown.outcome, shown.reason, shown.findings) == (Outcome.NOT_APPLICABLE, "no such route", ())


def test_findings_in_answers_of_operations_that_are_not_offered_are_dropped() -> None:
    tally = Tally(judged=3, findings=[Finding("a", operation="cancel_run"), Finding("b", operation="get_run")])
    kept = discard_findings({ID: tally}, ["cancel_run"])[ID]
    assert (kept.judged, [finding.message for finding in kept.findings]) == (2, ["b"])


def test_a_gap_says_what_is_needed() -> None:
    shown = verdict(None, gaps={ID: NotJudgedReason("it cannot be sent", "a longer line")})
    assert (shown.outcome, shown.reason, shown.needs) == (Outcome.NOT_JUDGED, "it cannot be sent", "a longer line")


def test_a_rule_that_needs_something_says_so() -> None:
    needing = next(rule for rule in catalogue().values() if rule.needs)
    shown = next(each for each in build_verdicts({}, DEMANDS, VerdictContext()) if each.id == needing.id)
    assert shown.needs == needing.needs


def test_findings_are_bounded() -> None:
    shown = verdict(Tally(judged=999, findings=[Finding(str(n)) for n in range(999)]))
    assert len(shown.findings) == MAX_FINDINGS
    assert shown.reason == f"{999 - MAX_FINDINGS} more findings are not listed"


def test_the_fold_is_associative() -> None:
    a, b, c = ({ID: Tally(judged=n, findings=[Finding(str(n))])} for n in (1, 2, 3))
    assert merge_tallies([merge_tallies([a, b]), c]) == merge_tallies([a, merge_tallies([b, c])])
