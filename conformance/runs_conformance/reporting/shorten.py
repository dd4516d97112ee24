"""Keeps a report to a size that people and tools can open, however wrong the server is.

The history of the test run holds everything in full.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import replace

from runs_conformance.model.json import JSON, Absent, is_array, is_object
from runs_conformance.model.plural import plural
from runs_conformance.model.verdict import Finding, Outcome, Verdict
from runs_conformance.reporting.failure_text import LEFT_OUT
from runs_conformance.reporting.report import Report

MAX_FINDINGS = 3
"""Findings shown of each requirement."""
MAX_TEXT = 500
"""Characters of a text; a longer one is replaced by its beginning, length and digest."""
MAX_ITEMS = 50
"""Items of an array and members of an object."""
MAX_FULL_BYTES = 600_000
"""Bytes of the counterexamples that keep the steps that reproduce them. The simplest of each cause come first."""
MAX_LEAN_BYTES = 500_000
"""Bytes of the other counterexamples, which keep request and response."""
_MAX_DEPTH = 12
_LEAN = ("program", "exchange", "operation", "model", "request", "answer", "mutation", "neighbour")


def shorten(report: Report) -> Report:
    """The report with at most three findings for each requirement, long values shortened, and a limit in total."""
    examples = _limit_examples(report)
    verdicts = tuple(
        replace(
            verdict,
            findings=tuple(map(_shorten_finding, verdict.findings[:MAX_FINDINGS])),
            reason=_reason(verdict),
            counterexample=examples.get(verdict.id),
        )
        if verdict.outcome is Outcome.FAIL
        else verdict
        for verdict in report.verdicts
    )
    return replace(report, verdicts=verdicts, causes=report.causes)


def _limit_examples(report: Report) -> dict[str, JSON]:
    """The counterexamples that fit, by id: in full, else only request and response, else none."""
    full, lean = MAX_FULL_BYTES, MAX_LEAN_BYTES
    kept: dict[str, JSON] = {}
    for verdict in _by_urgency(report):
        example = verdict.counterexample
        if not is_object(example):
            continue
        shown = {name: value if name == "steps" else shorten_value(value) for name, value in example.items()}
        size = len(json.dumps(shown, default=str))
        if size <= full:
            full -= size
            kept[verdict.id] = shown
            continue
        rest = {name: shown[name] for name in _LEAN if name in shown}
        size = len(json.dumps(rest, default=str))
        if size <= lean:
            lean -= size
            kept[verdict.id] = rest
    return kept


def _by_urgency(report: Report) -> Iterable[Verdict]:
    """The failing verdicts: the reproduction of each cause, then one after the other of each cause."""
    by_id = {verdict.id: verdict for verdict in report.verdicts}
    queues = [[cause.reproduction, *(id_ for id_ in cause.ids if id_ != cause.reproduction)] for cause in report.causes]
    for position in range(max(map(len, queues), default=0)):
        for queue in queues:
            if position < len(queue):
                yield by_id[queue[position]]


def _reason(verdict: Verdict) -> str | None:
    unlisted = len(verdict.findings) - MAX_FINDINGS
    left_out = LEFT_OUT.fullmatch(verdict.reason or "")
    if unlisted <= 0 or (verdict.reason and left_out is None):
        return verdict.reason
    unlisted += int(left_out[1]) if left_out is not None else 0
    return f"{plural(unlisted, 'more finding')} {'is' if unlisted == 1 else 'are'} not listed"


def _shorten_finding(finding: Finding) -> Finding:
    return replace(
        finding,
        message=_shorten_text(finding.message),
        pointer=_shorten_text(finding.pointer),
        expected=finding.expected if isinstance(finding.expected, Absent) else shorten_value(finding.expected),
        actual=finding.actual if isinstance(finding.actual, Absent) else shorten_value(finding.actual),
    )


def shorten_value(value: JSON, depth: int = _MAX_DEPTH) -> JSON:
    """A value with long texts replaced by their beginning, length and digest, and long arrays truncated."""
    if isinstance(value, str):
        return _shorten_text(value)
    if is_object(value):
        if depth == 0:
            return "…"
        names = list(value)[:MAX_ITEMS]
        members: dict[str, JSON] = {_shorten_text(name): shorten_value(value[name], depth - 1) for name in names}
        if len(value) > MAX_ITEMS:
            members["…"] = f"{len(value) - MAX_ITEMS} more members"
        return members
    if is_array(value):
        if depth == 0:
            return "…"
        items = [shorten_value(item, depth - 1) for item in value[:MAX_ITEMS]]
        return [*items, f"… {len(value) - MAX_ITEMS} more items"] if len(value) > MAX_ITEMS else items
    return value


def _shorten_text(text: str) -> str:
    if len(text) <= MAX_TEXT:
        return text
    digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:16]
    return f"{text[:80]}… ({len(text)} characters, sha256 {digest})"
