"""Counts the requirements that a failing requirement leaves undecided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from runs_conformance.model.verdict import Outcome, Verdict
from runs_conformance.reporting.report import Report


def count_blocked(report: Report) -> Counter[str]:
    """The number of undecided requirements by the failing id that is their reason.

    The reason names that id, or a program that ended at a response which fails it.
    """
    failing = {verdict.id for verdict in report.with_outcome(Outcome.FAIL)}
    by_end = dict(_failing_at_ends(report))
    undecided = report.with_outcome(Outcome.INCONCLUSIVE, Outcome.NOT_JUDGED)
    return Counter(id_ for verdict in undecided if (id_ := _blocking_id(verdict, failing, by_end)) is not None)


def _failing_at_ends(report: Report) -> Iterator[tuple[str, str]]:
    """The causes of early ends, each with the failing id that the response to the last request of a program shows."""
    shown = {
        finding.exchange: verdict.id
        for verdict in reversed(report.with_outcome(Outcome.FAIL))
        for finding in verdict.findings
    }
    for end in report.programs.early_ends:
        if end.cause and end.exchange in shown:
            yield end.cause, shown[end.exchange]


def _blocking_id(verdict: Verdict, failing: set[str], by_end: Mapping[str, str]) -> str | None:
    reason = verdict.reason or ""
    words = [word.strip("(),") for word in reason.split()]
    # "ID failed", or "ID and 2 more failed"
    named = next((word for place, word in enumerate(words) if word in failing and "failed" in words[place:][:5]), None)
    return named or next((id_ for cause, id_ in by_end.items() if cause in reason), None)
