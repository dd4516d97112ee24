"""The outcome of a test run and its exit code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from runs_conformance.baseline import BaselineComparison, EntryStatus
from runs_conformance.model.plural import plural
from runs_conformance.model.verdict import Outcome, Verdict

PASSED, FAILED, USAGE, NO_TARGET, INTERNAL_ERROR, INCONCLUSIVE, INTERRUPTED = 0, 1, 2, 3, 4, 5, 130

_DECIDED = (Outcome.PASS, Outcome.FAIL)


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """The outcome of a test run. `reason` is one line for people."""

    outcome: Outcome
    exit_code: int
    reason: str


def decide_outcome(
    verdicts: Sequence[Verdict],
    *,
    interrupted: bool = False,
    internal_errors: Sequence[str] = (),
    early_end_reason: str | None = None,
    not_judged: Sequence[str] = (),
    validity_problem: str | None = None,
    required_capabilities: Iterable[str] = (),
    fail_on: str = "must",
    max_inconclusive: int | None = None,
    comparison: BaselineComparison | None = None,
) -> RunOutcome:
    """Derive the outcome from the verdicts and from how the test run ended; the first check that applies decides.

    `internal_errors` are errors outside any verdict. `early_end_reason` says why the test run ended early, `not_judged`
    which ids it did not reach. `validity_problem` says why a pass would mean little, such as that no run completed.
    Each of `required_capabilities` needs at least one decided MUST verdict. More than `max_inconclusive` inconclusive
    verdicts make the outcome inconclusive. With a baseline `comparison`, its known failures are accepted; its stale and
    expired entries fail.
    """
    if interrupted:
        return RunOutcome(
            Outcome.INCONCLUSIVE, INTERRUPTED, "interrupted; the report covers what was judged until then"
        )
    erroneous = [verdict.id for verdict in verdicts if verdict.outcome is Outcome.ERROR]
    if erroneous or internal_errors:
        error = internal_errors[0] if internal_errors else f"{_join_ids(erroneous)} could not be judged"
        return RunOutcome(Outcome.ERROR, INTERNAL_ERROR, f"internal error: {error}")
    failure = _failure(verdicts, fail_on, comparison)
    if failure:
        return RunOutcome(Outcome.FAIL, FAILED, failure)
    if early_end_reason:
        unreached = f"; not judged: {_join_ids(not_judged)}" if not_judged else ""
        return RunOutcome(Outcome.INCONCLUSIVE, INCONCLUSIVE, f"stopped early: {early_end_reason}{unreached}")
    if validity_problem:
        return RunOutcome(Outcome.INCONCLUSIVE, INCONCLUSIVE, validity_problem)
    undecided = undecided_capabilities(verdicts, required_capabilities)
    if undecided:
        cause = _explain_undecided(verdicts, undecided[0])
        return RunOutcome(
            Outcome.INCONCLUSIVE, INCONCLUSIVE, f"no MUST verdict could be reached for {_join_ids(undecided)}{cause}"
        )
    if not any(verdict.outcome in _DECIDED for verdict in verdicts):
        return RunOutcome(Outcome.INCONCLUSIVE, INCONCLUSIVE, "no verdict could be reached")
    inconclusive = [verdict.id for verdict in verdicts if verdict.outcome is Outcome.INCONCLUSIVE]
    if max_inconclusive is not None and len(inconclusive) > max_inconclusive:
        ids = _join_ids(inconclusive)
        reason = f"{len(inconclusive)} verdicts are inconclusive, more than the allowed {max_inconclusive}: {ids}"
        return RunOutcome(Outcome.INCONCLUSIVE, INCONCLUSIVE, reason)
    known = len(comparison.accepted_ids) if comparison else 0
    exception = f" except {known} known to the baseline" if known else ""
    return RunOutcome(Outcome.PASS, PASSED, f"no {_join_levels(fail_on)} requirement failed{exception}")


def failing_levels(fail_on: str) -> tuple[str, ...]:
    """The levels whose failures fail a test run."""
    return ("must",) if fail_on == "must" else ("must", "should")


def _join_levels(fail_on: str) -> str:
    return " or ".join(level.upper() for level in failing_levels(fail_on))


def _failure(verdicts: Sequence[Verdict], fail_on: str, comparison: BaselineComparison | None) -> str:
    """The reason why the test run fails; empty if it does not."""
    failing = failing_levels(fail_on)
    failed = [verdict.id for verdict in verdicts if verdict.outcome is Outcome.FAIL and verdict.level in failing]
    levels = _join_levels(fail_on)
    if comparison is None:
        return f"{_count(failed, levels)} failed" if failed else ""
    listed = {result.entry.id for result in comparison.entry_results}
    new = [id_ for id_ in failed if id_ not in listed]
    reasons = [f"{_count(new, levels)} failed that the baseline does not list"] if new else []
    for status, text in (
        (EntryStatus.STALE, "stale (remove with --baseline-prune)"),
        (EntryStatus.EXPIRED, "expired"),
    ):
        count = len(comparison.with_status(status))
        if count:
            reasons.append(f"{plural(count, 'baseline entry is', 'baseline entries are')} {text}")
    return "; ".join(reasons)


def undecided_capabilities(verdicts: Iterable[Verdict], capabilities: Iterable[str]) -> list[str]:
    """The capabilities without any decided MUST verdict."""
    decided = {verdict.capability for verdict in verdicts if verdict.level == "must" and verdict.outcome in _DECIDED}
    return [capability for capability in capabilities if capability not in decided]


def _explain_undecided(verdicts: Iterable[Verdict], capability: str) -> str:
    """The most frequent reason for which the MUST requirements of a capability are undecided, after a colon."""
    reasons = Counter(
        (verdict.outcome is Outcome.INCONCLUSIVE, verdict.reason)
        for verdict in verdicts
        if verdict.capability == capability and verdict.level == "must" and verdict.reason
    )
    most = max(reasons, key=lambda key: (key[0], reasons[key]), default=None)
    return f": {most[1]}" if most else ""


def _count(ids: Sequence[str], levels: str) -> str:
    return f"{len(ids)} {levels} {'requirement' if len(ids) == 1 else 'requirements'}"


def _join_ids(names: Sequence[str], max_ids: int = 3) -> str:
    listed = ", ".join(names[:max_ids])
    return listed if len(names) <= max_ids else f"{listed} and {len(names) - max_ids} more"
