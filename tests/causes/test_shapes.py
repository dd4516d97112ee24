"""Which cause wrong and missing members of responses belong to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runs_conformance.model.json import ABSENT, JSON
from runs_conformance.model.verdict import Finding, Verdict
from tests.causes.verdicts import (
    UNVALIDATED,
    as_constraint_on_answers,
    broken_rule,
    by_kind,
    missing,
    wrong_rule,
    wrong_value,
)

TEXTUAL_TIMES = [
    as_constraint_on_answers(wrong_value(f"{kind}.created_at.type", f"create_{kind}", "integer", "1700000000"))
    for kind in ("assistant", "message", "thread")
]


WRAPPED_ARRAYS = [
    as_constraint_on_answers(wrong_value(id_, operation, "array", {"items": []}))
    for id_, operation in (
        ("assistant.tools.type", "create_assistant"),
        ("message.content.type", "create_message"),
        ("message_list.data.type", "list_messages"),
    )
]


def test_a_type_that_is_sent_as_another_everywhere_is_one_cause() -> None:
    repeated = [
        wrong_rule("identity.never_changes", "get_run", "/started_at", 1_700_000_000, "1700000000"),
        wrong_rule("times.are_unix_seconds", "create_thread", "/created_at", "seconds", "1700000000"),
        wrong_rule("stored.run_is_as_its_stream_ended", "get_run", "/tools", [{"a": []}], [{"a": {"items": []}}]),
        wrong_rule("paging.pages_are_full", "list_messages", "/data", 3, 0),
    ]
    causes = by_kind(*TEXTUAL_TIMES, *WRAPPED_ARRAYS, *repeated)
    assert {kind: cause.title for kind, cause in causes.items()} == {
        "shape.type.integer.string": "Times are sent as strings: `created_at`",
        "shape.type.array.object": "Arrays are sent as objects: `content`, `data`, `tools`",
    }
    assert {id_ for cause in causes.values() for id_ in cause.consequences} == {each.id for each in repeated}


def test_integers_that_are_sent_as_other_numbers_are_told_apart_from_them() -> None:
    fractions = [
        as_constraint_on_answers(wrong_value(f"{kind}.created_at.type", "create_thread", "integer", 1.5))
        for kind in ("assistant", "message", "thread")
    ]
    (cause,) = by_kind(*fractions).values()
    assert cause.title == "Times are sent as floating-point numbers: `created_at`"
    assert "JSON integers" in cause.fix


def test_a_difference_of_values_is_no_difference_of_types() -> None:
    changed = wrong_rule("identity.never_changes", "get_run", "/started_at", 1_700_000_000, 1_700_000_001)
    moved = wrong_rule("settings.tools_are_as_asked", "get_run", "/tools", ["a"], ["b"])
    causes = by_kind(*TEXTUAL_TIMES, *WRAPPED_ARRAYS, changed, moved)
    assert set(causes) == {"shape.type.integer.string", "shape.type.array.object", "identity", "data"}


def test_a_type_that_repeats_an_accepted_value_is_no_mistake_of_the_serializer() -> None:
    case: dict[str, JSON] = {"role": "negative", "exercises": [UNVALIDATED[0].id]}
    echoes = [replace(each, counterexample={"case": case, "answer": {"http_status": 200}}) for each in TEXTUAL_TIMES]
    assert "shape.type.integer.string" not in by_kind(*echoes)


def test_rules_that_show_a_value_outside_an_enumeration_belong_to_it() -> None:
    status = as_constraint_on_answers(wrong_value("run.status.enum", "get_run", ["queued", "completed"], "QUEUED"))
    causes = by_kind(
        status,
        wrong_rule("lifecycle.begins_queued", "create_run", "/status", "queued", "QUEUED"),
        wrong_rule("lifecycle.terminal_status_is_final", "get_run", "/status", "completed", "queued"),
    )
    assert causes["shape.run"].title == "`status` of the run has values that are not documented, such as 'QUEUED'"
    assert causes["shape.run"].consequences == ("lifecycle.begins_queued",)
    assert causes["lifecycle"].ids == ("lifecycle.terminal_status_is_final",)


def test_rules_that_miss_a_member_belong_to_its_absence() -> None:
    missing = as_constraint_on_answers(wrong_value("run.usage.required", "get_run", "usage", ABSENT))
    rule = wrong_rule("usage.is_given_when_completed", "get_run", "/usage", "an object", ABSENT)
    other = wrong_rule("usage.adds_up", "get_run", "/usage/total_tokens", 3, 4)
    causes = by_kind(missing, rule, other)
    assert causes["shape.run"].consequences == (rule.id,)
    assert causes["stamps"].ids == (other.id,)


NULLS = [
    missing(id_, {"id": "x"})
    for id_ in (
        "run.last_error.required",
        "run.usage.required",
        "assistant.name.required",
        "assistant.description.required",
    )
]


def test_nulls_that_a_serializer_leaves_out_are_one_cause() -> None:
    causes = by_kind(*NULLS, missing("run.status.required"))
    assert {kind: cause.title for kind, cause in causes.items()} == {
        "shape.nulls": "Members that are null are left out of the assistant and run objects",
        "shape.run": "The run object lacks `status`",
    }


def test_members_are_not_left_out_for_null_if_others_are_null() -> None:
    assert "shape.nulls" not in by_kind(*NULLS[1:], missing("run.last_error.required", {"usage": None}))


def test_objects_that_are_wrong_at_the_same_places_are_one_cause() -> None:
    found = [
        as_constraint_on_answers(wrong_value(f"{kind}.tool_resources.file_search.type", f"get_{kind}", "object", None))
        for kind in ("assistant", "thread")
    ]
    causes = by_kind(*found)
    assert [cause.title for cause in causes.values()] == [
        "The assistant and thread objects are wrong at `tool_resources.file_search`"
    ]


def test_errors_that_lack_members_are_one_cause_with_the_rule_that_misses_them() -> None:
    rule = broken_rule("errors.type_param_and_code_are_present", "get_run")
    causes = by_kind(missing("error.error.param.required"), rule)
    assert [(cause.title, cause.consequences) for cause in causes.values()] == [("Errors lack `param`", (rule.id,))]


@pytest.mark.parametrize(
    ("judged", "request_", "title"),
    [
        (
            846,
            {"text": '{"metadata": {"a": "1"}'},
            "Some errors, such as those for bodies that are not JSON, lack `param`",
        ),
        (846, {"body": {}}, "Some errors lack `param`"),
        (30, {"text": '{"metadata": {"a": "1"}'}, "Errors lack `param`"),
    ],
)
def test_members_that_only_some_errors_lack(judged: int, request_: JSON, title: str) -> None:
    failing = missing("error.error.param.required")
    failing = replace(
        failing,
        judged=judged,
        reason="22 more findings are not listed",
        counterexample={"case": {"role": "act"}, "request": request_, "answer": {"http_status": 400}},
    )
    assert [cause.title for cause in by_kind(failing).values()] == [title]


def test_code_of_an_error_does_not_repeat_the_code_in_a_run() -> None:
    wrong = wrong_value("run.last_error.code.enum", "get_run", ["server_error"], "backend_error")
    of_run = wrong_rule("ending.some_rule", "create_run", "/last_error/code", None, "backend_error")
    of_error = wrong_rule("refusals.code_names_the_kind", "create_run", "/error/code", None, None)
    found = by_kind(as_constraint_on_answers(wrong), of_run, of_error)
    assert found["shape.run"].ids == ("run.last_error.code.enum", "ending.some_rule")
    assert found["refusals"].ids == ("refusals.code_names_the_kind",)


TEXT = "2026-11-30T12:22:44Z"


def streamed_time(id_: str, operation: str, *values: tuple[str, str, JSON]) -> Verdict:
    failing = wrong_rule(id_, operation, "/a", None, None)
    findings = tuple(Finding("a wrong time", x, operation, pointer, "a time", value) for x, pointer, value in values)
    events: list[JSON] = ["thread.created", "thread.run.created"]
    example: JSON = {"exchange": "x1", "case": {"role": "act"}, "answer": {"http_status": 200, "events": events}}
    return replace(failing, findings=findings, counterexample=example)


@pytest.mark.parametrize(
    ("values", "is_repetition"),
    [
        ([("x1", "/events/0/data/created_at", TEXT)], True),
        ([("x2", "/events/7/data/created_at", TEXT)], True),
        ([("x1", "/events/1/data/created_at", TEXT)], False),
        ([("x1", "/created_at", TEXT)], False),
        ([("x1", "/events/0/data/created_at", TEXT), ("x1", "/events/0/data/created_at", 5)], False),
    ],
)
def test_rules_repeat_a_wrong_value_if_all_findings_are_about_it(
    values: list[tuple[str, str, JSON]], is_repetition: bool
) -> None:
    wrong = as_constraint_on_answers(wrong_value("thread.created_at.type", "create_thread_and_run", "integer", TEXT))
    rule = streamed_time("times.are_unix_seconds", "create_thread_and_run", *values)
    assert (rule.id in by_kind(wrong, rule)["shape.thread"].consequences) is is_repetition


def test_a_value_of_the_wrong_type_that_changes_to_the_right_one_is_one_cause() -> None:
    wrong = as_constraint_on_answers(wrong_value("thread.created_at.type", "create_thread_and_run", "integer", TEXT))
    changed = wrong_rule("identity.never_changes", "get_thread", "/created_at", TEXT, 1_796_041_364)
    assert by_kind(wrong, changed)["shape.thread"].consequences == (changed.id,)
