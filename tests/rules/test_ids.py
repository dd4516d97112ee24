from __future__ import annotations

from runs_conformance.evidence.creation import SHARED_ID
from runs_conformance.model.history import History
from runs_conformance.model.verdict import Inconclusive
from runs_conformance.rules import ids
from tests.rules.examples import fails, judge, passes, permitted
from tests.rules.histories import HistoryBuilder, page, step, thread


def created(*each: str) -> History:
    builder = HistoryBuilder()
    for id_ in each:
        builder.send("create_thread", thread(id_))
    return builder.history()


@passes(ids.no_two_objects_share_an_id, ids.prefix_tells_the_kind, ids.ids_cannot_be_guessed)
def test_random_ids() -> History:
    return created("thread_yJPbQfUynDfN9EHZ", "thread_QtYVeagEqOFyKfHx", "thread_rLfOZDSrRUxiBUOz")


@fails(ids.no_two_objects_share_an_id, at="/id")
def test_same_id_twice() -> History:
    return created("thread_yJPbQfUynDfN9EHZ", "thread_yJPbQfUynDfN9EHZ")


@fails(ids.prefix_tells_the_kind)
def test_uuid_without_a_prefix() -> History:
    return created("0f8fad5b-d9cb-469f-a165-70867728950e")


@fails(ids.ids_cannot_be_guessed)
def test_counter() -> History:
    return created("thread_8", "thread_9", "thread_10")


@fails(ids.ids_cannot_be_guessed)
def test_padded_counter() -> History:
    return created(
        "thread_000000000000000000000099", "thread_000000000000000000000100", "thread_000000000000000000000102"
    )


@fails(ids.ids_cannot_be_guessed)
def test_hexadecimal_counter() -> History:
    return created("thread_5f9e", "thread_5f9f", "thread_5fa0")


def test_ids_that_are_all_equal_are_no_series() -> None:
    assert judge(ids.ids_cannot_be_guessed, created("string", "string", "string")) == [Inconclusive(SHARED_ID)]


@passes(ids.ids_cannot_be_guessed)
def test_time_ordered_ids_with_a_random_suffix() -> History:
    return created(
        "thread_01890a5d-ac96-774b-bcce-b302099a8057",
        "thread_01890a5d-ac97-7d1f-8e3a-91c2a3f0d4b6",
        "thread_01890a5d-ac97-7f00-a2b4-0c55e1d9a7f3",
    )


@permitted
def test_other_alphabets_and_lengths() -> History:
    return created("1", "ab", "thread:ÄÖ/3", "0f8fad5bd9cb469fa16570867728950e" * 3)


def steps_of_two_runs(one: str, other: str) -> History:
    builder = HistoryBuilder()
    builder.send("list_run_steps", page(step(id_=one, run_id="run_a")), run_id="run_a")
    builder.send("list_run_steps", page(step(id_=other, run_id="run_b")), run_id="run_b")
    return builder.history()


@passes(ids.no_two_runs_share_a_step_id)
def test_steps_of_two_runs() -> History:
    return steps_of_two_runs("step_a", "step_b")


@fails(ids.no_two_runs_share_a_step_id, at="/data/0/id")
def test_steps_numbered_within_their_run() -> History:
    return steps_of_two_runs("step_1", "step_1")
