"""Requirements that could not be judged because others fail, counted for the cause of these."""

from __future__ import annotations

from dataclasses import replace

from runs_conformance.model.program_end import Ending, ProgramEnd
from runs_conformance.model.verdict import Finding, Outcome, Verdict
from runs_conformance.reporting.blocked_requirements import count_blocked
from runs_conformance.reporting.numbered_causes import number_causes
from runs_conformance.reporting.report import ProgramSummary, Report
from tests.causes.verdicts import broken_rule
from tests.reporting.reports import report

STUCK = replace(
    broken_rule("cancel.comes_to_an_end", "get_run"), findings=(Finding("it is cancelling", "x9", "get_run"),)
)
ORDER = broken_rule("listing.order_is_kept", "list_runs")
END = ProgramEnd("lifecycle.expired", Ending.STOPPED, "the next step needs a run that ends", "get_run", "x9")


def undecided(id_: str, reason: str, outcome: Outcome = Outcome.NOT_JUDGED) -> Verdict:
    return replace(ORDER, id=id_, outcome=outcome, reason=reason, findings=(), counterexample=None)


def report_with(*verdicts: Verdict, end: ProgramEnd = END) -> Report:
    return replace(report(STUCK, ORDER, *verdicts), programs=ProgramSummary(planned=2, early_ends=(end,)))


def test_undecided_requirements_count_for_the_premise_that_failed() -> None:
    verdicts = [
        undecided("a.b", "not observed, because cancel.comes_to_an_end failed"),
        undecided("a.c", "not observed, because cancel.comes_to_an_end and 2 more failed"),
        undecided(
            "a.d",
            "held on 2 occasions, but p had 1; the reason may be that listing.order_is_kept failed",
            Outcome.INCONCLUSIVE,
        ),
        undecided("a.e", "not observed, because usage.adds_up failed"),
        undecided("a.f", "unlike on the bundled emulator, p ran to the end without judging it"),
    ]
    assert count_blocked(report_with(*verdicts)) == {"cancel.comes_to_an_end": 2, "listing.order_is_kept": 1}


def test_undecided_requirements_count_for_what_ended_their_program() -> None:
    verdict = undecided("a.b", f"lifecycle.other ended early: {END.cause}")
    assert count_blocked(report_with(verdict)) == {"cancel.comes_to_an_end": 1}
    assert not count_blocked(report_with(verdict, end=replace(END, exchange="x8")))


def test_causes_say_how_many_requirements_they_hide() -> None:
    verdict = undecided("a.b", f"lifecycle.expired ended early: {END.cause}")
    counts = {each.cause.ids: each.count for each in number_causes(report_with(verdict))}
    assert counts == {(STUCK.id,): "1 requirement, leaves 1 requirement undecided", (ORDER.id,): "1 requirement"}
