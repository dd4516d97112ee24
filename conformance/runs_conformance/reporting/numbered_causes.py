"""The causes of a report as its views list them: without what the baseline accepts, numbered in order of urgency."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from runs_conformance.causes import Cause, Severity
from runs_conformance.model.plural import plural
from runs_conformance.model.program_end import Ending
from runs_conformance.model.verdict import Outcome, Verdict
from runs_conformance.reporting.blocked_requirements import count_blocked
from runs_conformance.reporting.report import Report

SEVERITY_NAMES = {
    Severity.CRASH: "crash",
    Severity.ACCESS: "access",
    Severity.LIFECYCLE: "lifecycle",
    Severity.DATA_LOSS: "lost data",
    Severity.WRONG_SHAPE: "shape",
    Severity.MISSING_MEMBER: "missing",
    Severity.MISSING_VALIDATION: "validation",
    Severity.WORDING: "wording",
}
"""The names of severities, as effects on clients, in tables."""


@dataclass(frozen=True, slots=True)
class NumberedCause:
    """One cause with its position, its failing verdicts, and how many of them fail the test run; the others warn.

    `blocked` is the number of requirements that could not be judged because of it.
    """

    number: int
    cause: Cause
    verdicts: Sequence[Verdict]
    failing: int
    blocked: int = 0

    @property
    def fails(self) -> bool:
        """Whether it fails the test run."""
        return self.failing > 0

    @property
    def table_count(self) -> int:
        """The number in tables: of its failures or, if there is none, of its warnings."""
        return self.failing or len(self.verdicts)

    @property
    def severity(self) -> str:
        """The name of its severity."""
        return SEVERITY_NAMES[self.cause.severity]

    @property
    def reproduction(self) -> Verdict:
        """The verdict whose counterexample is shown for the cause."""
        return next((each for each in self.verdicts if each.id == self.cause.reproduction), self.verdicts[0])

    @property
    def count(self) -> str:
        """How many requirements it explains: those of the table, and the warnings beside them."""
        warnings = len(self.verdicts) - self.table_count
        count = plural(self.table_count, "requirement") + (f" and {plural(warnings, 'warning')}" if warnings else "")
        return f"{count}, {self.undecided}" if self.blocked else count

    @property
    def undecided(self) -> str:
        """How many requirements it keeps from being judged, in words; empty if none."""
        return f"leaves {plural(self.blocked, 'requirement')} undecided" if self.blocked else ""


def number_causes(report: Report) -> list[NumberedCause]:
    """The causes of failures that the baseline does not accept, those that fail the test run first."""
    accepted = report.comparison.accepted_ids if report.comparison else ()
    by_id = {verdict.id: verdict for verdict in report.verdicts if verdict.id not in accepted}
    blocked = count_blocked(report)
    found = []
    for cause in report.causes:
        verdicts = [by_id[id_] for id_ in cause.ids if id_ in by_id]
        if verdicts:
            failing = sum(map(report.counts_as_failure, verdicts))
            found.append((cause, verdicts, failing, sum(blocked[verdict.id] for verdict in verdicts)))
    found.sort(key=lambda item: (not item[2], item[0].severity.rank if item[2] else 0))
    return [NumberedCause(number, *item) for number, item in enumerate(found, 1)]


def headline(report: Report, word: str) -> str:
    """The outcome in one line: what failed, how few causes explain it, and whether the test run stopped early."""
    reason = f"at least {report.reason}" if report.reason[:1].isdigit() and limit_note(report) else report.reason
    failing = sum(numbered.fails for numbered in number_causes(report)) if report.outcome is Outcome.FAIL else 0
    if failing:
        reason += f", explained by {plural(failing, 'cause')}"
    suffix = "" if report.complete or reason.startswith(("stopped early", "interrupted")) else " (stopped early)"
    return f"{word}{suffix}: {reason}"


def limit_note(report: Report) -> str:
    """How many requirements could not be judged because the forecast was used up, in one sentence; empty if none is."""
    causes = list(dict.fromkeys(end.cause for end in report.programs.early_ends if end.ran_out))
    undecided = [
        next(cause for cause in causes if cause in (verdict.reason or ""))
        for verdict in report.with_outcome(Outcome.INCONCLUSIVE, Outcome.NOT_JUDGED)
        if any(cause in (verdict.reason or "") for cause in causes)
    ]
    if not undecided:
        return ""
    return f"{plural(len(undecided), 'requirement')} could not be judged, because {undecided[0]}."


def early_end_note(report: Report) -> str:
    """Why a test run stopped early, in one sentence; empty if it was not, or never began."""
    if report.complete or report.outcome is Outcome.NOT_JUDGED:
        return ""
    if report.reason.startswith("stopped early"):
        return "Requirements that the test run did not reach are listed as not judged."
    causes = [report.early_end_reason] if report.early_end_reason else []
    causes += [end.cause for end in report.programs.early_ends if end.ending in (Ending.ABORTED, Ending.NOT_STARTED)]
    why = f": {causes[0]}" if causes else ""
    return f"The test run stopped early{why}. Requirements that it did not reach are listed as not judged."
