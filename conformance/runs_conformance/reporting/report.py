"""The report of a session: suite, target, conclusion, and one verdict per rule and constraint."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from runs_conformance import __version__
from runs_conformance.baseline import Comparison, EntryStatus
from runs_conformance.causes import Cause, analyze
from runs_conformance.model.approach import Approach
from runs_conformance.model.hazard import Hazard
from runs_conformance.model.json import JSON, Absent
from runs_conformance.model.limit import Limit
from runs_conformance.model.plural import plural
from runs_conformance.model.program_end import ProgramEnd
from runs_conformance.model.verdict import Finding, Outcome, Verdict
from runs_conformance.reporting.request_access import RequestAccess

SUITE = "runs-conformance"
FORMAT_VERSION = 2
"""The version of the format of report.json. Version 1 had no causes and kept every finding in full."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """The suite and its settings; profile and seed are None for recorded traffic.

    `filters` are the flags that excluded something; `fail_on` is the lowest level whose failures fail the session.
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
class TargetInfo:
    """The target; `base_url` contains no credentials, and is None for recorded traffic.

    `missing_capabilities` and `missing_operations` were not found on it, and not declared absent by the user.
    """

    name: str
    base_url: str | None
    dialect: str
    capabilities: tuple[str, ...] = ()
    missing_capabilities: tuple[str, ...] = ()
    missing_operations: tuple[str, ...] = ()
    access: RequestAccess | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionUsage:
    """Requests, runs, cases, tokens and seconds that the session used."""

    requests: int
    runs_started: int
    cases: int
    seconds: float
    tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Transition:
    """A status transition of runs and how often it was observed.

    `kind` is `direct`, `between_looks` (legal through statuses that were not observed) or `illegal`.
    """

    earlier: str
    later: str
    count: int
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramSummary:
    """How many of the planned programs ran to their end, and how the others ended."""

    planned: int = 0
    completed: int = 0
    early_ends: tuple[ProgramEnd, ...] = ()

    @property
    def text(self) -> str:
        """The counts in words."""
        return f"{self.completed} of {self.planned} planned programs ran to the end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The result of one session. `reason` explains the exit code in one line; `started` is in Unix seconds.

    `approach` is how the target accepts the prerequisites of programs, None for recorded traffic; `hazards` are the
    kinds of requests that it does not survive.
    `comparison` is the comparison with the user's baseline, if there is one. `causes` explain all failing verdicts,
    each of them once, and follow from the verdicts.
    """

    suite: Suite
    target: TargetInfo
    complete: bool
    outcome: Outcome
    exit_code: int
    reason: str
    usage: SessionUsage
    verdicts: tuple[Verdict, ...] = field(repr=False)
    comparison: Comparison | None = field(default=None, repr=False)
    transitions: tuple[Transition, ...] = ()
    limits: tuple[Limit, ...] = ()
    approach: Approach | None = None
    hazards: tuple[Hazard, ...] = ()
    started: float | None = None
    programs: ProgramSummary = ProgramSummary()
    causes: tuple[Cause, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        """Analyze the causes of the failures, unless they are given."""
        failing = {verdict.id for verdict in self.verdicts if verdict.outcome is Outcome.FAIL}
        if {id_ for cause in self.causes for id_ in cause.ids} != failing:
            object.__setattr__(self, "causes", analyze(self.verdicts))

    def with_outcome(self, *outcomes: Outcome) -> list[Verdict]:
        """The verdicts with one of these outcomes."""
        return [verdict for verdict in self.verdicts if verdict.outcome in outcomes]

    def failures(self, level: str) -> list[Verdict]:
        """The failed verdicts of a level."""
        return [verdict for verdict in self.with_outcome(Outcome.FAIL) if verdict.level == level]

    def unaccepted(self, level: str) -> list[Verdict]:
        """The failed verdicts of a level that the baseline does not accept."""
        accepted = self.comparison.accepted if self.comparison else ()
        return [verdict for verdict in self.failures(level) if verdict.id not in accepted]

    @property
    def failing_levels(self) -> tuple[str, ...]:
        """The levels whose failures fail the session."""
        return ("must",) if self.suite.fail_on == "must" else ("must", "should")

    def counts_as_failure(self, verdict: Verdict) -> bool:
        """Whether a verdict fails the session: neither a warning nor accepted by the baseline."""
        known = self.comparison.accepted if self.comparison is not None else ()
        return verdict.outcome is Outcome.FAIL and verdict.level in self.failing_levels and verdict.id not in known

    def tally(self, kind: str) -> Mapping[Outcome, int]:
        """The number of rules or constraints by outcome."""
        return Counter(verdict.outcome for verdict in self.verdicts if verdict.kind == kind)

    @property
    def cost_summary(self) -> str:
        """Requests, runs, tokens and seconds, in one line."""
        usage = self.usage
        counts = [plural(usage.requests, "request"), plural(usage.runs_started, "run")]
        counts += [plural(usage.tokens, "token")] if usage.tokens is not None else []
        return f"{', '.join(counts)}, {usage.seconds:.1f} s"


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
                "capabilities": list(target.missing_capabilities),
                "operations": list(target.missing_operations),
            },
        },
        "started": rfc3339(report.started),
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
            {"from": item.earlier, "to": item.later, "count": item.count, "kind": item.kind}
            for item in report.transitions
        ],
        "limits": [
            {"id": item.id, "stated": item.stated, "accepted": item.accepted, "refused": item.refused}
            for item in report.limits
        ],
        "approach": report.approach.to_json() if report.approach is not None else None,
        "not_sent_again": [hazard.to_json() for hazard in report.hazards],
        "programs": {
            "planned": report.programs.planned,
            "completed": report.programs.completed,
            "early_ends": [end.to_json() for end in report.programs.early_ends],
        },
        "causes": [cause.to_json() for cause in report.causes],
        "verdicts": [_verdict(verdict) for verdict in report.verdicts],
    }


def _baseline(comparison: Comparison) -> dict[str, Any]:
    baseline = comparison.baseline
    return {
        "file": baseline.name,
        "digest": baseline.digest,
        "counts": {status.value: len(comparison.with_status(status)) for status in EntryStatus},
        "new": list(comparison.new),
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


def rfc3339(seconds: float | None) -> str | None:
    """Format Unix seconds as RFC 3339, in UTC with milliseconds."""
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


def outcomes_by_capability(verdicts: Sequence[Verdict], order: Sequence[str]) -> dict[str, Mapping[Outcome, int]]:
    """The number of verdicts by outcome for each capability, in this order."""
    counts_by_name: dict[str, Counter[Outcome]] = {name: Counter() for name in order}
    for verdict in verdicts:
        counts_by_name.setdefault(verdict.capability, Counter())[verdict.outcome] += 1
    return {name: counts for name, counts in counts_by_name.items() if counts}
