"""Accepted requests create objects, each with the key of its creator."""

from __future__ import annotations

from runs_conformance.evidence.creation import creations, key_of, uses_key_of_creator
from runs_conformance.model.case import Key, Step
from tests.rules.histories import RUN, T0, THREAD, HistoryBuilder, run, thread


def test_created_thread_and_run() -> None:
    builder = HistoryBuilder()
    builder.send("create_thread_and_run", run())
    created = creations(builder.history())
    assert [(each.kind, each.id, each.thread, each.created_at) for each in created] == [
        ("thread", THREAD, None, None),
        ("run", RUN, THREAD, T0),
    ]


def test_reads_and_refusals_create_nothing() -> None:
    builder = HistoryBuilder()
    builder.refuse("create_thread")
    builder.send("get_thread", thread())
    assert creations(builder.history()) == ()


def test_key_of_a_step_and_of_other_traffic() -> None:
    builder = HistoryBuilder()
    step = Step(operation="create_thread", key=Key.SECOND)
    assert key_of(builder.send("create_thread", thread(), step=step)) is Key.SECOND
    assert key_of(builder.send("create_thread", thread())) is Key.PRIMARY


def test_key_of_the_creator_of_what_a_path_names() -> None:
    builder = HistoryBuilder()
    builder.send("create_thread", thread("thread_b"), step=Step(operation="create_thread", key=Key.SECOND))
    sent = [
        builder.send("delete_message", step=Step(operation="delete_message", key=key), thread_id=thread_id)
        for thread_id in ("thread_b", THREAD)
        for key in (Key.PRIMARY, Key.SECOND)
    ]
    history = builder.history()
    assert [uses_key_of_creator(history, each) for each in sent] == [False, True, True, False]
