"""Problems of a whole test run that make its passes meaningless."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from runs_conformance.contract.lifecycle import TERMINAL
from runs_conformance.model.plural import plural
from runs_conformance.model.program_end import Ending, ProgramEnd, group_early_ends

MIN_RUNS = 3
"""Runs needed to conclude anything from the statuses that they reached."""

MAX_STOPPED_SHARE = 0.1
"""The share of programs that may stop early before the test run counts as incomplete."""


def explain_no_completed_run(last_statuses: Mapping[str, int]) -> str | None:
    """Why the runs of the target show too little: none reached `completed`. None if one did, or if there are few."""
    total = sum(last_statuses.values())
    if total < MIN_RUNS or last_statuses.get("completed"):
        return None
    counts = Counter(last_statuses).most_common()
    ended = sum(count for status, count in counts if status in TERMINAL)
    if not ended and len(counts) == 1:
        return f"all {total} runs stayed in status {counts[0][0]}"
    listed = ", ".join(f"{count} {status or 'without a status'}" for status, count in counts)
    return f"no run reached status completed ({plural(total, 'run')}: {listed})"


def find_stop_problem(ends: Sequence[ProgramEnd], not_offered: Collection[str]) -> str | None:
    """Why the programs show too little: more than a tenth ended early, not for an operation that is not offered."""
    stopped = [end for end in ends if end.ending is Ending.STOPPED and end.operation not in not_offered]
    if len(stopped) <= MAX_STOPPED_SHARE * len(ends):
        return None
    cause = group_early_ends(stopped)[0]
    return f"{len(stopped)} of {plural(len(ends), 'program')} ended early; most often: {cause.cause}"
