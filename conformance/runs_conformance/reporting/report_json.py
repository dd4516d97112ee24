"""The content of report.json."""

from __future__ import annotations

import json
from typing import Any

from runs_conformance.baseline import BaselineComparison, EntryStatus
from runs_conformance.model.json import JSON, Absent
from runs_conformance.model.verdict import Finding, Verdict
from runs_conformance.reporting.report import Report, rfc3339

FORMAT_VERSION = 2
"""The version of the format of report.json. Version 1 had no causes and kept every finding in full."""


def to_json(report: Report) -> dict[str, Any]:
    """The content of `report.json`."""
    suite, target, counts = report.suite, report.target, report.usage
    return {
        "format_version": FORMAT_VERSION,
        "suite": {
            "name": suite.name,
            "version": suite.version,
            "edition": suite.edition,
            "strict": suite.strict,
            "profile": suite.profile,
            "seed": suite.seed,
            "schema_digest": suite.schema_digest,
            "filters": list(suite.filters),
            "fail_on": suite.fail_on,
        },
        "target": {
            "name": target.name,
            "base_url": target.base_url,
            "dialect": target.dialect,
            "capabilities": list(target.capabilities),
            "not_offered": {
                "capabilities": list(target.capabilities_not_offered),
                "operations": list(target.operations_not_offered),
            },
        },
        "started": rfc3339(report.started),
        "complete": report.complete,
        "cut_reason": report.early_end_reason,
        "outcome": report.outcome.value,
        "exit_code": report.exit_code,
        "counts": {
            "requests": counts.requests,
            "runs_started": counts.runs_started,
            "cases": counts.cases,
            "seconds": counts.seconds,
            "tokens": counts.tokens,
            "rate_limited": counts.rate_limited,
            "rate_limit_seconds": counts.rate_limit_seconds,
        },
        "baseline": _baseline(report.comparison) if report.comparison else None,
        "transitions": [
            {"from": item.earlier, "to": item.later, "count": item.count, "kind": item.kind}
            for item in report.transitions
        ],
        "limits": [
            {"id": item.id, "stated": item.stated, "accepted": item.accepted, "refused": item.refused}
            for item in report.limits
        ],
        "approach": report.request_forms.to_json() if report.request_forms is not None else None,
        "not_sent_again": [hazard.to_json() for hazard in report.hazards],
        "lost_requests": list(report.lost_requests.values()),
        "programs": {
            "planned": report.programs.planned,
            "completed": report.programs.completed,
            "early_ends": [end.to_json() for end in report.programs.early_ends],
        },
        "edition_fit": report.edition_fit.to_json() if report.edition_fit is not None else None,
        "changes": report.changes.to_json() if report.changes is not None else None,
        "causes": [cause.to_json() for cause in report.causes],
        "durations": {id_: round(seconds, 3) for id_, seconds in sorted(report.seconds.items())},
        "verdicts": [_verdict(verdict) for verdict in report.verdicts],
    }


def _baseline(comparison: BaselineComparison) -> dict[str, Any]:
    baseline = comparison.baseline
    return {
        "file": baseline.name,
        "digest": baseline.digest,
        "counts": {status.value: len(comparison.with_status(status)) for status in EntryStatus},
        "new": list(comparison.new_failures),
        "entries": [
            {
                "id": result.entry.id,
                "standing": result.status.value,
                "note": result.note,
                "reason": result.entry.reason,
                "expires": result.entry.expires.isoformat() if result.entry.expires else None,
                "issue": result.entry.issue,
            }
            for result in comparison.entry_results
        ],
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "id": verdict.id,
        "kind": verdict.kind,
        "level": verdict.level,
        "capability": verdict.capability,
        "operation": verdict.operation,
        "outcome": verdict.outcome.value,
        "judged": verdict.judged,
        "statement": verdict.statement,
        "source": verdict.source,
        "explanation": verdict.explanation or None,
        "reason": verdict.reason,
        "needs": verdict.needs,
        "findings": [_finding(finding) for finding in verdict.findings],
        "counterexample": verdict.counterexample,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "message": finding.message,
        "operation": finding.operation,
        "pointer": finding.pointer,
        "expected": _or_none(finding.expected),
        "actual": _or_none(finding.actual),
        "case": finding.case,
        "exchange": finding.exchange or None,
    }


def _or_none(value: JSON | Absent) -> JSON:
    return None if isinstance(value, Absent) else value


def text(report: Report) -> str:
    """The text of `report.json`, with one verdict a line; characters that UTF-8 cannot encode are escaped."""
    text = _encode(to_json(report), ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        return _encode(to_json(report), ensure_ascii=True)
    return text


def _encode(data: dict[str, Any], *, ensure_ascii: bool) -> str:
    verdicts = data.pop("verdicts")
    head = json.dumps(data, indent=1, ensure_ascii=ensure_ascii).removesuffix("\n}")
    lines = (json.dumps(verdict, ensure_ascii=ensure_ascii, separators=(",", ":")) for verdict in verdicts)
    return f'{head},\n "verdicts": [\n' + ",\n".join(lines) + "\n ]\n}\n"
