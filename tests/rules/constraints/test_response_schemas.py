"""Tests of the response constraints on literal histories."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from runs_conformance.engine.judge import judge
from runs_conformance.model.case import REFUSES_BODY, Mutation, Role, Step
from runs_conformance.model.exchange import Completion
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, JSON
from runs_conformance.model.verdict import Outcome, Tally
from runs_conformance.rules.constraints import response_schemas
from tests.rules.histories import (
    HistoryBuilder,
    assistant,
    deleted,
    error,
    message,
    page,
    run,
    step,
    streamed_message,
    thread,
)


def tallies(history: History) -> dict[str, Tally]:
    return judge(history, {}, [("answers", response_schemas.tallies)])


def failing(found: dict[str, Tally]) -> set[str]:
    return {id_ for id_, tally in found.items() if tally.outcome is Outcome.FAIL}


def excused(found: dict[str, Tally]) -> dict[str, str]:
    return {id_: "".join(tally.excused) for id_, tally in found.items() if tally.excused}


def everything() -> HistoryBuilder:
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    builder.see_statuses("queued", "in_progress", "completed")
    builder.send("list_runs", page(run("completed")))
    builder.send("list_messages", page(message(), message("user")))
    builder.send("list_run_steps", page(step()))
    builder.send("delete_message", deleted("msg_a"))
    builder.refuse("get_run", 404)
    builder.stream(
        "create_run", ("thread.run.created", run("queued")), ("thread.message.completed", streamed_message())
    )
    return builder


def test_envelope_of_a_list_of_assistants_is_judged_and_an_unknown_item_is_not() -> None:
    builder = HistoryBuilder()
    envelope = {**page(assistant(name=5)), "has_more": "false"}
    builder.send("list_assistants", envelope, step=Step(operation="list_assistants", role=Role.READ))
    assert failing(tallies(builder.history())) == {"assistant_list.has_more.type"}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [([run("completed", assistant_id=ABSENT)], "/0"), ({"runs": [run("completed", assistant_id=ABSENT)]}, "/runs/0")],
)
def test_items_of_a_list_without_its_envelope_are_judged(body: JSON, pointer: str) -> None:
    builder = HistoryBuilder()
    builder.send("list_runs", body)
    tally = tallies(builder.history())["run.assistant_id.required"]
    assert [finding.pointer.startswith(pointer) for finding in tally.findings] == [True]


def test_recorded_answers_violate_only_constraints_with_a_known_deviation() -> None:
    found = tallies(everything().history())
    assert failing(found) == set()
    assert excused(found)["message.status.required"] == "V-01"
    assert excused(found)["run_step.expired_at.required"] == "V-02"
    assert found["run.status.enum"].judged == 5
    assert {
        "thread.id.type",
        "run_list.has_more.type",
        "message_deleted.deleted.type",
        "error.error.type",
    } <= found.keys()


def test_strict_history_excuses_nothing() -> None:
    found = tallies(everything().history(strict=True))
    assert {"message.status.required", "run_step.expired_at.required", "run_step.metadata.required"} <= failing(found)


def test_deviation_excuses_only_findings_in_its_scope() -> None:
    builder = HistoryBuilder()
    builder.get_run(run("completed", instructions=None))
    builder.get_run(run("completed", instructions=5))
    tally = tallies(builder.history())["run.instructions.type"]
    assert (tally.judged, len(tally.findings), dict(tally.excused)) == (2, 1, {"V-03": 1})


def test_only_a_wrapped_error_event_may_lack_the_members_of_an_error() -> None:
    wrapped = {"error": {"message": "Sorry.", "type": "server_error", "param": None, "code": None}}
    builder = HistoryBuilder()
    for data in (wrapped, {"error": "TimeoutError", "message": "Too late."}, {"message": "Sorry."}):
        builder.send("create_run", events=[("thread.run.created", run("queued")), ("error", data)])
    tally = tallies(builder.history())["error_event.code.required"]
    assert (len(tally.findings), dict(tally.excused)) == (2, {"V-10": 1})


def test_a_finding_points_into_the_answer() -> None:
    builder = HistoryBuilder()
    builder.send("list_runs", page(run("completed", completed_at="2025-10-30T12:00:00Z")))
    (finding,) = tallies(builder.history())["run.completed_at.type"].findings
    assert finding.pointer == "/data/0/completed_at"
    assert finding.actual == "2025-10-30T12:00:00Z"
    assert finding.expected == ["integer", "null"]
    assert finding.exchange == "x0"


def test_finding_for_a_missing_member_points_to_its_place() -> None:
    builder = HistoryBuilder()
    builder.get_run(run("completed", usage=ABSENT))
    (finding,) = tallies(builder.history())["run.usage.required"].findings
    assert finding.pointer == "/usage"
    assert finding.actual is ABSENT


def test_event_is_validated_by_its_name() -> None:
    builder = HistoryBuilder()
    delta = {"id": "msg_a", "object": "thread.message.delta", "delta": {"content": [{"type": "text", "text": "x"}]}}
    builder.stream("create_run", ("thread.message.delta", delta), ("thread.other", {"id": 5}))
    found = tallies(builder.history())
    assert "message_delta.delta.content[].text.type" in failing(found)
    (finding,) = found["message_delta.delta.content[].index.required"].findings
    assert finding.pointer == "/events/0/data/delta/content/0/index"


def test_events_of_a_truncated_stream_are_validated() -> None:
    builder = HistoryBuilder()
    builder.stream("create_run", ("thread.run.created", run("nonsense")), completion=Completion.UNKNOWN)
    assert failing(tallies(builder.history())) == {"run.status.enum"}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"detail": "not found"}, {"error.error.required"}),
        ({"error": "not found"}, {"error.error.type"}),
        ({"error": {"message": "no"}}, {f"error.error.{name}.required" for name in ("type", "param", "code")}),
    ],
)  # fmt: skip
def test_refusal_is_validated_as_an_error(body: object, expected: Iterable[str]) -> None:
    builder = HistoryBuilder()
    builder.send("get_run", body, 404)
    assert failing(tallies(builder.history())) == set(expected)


def test_azure_may_leave_members_of_an_error_out() -> None:
    builder = HistoryBuilder(dialect="azure")
    builder.send("get_run", {"error": {"code": "429", "message": "Please retry."}}, 429)
    assert failing(tallies(builder.history())) == set()


@pytest.mark.parametrize("answer", [ABSENT, [], "text", None])
def test_body_that_is_no_object_is_not_judged(answer: object) -> None:
    builder = HistoryBuilder()
    builder.send("get_run", answer)
    builder.send("get_run", answer, 400)
    assert tallies(builder.history()) == {}


def test_answer_is_validated_by_the_edition_of_its_exchange() -> None:
    old = HistoryBuilder(edition="2024-04-17")
    old.get_run(run("completed", parallel_tool_calls=ABSENT, reasoning_effort=ABSENT))
    assert failing(tallies(old.history())) == set()
    new = HistoryBuilder()
    new.get_run(run("completed", parallel_tool_calls=ABSENT))
    assert failing(tallies(new.history())) == {"run.parallel_tool_calls.required"}


def test_server_error_is_no_refusal() -> None:
    builder = HistoryBuilder()
    builder.send("get_run", {"oops": True}, 500)
    builder.send("get_run", error(), 400)
    assert failing(tallies(builder.history())) == set()


PAIRS = {f"key_{number}": "value" for number in range(16)}


def test_merged_metadata_may_exceed_their_limit() -> None:
    builder = HistoryBuilder()
    builder.send("modify_thread", thread(metadata={**PAIRS, "first": "value"}), body={"metadata": PAIRS})
    assert "thread.metadata.maxProperties" not in failing(tallies(builder.history()))


def test_metadata_that_were_not_modified_may_not_exceed_their_limit() -> None:
    builder = HistoryBuilder()
    builder.send("get_thread", thread(metadata={**PAIRS, "first": "value"}))
    assert "thread.metadata.maxProperties" in failing(tallies(builder.history()))


def test_an_accepted_invalid_value_is_not_judged_again_under_an_id_that_a_request_gave() -> None:
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    invalid = Step(
        operation="modify_thread",
        role=Role.NEGATIVE,
        expectation=REFUSES_BODY,
        mutation=Mutation("/metadata/number", "type", "9", 9),
    )
    shown = thread(metadata={"number": 9})
    builder.send("modify_thread", shown, body={"metadata": {"number": 9}}, step=invalid)
    renamed = {**shown, "id": "thread_000000000000000000000000"}
    builder.send("modify_thread", renamed, body={"id": "thread_000000000000000000000000"})
    assert "thread.metadata{}.type" not in failing(tallies(builder.history()))


def test_a_member_that_an_accepted_invalid_request_lacked_is_not_missing_again() -> None:
    builder = HistoryBuilder()
    invalid = Step(
        operation="create_message",
        role=Role.NEGATIVE,
        expectation=REFUSES_BODY,
        mutation=Mutation("/content/0/text", "required", "Hello", None),
    )
    body = {"role": "user", "content": [{"type": "text"}]}
    shown = {**message("user", "Hello", "msg_u"), "content": [{"type": "text"}]}
    del shown["assistant_id"]
    builder.send("create_message", shown, body=body, step=invalid)
    found = failing(tallies(builder.history()))
    assert "message.content[].text.required" not in found
    assert "message.assistant_id.required" in found
