"""Groups the differences of two reports: by the cause of a failure, the others by capability and outcomes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from runs_conformance.app.diff_summary import Difference, ReportSummary
from runs_conformance.model.json import JSON

MAX_NAMES = 3
"""Ids and operations named in one line; the rest are counted."""


class GroupKind(StrEnum):
    """The kinds of groups, the most urgent first."""

    CONTRADICTION = "contradiction"
    FAILURE = "failure"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceGroup:
    """Differences that belong together.

    `failing` is the letter of the report in which they fail, empty for those that fail in neither; `title` is then the
    cause of the failures, else the capability. `outcomes` are those in the other report, or in both.
    """

    kind: GroupKind
    title: str
    outcomes: str
    failing: str
    differences: Sequence[Difference]

    @property
    def ids(self) -> list[str]:
        """The ids in the order of their levels."""
        return [each.id for each in self.differences]

    @property
    def levels(self) -> str:
        """The number of differences by level, in words."""
        counts = Counter(each.level for each in self.differences)
        return ", ".join(f"{count} {level}" for level, count in counts.items())

    @property
    def operations(self) -> list[str]:
        """The operations that the requirements are about, the most frequent first, each with its number."""
        counts = Counter(each.operation for each in self.differences if each.operation)
        return [f"{name} {count}" if len(counts) > 1 else name for name, count in counts.most_common()]

    def to_json(self) -> dict[str, JSON]:
        """The group as JSON."""
        return {
            "kind": self.kind.value,
            "title": self.title,
            "failing": self.failing or None,
            "outcomes": self.outcomes,
            "operations": list(dict.fromkeys(each.operation for each in self.differences if each.operation)),
            "differences": [
                {"id": each.id, "level": each.level, "capability": each.capability, "a": each.in_a, "b": each.in_b}
                for each in self.differences
            ],
        }


def group_differences(
    a: ReportSummary, b: ReportSummary, differences_found: Sequence[Difference]
) -> list[DifferenceGroup]:
    """Group differences: contradictions first, then other failures, then the rest, in each the most urgent first."""
    sides = {"A": a, "B": b}
    grouped: dict[tuple[GroupKind, str, str, str], list[Difference]] = {}
    for each in differences_found:
        grouped.setdefault(_key(each, sides), []).append(each)
    groups = [
        DifferenceGroup(kind=kind, failing=failing, title=title, outcomes=outcomes, differences=members)
        for (kind, failing, title, outcomes), members in grouped.items()
    ]
    kinds = list(GroupKind)

    def urgency(group: DifferenceGroup) -> tuple[int, str, int, int]:
        order = sides[group.failing].cause_order if group.failing else ()
        rank = order.index(group.title) if group.title in order else len(order)
        return kinds.index(group.kind), group.failing, rank, -len(group.differences)

    return sorted(groups, key=urgency)


def _key(difference: Difference, sides: Mapping[str, ReportSummary]) -> tuple[GroupKind, str, str, str]:
    failing = "A" if difference.in_a == "fail" else "B" if difference.in_b == "fail" else ""
    if not failing:
        return (
            GroupKind.OTHER,
            "",
            difference.capability,
            f"{_phrase(difference.in_a)} in A, {_phrase(difference.in_b)} in B",
        )
    other = "B" if failing == "A" else "A"
    title = sides[failing].causes.get(difference.id) or difference.capability
    outcome = difference.in_b if failing == "A" else difference.in_a
    kind = GroupKind.CONTRADICTION if difference.is_contradiction else GroupKind.FAILURE
    return kind, failing, title, f"{_phrase(outcome)} in {other}"


def _phrase(outcome: str | None) -> str:
    return "absent" if outcome is None else outcome.replace("_", " ")


def group_lines(groups: Sequence[DifferenceGroup]) -> Iterator[str]:
    """Render groups as text, under a heading for each pair of outcomes."""
    heading = ""
    for group in groups:
        text = f"fail in {group.failing}, {group.outcomes}" if group.failing else "differ otherwise"
        if text != heading:
            yield from ("", text) if heading else (text,)
            heading = text
        names = f" ({_few(group.operations)})" if group.operations else ""
        title = group.title if group.failing else f"{group.title}: {group.outcomes}"
        yield f"  {len(group.differences):4}  {title}{names}; {group.levels}"
        if group.failing:
            yield f"        {_few(group.ids)}"


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return ", ".join(names[:MAX_NAMES]) + more
