"""The outcome of a whole run and the exit code that says it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from conformance.model.verdict import Outcome, Verdict

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
    prerequisite: str | None = None,
    must_decide: Iterable[str] = (),
    fail_on: str = "must",
) -> Conclusion:
    """The conclusion to draw from verdicts and from how the run went; of several exit codes the earlier wins.

    `faults` are our own errors outside any verdict, `cut` says what ended the run early, `prerequisite` what could not
    be set up, and `must_decide` names the capabilities of which at least one must-verdict has to be decided.
    """
    if interrupted:
        return Conclusion(Outcome.INCONCLUSIVE, INTERRUPTED, "interrupted; what was judged until then is reported")
    ours = [verdict.id for verdict in verdicts if verdict.outcome is Outcome.ERROR]
    if ours or faults:
        what = faults[0] if faults else f"{_some(ours)} could not be judged because of an error in the suite"
        return Conclusion(Outcome.ERROR, OUR_FAULT, f"the suite itself is at fault: {what}")
    failing = ("must",) if fail_on == "must" else ("must", "should")
    failed = [verdict.id for verdict in verdicts if verdict.outcome is Outcome.FAIL and verdict.level in failing]
    if failed:
        levels = " or ".join(failing)
        return Conclusion(Outcome.FAIL, FAILED, f"{len(failed)} {levels} {_noun(len(failed))} broken")
    if cut:
        return Conclusion(Outcome.INCONCLUSIVE, INCOMPLETE, f"cut short: {cut}")
    if prerequisite:
        return Conclusion(Outcome.INCONCLUSIVE, INCOMPLETE, prerequisite)
    starved = undecided(verdicts, must_decide)
    if starved:
        return Conclusion(Outcome.INCONCLUSIVE, INCOMPLETE, f"nothing that must hold was decided for {_some(starved)}")
    if not any(verdict.outcome in _DECIDED for verdict in verdicts):
        return Conclusion(Outcome.INCONCLUSIVE, INCOMPLETE, "nothing at all could be judged")
    return Conclusion(Outcome.PASS, PASSED, "nothing that must hold was broken")


def undecided(verdicts: Iterable[Verdict], capabilities: Iterable[str]) -> list[str]:
    """Those of the capabilities of which no must-verdict was decided."""
    decided = {verdict.capability for verdict in verdicts if verdict.level == "must" and verdict.outcome in _DECIDED}
    return [capability for capability in capabilities if capability not in decided]


def _noun(count: int) -> str:
    return "demand was" if count == 1 else "demands were"


def _some(names: Sequence[str], most: int = 3) -> str:
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
