"""Findings, tallies and verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from runs_conformance.model.json import ABSENT, JSON, Absent

FILTERED_OUT = "filtered out by --select or --exclude"
"""The reason of verdicts on requirements that the user did not select."""


class Outcome(StrEnum):
    """The outcome of one rule or constraint. One that judged nothing never passes."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    NOT_APPLICABLE = "not_applicable"
    NOT_JUDGED = "not_judged"
    ERROR = "error"


class Nature(StrEnum):
    """The kind of a finding that a target may show by chance, because of its state or of other requests."""

    VALID_REQUEST_REFUSED = "valid request refused"
    SERVER_ERROR = "server error on every attempt"


@dataclass(frozen=True, slots=True)
class Finding:
    """One violation of a rule or constraint.

    `exchange` is the id of the exchange that shows it. `pointer` is a JSON Pointer into the response, or for a request
    constraint into the request body. `case` is the id of the step that was sent. `known_deviation` names the one
    that excuses the finding, if any; an excused finding is not a failure. `named_ids` are the ids in the message, each
    with the kind of its object. `shown_by` is an operation that shows the value, if only an item of a list lacks it.
    `part` is the part of the evidence that a pass of another rule, which relies on this one, has by chance; empty for
    all parts. `nature` is None unless the finding has to be confirmed because of it.
    """

    message: str
    exchange: str = ""
    operation: str | None = None
    pointer: str = ""
    expected: JSON | Absent = ABSENT
    actual: JSON | Absent = ABSENT
    case: str | None = None
    known_deviation: str | None = None
    named_ids: tuple[tuple[str, str], ...] = ()
    shown_by: str = ""
    part: str = ""
    nature: Nature | None = None


@dataclass(frozen=True, slots=True)
class Passed:
    """One unit satisfies the rule. `part` names the part of the evidence it provides, if a pass needs several parts."""

    part: str = ""


@dataclass(frozen=True, slots=True)
class Inconclusive:
    """The evidence on one unit does not suffice for a verdict; `reason` explains why to the user."""

    reason: str


@dataclass(frozen=True, slots=True)
class Suspicion(Inconclusive):
    """The unit looks like a violation, but may have another explanation. Until it is resolved, there is no pass."""


NO_VALID_VALUE = "no request with a valid value at this place was accepted"
NO_OTHER_VALUE = "no other value at this place was accepted either"
REFUSED_PLACE_REASONS = frozenset({NO_VALID_VALUE, f"{NO_VALID_VALUE} either", NO_OTHER_VALUE})
"""The reasons of request constraints at places where the target accepts no valid value."""

Result = Finding | Passed | Inconclusive
PASSED = Passed()


def with_part(result: Result, part: str) -> Result:
    """The result of a check, which provides this part of the evidence if it is a pass."""
    return Passed(part) if result is PASSED else result


VALID_ACCEPTED, INVALID_REFUSED = "valid value accepted", "invalid value refused"
"""The two parts of the evidence on a request constraint. Only the second decides. It implies the first: the refusal of
an invalid value counts only in a program in which a valid value was accepted at the same place.
"""


def _empty_counter() -> Counter[str]:
    # A test run creates a tally for each id and program, and `Counter.__init__` dominates the cost.
    return Counter.__new__(Counter)


@dataclass(slots=True)
class Tally:
    """The results of one rule or constraint so far. Tallies of single programs can be merged in any order.

    `judged` counts passed results and findings. `inconclusive` counts by reason, `excused` by the id of the known
    deviation. `errors` are internal errors of the suite. `parts` counts passed results by the part of the evidence.
    `suspicions` counts those inconclusive results that prevent a pass.
    """

    judged: int = 0
    findings: list[Finding] = field(default_factory=list)
    inconclusive: Counter[str] = field(default_factory=_empty_counter)
    excused: Counter[str] = field(default_factory=_empty_counter)
    errors: list[str] = field(default_factory=list)
    parts: Counter[str] = field(default_factory=_empty_counter)
    suspicions: Counter[str] = field(default_factory=_empty_counter)

    def add(self, result: Result) -> None:
        """Count one result."""
        if isinstance(result, Inconclusive):
            self.inconclusive[result.reason] += 1
            if isinstance(result, Suspicion):
                self.suspicions[result.reason] += 1
            return
        self.judged += 1
        if isinstance(result, Passed):
            if result.part:
                self.parts[result.part] += 1
        elif result.known_deviation:
            self.excused[result.known_deviation] += 1
        else:
            self.findings.append(result)

    def merge(self, other: Tally) -> Tally:
        """The sum of two tallies; neither is modified."""
        return Tally(
            self.judged + other.judged,
            [*self.findings, *other.findings],
            _sum(self.inconclusive, other.inconclusive),
            _sum(self.excused, other.excused),
            [*self.errors, *other.errors],
            _sum(self.parts, other.parts),
            _sum(self.suspicions, other.suspicions),
        )

    @property
    def is_decided(self) -> bool:
        """Whether these results alone are a verdict: a finding, or a pass with all parts of its evidence."""
        if self.findings:
            return True
        return self.judged > 0 and (not self.parts[VALID_ACCEPTED] or self.parts[INVALID_REFUSED] > 0)

    @property
    def outcome(self) -> Outcome:
        """The outcome of these results; `NOT_JUDGED` if there are none."""
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


def merge_tallies(several: Iterable[Tallies]) -> dict[str, Tally]:
    """Merge the tallies of several programs. Associative and, except for the order of findings, commutative."""
    merged: dict[str, Tally] = {}
    for tallies in several:
        for id_, tally in tallies.items():
            merged[id_] = merged[id_].merge(tally) if id_ in merged else tally
    return merged


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict on one rule or constraint over a whole test run, as the report shows it."""

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
