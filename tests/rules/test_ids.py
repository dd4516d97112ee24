"""Ids are unique and well-formed: the rules on this, on literal histories."""

from __future__ import annotations

from typing import Any

import pytest

from runs_conformance.evidence.creation import SHARED_ID
from runs_conformance.model.case import Role, Step
from runs_conformance.model.history import History
from runs_conformance.model.verdict import Inconclusive
from runs_conformance.rules import identity, ids, lifecycle, metadata
from runs_conformance.rules.messages import stored_messages
from runs_conformance.rules.settings import requested_values, unrequested_values
from tests.rules.examples import fails, findings, inconclusive, judge, passes, permitted
from tests.rules.histories import T0, HistoryBuilder, message, page, run, step, thread


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


_EARLIER, _EQUAL = (
    "the request got the message of an earlier request instead of a new one",
    "two messages have the same id",
)


@pytest.mark.parametrize(
    ("shown", "path", "says"),
    [
        ({}, {}, _EARLIER),
        ({"created_at": T0 + 9}, {}, _EQUAL),
        ({"metadata": {"a": "b"}}, {}, _EQUAL),
        ({}, {"thread_id": "thread_b"}, _EQUAL),
    ],
)
def test_request_that_gets_the_message_of_an_earlier_one(
    shown: dict[str, Any], path: dict[str, Any], says: str
) -> None:
    builder = HistoryBuilder()
    builder.send("create_message", message("user"))
    builder.send("create_message", message("user", id_="msg_other"))
    builder.send("create_message", message("user", **shown), **path)
    (finding,) = findings(ids.no_two_objects_share_an_id, builder.history())
    assert finding.message == says


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


COMPARING = (
    identity.never_changes,
    lifecycle.terminal_status_is_final,
    metadata.changes_only_when_modified,
    stored_messages.stays_as_it_is,
    unrequested_values.never_change,
)
"""Rules that compare the responses about one object with each other."""


def _messages_numbered_in_their_thread() -> History:
    builder = HistoryBuilder()
    for thread_id, content, key in (("thread_a", "a", "1"), ("thread_b", "b", "2")):
        shown = message("user", content, "msg_1", thread_id=thread_id, created_at=T0 + int(key), metadata={"k": key})
        body = {"role": "user", "content": content, "metadata": {"k": key}}
        builder.send("create_message", shown, body=body, thread_id=thread_id)
        builder.send("get_message", shown, message_id="msg_1", thread_id=thread_id)
    return builder.history()


def _runs_numbered_in_their_thread() -> History:
    builder = HistoryBuilder()
    for thread_id, temperature in (("thread_a", 1.0), ("thread_b", 0.5)):
        changes = {"thread_id": thread_id, "temperature": temperature, "created_at": T0 + int(temperature)}
        builder.create_run(run("queued", "run_1", **changes), thread_id=thread_id)
        builder.get_run(run("completed", "run_1", **changes), thread_id=thread_id)
    return builder.history()


def test_objects_numbered_in_their_thread_are_not_compared_with_each_other() -> None:
    for build in (_messages_numbered_in_their_thread, _runs_numbered_in_their_thread):
        fails(ids.no_two_objects_share_an_id)(build)()
        inconclusive(*COMPARING)(build)()


@inconclusive(*COMPARING)
def test_answers_numbered_in_their_thread_are_not_compared_with_each_other() -> History:
    builder = HistoryBuilder()
    for thread_id in ("thread_a", "thread_b"):
        shown = message(id_="msg_1", text_value=thread_id, thread_id=thread_id, run_id=f"run_{thread_id}")
        builder.send("list_messages", page(shown), thread_id=thread_id)
    return builder.history()


@fails(requested_values.temperature_is_as_asked, identity.run_names_its_assistant, lifecycle.begins_queued, times=1)
def test_second_run_with_an_id_is_compared_with_its_own_request() -> History:
    """A mock that always shows the same run."""
    builder = HistoryBuilder()
    builder.create_run(run())
    builder.get_run(run())
    builder.create_run(run("completed"), body={"assistant_id": "asst_z", "temperature": 0.5})
    return builder.history()


def _run_that_changes(elsewhere: str = "thread_a", role: Role = Role.READ) -> History:
    """A run whose creation time differs when another thread shows it."""
    builder = HistoryBuilder()
    builder.create_run(run())
    builder.send("create_run", run(id_="run_b", thread_id="thread_b"), thread_id="thread_b")
    changed, step_ = run(created_at=T0 + 9, thread_id=elsewhere), Step(operation="get_run", role=role)
    builder.get_run(changed, thread_id="thread_b", step=step_)
    return builder.history()


@fails(identity.never_changes, at="/created_at")
def test_run_that_another_thread_shows_as_its_own_is_still_one_run() -> History:
    return _run_that_changes()


@fails(identity.never_changes, at="/created_at")
def test_run_shown_to_a_request_that_must_be_refused_is_still_one_run() -> History:
    return _run_that_changes("thread_b", Role.NEGATIVE)


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
