"""Assigns failures to causes: a failure that belongs to one cause is not considered for the next."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from runs_conformance.causes.cause import LEVELS, Cause, Severity
from runs_conformance.causes.failure import Failure, in_query, operations_of
from runs_conformance.model.verdict import FILTERED_OUT, Outcome, Verdict

MAX_CAUSES = 15
"""With more causes, the least urgent of the same severity are joined, as far as they fail no MUST."""
_MAX_TITLES = 3


@dataclass(slots=True)
class CauseDraft:
    """A cause under construction: its position among the others is not known yet."""

    kind: str
    title: str
    severity: Severity
    fix: str
    members: list[Failure]
    consequences: list[Failure] = field(default_factory=list)
    typical: Callable[[Failure], bool] = lambda failure: True
    """Whether a member shows the cause itself and not what follows from it; preferred as the reproduction."""
    operations: tuple[str, ...] = ()
    """The operations that the cause affects; empty if they are those of all findings."""

    def finish(self, position: dict[str, int]) -> Cause:
        """The cause; its ids are in the order of the report."""
        failures = sorted([*self.members, *self.consequences], key=lambda failure: position[failure.id])
        members = _simplest(self.members or failures)
        typical = [failure for failure in members if self.typical(failure)] or members
        shown = [failure for failure in typical if failure.is_shown] or typical
        return Cause(
            kind=self.kind,
            title=self.title,
            severity=self.severity,
            level=min((failure.verdict.level for failure in failures), key=LEVELS.index),
            fix=self.fix,
            ids=tuple(failure.id for failure in failures),
            operations=self.operations or tuple(operations_of(self.members or failures)),
            consequences=tuple(
                failure.id for failure in sorted(self.consequences, key=lambda failure: position[failure.id])
            ),
            reproduction=min(shown, key=lambda failure: (failure.replay_rank, failure.size)).id,
        )


def _is_about_body(verdict: Verdict) -> bool:
    return verdict.kind == "constraint" and verdict.operation is not None and not in_query(verdict)


def _simplest(failures: Sequence[Failure]) -> Sequence[Failure]:
    """The failures of the highest level among these."""
    highest = min(LEVELS.index(failure.verdict.level) for failure in failures)
    return [failure for failure in failures if LEVELS.index(failure.verdict.level) == highest]


class FailureClassifier:
    """The verdicts of a test run, and the failures that no cause explains yet."""

    def __init__(self, verdicts: Sequence[Verdict], operations_not_offered: Collection[str] = ()) -> None:
        """Start with all failures unexplained."""
        self.verdicts = verdicts
        self.operations_not_offered = operations_not_offered
        self.position = {verdict.id: number for number, verdict in enumerate(verdicts)}
        self.failing = [Failure(verdict) for verdict in verdicts if verdict.outcome is Outcome.FAIL]
        self.passing = [verdict for verdict in verdicts if verdict.outcome is Outcome.PASS]
        self.rest = list(self.failing)
        self.drafts: list[CauseDraft] = []

    @property
    def refused_bodies(self) -> list[Verdict]:
        """The passing constraints on bodies: invalid values were refused."""
        return [verdict for verdict in self.passing if _is_about_body(verdict)]

    @cached_property
    def lacks_body_constraints(self) -> bool:
        """Whether constraints on bodies were left out by the selection, so that shares of failing ones say nothing."""
        return any(_is_about_body(verdict) and verdict.reason == FILTERED_OUT for verdict in self.verdicts)

    def take(self, wanted: Callable[[Failure], bool]) -> list[Failure]:
        """Take the unexplained failures that satisfy a predicate."""
        taken = [failure for failure in self.rest if wanted(failure)]
        self.mark_explained(taken)
        return taken

    def mark_explained(self, taken: Iterable[Failure]) -> None:
        """Count these failures as explained."""
        ids = {failure.id for failure in taken}
        self.rest = [failure for failure in self.rest if failure.id not in ids]

    def add(
        self,
        kind: str,
        title: str,
        severity: Severity,
        fix: str,
        members: Sequence[Failure],
        consequences: Sequence[Failure] = (),
        typical: Callable[[Failure], bool] = lambda failure: True,
    ) -> CauseDraft | None:
        """Record a cause of these failures, which `take` must have returned; None if there are none."""
        if not members and not consequences:
            return None
        draft = CauseDraft(kind, title, severity, fix, list(members), list(consequences), typical)
        self.drafts.append(draft)
        return draft

    def find(self, kind: str) -> CauseDraft | None:
        """The cause of a kind, if it has been recorded."""
        return next((draft for draft in self.drafts if draft.kind == kind), None)

    def replace(self, drafts: Sequence[CauseDraft], joined: CauseDraft) -> None:
        """Record one cause instead of several."""
        self.drafts = [draft for draft in self.drafts if draft not in drafts] + [joined]

    def finish(self) -> tuple[Cause, ...]:
        """All causes: those that fail a MUST first, each level in the order of urgency, then the largest first."""
        causes = sorted((draft.finish(self.position) for draft in self.drafts), key=_urgency)
        bundles = [[cause] for cause in causes]
        while len(bundles) > MAX_CAUSES and (pair := _least_urgent_pair(bundles)) is not None:
            bundles[pair[0]] += bundles.pop(pair[1])
        return tuple(sorted(map(self._join, bundles), key=_urgency))

    def _join(self, causes: Sequence[Cause]) -> Cause:
        """One cause instead of several small ones, which it names; the most urgent of them comes first."""
        if len(causes) == 1:
            return causes[0]
        causes = sorted(causes, key=_urgency)
        repeated = {id_ for cause in causes for id_ in cause.consequences}
        titles = [cause.title for cause in causes[:_MAX_TITLES]]
        titles += [f"{more} more" for more in [len(causes) - _MAX_TITLES] if more > 0]
        failures = [failure for failure in self.failing if any(failure.id in cause.ids for cause in causes)]
        draft = CauseDraft(
            f"minor.{causes[0].severity}",
            f"{len(causes)} smaller causes: {'; '.join(titles)}",
            causes[0].severity,
            " ".join(cause.fix for cause in causes),
            [failure for failure in failures if failure.id not in repeated],
            [failure for failure in failures if failure.id in repeated],
        )
        return draft.finish(self.position)


def _least_urgent_pair(bundles: Sequence[Sequence[Cause]]) -> tuple[int, int] | None:
    """The positions of the last two bundles that may be joined: of the same severity, and without a MUST."""
    joinable = [number for number, bundle in enumerate(bundles) if bundle[0].level != "must"]
    for last in reversed(joinable):
        severity = bundles[last][0].severity
        earlier = [number for number in joinable if number < last and bundles[number][0].severity is severity]
        if earlier:
            return earlier[-1], last
    return None


_BREAKS_EVERY_CLIENT = ("response.none", "crash.valid")
"""Causes that affect clients that do nothing wrong. They come before the others of their severity."""


def _urgency(cause: Cause) -> tuple[int, int, bool, int, str]:
    is_avoidable = cause.kind not in _BREAKS_EVERY_CLIENT
    return LEVELS.index(cause.level), cause.severity.rank, is_avoidable, -len(cause.ids), cause.kind
