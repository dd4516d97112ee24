"""Compares two reports: outcomes by id, and measured limits."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
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
        )


@dataclass(frozen=True, slots=True)
class Difference:
    """One id with different outcomes in A and B. An outcome is None if the report does not contain the id."""

    id: str
    level: str
    in_a: str | None
    in_b: str | None

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
    )


def _limit(value: Mapping[str, JSON]) -> Limit:
    def number(name: str) -> int | None:
        member = value.get(name)
        return int(member) if isinstance(member, (int, float)) and math.isfinite(member) else None

    return Limit(str(value.get("id")), number("stated") or 0, number("accepted"), number("refused"))


def differences(a: ReportSummary, b: ReportSummary) -> list[Difference]:
    """Return all ids with different outcomes, contradictions first."""
    found = [
        Difference(id_, b.levels.get(id_) or a.levels[id_], a.outcomes.get(id_), b.outcomes.get(id_))
        for id_ in {**a.outcomes, **b.outcomes}
        if a.outcomes.get(id_) != b.outcomes.get(id_)
    ]
    return sorted(found, key=lambda each: (not each.is_contradiction, _rank(each.level), each.id))


def _rank(level: str) -> int:
    return _LEVELS.index(level) if level in _LEVELS else len(_LEVELS)


def lines(a: ReportSummary, b: ReportSummary) -> list[str]:
    """Render the comparison: a line for each id, then the limits, then a count."""
    found = differences(a, b)
    output = [f"A  {a.name}", f"B  {b.name}"]
    output += [*_caveats(a, b), ""]
    width = max((len(each.id) for each in found), default=0)
    output += [f"{each.level:6}  {each.id:{width}}  A {each.in_a or '-':14}  B {each.in_b or '-'}" for each in found]
    limit_lines = _limit_lines(a, b)
    if limit_lines:
        output += ["", "limits", *limit_lines]
    contradictions = sum(each.is_contradiction for each in found)
    verbs = "passes in one report and fails" if contradictions == 1 else "pass in one report and fail"
    rest = "differs" if len(found) - contradictions == 1 else "differ"
    output += [
        "",
        f"{contradictions} {verbs} in the other; {len(found) - contradictions} {rest} otherwise",
    ]
    return output if found or limit_lines else [*output[: output.index("") + 1], "no verdict differs"]


def _caveats(a: ReportSummary, b: ReportSummary) -> Iterator[str]:
    """Yield reasons for differences that are not due to the servers."""
    if a.edition != b.edition:
        yield f"different editions: {a.edition} and {b.edition}"
    if a.profile != b.profile:
        yield f"different profiles: {a.profile or 'none'} and {b.profile or 'none'}"
    if set(a.filters) != set(b.filters):
        in_a, in_b = (", ".join(side.filters) or "no filter" for side in (a, b))
        yield f"different filters: {in_a} and {in_b}"
    for letter, side in (("A", a), ("B", b)):
        if side.unfinished:
            yield f"{letter} is incomplete ({side.unfinished}), so part of it is not judged"


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _limit_lines(a: ReportSummary, b: ReportSummary) -> Sequence[str]:
    lines = []
    for id_ in sorted({**a.limits, **b.limits}):
        in_a, in_b = a.limits.get(id_), b.limits.get(id_)
        if in_a != in_b:
            text_a, text_b = (each.text if each else _as_documented(in_a or in_b) for each in (in_a, in_b))
            lines.append(f"{id_}: A {text_a}; B {text_b}")
    return lines


def _as_documented(limit: Limit | None) -> str:
    return f"as documented, {limit.stated:,}" if limit is not None else "as documented"
