"""The outcome of a whole run and the exit code that says it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from runs_conformance.baseline import Comparison, Standing
from runs_conformance.model.verdict import Outcome, Verdict

PASSED, FAILED, USAGE, NO_TARGET, OUR_FAULT, INCOMPLETE, INTERRUPTED = 0, 1, 2, 3, 4, 5, 130

_DECIDED = (Outcome.PASS, Outcome.FAIL)


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What a run amounts to. `because` is one line for people."""

    outcome: Outcome
    exit_code: int
    because: str


def conclude(
    verdicts: Sequence[Verdict],
    *,
    interrupted: bool = False,
    faults: Sequence[str] = (),
    cut: str | None = None,
    unjudged: Sequence[str] = (),
    prerequisite: str | None = None,
    must_decide: Iterable[str] = (),
    fail_on: str = "must",
    most_inconclusive: int | None = None,
    comparison: Comparison | None = None,
) -> Conclusion:
    """The conclusion to draw from verdicts and from how the run went; of several exit codes the earlier wins.

    `faults` are our own errors outside any verdict, `cut` says what ended the run early, `unjudged` what it did not
    come to, `prerequisite` what could not be set up, and `must_decide` names the capabilities of which at least one
    must-verdict has to be decided. Of what stays inconclusive more than `most_inconclusive` are too many. With a
    `comparison` to a baseline, what is known may fail, and what the baseline should no longer hold fails.
    """
    if interrupted:
        return Conclusion(Outcome.INCONCLUSIVE, INTERRUPTED, "interrupted; what was judged until then is reported")
    ours = [verdict.id for verdict in verdicts if verdict.outcome is Outcome.ERROR]
    if ours or faults:
        what = faults[0] if faults else f"{_some(ours)} could not be judged because of an error in the suite"
        return Conclusion(Outcome.ERROR, OUR_FAULT, f"the suite itself is at fault: {what}")
    failure = _failure(verdicts, fail_on, comparison)
    if failure:
        return Conclusion(Outcome.FAIL, FAILED, failure)
    if cut:
        left = f"; not judged for that: {_some(unjudged)}" if unjudged else ""
        return Conclusion(Outcome.INCONCLUSIVE, INCOMPLETE, f"cut short: {cut}{left}")
    if prerequisite:
        return Conclusion(Outcome.INCONCLUSIVE, INCOMPLETE, prerequisite)
    starved = undecided(verdicts, must_decide)
    if starved:
        return Conclusion(Outcome.INCONCLUSIVE, INCOMPLETE, f"nothing that must hold was decided for {_some(starved)}")
    if not any(verdict.outcome in _DECIDED for verdict in verdicts):
        return Conclusion(Outcome.INCONCLUSIVE, INCOMPLETE, "nothing at all could be judged")
    open_ = [verdict.id for verdict in verdicts if verdict.outcome is Outcome.INCONCLUSIVE]
    if most_inconclusive is not None and len(open_) > most_inconclusive:
        because = f"{len(open_)} inconclusive, of which the gate allows {most_inconclusive}: {_some(open_)}"
        return Conclusion(Outcome.INCONCLUSIVE, INCOMPLETE, because)
    known = len(comparison.accepted) if comparison else 0
    but = f" but what the baseline knows ({known})" if known else ""
    return Conclusion(Outcome.PASS, PASSED, f"nothing that must hold was broken{but}")


def failing_levels(fail_on: str) -> tuple[str, ...]:
    """The levels whose failures fail a run."""
    return ("must",) if fail_on == "must" else ("must", "should")


def _failure(verdicts: Sequence[Verdict], fail_on: str, comparison: Comparison | None) -> str:
    """Why the run fails, or nothing."""
    failing = failing_levels(fail_on)
    failed = [verdict.id for verdict in verdicts if verdict.outcome is Outcome.FAIL and verdict.level in failing]
    levels = " or ".join(failing)
    if comparison is None:
        return f"{len(failed)} {levels} {_noun(len(failed))} broken" if failed else ""
    listed = {stand.entry.id for stand in comparison.stands}
    new = [id_ for id_ in failed if id_ not in listed]
    said = [f"{len(new)} {levels} {_noun(len(new))} broken that the baseline does not know"] if new else []
    for standing, text in ((Standing.STALE, "to be pruned"), (Standing.EXPIRED, "expired")):
        count = len(comparison.of(standing))
        if count:
            said.append(f"{count} {'entry' if count == 1 else 'entries'} of the baseline {_are(count)} {text}")
    return "; ".join(said)


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def undecided(verdicts: Iterable[Verdict], capabilities: Iterable[str]) -> list[str]:
    """Those of the capabilities of which no must-verdict was decided."""
    decided = {verdict.capability for verdict in verdicts if verdict.level == "must" and verdict.outcome in _DECIDED}
    return [capability for capability in capabilities if capability not in decided]


def _noun(count: int) -> str:
    return "demand was" if count == 1 else "demands were"


def _some(names: Sequence[str], most: int = 3) -> str:
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
