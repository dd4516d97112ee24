"""The report of a test run: suite, target, conclusion, and one verdict per rule and constraint."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from runs_conformance import __version__
from runs_conformance.baseline import BaselineComparison
from runs_conformance.causes import Cause, EditionFit, analyze
from runs_conformance.model.hazard import Hazard
from runs_conformance.model.json import JSON
from runs_conformance.model.limit import Limit
from runs_conformance.model.plural import plural
from runs_conformance.model.program_end import ProgramEnd
from runs_conformance.model.request_forms import RequestForms
from runs_conformance.model.verdict import Outcome, Verdict
from runs_conformance.reporting.request_access import RequestAccess

SUITE = "runs-conformance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """The suite and its settings; profile and seed are None for recorded traffic.

    `filters` are the flags that excluded something; `fail_on` is the lowest level whose failures fail the test run.
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

    `capabilities_not_offered` and `operations_not_offered` were not found on it, and not declared absent by the user.
    Requests of `shadowed_operations` seem to be taken by the route of another operation.
    """

    name: str
    base_url: str | None
    dialect: str
    capabilities: tuple[str, ...] = ()
    capabilities_not_offered: tuple[str, ...] = ()
    operations_not_offered: tuple[str, ...] = ()
    shadowed_operations: tuple[str, ...] = ()
    access: RequestAccess | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceUsage:
    """Requests, runs, cases, tokens and seconds that the test run used, and how a rate limit slowed it."""

    requests: int
    runs_started: int
    cases: int
    seconds: float
    tokens: int | None = None
    rate_limited: int = 0
    rate_limit_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Transition:
    """A status transition of runs and how often it was observed.

    `kind` is `direct`, `between_looks` (allowed through statuses that were not observed) or `illegal`.
    """

    earlier: str
    later: str
    count: int
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramSummary:
    """How many of the planned programs ran to their end, and how the others ended.

    `decided` holds the ids that each program decided, for the comparison with an earlier test run.
    """

    planned: int = 0
    completed: int = 0
    early_ends: tuple[ProgramEnd, ...] = ()
    decided: Mapping[str, frozenset[str]] = field(default_factory=dict, repr=False)

    def did_decide(self, program: str, id_: str) -> bool:
        """Whether a program decided an id and did not end early."""
        return id_ in self.decided.get(program, ()) and all(end.program != program for end in self.early_ends)

    @property
    def text(self) -> str:
        """The counts in words."""
        return f"{self.completed} of {self.planned} planned programs ran to the end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """The failing requirements that did not fail in the last test run, those fixed since, and those still failing.

    `since` is when the last test run started, in RFC 3339. Failures that are `not_seen_again` did not occur, but the
    program that showed them did not decide the requirement this time, or nothing did.
    """

    since: str
    new: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    still: tuple[str, ...] = ()
    not_seen_again: tuple[str, ...] = ()

    def to_json(self) -> dict[str, JSON]:
        """The changes as JSON."""
        return {
            "since": self.since,
            "new": list(self.new),
            "fixed": list(self.fixed),
            "still": list(self.still),
            "not_seen_again": list(self.not_seen_again),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The result of one test run. `reason` explains the exit code in one line; `started` is in Unix seconds.

    `request_forms` are those in which the target accepts the prerequisites of programs, None for recorded traffic;
    `hazards` are the kinds of requests that it does not survive. `lost_requests` are those of them, and the one at
    which it terminated, as counterexamples by exchange. `early_end_reason` says why the test run ended early.
    `comparison` is the comparison with the user's baseline, if there is one. `causes` explain all failing verdicts,
    each of them once, and follow from the verdicts. `edition_fit` is another edition by which fewer requirements fail,
    if one explains a tenth of the failures. `changes` are those since the last test run in the same folder. `seconds`
    is how long the programs ran that decided each id, shared among the ids that a program decided.
    """

    suite: Suite
    target: TargetInfo
    complete: bool
    outcome: Outcome
    exit_code: int
    reason: str
    usage: ResourceUsage
    verdicts: tuple[Verdict, ...] = field(repr=False)
    comparison: BaselineComparison | None = field(default=None, repr=False)
    transitions: tuple[Transition, ...] = ()
    limits: tuple[Limit, ...] = ()
    request_forms: RequestForms | None = None
    hazards: tuple[Hazard, ...] = ()
    early_end_reason: str | None = None
    lost_requests: Mapping[str, JSON] = field(default_factory=dict, repr=False)
    started: float | None = None
    programs: ProgramSummary = ProgramSummary()
    causes: tuple[Cause, ...] = field(default=(), repr=False)
    edition_fit: EditionFit | None = None
    changes: Changes | None = field(default=None, repr=False)
    seconds: Mapping[str, float] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Analyze the causes of the failures, unless they are given."""
        failing = {verdict.id for verdict in self.verdicts if verdict.outcome is Outcome.FAIL}
        if {id_ for cause in self.causes for id_ in cause.ids} != failing:
            object.__setattr__(self, "causes", analyze(self.verdicts, self.target.operations_not_offered))

    def with_outcome(self, *outcomes: Outcome) -> list[Verdict]:
        """The verdicts with one of these outcomes."""
        return [verdict for verdict in self.verdicts if verdict.outcome in outcomes]

    def failures(self, level: str) -> list[Verdict]:
        """The failed verdicts of a level."""
        return [verdict for verdict in self.with_outcome(Outcome.FAIL) if verdict.level == level]

    @property
    def failing_levels(self) -> tuple[str, ...]:
        """The levels whose failures fail the test run."""
        return ("must",) if self.suite.fail_on == "must" else ("must", "should")

    def counts_as_failure(self, verdict: Verdict) -> bool:
        """Whether a verdict fails the test run: neither a warning nor accepted by the baseline."""
        known = self.comparison.accepted_ids if self.comparison is not None else ()
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


def rfc3339(seconds: float | None) -> str | None:
    """Format Unix seconds as RFC 3339, in UTC with milliseconds."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def outcomes_by_capability(verdicts: Sequence[Verdict], order: Sequence[str]) -> dict[str, Mapping[Outcome, int]]:
    """The number of verdicts by outcome for each capability, in this order."""
    counts_by_name: dict[str, Counter[Outcome]] = {name: Counter() for name in order}
    for verdict in verdicts:
        counts_by_name.setdefault(verdict.capability, Counter())[verdict.outcome] += 1
    return {name: counts for name, counts in counts_by_name.items() if counts}
