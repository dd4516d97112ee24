"""A claim: what may be said in public of a server after a run, and the badge that says it."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from runs_conformance.contract.operation import CAPABILITIES
from runs_conformance.model.verdict import Outcome
from runs_conformance.reporting.report import Report, capabilities, moment

_NO_CLAIM = {
    Outcome.INCONCLUSIVE: "it came to no conclusion",
    Outcome.NOT_JUDGED: "the target could not be tested",
    Outcome.NOT_APPLICABLE: "there was nothing to judge",
    Outcome.ERROR: "the suite itself failed",
}


def refusal(report: Report) -> str | None:
    """Why a report supports no claim, in one line; None where it does."""
    if report.suite.profile is None:
        return "recorded traffic shows only a part of a server; claim by `runs-conformance run`"
    if report.suite.filters:
        return f"the run was filtered by {' '.join(report.suite.filters)}; claim by a run without"
    why = _NO_CLAIM.get(report.outcome)
    if why is not None or not report.complete:
        return f"{why or 'the run was cut short'}: {report.because}"
    return None


def document(report: Report) -> dict[str, Any]:
    """The claim as JSON: what was found, of whom, by what, and with which failures let pass."""
    suite, comparison = report.suite, report.comparison
    return {
        "claim": f"{report.target.name} {'passes' if report.outcome is Outcome.PASS else 'fails'} "
        f"{suite.name} {suite.version}, edition {suite.edition}, profile {suite.profile}",
        "outcome": report.outcome.value,
        "because": report.because,
        "suite": {"name": suite.name, "version": suite.version, "schema_digest": suite.schema_digest},
        "edition": suite.edition,
        "strict": suite.strict,
        "profile": suite.profile,
        "seed": suite.seed,
        "fail_on": suite.fail_on,
        "filters": list(suite.filters),
        "baseline": {"digest": comparison.baseline.digest, "known": len(comparison.accepted)} if comparison else None,
        "target": {
            "name": report.target.name,
            "base_url": report.target.base_url,
            "dialect": report.target.dialect,
            "capabilities": list(report.target.capabilities),
        },
        "started": moment(report.started),
        "verdicts": _counted(report),
        "classes": {
            name: {outcome.value: count for outcome, count in counts.items()}
            for name, counts in capabilities(report.verdicts, CAPABILITIES).items()
        },
    }


def _counted(report: Report) -> dict[str, int]:
    return dict(Counter(verdict.outcome.value for verdict in report.verdicts))


def text(report: Report) -> str:
    """The text of `claim.json`."""
    return json.dumps(document(report), indent=1) + "\n"


def badge(report: Report) -> dict[str, Any]:
    """The badge as an endpoint of shields.io gives it, which takes no members of one's own: all is in the message."""
    suite, comparison = report.suite, report.comparison
    passed = report.outcome is Outcome.PASS
    known = len(comparison.accepted) if comparison else 0
    broken = sum(report.is_broken(verdict) for verdict in report.verdicts)
    said = [f"passed{f' but for {known} known' if known else ''}" if passed else f"{broken} broken"]
    said += [f"edition {suite.edition}", f"profile {suite.profile}", f"schemas {suite.schema_digest[:8]}"]
    if comparison is not None:
        said.append(f"baseline {comparison.baseline.digest[:8]}")
    return {
        "schemaVersion": 1,
        "label": f"{suite.name} {suite.version}",
        "message": ", ".join(said),
        "color": ("yellow" if known else "brightgreen") if passed else "red",
    }


def badge_text(report: Report) -> str:
    """The text of `badge.json`."""
    return json.dumps(badge(report), indent=1) + "\n"
