"""The outcome of a test run and its exit code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from runs_conformance.baseline import Comparison, EntryStatus
from runs_conformance.model.verdict import Outcome, Verdict

PASSED, FAILED, USAGE, NO_TARGET, INTERNAL_ERROR, INCOMPLETE, INTERRUPTED = 0, 1, 2, 3, 4, 5, 130

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
    cut_reason: str | None = None,
    not_judged: Sequence[str] = (),
    failed_prerequisite: str | None = None,
    required_capabilities: Iterable[str] = (),
    fail_on: str = "must",
    max_inconclusive: int | None = None,
    comparison: Comparison | None = None,
) -> RunOutcome:
    """Derive the outcome from the verdicts and from how the test run ended; the first check that applies decides.

    `internal_errors` are errors outside any verdict. `cut_reason` says why the test run ended early and `not_judged`
    which ids it did not reach. `failed_prerequisite` is a setup step that always failed. Each of
    `required_capabilities` needs at least one decided MUST verdict. More than `max_inconclusive` inconclusive verdicts
    make the outcome inconclusive. With a baseline `comparison`, its known failures are accepted; its stale and expired
    entries fail.
    """
    if interrupted:
        return RunOutcome(
            Outcome.INCONCLUSIVE, INTERRUPTED, "interrupted; the report covers what was judged until then"
        )
    ours = [verdict.id for verdict in verdicts if verdict.outcome is Outcome.ERROR]
    if ours or internal_errors:
        what = (
            internal_errors[0] if internal_errors else f"{_some(ours)} could not be judged because of an internal error"
        )
        return RunOutcome(Outcome.ERROR, INTERNAL_ERROR, f"internal error: {what}")
    failure = _failure(verdicts, fail_on, comparison)
    if failure:
        return RunOutcome(Outcome.FAIL, FAILED, failure)
    if cut_reason:
        left = f"; not judged: {_some(not_judged)}" if not_judged else ""
        return RunOutcome(Outcome.INCONCLUSIVE, INCOMPLETE, f"cut short: {cut_reason}{left}")
    if failed_prerequisite:
        return RunOutcome(Outcome.INCONCLUSIVE, INCOMPLETE, failed_prerequisite)
    starved = undecided_capabilities(verdicts, required_capabilities)
    if starved:
        return RunOutcome(Outcome.INCONCLUSIVE, INCOMPLETE, f"no MUST verdict could be reached for {_some(starved)}")
    if not any(verdict.outcome in _DECIDED for verdict in verdicts):
        return RunOutcome(Outcome.INCONCLUSIVE, INCOMPLETE, "no verdict could be reached")
    open_ = [verdict.id for verdict in verdicts if verdict.outcome is Outcome.INCONCLUSIVE]
    if max_inconclusive is not None and len(open_) > max_inconclusive:
        because = f"{len(open_)} verdicts are inconclusive, more than the allowed {max_inconclusive}: {_some(open_)}"
        return RunOutcome(Outcome.INCONCLUSIVE, INCOMPLETE, because)
    known = len(comparison.accepted) if comparison else 0
    but = f" except {known} known to the baseline" if known else ""
    return RunOutcome(Outcome.PASS, PASSED, f"no MUST requirement failed{but}")


def failing_levels(fail_on: str) -> tuple[str, ...]:
    """Return the levels whose failures fail a test run."""
    return ("must",) if fail_on == "must" else ("must", "should")


def _failure(verdicts: Sequence[Verdict], fail_on: str, comparison: Comparison | None) -> str:
    """Return why the test run fails; empty if it does not."""
    failing = failing_levels(fail_on)
    failed = [verdict.id for verdict in verdicts if verdict.outcome is Outcome.FAIL and verdict.level in failing]
    levels = " or ".join(failing)
    if comparison is None:
        return f"{len(failed)} {levels} {_noun(len(failed))} broken" if failed else ""
    listed = {stand.entry.id for stand in comparison.entry_results}
    new = [id_ for id_ in failed if id_ not in listed]
    said = [f"{len(new)} {levels} {_noun(len(new))} broken that the baseline does not know"] if new else []
    for standing, text in ((EntryStatus.STALE, "to be pruned"), (EntryStatus.EXPIRED, "expired")):
        count = len(comparison.with_status(standing))
        if count:
            said.append(f"{count} {'entry' if count == 1 else 'entries'} of the baseline {_are(count)} {text}")
    return "; ".join(said)


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def undecided_capabilities(verdicts: Iterable[Verdict], capabilities: Iterable[str]) -> list[str]:
    """Return the capabilities without any decided MUST verdict."""
    decided = {verdict.capability for verdict in verdicts if verdict.level == "must" and verdict.outcome in _DECIDED}
    return [capability for capability in capabilities if capability not in decided]


def _noun(count: int) -> str:
    return "demand was" if count == 1 else "demands were"


def _some(names: Sequence[str], most: int = 3) -> str:
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
