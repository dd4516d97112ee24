"""Defects of serializers with members without a value."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runs_conformance.model.json import ABSENT
from runs_conformance.model.verdict import Finding, Verdict
from tests.causes.verdicts import as_constraint_on_answers, by_kind, missing, wrong_value

STREAMED_MEMBERS = ("run.last_error", "run.usage", "run.failed_at", "message.completed_at", "run_step.usage")


def missing_in(member: str, *pointers: str) -> Verdict:
    findings = tuple(Finding("it is missing", "x", "create_run", pointer, "", ABSENT) for pointer in pointers)
    return replace(missing(f"{member}.required"), findings=findings)


STREAMED = [missing_in(member, f"/events/1/data/{member.partition('.')[2]}") for member in STREAMED_MEMBERS]


def test_nulls_that_only_events_lack_are_left_out_of_streams() -> None:
    causes = by_kind(*STREAMED, missing("thread.tool_resources.required"))
    assert {kind: cause.title for kind, cause in causes.items()} == {
        "shape.nulls": "Streams leave members that are null out of the message, run and run step objects",
        "shape.thread": "The thread object lacks `tool_resources`",
    }


def test_nulls_that_other_objects_lack_too_are_left_out_everywhere() -> None:
    in_both = [missing_in(m, f"/events/1/data/{m.partition('.')[2]}", "/x") for m in STREAMED_MEMBERS]
    cause = by_kind(*in_both, missing("thread.tool_resources.required"))["shape.nulls"]
    assert cause.title == "Members that are null are left out of 4 kinds of object (message, run, run step, thread)"
    assert len(cause.ids) == len(in_both) + 1


def null_at(*ids: str) -> list[Verdict]:
    return [as_constraint_on_answers(wrong_value(f"{id_}.type", "get_run", "object", None)) for id_ in ids]


WRITTEN = null_at(
    "assistant.tool_resources.code_interpreter", "assistant.tools[].function.description", "run.tools[].file_search"
)


def test_members_without_a_value_that_are_written_as_null_are_one_cause() -> None:
    status = null_at("message.status")
    (cause,) = by_kind(*WRITTEN, *status).values()
    assert cause.kind == "shape.written_nulls"
    assert cause.title == "Members without a value are written as null in the assistant, message and run objects"
    assert cause.fix.endswith("`tools[].file_search`, and give `status` a value.")


@pytest.mark.parametrize(
    "failing",
    [
        WRITTEN[:2],
        WRITTEN[1:],
        null_at("assistant.tool_resources.code_interpreter", "thread.tool_resources.code_interpreter"),
        null_at("run.created_at", "message.status", "assistant.created_at", "thread.created_at"),
        [*WRITTEN[:2], as_constraint_on_answers(wrong_value("run.tools[].file_search.type", "get_run", "object", 5))],
    ],
)
def test_single_nulls_have_the_causes_of_their_members(failing: list[Verdict]) -> None:
    assert "shape.written_nulls" not in by_kind(*failing)


def in_operation(id_: str, *operations: str, judged: int = 40) -> Verdict:
    failing = missing(id_, {"object": "list", "data": [{}]})
    findings = tuple(replace(failing.findings[0], operation=name) for name in operations)
    return replace(failing, findings=findings, judged=judged)


RUN_MEMBERS = ("last_error", "expires_at", "required_action", "incomplete_details")
STEP_MEMBERS = ("last_error", "cancelled_at", "usage")


def test_operations_that_alone_leave_out_nulls_are_named() -> None:
    left_out = [in_operation(f"run.{member}.required", "list_runs") for member in RUN_MEMBERS]
    left_out += [in_operation(f"run_step.{member}.required", "get_run_step") for member in STEP_MEMBERS]
    everywhere = in_operation("run.max_prompt_tokens.required", "list_runs", "get_run")
    causes = by_kind(*left_out, everywhere)
    assert {kind: cause.title for kind, cause in causes.items()} == {
        "shape.nulls.operation": "Members without a value are left out by `list_runs`, `get_run_step`",
        "shape.run": "The run object lacks `max_prompt_tokens`",
    }
    assert "`last_error`, `cancelled_at`, `usage` in get_run_step." in causes["shape.nulls.operation"].fix


@pytest.mark.parametrize(
    ("operations", "judged"), [(("list_runs", "get_run"), 40), (("list_runs",), 1)], ids=["several", "never shown"]
)
def test_members_that_no_other_operation_shows_are_not_left_out_by_one(
    operations: tuple[str, ...], judged: int
) -> None:
    left_out = [in_operation(f"run.{member}.required", *operations, judged=judged) for member in RUN_MEMBERS]
    assert "shape.nulls.operation" not in by_kind(*left_out)
