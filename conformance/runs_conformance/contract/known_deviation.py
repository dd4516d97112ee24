"""Known deviations: recorded behaviour that contradicts the service's own document, and the findings it excuses."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from runs_conformance.contract.edition import in_force
from runs_conformance.contract.schema import load_document
from runs_conformance.model.json import ABSENT, JSON, Absent, is_object


@dataclass(frozen=True, slots=True)
class FindingContext:
    """Where a finding was made. `parent` is the object that contains, or lacks, the member that it is about."""

    dialect: str
    channel: str
    operation: str | None
    edition: str
    actual: object
    parent: JSON | Absent = ABSENT


@dataclass(frozen=True, slots=True)
class KnownDeviation:
    """One known deviation. `excuses` are globs of constraint and rule ids; an empty scope member does not restrict.

    `dialects` are names of dialects. `actual` restricts it to findings whose actual value is one of these, `beside` to
    those in an object that has an object as this member.
    """

    id: str
    title: str
    excuses: tuple[str, ...]
    dialects: tuple[str, ...] = ()
    channel: str | None = None
    operations: tuple[str, ...] = ()
    since: str | None = None
    until: str | None = None
    actual: tuple[Any, ...] | None = None
    beside: str | None = None
    evidence: str = ""
    source: str = ""

    def covers(self, finding: FindingContext) -> bool:
        """Whether a finding on one of the excused ids is within the scope of this deviation."""
        return (
            (not self.dialects or finding.dialect in self.dialects)
            and (self.channel is None or self.channel == finding.channel)
            and (not self.operations or finding.operation in self.operations)
            and in_force(finding.edition, self.since, self.until)
            and (
                self.actual is None or any(finding.actual is value or finding.actual == value for value in self.actual)
            )
            and (self.beside is None or _has_object(finding.parent, self.beside))
        )


@cache
def known_deviations() -> tuple[KnownDeviation, ...]:
    """All known deviations, in the order of `departures.json`."""
    return tuple(_read(entry) for entry in load_document("departures")["departures"])


def _read(entry: dict[str, Any]) -> KnownDeviation:
    scope = entry.get("scope", {})
    return KnownDeviation(
        id=entry["id"],
        title=entry["title"],
        excuses=tuple(entry["excuses"]),
        dialects=tuple(scope.get("dialects", ())),
        channel=scope.get("channel"),
        operations=tuple(scope.get("operations", ())),
        since=scope.get("since"),
        until=scope.get("until"),
        actual=tuple(scope["actual"]) if "actual" in scope else None,
        beside=scope.get("beside"),
        evidence=entry.get("evidence", ""),
        source=entry.get("source", ""),
    )


@cache
def _glob_pattern(glob: str) -> re.Pattern[str]:
    return re.compile("".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in glob) + r"\Z")


def glob_matches(glob: str, id_: str) -> bool:
    """Whether an id matches a glob of `*` and `?`. Brackets are literal, because ids contain `[]`."""
    return _glob_pattern(glob).match(id_) is not None


@cache
def _deviations_for(id_: str) -> tuple[KnownDeviation, ...]:
    """The known deviations that may excuse an id. Cached, because a broken server yields thousands of findings."""
    return tuple(each for each in known_deviations() if any(glob_matches(pattern, id_) for pattern in each.excuses))


def excusing_deviation(id_: str, finding: FindingContext) -> str | None:
    """The id of the first known deviation that excuses a finding on a constraint or rule, or None."""
    return next((each.id for each in _deviations_for(id_) if each.covers(finding)), None)


def _has_object(parent: JSON | Absent, name: str) -> bool:
    return is_object(parent) and is_object(parent.get(name))
