"""Findings carry what only their history shows: the kinds of ids, and the operation that shows what a list lacks."""

from __future__ import annotations

from typing import Any

import pytest

from runs_conformance.engine.finding_evidence import add_evidence
from runs_conformance.model.verdict import Finding, Tally
from tests.rules.histories import HistoryBuilder, action, call, page, run

WAITING = run("requires_action", required_action=action(call()))
SHORTENED = run("requires_action", required_action=None)


def with_evidence(builder: HistoryBuilder, message: str = "", **members: Any) -> Finding:
    history = builder.history()
    last = history.exchanges[-1]
    finding = Finding(message, last.id, last.operation, **members)
    (found,) = add_evidence(Tally(1, [finding]), history).findings
    return found


@pytest.mark.parametrize(
    ("id_", "named"),
    [("0198c2f1:run", True), ("exec-v66gt4ehpj1are", True), ("41", False), ("unknown-run-1", False)],
)
def test_ids_of_any_form_are_named_if_a_response_showed_them(id_: str, named: bool) -> None:
    builder = HistoryBuilder()
    builder.create_run(run("queued", "41" if id_ == "unknown-run-1" else id_))
    finding = with_evidence(builder, f"the run {id_}: it was 'queued' (or {id_})")
    assert finding.named_ids == (((id_, "run"),) if named else ())


def test_calls_and_parents_have_ids_too() -> None:
    builder = HistoryBuilder()
    builder.get_run(run("requires_action", required_action=action(call("tc-7f3e9a")), thread_id="thrd-5e1b"))
    finding = with_evidence(builder, "tc-7f3e9a of thrd-5e1b")
    assert finding.named_ids == (("tc-7f3e9a", "call"), ("thrd-5e1b", "thread"))


LACKING: dict[str, Any] = {"pointer": "/data/0/required_action", "expected": "calls", "actual": None}


@pytest.mark.parametrize(
    ("read", "changes", "shown_by"),
    [
        (WAITING, {}, "get_run"),
        (SHORTENED, {}, ""),
        (run("in_progress", required_action=action(call())), {}, ""),
        (run("requires_action", "run_other", required_action=action(call())), {}, ""),
        (WAITING, {"expected": None}, ""),
        (WAITING, {"actual": {}}, ""),
        (WAITING, {"pointer": "/data/0"}, ""),
        (WAITING, {"pointer": "/data/7/required_action"}, ""),
    ],
)
def test_a_single_object_shows_what_an_item_lacks(read: dict[str, Any], changes: dict[str, Any], shown_by: str) -> None:
    builder = HistoryBuilder()
    builder.get_run(read)
    builder.send("list_runs", page(SHORTENED))
    assert with_evidence(builder, **{**LACKING, **changes}).shown_by == shown_by


def test_neither_another_list_nor_a_later_response_shows_what_an_item_lacks() -> None:
    builder = HistoryBuilder()
    builder.send("list_runs", page(WAITING))
    listed = builder.send("list_runs", page(SHORTENED))
    builder.get_run(WAITING)
    finding = Finding("", listed.id, "list_runs", **LACKING)
    assert add_evidence(Tally(1, [finding]), builder.history()).findings == [finding]


def test_a_single_object_that_lacks_a_member_is_no_item() -> None:
    builder = HistoryBuilder()
    builder.get_run(WAITING)
    builder.get_run(SHORTENED)
    assert not with_evidence(builder, **{**LACKING, "pointer": "/required_action"}).shown_by
