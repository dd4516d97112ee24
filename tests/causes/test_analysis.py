"""Which cause a failure belongs to, of verdicts written by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runs_conformance.causes import Cause, analyze
from runs_conformance.model.json import ABSENT, JSON, Absent
from runs_conformance.model.verdict import Finding, Outcome, Verdict


def accepted(id_: str, operation: str = "submit_tool_outputs") -> Verdict:
    """A constraint on requests whose violation was accepted."""
    finding = Finding("accepted it", "x", operation, "/a", "HTTP 400", 1)
    return verdict(id_, finding, "constraint", operation, case={"role": "negative", "exercises": [id_]})


def broken_rule(id_: str, operation: str, level: str = "must", *, case: dict[str, JSON] | None = None) -> Verdict:
    """A rule that the answer to a request breaks."""
    finding = Finding("it is wrong", "x", operation, "/a", 1, 2)
    return verdict(id_, finding, "rule", operation, level, case=case or {"role": "act"})


def verdict(
    id_: str, finding: Finding, kind: str, operation: str, level: str = "must", *, case: dict[str, JSON]
) -> Verdict:
    example: JSON = {"exchange": "x", "operation": operation, "case": case, "answer": {"http_status": 200, "body": {}}}
    return Verdict(
        id=id_,
        kind=kind,
        level=level,
        capability="tools",
        operation=operation,
        outcome=Outcome.FAIL,
        judged=1,
        statement="It is right.",
        source="schema",
        findings=(finding,),
        counterexample=example,
    )


UNVALIDATED = [
    accepted(f"submit_tool_outputs.tool_outputs.{keyword}") for keyword in ("required", "type", "minItems", "maxItems")
]
OUTPUTS = [
    broken_rule("tools.missing_outputs_are_refused", "submit_tool_outputs"),
    broken_rule("tools.unknown_outputs_are_refused", "submit_tool_outputs", "should"),
]


def by_kind(*verdicts: Verdict) -> dict[str, Cause]:
    return {cause.kind: cause for cause in analyze(verdicts)}


def test_outputs_that_match_no_call_belong_to_missing_validation() -> None:
    causes = by_kind(*UNVALIDATED, *OUTPUTS)
    assert list(causes) == ["validation.none"]
    assert len(causes["validation.none"].ids) == len(UNVALIDATED) + len(OUTPUTS)


def test_a_server_that_only_takes_any_outputs_has_a_cause_for_it() -> None:
    causes = by_kind(*OUTPUTS)
    assert [(kind, cause.severity) for kind, cause in causes.items()] == [("outputs", "missing_validation")]


def test_answers_to_accepted_violations_are_consequences_whatever_their_topic() -> None:
    invalid: dict[str, JSON] = {"role": "negative", "exercises": [UNVALIDATED[0].id]}
    echoes = [
        broken_rule("threads.show_their_tool_resources", "modify_thread", case=invalid),
        broken_rule("lifecycle.begins_queued", "submit_tool_outputs", case=invalid),
    ]
    causes = by_kind(*UNVALIDATED, *echoes)
    assert list(causes) == ["validation.none"]
    assert set(causes["validation.none"].consequences) == {echo.id for echo in echoes}


def test_listed_assistants_repeat_only_what_was_accepted_for_assistants() -> None:
    place = "tool_resources.code_interpreter"
    listed = as_constraint_on_answers(wrong_value(f"assistant.{place}.type", "list_assistants", "object", None))
    for operation, is_echo in (("create_thread", False), ("create_assistant", True)):
        causes = by_kind(*(accepted(f"{operation}.{place}.{each}", operation) for each in ("a", "b", "type")), listed)
        assert (causes["validation.none"].consequences == (listed.id,)) is is_echo


def test_metadata_that_a_creation_drops_is_lost_once() -> None:
    dropped = broken_rule("metadata.is_shown_in_the_answer", "create_thread")
    for operation, is_same in (("get_thread", True), ("get_run", False)):
        causes = by_kind(dropped, broken_rule("metadata.is_kept", operation))
        assert ("data" not in causes) is is_same
        assert ("metadata.is_kept" in causes["data.dropped"].ids) is is_same


def test_objects_that_cannot_be_read_are_no_strict_validation() -> None:
    unread = broken_rule("acceptance.assistants_threads_and_runs_can_be_read", "get_run")
    causes = by_kind(unread, broken_rule("acceptance.smallest_request_is_accepted", "create_thread"))
    assert {kind: cause.title for kind, cause in causes.items()} == {
        "reads": "Existing objects are not shown by get_run",
        "validation.too_strict": "Valid requests are refused by create_thread",
    }


def test_answers_to_valid_requests_are_causes_of_their_own_and_come_before_missing_validation() -> None:
    causes = by_kind(*UNVALIDATED, broken_rule("lifecycle.begins_queued", "create_run"))
    assert list(causes) == ["lifecycle", "validation.none"]


def test_negatives_that_break_no_schema_are_no_consequences() -> None:
    foreign = broken_rule("tenancy.objects_are_their_tenants_own", "get_run", case={"role": "negative"})
    assert list(by_kind(*UNVALIDATED, foreign)) == ["access", "validation.none"]


def test_a_cause_with_one_must_is_named_by_it() -> None:
    urgent = broken_rule("robustness.odd_ids_name_nothing", "get_thread")
    found = replace(urgent.findings[0], message="thread_00d8416a names something")
    causes = by_kind(
        replace(urgent, findings=(found,)), broken_rule("robustness.nothing_follows_the_body", "x", "should")
    )
    assert causes["bodies"].title == "A thread names something"
    assert causes["bodies"].ids == ("robustness.odd_ids_name_nothing", "robustness.nothing_follows_the_body")


@pytest.mark.parametrize(
    ("message", "title"),
    [
        ("thread.message.in_progress contains an object", "`thread.message.in_progress` contains an object"),
        ("assistant_id has changed", "`assistant_id` has changed"),
        ("the run 25a7843c-a2a5-414b-a7f0-77411009d2f7 was queued", "The run was queued"),
        ("a message was accepted", "A message was accepted"),
    ],
)
def test_titles_keep_identifiers_and_leave_out_ids(message: str, title: str) -> None:
    urgent = broken_rule("robustness.odd_ids_name_nothing", "get_thread")
    found = replace(urgent.findings[0], message=message)
    assert by_kind(replace(urgent, findings=(found,)))["bodies"].title == title


def wrong_value(id_: str, operation: str, expected: JSON, actual: JSON | Absent) -> Verdict:
    """A constraint on answers that the answer to a valid request breaks."""
    finding = Finding("it is wrong", "x", operation, f"/{id_.split('.')[-2]}", expected, actual)
    return verdict(id_, finding, "constraint", operation, case={"role": "act"})


def wrong_rule(id_: str, operation: str, pointer: str, expected: JSON, actual: JSON | Absent) -> Verdict:
    finding = Finding("it is wrong", "x", operation, pointer, expected, actual)
    return verdict(id_, finding, "rule", operation, case={"role": "act"})


def as_constraint_on_answers(failing: Verdict) -> Verdict:
    return replace(failing, operation=None)


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


def test_a_type_that_is_sent_as_another_everywhere_is_one_mistake() -> None:
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


def test_titles_of_single_rules_name_no_object_of_the_session() -> None:
    findings = {
        "identity.never_changes": "created_at has changed",
        "listing.what_was_created_is_listed": "asst_PZMAve7xDON1GHhffU1qWxms, which was created before, is not listed",
        "messages.answer_has_a_step": "no step of the run names its message msg_000000000000000000001054",
    }
    verdicts = [
        replace(broken_rule(id_, "get_run"), findings=(Finding(message, "x", "get_run", "/a", 1, 2),))
        for id_, message in findings.items()
    ]
    assert {cause.title for cause in analyze(verdicts)} == {
        "`created_at` has changed",
        "An assistant, which was created before, is not listed",
        "No step of the run names its message",
    }
