"""What two reports differ in: outcomes, id by id, and the bounds that were found."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from runs_conformance.app.report_file import document
from runs_conformance.model.json import JSON, at, is_array, is_object
from runs_conformance.model.limit import Limit
from runs_conformance.reporting.report import Report

_LEVELS = ("must", "should", "may")


@dataclass(frozen=True, slots=True)
class Side:
    """One of two reports, as far as they are compared: outcomes by id, levels by id, and bounds by id.

    `unfinished` says how a run ended that was cut short or could not begin; it is empty for any other.
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
    def of(cls, name: str, report: Report) -> Side:
        """A report that was just made."""
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
    verdicts, limits, filters = report["verdicts"], report.get("limits"), at(report, "/suite/filters")
    every = [each for each in verdicts if is_object(each)] if is_array(verdicts) else []
    bounds = [_limit(each) for each in limits if is_object(each)] if is_array(limits) else []
    return Side(
        name,
        str(at(report, "/suite/edition")),
        {str(each.get("id")): str(each.get("outcome")) for each in every},
        {str(each.get("id")): _text(each.get("level")) or "?" for each in every},
        {bound.id: bound for bound in bounds},
        _text(at(report, "/suite/profile")) or None,
        tuple(map(str, filters)) if is_array(filters) else (),
        f"{report.get('outcome')}, exit {report.get('exit_code')}" if report.get("complete") is False else "",
    )


def _limit(value: Mapping[str, JSON]) -> Limit:
    def number(name: str) -> int | None:
        given = value.get(name)
        return int(given) if isinstance(given, (int, float)) and math.isfinite(given) else None

    return Limit(str(value.get("id")), number("stated") or 0, number("accepted"), number("refused"))


def differences(one: Side, other: Side) -> list[Difference]:
    """Every id that came out differently, what passes in one and fails in the other first."""
    found = [
        Difference(id_, other.levels.get(id_) or one.levels[id_], one.outcomes.get(id_), other.outcomes.get(id_))
        for id_ in {**one.outcomes, **other.outcomes}
        if one.outcomes.get(id_) != other.outcomes.get(id_)
    ]
    return sorted(found, key=lambda each: (not each.decided, _rank(each.level), each.id))


def _rank(level: str) -> int:
    return _LEVELS.index(level) if level in _LEVELS else len(_LEVELS)


def lines(one: Side, other: Side) -> list[str]:
    """What differs, in words: a line for each id, then the bounds, then a count."""
    found = differences(one, other)
    said = [f"A  {one.name}", f"B  {other.name}"]
    said += [*_circumstances(one, other), ""]
    width = max((len(each.id) for each in found), default=0)
    said += [f"{each.level:6}  {each.id:{width}}  A {each.one or '-':14}  B {each.other or '-'}" for each in found]
    bounds = _bounds(one, other)
    if bounds:
        said += ["", "limits", *bounds]
    decided = sum(each.decided for each in found)
    said += ["", f"{decided} pass in one and fail in the other; {len(found) - decided} differ otherwise"]
    return said if found or bounds else [*said[: said.index("") + 1], "no verdict differs"]


def _circumstances(one: Side, other: Side) -> Iterator[str]:
    """Why much may differ that says nothing about the servers."""
    if one.edition != other.edition:
        yield f"judged by different editions: {one.edition} and {other.edition}"
    if one.profile != other.profile:
        yield f"different profiles were played: {one.profile or 'none'} and {other.profile or 'none'}"
    if set(one.filters) != set(other.filters):
        mine, yours = (", ".join(side.filters) or "no filter" for side in (one, other))
        yield f"different parts were chosen: {mine} and {yours}"
    for letter, side in (("A", one), ("B", other)):
        if side.unfinished:
            yield f"{letter} did not come to its end ({side.unfinished}), so that much of it is not judged"


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


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
