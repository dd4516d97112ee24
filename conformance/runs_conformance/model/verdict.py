"""What was found: findings, tallies that fold, and verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from runs_conformance.model.json import ABSENT, JSON, Absent


class Outcome(StrEnum):
    """How one rule or constraint came out. Nothing judged is never a pass."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    NOT_APPLICABLE = "not_applicable"
    NOT_JUDGED = "not_judged"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where the evidence breaks a rule.

    `exchange` is the id of the exchange it shows in and `pointer` the JSON Pointer into that answer (or, for a
    request constraint, into the request body). `case` is the id of the step that was sent. `departure` names the
    recorded departure that excuses it, if one does; an excused finding is no failure.
    """

    message: str
    exchange: str = ""
    operation: str | None = None
    pointer: str = ""
    expected: JSON | Absent = ABSENT
    actual: JSON | Absent = ABSENT
    case: str | None = None
    departure: str | None = None


@dataclass(frozen=True, slots=True)
class Passed:
    """One unit was judged and holds."""


@dataclass(frozen=True, slots=True)
class Inconclusive:
    """One unit was tried, and the evidence does not decide; `reason` says why, in words a user understands."""

    reason: str


Result = Finding | Passed | Inconclusive
PASSED = Passed()


def _empty_counter() -> Counter[str]:
    # A run makes a tally for each id and program, and most of what making a Counter costs is its __init__.
    return Counter.__new__(Counter)


@dataclass(slots=True)
class Tally:
    """What is known of one rule or constraint so far; tallies of single programs fold by `merge`, in any order.

    `judged` counts units judged (held or found against). `excused` counts findings that a departure excuses, by
    departure id.
    """

    judged: int = 0
    findings: list[Finding] = field(default_factory=list)
    inconclusive: Counter[str] = field(default_factory=_empty_counter)
    excused: Counter[str] = field(default_factory=_empty_counter)
    errors: list[str] = field(default_factory=list)

    def add(self, result: Result) -> None:
        """Count one result."""
        if isinstance(result, Inconclusive):
            self.inconclusive[result.reason] += 1
            return
        self.judged += 1
        if isinstance(result, Finding):
            if result.departure:
                self.excused[result.departure] += 1
            else:
                self.findings.append(result)

    def merge(self, other: Tally) -> Tally:
        """This tally with the other's counts added; neither is changed."""
        return Tally(
            self.judged + other.judged,
            [*self.findings, *other.findings],
            _sum(self.inconclusive, other.inconclusive),
            _sum(self.excused, other.excused),
            [*self.errors, *other.errors],
        )

    @property
    def outcome(self) -> Outcome:
        """The outcome this tally stands for; `not_judged` where nothing was tried."""
        if self.errors:
            return Outcome.ERROR
        if self.findings:
            return Outcome.FAIL
        if self.judged:
            return Outcome.PASS
        return Outcome.INCONCLUSIVE if self.inconclusive else Outcome.NOT_JUDGED


def _sum(left: Counter[str], right: Counter[str]) -> Counter[str]:
    if left and right:
        return left + right
    return Counter(left or right) if left or right else _empty_counter()


Tallies = Mapping[str, Tally]


def merge_tallies(many: Iterable[Tallies]) -> dict[str, Tally]:
    """The tallies of several programs as one: associative and, but for the order of findings, commutative."""
    folded: dict[str, Tally] = {}
    for tallies in many:
        for id_, tally in tallies.items():
            folded[id_] = folded[id_].merge(tally) if id_ in folded else tally
    return folded


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one rule or constraint came out over a whole run, with all that a report says of it."""

    id: str
    kind: str  # "constraint" or "rule"
    level: str
    capability: str
    operation: str | None
    outcome: Outcome
    judged: int
    statement: str
    source: str
    explanation: str = ""
    reason: str | None = None
    needs: str | None = None
    findings: tuple[Finding, ...] = ()
    counterexample: JSON = None
