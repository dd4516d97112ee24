"""Known deviations: recorded behaviour that contradicts the service's own document, and the findings it excuses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from runs_conformance.contract.dialect import UNKNOWN_FAMILY
from runs_conformance.contract.edition import in_force
from runs_conformance.contract.json_type import json_type_of
from runs_conformance.contract.schema import load_document
from runs_conformance.model.json import ABSENT, JSON, Absent, is_integer, is_object

_TIME_TOLERANCE = 5
"""By how many seconds a time may differ from a stated distance to the creation of its object."""


@dataclass(frozen=True, slots=True)
class FindingContext:
    """Where a finding was made. `parent` is the object that contains, or lacks, the member that it is about.

    `tools` are the types of the tools of the run, or of all runs in the response, `calls` those of the calls in the
    object. `recorded` says that another client than this suite sent the request.
    """

    dialect: str
    channel: str
    operation: str | None
    edition: str
    actual: object
    parent: JSON | Absent = ABSENT
    tools: frozenset[str] = frozenset()
    calls: frozenset[str] = frozenset()
    recorded: bool = False


@dataclass(frozen=True, slots=True)
class KnownDeviation:
    """One known deviation. `excuses` are globs of constraint and rule ids; an empty scope member does not restrict.

    `dialects` are names of dialects; a server whose dialect is unknown may be of any of them. The other members of the
    scope restrict it to findings whose actual value is one of `actual`, is an integer of at least `minimum`, or is a
    time that follows the `created_at` beside it by one of the numbers of seconds `after_creation`; to those in an
    object whose members have the JSON types that `beside` states; to those about a run with a tool of one of the types
    `tools`, or an object with a call of one of the types `calls`; and to `recorded` traffic, which another client than
    this suite sent.
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
    minimum: int | None = None
    after_creation: tuple[int, ...] = ()
    beside: Mapping[str, str] = field(default_factory=dict)
    tools: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    recorded: bool = False
    evidence: str = ""
    source: str = ""

    def covers(self, finding: FindingContext) -> bool:
        """Whether a finding on one of the excused ids is within the scope of this deviation."""
        return (
            (not self.dialects or finding.dialect in (*self.dialects, UNKNOWN_FAMILY))
            and (self.channel is None or self.channel == finding.channel)
            and (not self.operations or finding.operation in self.operations)
            and in_force(finding.edition, self.since, self.until)
            and self._covers_value(finding.actual)
            and (not self.after_creation or self._covers_time(finding.actual, finding.parent))
            and all(_has_member(finding.parent, name, json_type) for name, json_type in self.beside.items())
            and (not self.tools or not finding.tools.isdisjoint(self.tools))
            and (not self.calls or not finding.calls.isdisjoint(self.calls))
            and (finding.recorded or not self.recorded)
        )

    def _covers_value(self, actual: object) -> bool:
        if self.minimum is not None and not (is_integer(actual) and actual >= self.minimum):
            return False
        return self.actual is None or any(actual is value or actual == value for value in self.actual)

    def _covers_time(self, actual: object, parent: JSON | Absent) -> bool:
        created = parent.get("created_at") if is_object(parent) else None
        return (
            is_integer(actual)
            and is_integer(created)
            and any(abs(actual - created - seconds) <= _TIME_TOLERANCE for seconds in self.after_creation)
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
        minimum=scope.get("minimum"),
        after_creation=tuple(scope.get("after_creation", ())),
        beside=scope.get("beside", {}),
        tools=tuple(scope.get("tools", ())),
        calls=tuple(scope.get("calls", ())),
        recorded=scope.get("recorded", False),
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


def has_known_deviation(id_: str) -> bool:
    """Whether any known deviation excuses findings on a constraint or rule."""
    return bool(_deviations_for(id_))


def excusing_deviation(id_: str, finding: FindingContext) -> str | None:
    """The id of the first known deviation that excuses a finding on a constraint or rule, or None."""
    return next((each.id for each in _deviations_for(id_) if each.covers(finding)), None)


def _has_member(parent: JSON | Absent, name: str, json_type: str) -> bool:
    return is_object(parent) and name in parent and json_type_of(parent[name]) == json_type
