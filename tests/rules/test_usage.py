from __future__ import annotations

from runs_conformance.model.history import History
from runs_conformance.rules import usage
from tests.rules.examples import breaks, holds, legal
from tests.rules.histories import Told, page, run, step
from tests.rules.histories import usage as tokens


def _run_with_steps(*spent: int, total: int = 12) -> History:
    tell = Told()
    tell.looks("queued", "in_progress")
    tell.get_run(run("completed", usage=tokens(total - 5, 5)))
    tell.send("list_run_steps", page(*(step(id_=f"step_{n}", usage=tokens(t - 1, 1)) for n, t in enumerate(spent))))
    tell.get_run(run("completed", usage=tokens(total - 5, 5)))
    return tell.history()


@holds(
    usage.is_null_until_the_run_ends,
    usage.is_given_when_completed,
    usage.adds_up,
    usage.sums_over_the_steps,
    usage.of_an_ended_run_stays,
)
def test_run_of_two_steps() -> History:
    return _run_with_steps(4, 8)


@holds(usage.is_given_when_ended)
def test_zeros_of_a_cancelled_run() -> History:
    tell = Told()
    tell.looks("queued")
    tell.get_run(run("cancelled", usage=tokens(0, 0)))
    return tell.history()


@breaks(usage.is_null_until_the_run_ends, at="/usage", times=1)
def test_usage_while_in_progress() -> History:
    tell = Told()
    tell.create_run(run("in_progress", usage=tokens(0, 0)))
    return tell.history()


@breaks(usage.is_given_when_completed, at="/usage")
def test_completed_without_usage() -> History:
    tell = Told()
    tell.create_run(run("completed", usage=None))
    return tell.history()


@breaks(usage.is_given_when_ended, at="/usage")
def test_cancelled_without_usage() -> History:
    tell = Told()
    tell.create_run(run("cancelled", usage=None))
    return tell.history()


@breaks(usage.adds_up, at="/usage/total_tokens")
def test_total_that_is_no_sum() -> History:
    tell = Told()
    tell.send("get_run_step", step(usage={"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 4}))
    return tell.history()


@breaks(usage.sums_over_the_steps, at="/data/0/usage/total_tokens")
def test_run_that_used_more_than_its_steps() -> History:
    return _run_with_steps(4, 8, total=40)


@breaks(usage.of_an_ended_run_stays)
def test_usage_that_grows_after_the_end() -> History:
    tell = Told()
    tell.create_run(run("completed"))
    tell.get_run(run("completed", usage=tokens(100, 5)))
    return tell.history()


@legal
def test_details_of_usage() -> History:
    tell = Told()
    tell.create_run(run("completed", usage={**tokens(), "prompt_token_details": {"cached_tokens": 0}}))
    tell.get_run(run("completed", usage=tokens()))
    return tell.history()
