"""The token usage of runs, compared with that of their steps."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from runs_conformance.contract.lifecycle import TERMINAL
from runs_conformance.evidence.complete_list import steps_after_run_end
from runs_conformance.evidence.run_timeline import find_run, runs
from runs_conformance.model.history import History
from runs_conformance.model.json import is_integer


def step_and_run_usage(history: History, run_id: str, count: str) -> tuple[int, int] | None:
    """A token count summed over the steps of an ended run, and that of the run itself; None unless all show it.

    None, too, if the list shows steps with the id of another run: they may belong to this one.
    """
    page, run = steps_after_run_end(history, run_id), find_run(history, run_id)
    end = run.latest_before(page.exchange) if page is not None and run is not None else None
    if page is None or end is None or not page.items or len(page.shown) > len(page.items):
        return None
    counts = [step.get(f"/usage/{count}") for step in page.items]
    known = [int(value) for value in counts if is_integer(value)]
    total = end.get(f"/usage/{count}")
    return (sum(known), int(total)) if is_integer(total) and len(known) == len(counts) else None


def used_completion_tokens(history: History, run_id: str) -> int | None:
    """The largest number of `completion_tokens` that any response shows of an ended run; None if none shows it.

    A stream may end before the tokens are counted.
    """
    run = find_run(history, run_id)
    ends = [each for each in run.observations if each.status in TERMINAL] if run is not None else []
    used = [int(tokens) for end in ends if is_integer(tokens := end.get("/usage/completion_tokens"))]
    return max(used, default=None)


def completion_usage_is_doubtful(history: History, run_id: str) -> bool:
    """Whether steps contradict the `completion_tokens` of a run.

    They do if its own steps used another number. If its steps are not known, a contradiction in any other run counts:
    the target may, for example, count the tokens of all runs so far.
    """
    agreements = _runs_that_agree_with_their_steps(history)
    return not agreements.get(run_id, all(agreements.values()))


@lru_cache(maxsize=16)
def _runs_that_agree_with_their_steps(history: History) -> Mapping[str, bool]:
    """By the id of each run whose steps are known, whether it used as many `completion_tokens` as they did."""
    found = ((run.id, step_and_run_usage(history, run.id, "completion_tokens")) for run in runs(history))
    return {id_: counts[0] == counts[1] for id_, counts in found if counts is not None}
