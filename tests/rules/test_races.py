from __future__ import annotations

from typing import Any

from runs_conformance.model.history import History
from runs_conformance.rules import races
from tests.rules.examples import breaks, holds, legal, undecided
from tests.rules.histories import ASSISTANT, Told, error, page, run, thread

Seen = tuple[str, str]


def created_at_once(*looks: tuple[Seen, ...], second: int = 200) -> History:
    """Two runs created on one thread at the same moment; then lists of it, each as (id, status)."""
    tell = Told()
    tell.send("create_thread", thread())
    body = {"assistant_id": ASSISTANT}
    tell.send("create_run", run(id_="run_a"), body=body, at=110.0)
    tell.send("create_run", run(id_="run_b") if second == 200 else error(), second, body=body, at=110.5)
    tell.clock = 120.0
    for seen in looks:
        tell.send("list_runs", page(*(run(status, id_) for id_, status in seen)))
    return tell.history()


@holds(races.one_of_two_runs_at_once_is_taken)
def test_second_is_refused() -> History:
    return created_at_once((("run_a", "in_progress"),), second=400)


@breaks(races.one_of_two_runs_at_once_is_taken, races.two_runs_never_work_together)
def test_both_work() -> History:
    return created_at_once((("run_b", "in_progress"), ("run_a", "in_progress")))


@breaks(races.one_of_two_runs_at_once_is_taken)
def test_second_waits_in_the_queue() -> History:
    return created_at_once((("run_b", "queued"), ("run_a", "in_progress")))


@legal
def test_second_waits_in_the_queue_and_works_afterwards() -> History:
    first = (("run_b", "queued"), ("run_a", "in_progress"))
    return created_at_once(first, (("run_b", "in_progress"), ("run_a", "completed")))


@undecided(races.one_of_two_runs_at_once_is_taken)
def test_first_may_have_been_over() -> History:
    return created_at_once((("run_b", "in_progress"), ("run_a", "completed")))


@undecided(races.one_of_two_runs_at_once_is_taken)
def test_second_is_limited() -> History:
    return created_at_once((("run_a", "completed"),), second=429)


def looked_at(*looks: Seen) -> History:
    tell = Told()
    for id_ in ("run_a", "run_b"):
        tell.create_run(run(id_=id_))
    for id_, status in looks:
        tell.get_run(run(status, id_))
    return tell.history()


@holds(races.two_runs_never_work_together)
def test_one_after_the_other() -> History:
    return looked_at(("run_a", "in_progress"), ("run_a", "completed"), ("run_b", "in_progress"))


@breaks(races.two_runs_never_work_together)
def test_one_between_looks_at_the_other() -> History:
    return looked_at(("run_a", "in_progress"), ("run_b", "in_progress"), ("run_a", "in_progress"))


def submitted_twice(first: int, second: int, *, apart: str = "call_a") -> History:
    tell = Told()
    tell.create_run()
    tell.get_run(run("requires_action"))
    outputs = ("call_a", apart)
    for place, (status, call_id) in enumerate(zip((first, second), outputs, strict=True)):
        body = {"tool_outputs": [{"tool_call_id": call_id, "output": str(place)}]}
        answer: Any = run("queued") if status == 200 else error()
        tell.send("submit_tool_outputs", answer, status, body=body, at=120.0 + place / 10)
    tell.clock = 130.0
    tell.get_run(run("completed"))
    return tell.history()


@holds(races.outputs_are_taken_once, races.one_of_two_submissions_is_taken)
def test_one_submission_is_taken() -> History:
    return submitted_twice(400, 200)


@breaks(races.outputs_are_taken_once)
def test_both_submissions_are_taken() -> History:
    return submitted_twice(200, 200)


@breaks(races.one_of_two_submissions_is_taken)
def test_no_submission_is_taken() -> History:
    return submitted_twice(400, 400)


@undecided(races.one_of_two_submissions_is_taken)
def test_submission_is_limited() -> History:
    return submitted_twice(400, 429)


CHANGE: dict[str, Any] = {"metadata": {"while": "running"}}


def changed_meanwhile(*, kept: Any, active: str = "in_progress") -> History:
    tell = Told()
    tell.send("create_thread", thread())
    tell.create_run()
    tell.get_run(run("in_progress"))
    tell.send("modify_thread", thread(**CHANGE), body=CHANGE)
    tell.get_run(run(active))
    tell.get_run(run("completed"))
    tell.send("get_thread", thread(metadata=kept))
    return tell.history()


@holds(races.changes_outlive_the_run)
def test_change_is_kept() -> History:
    return changed_meanwhile(kept={"while": "running"})


@breaks(races.changes_outlive_the_run, at="/metadata")
def test_change_is_undone() -> History:
    return changed_meanwhile(kept={})


@undecided(races.changes_outlive_the_run)
def test_run_was_over() -> History:
    return changed_meanwhile(kept={}, active="completed")


def changed_twice(kept: dict[str, str]) -> History:
    tell = Told()
    tell.send("create_thread", thread())
    for place, name in enumerate(("left", "right")):
        body: dict[str, Any] = {"metadata": {name: "yes"}}
        tell.send("modify_thread", thread(**body), body=body, at=110.0 + place / 10)
    tell.clock = 120.0
    tell.send("get_thread", thread(metadata=kept))
    return tell.history()


@holds(races.of_two_changes_one_stands)
def test_last_change_stands() -> History:
    return changed_twice({"right": "yes"})


@holds(races.of_two_changes_one_stands)
def test_both_changes_stand() -> History:
    return changed_twice({"left": "yes", "right": "yes"})


@breaks(races.of_two_changes_one_stands)
def test_neither_change_stands() -> History:
    return changed_twice({})


@legal
def test_either_change_may_stand() -> History:
    return changed_twice({"left": "yes"})
