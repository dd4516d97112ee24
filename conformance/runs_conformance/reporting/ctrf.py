"""The report in the Common Test Report Format (CTRF), a JSON format for dashboards."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from typing import Any

from runs_conformance.model.verdict import Outcome, Verdict
from runs_conformance.reporting import failure_text
from runs_conformance.reporting.report import SUITE, Report, rfc3339

SPEC = "0.0.0"
_NAMES = uuid.UUID("6f1a3a0e-7b0e-5d0c-9c39-3f2f5c1f7f11")


def text(report: Report) -> str:
    """The report as a CTRF document."""
    return json.dumps(document(report), indent=1) + "\n"


def document(report: Report) -> dict[str, Any]:
    """The CTRF document as JSON. Warnings and inconclusive verdicts are `other`, verdicts not judged are `skipped`."""
    tests = [_test(verdict, report) for verdict in report.verdicts]
    counted = Counter(test["status"] for test in tests)
    start = round(1_000 * (report.started or 0.0))
    names = ("passed", "failed", "skipped", "pending", "other")
    suite = report.suite
    document: dict[str, Any] = {
        "reportFormat": "CTRF",
        "specVersion": SPEC,
        "generatedBy": f"{suite.name} {suite.version}",
        "results": {
            "tool": {"name": SUITE, "version": suite.version},
            "summary": {
                "tests": len(tests),
                **{name: counted.get(name, 0) for name in names},
                "suites": len({verdict.capability for verdict in report.verdicts}),
                "start": start,
                "stop": start + round(1_000 * report.usage.seconds),
            },
            "tests": tests,
            "environment": {
                "appName": failure_text.printable(report.target.name),
                "extra": {
                    "edition": suite.edition,
                    "profile": suite.profile,
                    "schemaDigest": suite.schema_digest,
                    "filters": list(suite.filters),
                    "outcome": report.outcome.value,
                    "because": failure_text.printable(report.reason),
                },
            },
        },
    }
    if report.started is not None:
        document["timestamp"] = rfc3339(report.started)
    return document


def _test(verdict: Verdict, report: Report) -> dict[str, Any]:
    test: dict[str, Any] = {
        "id": str(uuid.uuid5(_NAMES, verdict.id)),
        "name": verdict.id,
        "status": _status(verdict, report),
        "duration": round(1_000 * report.seconds.get(verdict.id, 0.0)),
        "suite": [SUITE, verdict.capability],
        "rawStatus": verdict.outcome.value,
        "tags": [verdict.level, verdict.kind, *([verdict.operation] if verdict.operation else [])],
    }
    if verdict.outcome is Outcome.FAIL:
        test["message"] = failure_text.printable(verdict.findings[0].message if verdict.findings else verdict.statement)
        test["trace"] = failure_text.printable(
            "\n".join(f"{label}: {text}" for label, text in failure_text.labelled_lines(verdict))
        )
    elif verdict.outcome is not Outcome.PASS:
        test["message"] = failure_text.printable(failure_text.reason_with_needs(verdict))
    return test


def _status(verdict: Verdict, report: Report) -> str:
    if report.counts_as_failure(verdict) or verdict.outcome is Outcome.ERROR:
        return "failed"
    if verdict.outcome in (Outcome.FAIL, Outcome.INCONCLUSIVE):
        return "other"
    return "passed" if verdict.outcome is Outcome.PASS else "skipped"
