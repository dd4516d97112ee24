"""Drops the findings that a report does not list: those on operations that are not offered, and the many of one id."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import replace

from runs_conformance.engine.memory import MAX_SHOWN_TEXT, bound_value
from runs_conformance.model.json import Absent
from runs_conformance.model.text import excerpt
from runs_conformance.model.verdict import Finding, Tallies, Tally

MAX_FINDINGS = 25
"""Findings reported per id, so that a target that fails everything does not fill memory."""


def discard_findings(
    tallies: Tallies, operations: Collection[str], exchanges: Collection[str] = ()
) -> dict[str, Tally]:
    """The tallies without the findings of `operations` that are not offered and of these `exchanges`.

    Where a request to such an operation should have been served, what others showed is no pass: the target may lack the
    operation, or refuse all its requests.
    """
    if not operations and not exchanges:
        return dict(tallies)
    return {id_: _discard(tally, operations, exchanges) for id_, tally in tallies.items()}


def _discard(tally: Tally, operations: Collection[str], exchanges: Collection[str]) -> Tally:
    remaining = [
        finding
        for finding in tally.findings
        if finding.operation not in operations and finding.exchange not in exchanges
    ]
    judged = max(0, tally.judged - (len(tally.findings) - len(remaining)))
    operation = next(
        (each.operation for each in tally.findings if each not in remaining and each.expected == 200), None
    )
    if operation is None or not judged:
        return replace(tally, judged=judged, findings=remaining)
    reason = Counter([f"{operation} is not offered"])
    return replace(
        tally,
        judged=judged,
        findings=remaining,
        inconclusive=tally.inconclusive + reason,
        suspicions=tally.suspicions + reason,
    )


def limit_findings(tally: Tally, limit: int = 4 * MAX_FINDINGS) -> Tally:
    """Drop findings beyond `limit`, which are never reported, and the rest of large values and texts in them."""
    if not tally.findings:
        return tally
    return replace(tally, findings=[_limit_finding(finding) for finding in tally.findings[:limit]])


def _limit_finding(finding: Finding) -> Finding:
    message = excerpt(finding.message, MAX_SHOWN_TEXT)
    expected, actual = (
        value if isinstance(value, Absent) else bound_value(value) for value in (finding.expected, finding.actual)
    )
    if message is finding.message and expected is finding.expected and actual is finding.actual:
        return finding
    return replace(finding, message=message, expected=expected, actual=actual)
