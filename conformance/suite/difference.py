"""What two reports differ in: outcomes, id by id, and the bounds that were found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from conformance.model.json import JSON, at, is_array, is_object
from conformance.model.limit import Limit
from conformance.reporting.report import Report
from conformance.suite.saved import document


@dataclass(frozen=True, slots=True)
class Side:
    """One of two reports, as far as they are compared: outcomes by id, levels by id, and bounds by id."""

    name: str
    edition: str
    outcomes: Mapping[str, str] = field(repr=False)
    levels: Mapping[str, str] = field(repr=False)
    limits: Mapping[str, Limit] = field(repr=False)

    @classmethod
    def of(cls, name: str, report: Report) -> Side:
        """A report that was just made."""
        return cls(
            name,
            report.suite.edition,
            {verdict.id: verdict.outcome.value for verdict in report.verdicts},
            {verdict.id: verdict.level for verdict in report.verdicts},
            {limit.id: limit for limit in report.limits},
        )


@dataclass(frozen=True, slots=True)
class Difference:
    """One id that came out differently; an outcome is None where that report does not have the id."""

    id: str
    level: str
    one: str | None
    other: str | None

    @property
    def decided(self) -> bool:
        """Whether both are known: one passes and the other fails."""
        return {self.one, self.other} == {"pass", "fail"}


def saved(path: Path) -> Side:
    """A report.json, a history.jsonl, or a folder that holds one. Raises UsageError where it is neither."""
    found, report = document(path)
    return _read(str(found), report)


def _read(name: str, report: Mapping[str, JSON]) -> Side:
    verdicts, limits = report["verdicts"], report.get("limits")
    every = [each for each in verdicts if is_object(each)] if is_array(verdicts) else []
    bounds = [_limit(each) for each in limits if is_object(each)] if is_array(limits) else []
    return Side(
        name,
        str(at(report, "/suite/edition")),
        {str(each.get("id")): str(each.get("outcome")) for each in every},
        {str(each.get("id")): str(each.get("level")) for each in every},
        {bound.id: bound for bound in bounds},
    )


def _limit(value: Mapping[str, JSON]) -> Limit:
    def number(name: str) -> int | None:
        given = value.get(name)
        return int(given) if isinstance(given, (int, float)) else None

    return Limit(str(value.get("id")), number("stated") or 0, number("accepted"), number("refused"))


def differences(one: Side, other: Side) -> list[Difference]:
    """Every id that came out differently, what passes in one and fails in the other first."""
    found = [
        Difference(id_, other.levels.get(id_) or one.levels[id_], one.outcomes.get(id_), other.outcomes.get(id_))
        for id_ in {**one.outcomes, **other.outcomes}
        if one.outcomes.get(id_) != other.outcomes.get(id_)
    ]
    ranks = ("must", "should", "may")
    return sorted(found, key=lambda each: (not each.decided, ranks.index(each.level), each.id))


def lines(one: Side, other: Side) -> list[str]:
    """What differs, in words: a line for each id, then the bounds, then a count."""
    found = differences(one, other)
    said = [f"A  {one.name}", f"B  {other.name}"]
    if one.edition != other.edition:
        said.append(f"judged by different editions: {one.edition} and {other.edition}")
    said.append("")
    width = max((len(each.id) for each in found), default=0)
    said += [f"{each.level:6}  {each.id:{width}}  A {each.one or '-':14}  B {each.other or '-'}" for each in found]
    bounds = _bounds(one, other)
    if bounds:
        said += ["", "limits", *bounds]
    decided = sum(each.decided for each in found)
    said += ["", f"{decided} pass in one and fail in the other; {len(found) - decided} differ otherwise"]
    return said if found or bounds else [*said[: said.index("") + 1], "no verdict differs"]


def _bounds(one: Side, other: Side) -> Sequence[str]:
    told = []
    for id_ in sorted({**one.limits, **other.limits}):
        mine, yours = one.limits.get(id_), other.limits.get(id_)
        if mine != yours:
            told.append(
                f"{id_}: A {mine.text if mine else _as_stated(yours)}; B {yours.text if yours else _as_stated(mine)}"
            )
    return told


def _as_stated(limit: Limit | None) -> str:
    return f"as stated, {limit.stated:,}" if limit is not None else "as stated"
