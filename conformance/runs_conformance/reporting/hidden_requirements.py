"""Undecided requirements of which a failing one is the reason: its repair lets them be judged."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from runs_conformance.model.verdict import Outcome, Verdict
from runs_conformance.reporting.report import Report

_PREMISE = re.compile(r"(?:because |\()(\S+?)(?: and \d+ more)? failed\b")


def count_hidden(report: Report) -> Counter[str]:
    """The number of undecided requirements by the failing id that is their reason.

    The reason names that id, or a program that ended at a response which fails it.
    """
    failing = {verdict.id for verdict in report.with_outcome(Outcome.FAIL)}
    by_end = dict(_failing_at_ends(report))
    undecided = report.with_outcome(Outcome.INCONCLUSIVE, Outcome.NOT_JUDGED)
    return Counter(id_ for verdict in undecided if (id_ := _hidden_by(verdict, failing, by_end)) is not None)


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


def _hidden_by(verdict: Verdict, failing: set[str], by_end: Mapping[str, str]) -> str | None:
    reason = verdict.reason or ""
    named = next((match[1] for match in _PREMISE.finditer(reason) if match[1] in failing), None)
    return named or next((id_ for cause, id_ in by_end.items() if cause in reason), None)
