"""The public claim that a report supports, and the badge that shows it."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from runs_conformance.contract.operation import CAPABILITIES
from runs_conformance.model.plural import plural
from runs_conformance.model.verdict import Outcome
from runs_conformance.reporting.report import Report, outcomes_by_capability, rfc3339
from runs_conformance.reporting.scope import conforming_capabilities, scope_line

MAX_BADGE = 30
"""Characters of the badge's message; a longer one makes the badge unreadable."""

_NO_CLAIM_REASONS = {
    Outcome.INCONCLUSIVE: "it is inconclusive",
    Outcome.NOT_JUDGED: "the target could not be tested",
    Outcome.NOT_APPLICABLE: "no requirement applies",
    Outcome.ERROR: "the suite itself failed",
}


def unavailable_reason(report: Report) -> str | None:
    """Why the report supports no claim, in one line; None if it does."""
    if report.suite.profile is None:
        return "recorded traffic covers only part of a server; `runs-conformance run` supports a claim"
    if report.suite.filters:
        return f"the test run was filtered by {' '.join(report.suite.filters)}; run it without filters"
    problem = _NO_CLAIM_REASONS.get(report.outcome)
    if problem is not None or not report.complete:
        return f"{problem or 'the test run stopped early'}: {report.reason}"
    return None


def document(report: Report) -> dict[str, Any]:
    """The claim as JSON: outcome, target, suite, and the baseline applied."""
    suite, comparison = report.suite, report.comparison
    return {
        "claim": _sentence(report),
        "outcome": report.outcome.value,
        "because": report.reason,
        "suite": {"name": suite.name, "version": suite.version, "schema_digest": suite.schema_digest},
        "edition": suite.edition,
        "strict": suite.strict,
        "profile": suite.profile,
        "seed": suite.seed,
        "fail_on": suite.fail_on,
        "filters": list(suite.filters),
        "baseline": {"digest": comparison.baseline.digest, "known": len(comparison.accepted_ids)}
        if comparison
        else None,
        "target": {
            "name": report.target.name,
            "base_url": report.target.base_url,
            "dialect": report.target.dialect,
            "capabilities": list(report.target.capabilities),
            "conforms_in": conforming_capabilities(report),
            "not_offered": {
                "capabilities": list(report.target.capabilities_not_offered),
                "operations": list(report.target.operations_not_offered),
            },
        },
        "started": rfc3339(report.started),
        "verdicts": _outcome_counts(report),
        "classes": {
            name: {outcome.value: count for outcome, count in counts.items()}
            for name, counts in outcomes_by_capability(report.verdicts, CAPABILITIES).items()
        },
    }


def _sentence(report: Report) -> str:
    """The claim in one line, with what the target does not offer and the known failures that a baseline excuses."""
    suite = report.suite
    basis = f"{suite.name} {suite.version}, edition {suite.edition}, profile {suite.profile}"
    scope = scope_line(report, max_names=None)
    if report.outcome is not Outcome.PASS:
        return f"{report.target.name} fails {basis}" + (f"; {scope}" if scope else "")
    known = len(report.comparison.accepted_ids) if report.comparison else 0
    exception = f" except for {plural(known, 'known failure')}" if known else ""
    return f"{report.target.name} conforms{exception}{scope.removeprefix('conforms')} ({basis})"


def _outcome_counts(report: Report) -> dict[str, int]:
    return dict(Counter(verdict.outcome.value for verdict in report.verdicts))


def text(report: Report) -> str:
    """The text of `claim.json`."""
    return json.dumps(document(report), indent=1) + "\n"


def badge(report: Report) -> dict[str, Any]:
    """The badge in the format of a shields.io endpoint.

    The message names the result and the edition; everything else about the claim is in `claim.json`.
    """
    suite, comparison = report.suite, report.comparison
    passed = report.outcome is Outcome.PASS
    known = len(comparison.accepted_ids) if comparison else 0
    failed = sum(report.counts_as_failure(verdict) for verdict in report.verdicts)
    listed = f", {known} known" if known else ""
    result = f"pass{listed}" if passed else f"fail, {failed} unmet"
    message = f"{result}, {suite.edition}"
    return {
        "schemaVersion": 1,
        "label": f"{suite.name} {suite.version}",
        "message": message if len(message) <= MAX_BADGE else result[:MAX_BADGE],
        "color": ("yellow" if known else "brightgreen") if passed else "red",
    }


def badge_text(report: Report) -> str:
    """The text of `badge.json`."""
    return json.dumps(badge(report), indent=1) + "\n"
