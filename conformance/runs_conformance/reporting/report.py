"""The report: who judged whom by what, and one verdict for each rule and constraint."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from runs_conformance import __version__
from runs_conformance.baseline import Comparison, Standing
from runs_conformance.model.json import JSON, Absent
from runs_conformance.model.limit import Limit
from runs_conformance.model.verdict import Finding, Outcome, Verdict
from runs_conformance.reporting.access import Access

SUITE = "runs-conformance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """What judged, and how it was set; profile and seed are None where recorded traffic was judged.

    `filters` are the flags that left something out; `fail_on` is the lowest level that a failure has to have to count.
    """

    edition: str
    strict: bool
    profile: str | None
    seed: int | None
    schema_digest: str
    filters: tuple[str, ...] = ()
    fail_on: str = "must"
    name: str = SUITE
    version: str = __version__


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What was judged; `base_url` is free of credentials, and None for recorded traffic."""

    name: str
    base_url: str | None
    dialect: str
    capabilities: tuple[str, ...] = ()
    access: Access | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What it took."""

    requests: int
    runs_started: int
    cases: int
    seconds: float
    tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of a run's status that was seen so often; `kind` is `direct`, `between_looks` or `illegal`."""

    earlier: str
    later: str
    count: int
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that is told of a run. `because` says in one line why the exit code is what it is, `started` when it
    began, in Unix seconds.

    `comparison` is to the user's baseline, if there is one.
    """

    suite: Suite
    target: Judged
    complete: bool
    outcome: Outcome
    exit_code: int
    because: str
    counts: Used
    verdicts: tuple[Verdict, ...] = field(repr=False)
    comparison: Comparison | None = field(default=None, repr=False)
    transitions: tuple[Transition, ...] = ()
    limits: tuple[Limit, ...] = ()
    started: float | None = None

    def of(self, *outcomes: Outcome) -> list[Verdict]:
        """The verdicts with one of these outcomes."""
        return [verdict for verdict in self.verdicts if verdict.outcome in outcomes]

    def failures(self, level: str) -> list[Verdict]:
        """The failed verdicts of a level."""
        return [verdict for verdict in self.of(Outcome.FAIL) if verdict.level == level]

    def unaccepted(self, level: str) -> list[Verdict]:
        """The failed verdicts of a level that no baseline accepts."""
        accepted = self.comparison.accepted if self.comparison else ()
        return [verdict for verdict in self.failures(level) if verdict.id not in accepted]

    @property
    def failing(self) -> tuple[str, ...]:
        """The levels whose failures make the whole a failure."""
        return ("must",) if self.suite.fail_on == "must" else ("must", "should")

    def is_broken(self, verdict: Verdict) -> bool:
        """Whether a verdict is a failure that counts: not a warning, and not known to the baseline."""
        known = self.comparison.accepted if self.comparison is not None else ()
        return verdict.outcome is Outcome.FAIL and verdict.level in self.failing and verdict.id not in known

    def tally(self, kind: str) -> Mapping[Outcome, int]:
        """How many rules or constraints came out how."""
        return Counter(verdict.outcome for verdict in self.verdicts if verdict.kind == kind)

    @property
    def took(self) -> str:
        """What it took, in a few words."""
        counts = self.counts
        tokens = f", {counts.tokens:,} tokens" if counts.tokens is not None else ""
        return f"{counts.requests:,} requests, {counts.runs_started} runs{tokens}, {counts.seconds:.1f} s"


def to_json(report: Report) -> dict[str, Any]:
    """The report as `report.json` has it."""
    suite, target, counts = report.suite, report.target, report.counts
    return {
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
        },
        "started": moment(report.started),
        "complete": report.complete,
        "outcome": report.outcome.value,
        "exit_code": report.exit_code,
        "counts": {
            "requests": counts.requests,
            "runs_started": counts.runs_started,
            "cases": counts.cases,
            "seconds": counts.seconds,
            "tokens": counts.tokens,
        },
        "baseline": _baseline(report.comparison) if report.comparison else None,
        "transitions": [
            {"from": each.earlier, "to": each.later, "count": each.count, "kind": each.kind}
            for each in report.transitions
        ],
        "limits": [
            {"id": each.id, "stated": each.stated, "accepted": each.accepted, "refused": each.refused}
            for each in report.limits
        ],
        "verdicts": [_verdict(verdict) for verdict in report.verdicts],
    }


def _baseline(comparison: Comparison) -> dict[str, Any]:
    baseline = comparison.baseline
    return {
        "file": baseline.name,
        "digest": baseline.digest,
        "counts": {standing.value: len(comparison.of(standing)) for standing in Standing},
        "new": list(comparison.new),
        "entries": [
            {
                "id": stand.entry.id,
                "standing": stand.standing.value,
                "note": stand.note,
                "reason": stand.entry.reason,
                "expires": stand.entry.expires.isoformat() if stand.entry.expires else None,
                "issue": stand.entry.issue,
            }
            for stand in comparison.stands
        ],
    }


def moment(seconds: float | None) -> str | None:
    """A moment as RFC 3339 has it, in UTC and to the millisecond."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


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
        "expected": _present(finding.expected),
        "actual": _present(finding.actual),
        "case": finding.case,
        "exchange": finding.exchange or None,
    }


def _present(value: JSON | Absent) -> JSON:
    return None if isinstance(value, Absent) else value


def text(report: Report) -> str:
    """The text of `report.json`; what UTF-8 cannot hold is escaped."""
    written = json.dumps(to_json(report), indent=1, ensure_ascii=False) + "\n"
    try:
        written.encode()
    except UnicodeEncodeError:
        return json.dumps(to_json(report), indent=1) + "\n"
    return written


def capabilities(verdicts: Sequence[Verdict], order: Sequence[str]) -> dict[str, Mapping[Outcome, int]]:
    """How many verdicts of each capability came out how, in this order."""
    counted: dict[str, Counter[Outcome]] = {name: Counter() for name in order}
    for verdict in verdicts:
        counted.setdefault(verdict.capability, Counter())[verdict.outcome] += 1
    return {name: counts for name, counts in counted.items() if counts}
