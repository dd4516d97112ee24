"""The part of a report that is compared with another report, and the differences of two."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from runs_conformance.app.report_file import read_report
from runs_conformance.model.json import JSON, at, is_array, is_object
from runs_conformance.model.limit import Limit
from runs_conformance.reporting.report import Report

_LEVELS = ("must", "should", "may")


@dataclass(frozen=True, slots=True)
class ReportSummary:
    """The part of a report that is compared: outcomes, levels and measured limits by id.

    `unfinished` says how an incomplete test run ended; it is empty for a complete one.
    """

    name: str
    edition: str
    outcomes: Mapping[str, str] = field(repr=False)
    levels: Mapping[str, str] = field(repr=False)
    limits: Mapping[str, Limit] = field(repr=False)
    profile: str | None = None
    filters: tuple[str, ...] = ()
    unfinished: str = ""
    capabilities: Mapping[str, str] = field(default_factory=dict, repr=False)
    operations: Mapping[str, str] = field(default_factory=dict, repr=False)
    causes: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The title of the cause of each failure."""

    @property
    def cause_order(self) -> tuple[str, ...]:
        """The titles of all causes, the most urgent first."""
        return tuple(dict.fromkeys(self.causes.values()))

    @classmethod
    def from_report(cls, name: str, report: Report) -> ReportSummary:
        """Summarize a report that is still in memory."""
        return cls(
            name,
            report.suite.edition,
            {verdict.id: verdict.outcome.value for verdict in report.verdicts},
            {verdict.id: verdict.level for verdict in report.verdicts},
            {limit.id: limit for limit in report.limits},
            report.suite.profile,
            report.suite.filters,
            "" if report.complete else f"{report.outcome.value}, exit {report.exit_code}",
            {verdict.id: verdict.capability for verdict in report.verdicts},
            {verdict.id: verdict.operation for verdict in report.verdicts if verdict.operation},
            {id_: cause.title for cause in report.causes for id_ in cause.ids},
        )


@dataclass(frozen=True, slots=True)
class Difference:
    """One id with different outcomes in A and B. An outcome is None if the report does not contain the id."""

    id: str
    level: str
    in_a: str | None
    in_b: str | None
    capability: str = ""
    operation: str = ""

    @property
    def is_contradiction(self) -> bool:
        """Whether the id passes in one report and fails in the other."""
        return {self.in_a, self.in_b} == {"pass", "fail"}


def load_summary(path: Path) -> ReportSummary:
    """Read a report.json, a history.jsonl or the folder of one. Raises UsageError for anything else."""
    file, report = read_report(path)
    return _summarize(str(file), report)


def _summarize(name: str, report: Mapping[str, JSON]) -> ReportSummary:
    verdicts, limits, filters = report["verdicts"], report.get("limits"), at(report, "/suite/filters")
    parsed = [each for each in verdicts if is_object(each)] if is_array(verdicts) else []
    measured = [_limit(each) for each in limits if is_object(each)] if is_array(limits) else []
    return ReportSummary(
        name,
        str(at(report, "/suite/edition")),
        {str(each.get("id")): str(each.get("outcome")) for each in parsed},
        {str(each.get("id")): _text(each.get("level")) or "?" for each in parsed},
        {limit.id: limit for limit in measured},
        _text(at(report, "/suite/profile")) or None,
        tuple(map(str, filters)) if is_array(filters) else (),
        f"{report.get('outcome')}, exit {report.get('exit_code')}" if report.get("complete") is False else "",
        {str(each.get("id")): _text(each.get("capability")) for each in parsed},
        {str(each.get("id")): _text(each.get("operation")) for each in parsed if each.get("operation")},
        dict(_cause_titles(report.get("causes"))),
    )


def _cause_titles(causes: JSON) -> Iterator[tuple[str, str]]:
    for cause in causes if is_array(causes) else ():
        ids = at(cause, "/ids")
        if is_object(cause) and is_array(ids):
            yield from ((str(id_), _text(cause.get("title"))) for id_ in ids)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _limit(value: Mapping[str, JSON]) -> Limit:
    def number(name: str) -> int | None:
        member = value.get(name)
        return int(member) if isinstance(member, (int, float)) and math.isfinite(member) else None

    return Limit(str(value.get("id")), number("stated") or 0, number("accepted"), number("refused"))


def differences(a: ReportSummary, b: ReportSummary) -> list[Difference]:
    """All ids with different outcomes, contradictions first."""
    found = [
        Difference(
            id_,
            b.levels.get(id_) or a.levels[id_],
            a.outcomes.get(id_),
            b.outcomes.get(id_),
            b.capabilities.get(id_) or a.capabilities.get(id_) or "",
            b.operations.get(id_) or a.operations.get(id_) or "",
        )
        for id_ in {**a.outcomes, **b.outcomes}
        if a.outcomes.get(id_) != b.outcomes.get(id_)
    ]
    return sorted(found, key=lambda each: (not each.is_contradiction, _rank(each.level), each.id))


def _rank(level: str) -> int:
    return _LEVELS.index(level) if level in _LEVELS else len(_LEVELS)
