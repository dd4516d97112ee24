"""Usage is counted and adds up: the rules on this, on literal histories."""

from __future__ import annotations

from runs_conformance.model.history import History
from runs_conformance.model.verdict import Suspicion
from runs_conformance.rules import usage
from tests.rules.examples import fails, inconclusive, judge, passes, permitted
from tests.rules.histories import HistoryBuilder, page, run, step
from tests.rules.histories import usage as tokens


def _run_with_steps(*spent: int | None, total: int = 12, status: str = "completed") -> History:
    """Steps that used these numbers of tokens; one of None, which has this status, shows no usage."""
    builder = HistoryBuilder()
    builder.see_statuses("queued", "in_progress")
    builder.get_run(run("completed", usage=tokens(total - 5, 5)))
    builder.send(
        "list_run_steps",
        page(
            *(
                step(status if used is None else "completed", f"step_{n}", usage=used and tokens(used - 1, 1))
                for n, used in enumerate(spent)
            )
        ),
    )
    builder.get_run(run("completed", usage=tokens(total - 5, 5)))
    return builder.history()


@passes(
    usage.is_null_until_the_run_ends,
    usage.is_given_when_completed,
    usage.adds_up,
    usage.sums_over_the_steps,
    usage.of_an_ended_run_stays,
)
def test_run_of_two_steps() -> History:
    return _run_with_steps(4, 8)


@passes(usage.is_given_when_ended)
def test_zeros_of_a_cancelled_run() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued")
    builder.get_run(run("cancelled", usage=tokens(0, 0)))
    return builder.history()


@fails(usage.is_null_until_the_run_ends, at="/usage", times=1)
def test_usage_while_in_progress() -> History:
    builder = HistoryBuilder()
    builder.create_run(run("in_progress", usage=tokens(0, 0)))
    return builder.history()


@fails(usage.is_given_when_completed, at="/usage")
def test_completed_without_usage() -> History:
    builder = HistoryBuilder()
    builder.create_run(run("completed", usage=None))
    return builder.history()


@fails(usage.is_given_when_ended, at="/usage")
def test_cancelled_without_usage() -> History:
    builder = HistoryBuilder()
    builder.create_run(run("cancelled", usage=None))
    return builder.history()


@fails(usage.adds_up, at="/usage/total_tokens")
def test_total_that_is_not_the_sum() -> History:
    builder = HistoryBuilder()
    builder.send("get_run_step", step(usage={"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 4}))
    return builder.history()


@fails(usage.sums_over_the_steps, at="/data/0/usage/total_tokens")
def test_run_that_used_more_than_its_steps() -> History:
    return _run_with_steps(4, 8, total=40)


@inconclusive(usage.sums_over_the_steps)
def test_step_that_is_listed_as_one_of_another_thread_leaves_the_sum_open() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "completed")
    builder.send("list_run_steps", page(step(usage=tokens(3, 1)), step(id_="step_b", thread_id="thread_b")))
    return builder.history()


def test_step_without_usage_leaves_the_sum_open() -> None:
    several, single, cancelled = (
        judge(usage.sums_over_the_steps, history)
        for history in (_run_with_steps(None, 12), _run_with_steps(None), _run_with_steps(None, 12, status="cancelled"))
    )
    assert [type(result) for result in several] == [Suspicion]
    assert (single, cancelled) == ([], [])


@fails(usage.of_an_ended_run_stays)
def test_usage_that_grows_after_the_end() -> History:
    builder = HistoryBuilder()
    builder.create_run(run("completed"))
    builder.get_run(run("completed", usage=tokens(100, 5)))
    return builder.history()


@inconclusive(usage.of_an_ended_run_stays)
def test_list_whose_usage_lacks_its_counts() -> History:
    builder = HistoryBuilder()
    builder.create_run(run("completed"))
    builder.send("list_runs", page(run("completed", usage={})))
    return builder.history()


@fails(usage.of_an_ended_run_stays, at="/usage/total_tokens", times=1)
def test_usage_that_grows_after_a_response_that_lacks_a_count() -> History:
    builder = HistoryBuilder()
    builder.create_run(run("completed", usage={"prompt_tokens": 7}))
    for total in (12, 12, 13):
        builder.get_run(run("completed", usage={"prompt_tokens": 7, "total_tokens": total}))
    return builder.history()


@permitted
def test_details_of_usage() -> History:
    builder = HistoryBuilder()
    builder.create_run(run("completed", usage={**tokens(), "prompt_token_details": {"cached_tokens": 0}}))
    builder.get_run(run("completed", usage=tokens()))
    return builder.history()
