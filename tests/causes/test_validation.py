"""Which cause accepted invalid requests and crashes belong to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runs_conformance.causes import analyze
from runs_conformance.model.json import JSON
from runs_conformance.model.verdict import Finding, Outcome, Verdict
from tests.causes.verdicts import (
    UNVALIDATED,
    accepted_at,
    accepted_verdict,
    as_constraint_on_answers,
    broken_rule,
    by_kind,
    crash_verdict,
    refused_verdict,
    wrong_rule,
    wrong_value,
)

OUTPUTS = [
    broken_rule("tools.missing_outputs_are_refused", "submit_tool_outputs"),
    broken_rule("tools.unknown_outputs_are_refused", "submit_tool_outputs", "should"),
]


@pytest.mark.parametrize(
    ("bodies", "is_matter_of_validation"),
    [
        ([{}], True),
        ([{"tool_outputs": "none"}], True),
        ([{"tool_outputs": []}], False),
        ([{"tool_outputs": [{"tool_call_id": "call_of_another_run", "output": "1"}]}], False),
        ([{}, {"tool_outputs": []}], False),
    ],
)
def test_outputs_that_match_no_call_belong_to_validation_only_if_their_bodies_break_the_schema(
    bodies: list[JSON], is_matter_of_validation: bool
) -> None:
    findings = tuple(
        Finding("it was accepted", f"x{number}", "submit_tool_outputs", "", 400, 200) for number in range(len(bodies))
    )
    example: JSON = {"case": {"role": "act"}, "request": {"body": bodies[0]}, "answer": {"http_status": 200}}
    outputs = [replace(failing, findings=findings, counterexample=example) for failing in OUTPUTS]
    causes = by_kind(*UNVALIDATED, *outputs)
    assert list(causes) == ["validation.none", "outputs"][: 1 if is_matter_of_validation else 2]


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ('refused response_format: {"type": "json_schema"}, which is valid', "validation.too_strict"),
        ('failed with HTTP 500 on every attempt with response_format: {"type": "json_schema"}', "crash.valid"),
    ],
)
def test_a_refused_valid_value_is_no_matter_of_validation_though_an_invalid_one_was_accepted(
    message: str, kind: str
) -> None:
    id_ = "create_run.response_format.type.enum"
    enum = accepted_verdict(id_, "create_run")
    valid: JSON = {"type": "json_schema", "json_schema": {"name": "sample"}}
    refusal = Finding(message, "y", "create_run", "/response_format", "HTTP 200", valid)
    mixed = replace(
        enum,
        findings=(*enum.findings, refusal),
        counterexample={
            "case": {"role": "negative", "exercises": [id_]},
            "request": {"body": {"assistant_id": "asst_1", "response_format": {"type": "unexpected"}}},
            "answer": {"http_status": 200, "body": {}},
        },
    )
    others = accepted_at(*(f"create_run.{name}.type" for name in ("model", "tools", "metadata")))
    causes = by_kind(mixed, *others)
    assert set(causes) == {kind, "validation.none"}
    assert causes[kind].ids == (id_,)
    assert "`response_format`" in causes[kind].fix


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
        causes = by_kind(
            *(accepted_verdict(f"{operation}.{place}.{each}", operation) for each in ("a", "b", "type")), listed
        )
        assert (causes["validation.none"].consequences == (listed.id,)) is is_echo


def test_answers_to_valid_requests_are_causes_of_their_own_and_come_before_missing_validation() -> None:
    causes = by_kind(*UNVALIDATED, broken_rule("lifecycle.begins_queued", "create_run"))
    assert list(causes) == ["lifecycle", "validation.none"]


def test_negatives_that_break_no_schema_are_no_consequences() -> None:
    foreign = broken_rule("tenancy.objects_are_their_tenants_own", "get_run", case={"role": "negative"})
    assert list(by_kind(*UNVALIDATED, foreign)) == ["access", "validation.none"]


REFUSED = [refused_verdict(f"create_run.member_{number}.minItems") for number in range(20)]
"""The checks of a server that validates in part."""


def test_few_unchecked_keywords_are_causes_of_their_own() -> None:
    lengths = accepted_at("create_run.model.maxLength", "create_run.instructions.maxLength")
    unknown = accepted_at("create_run.additionalProperties", "create_thread.additionalProperties")
    assert set(by_kind(*lengths, *unknown, *REFUSED)) == {"validation.maxLength", "validation.additionalProperties"}


def test_many_unchecked_keywords_are_one_cause() -> None:
    places = ("create_run.model", "create_run.instructions")
    keywords = ("maxLength", "type", "pattern", "enum")
    causes = by_kind(*accepted_at(*(f"{place}.{keyword}" for place in places for keyword in keywords)), *REFUSED)
    assert [(kind, cause.title) for kind, cause in causes.items()] == [
        ("validation.incomplete", "Request bodies are validated only in part")
    ]
    assert "overlong texts (2)" in causes["validation.incomplete"].fix


def test_one_value_that_is_not_checked_is_one_cause_wherever_it_is_sent() -> None:
    member = "file_search.vector_stores[].chunking_strategy.static.chunk_overlap_tokens.maximum"
    found = accepted_at(f"create_assistant.tool_resources.{member}", f"create_thread_and_run.thread.{member}")
    other = [refused_verdict(f"create_run.member_{number}.maximum") for number in range(20)]
    assert list(by_kind(*found, *other)) == ["validation.member.chunk_overlap_tokens"]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("schema: openapi.yaml", "Check `tool_outputs` against its schema, and refuse invalid values with HTTP 400."),
        (
            "prose: openapi.yaml",
            "Check `tool_outputs` against its documentation, and refuse invalid values with HTTP 400.",
        ),
    ],
)
def test_fix_of_a_requirement_in_words_does_not_name_the_schema(source: str, expected: str) -> None:
    failing = replace(accepted_verdict("submit_tool_outputs.tool_outputs.maximum"), source=source)
    passing = replace(accepted_verdict("submit_tool_outputs.stream.type"), outcome=Outcome.PASS, findings=())
    assert by_kind(failing, passing)["validation.member.tool_outputs"].fix == expected


def test_operation_that_refuses_something_does_not_validate_nothing() -> None:
    unvalidated = accepted_at(*(f"modify_message.m{number}.type" for number in range(8)))
    most = by_kind(*unvalidated, refused_verdict("modify_message.m9.type"), *REFUSED)["validation.none"]
    assert most.title == "modify_message validates almost nothing in the body"
    every = by_kind(*unvalidated, *REFUSED)["validation.none"]
    assert every.title == "modify_message validates nothing in the body"
    assert by_kind(*unvalidated, refused_verdict("create_run.m.type"))["validation.none"].title == (
        "Request bodies are hardly validated"
    )


@pytest.mark.parametrize("crashes", [False, True])
def test_bodies_that_are_read_as_the_next_request_are_named(crashes: bool) -> None:
    failing = crash_verdict(
        "errors.requests_do_not_break_the_server", {"method": "POST", "path": "/threads", "body": {}}
    )
    message = "the unread body of an earlier request was read as this request: HTTP 501"
    misread = replace(failing.findings[0], message=message, operation="create_thread", actual=501)
    crash = replace(failing.findings[0], message="HTTP 500 was returned repeatedly", exchange="y", actual=500)
    failing = replace(failing, findings=(misread, *((crash,) if crashes else ())))
    (cause,) = analyze([failing])
    assert cause.kind.startswith("crash.")
    title = "The unread body of a refused request is read as the next request on its connection"
    if crashes:
        title = "The server fails with HTTP 500 on invalid, malformed or extreme requests"
        title += "; unread bodies are read as requests"
        assert "The exception occurs in create_run. Read" in cause.fix
    assert cause.title == title
    assert "Read the body of every request before responding with an error" in cause.fix


def test_bodies_that_are_read_as_requests_are_told_from_crashes_that_a_constraint_shows() -> None:
    failing = crash_verdict(
        "errors.requests_do_not_break_the_server", {"method": "POST", "path": "/threads", "body": {}}
    )
    message = "the unread body of an earlier request was read as this request: HTTP 501"
    misread = replace(failing.findings[0], message=message, operation="create_thread", actual=501)
    crash = replace(failing.findings[0], message="HTTP 500 was returned repeatedly", exchange="y", actual=500)
    shown = replace(crash_verdict("create_run.tools.type", {"body": {"tools": 5}}), kind="constraint")
    shown = replace(shown, findings=(replace(crash, message="failed with HTTP 500 on every attempt with tools: 5"),))
    causes = by_kind(replace(failing, findings=(misread, crash)), shown)
    assert causes["crash.unread_body"].ids == (failing.id,)
    assert causes["crash.unread_body"].operations == ("create_thread",)
    assert causes["crash.invalid"].ids == (shown.id,)


def refusing(id_: str, pointer: str, value: JSON) -> Verdict:
    """A constraint on requests of which a valid value was refused."""
    operation = id_.partition(".")[0]
    return replace(
        accepted_verdict(id_, operation), findings=(Finding("refused it", "x", operation, pointer, "HTTP 200", value),)
    )


@pytest.mark.parametrize(
    ("value", "title"),
    [
        (None, "`null` is refused where it is allowed, and minimal requests by create_thread"),
        (7, "Valid requests are refused by create_run, create_thread"),
    ],
)
def test_refused_null_is_named(value: JSON, title: str) -> None:
    strict = refusing("create_run.metadata.type", "/metadata", value)
    minimal = broken_rule("acceptance.smallest_request_is_accepted", "create_thread")
    cause = by_kind(strict, minimal)["validation.too_strict"]
    assert cause.title == title
    shown = "null" if value is None else "7"
    assert f"refuses valid values of `metadata` ({shown}) and minimal requests of create_thread" in cause.fix


LONG_NAME = "k" * 64


def test_members_are_named_of_which_valid_values_are_refused() -> None:
    names = [
        refusing(f"{operation}.metadata.propertyNames.maxLength", "/metadata", {LONG_NAME: "x"})
        for operation in ("create_run", "modify_run", "create_thread")
    ]
    in_thread = "create_thread_and_run.thread.metadata.propertyNames.maxLength"
    names.append(refusing(in_thread, f"/thread/metadata/{LONG_NAME}", "x"))
    together = broken_rule("acceptance.members_are_accepted_together", "create_run", "should")
    (cause,) = analyze([*names, together])
    assert cause.title == "Valid values of `metadata` are refused by 4 operations"
    assert (
        "valid values of `metadata` (names of 64 characters), `thread.metadata` (names of 64 characters)." in cause.fix
    )
    one = refusing("create_message.content.minItems", "/content", [{"type": "text", "text": "a" * 40}])
    whole = "create_run.additional_messages[].content[].type.enum"
    within = refusing(whole, "/additional_messages", [{"content": "a" * 40}])
    cause = by_kind(one, within)["validation.too_strict"]
    assert cause.title == "Valid values of `content`, `additional_messages` are refused by create_message, create_run"
    assert "`content` (1 item), `additional_messages` (1 item)" in cause.fix


@pytest.mark.parametrize(
    ("value", "said", "is_counted"),
    [
        ("é" + "x" * 511, "Expected at most 512, but got 513.", True),
        (f"é{'x' * 79}… (512 characters, sha256 5aefd9d6cdddb55f)", "Expected at most 512, but got 513.", True),
        ("é" + "x" * 511, "Expected at most 256, but got 512.", False),
        ("x" * 512, "Expected at most 512, but got 513.", False),
    ],
)
def test_limit_that_is_applied_to_bytes_is_named(value: str, said: str, is_counted: bool) -> None:
    refusal = refusing("create_run.metadata{}.maxLength", "/metadata/a", value)
    answer: JSON = {"http_status": 400, "body": {"error": {"message": said}}}
    (cause,) = analyze([replace(refusal, counterexample={"answer": answer})])
    counted = " It counts the bytes of `metadata{}` instead of the characters." if is_counted else ""
    assert cause.fix.endswith(f"The server refuses valid values of `metadata{{}}` (512 characters).{counted}")


@pytest.mark.parametrize(("status", "kind"), [(400, "validation.too_strict"), (500, "data")])
def test_refused_modifications_are_valid_requests(status: int, kind: str) -> None:
    rule = wrong_rule("modify.message_can_be_modified", "modify_message", "", 200, status)
    (cause,) = analyze([rule])
    assert cause.kind == kind
    assert (cause.title == "Valid requests are refused by modify_message") is (kind != "data")


@pytest.mark.parametrize("with_limit", [True, False])
def test_refused_limits_of_lists_are_valid_requests(with_limit: bool) -> None:
    rule = wrong_rule("paging.legal_limits_and_orders_are_taken", "list_runs", "", 200, 400)
    limits = [refusing("list_runs.limit.maximum", "/limit", 100)] if with_limit else []
    (cause,) = analyze([rule, *limits])
    assert cause.kind == "validation.too_strict"
    assert cause.title == ("Valid values of `limit`" if with_limit else "Valid requests") + " are refused by list_runs"
    refuses = "valid values of `limit` (100)" if with_limit else "a valid `limit` or `order` of list_runs"
    assert cause.fix.endswith(f"The server refuses {refuses}.")


def test_refused_request_without_a_body_is_named() -> None:
    minimal = broken_rule("acceptance.smallest_request_is_accepted", "create_thread")
    bodiless = replace(minimal, counterexample={"request": {"method": "POST", "path": "/threads"}})
    assert by_kind(bodiless)["validation.too_strict"].fix.endswith("The server refuses POST /threads without a body.")


def test_query_parameters_are_not_validated_with_bodies() -> None:
    query = accepted_at("list_runs.order.enum", "list_run_steps.include[].enum")
    checked = [
        refused_verdict(f"list_runs.{name}.{keyword}") for name in ("limit", "after") for keyword in ("type", "minimum")
    ]
    causes = by_kind(*UNVALIDATED, *query, *checked)
    assert {kind: cause.title for kind, cause in causes.items()} == {
        "validation.none": "Request bodies are not validated",
        "validation.query": "Invalid query parameters are accepted: `order`, `include`",
    }


@pytest.mark.parametrize(
    ("request_", "kinds"),
    [
        ({"text": "[]"}, {"validation.none"}),
        ({"body": {"assistant_id": 5}}, {"validation.none"}),
        ({"body": {"assistant_id": "asst_1"}}, {"validation.none", "crash.invalid"}),
        ({}, {"validation.none", "crash.invalid"}),
    ],
)
def test_crashes_on_invalid_bodies_belong_to_their_missing_validation(request_: JSON, kinds: set[str]) -> None:
    unvalidated = accepted_at(*(f"create_run.{name}.type" for name in ("model", "tools", "metadata")))
    crash = crash_verdict("robustness.odd_requests_do_not_break_the_server", request_)
    causes = by_kind(*unvalidated, crash)
    assert set(causes) == kinds
    is_joined = kinds == {"validation.none"}
    assert (causes["validation.none"].severity == "crash") is is_joined
    assert causes["validation.none"].title.endswith("and one gets HTTP 500") is is_joined


def test_missing_validation_that_crashes_is_shown_by_a_crash() -> None:
    sent: JSON = {"messages": [None], "metadata": {"a": "b"}}
    crash = crash_verdict("create_thread.messages[].type", {"body": sent}, operation="create_thread")
    crash = replace(crash, kind="constraint")
    members = ("a.type", "b.enum", "c.minimum", "d.maxLength", "messages.type")
    accepted_values = accepted_at(*(f"create_thread.{member}" for member in members))
    (cause,) = analyze([crash, *accepted_values, *REFUSED])
    assert cause.severity == "crash"
    assert cause.reproduction == crash.id
    assert "; the server fails on invalid values of `messages[]`" in cause.fix


def test_a_server_that_validates_has_a_cause_for_its_crash() -> None:
    crash = crash_verdict("robustness.odd_requests_do_not_break_the_server", {"text": "[]"})
    causes = by_kind(crash, *REFUSED)
    assert causes["crash.invalid"].title == "The server fails with HTTP 500 on bodies that are not JSON objects"


def test_a_crash_on_an_object_of_another_content_type_is_no_matter_of_its_body() -> None:
    crash = crash_verdict("robustness.odd_requests_do_not_break_the_server", {"text": '{"role": "user"}'})
    assert isinstance(crash.counterexample, dict)
    odd = replace(crash, counterexample={**crash.counterexample, "case": {"anomaly": "wrong_content_type"}})
    what = "malformed or extreme requests, such as a body with a content type other than JSON"
    assert by_kind(odd, *REFUSED)["crash.invalid"].title == f"The server fails with HTTP 500 on {what}"


def test_crashes_on_valid_requests_come_first() -> None:
    crash = crash_verdict("errors.requests_do_not_break_the_server", {"body": {"assistant_id": "asst_1"}}, "valid")
    causes = by_kind(*accepted_at(*(f"create_run.m{n}.type" for n in range(3))), crash)
    assert list(causes) == ["crash.valid", "validation.none"]
    assert causes["crash.valid"].title == "The server fails with HTTP 500 on valid requests of create_run"


def _crash_of(*findings: tuple[str, str, str | None]) -> Verdict:
    """The rule on crashes, by the operation, message and expected result of each of its findings."""
    crash = crash_verdict("errors.requests_do_not_break_the_server", {"query": []}, "look", findings[0][0])
    found = [Finding(message, "x", operation, "", expected, 500) for operation, message, expected in findings]
    return replace(crash, findings=tuple(found))


AFTER_SURROGATE = "HTTP 500 was returned repeatedly after a body with a lone surrogate was sent"


def test_operations_of_a_crash_on_valid_requests_are_not_those_of_invalid_ones() -> None:
    repeated = "HTTP 500 was returned repeatedly"
    crash = _crash_of(
        ("list_messages", repeated, "HTTP 200"),
        ("create_run", repeated, None),
        ("list_assistants", repeated, "HTTP 200"),
        ("create_thread", repeated, None),
    )
    cause = by_kind(crash, *REFUSED)["crash.valid"]
    assert cause.title == "The server fails with HTTP 500 on valid requests of list_assistants, list_messages"
    assert cause.operations == ("list_assistants", "list_messages")
    assert cause.fix.endswith("handle requests of list_assistants, list_messages.")


def test_a_malformed_request_before_every_crash_is_named() -> None:
    invalid = ("create_message", "HTTP 500 was returned repeatedly", None)
    crash = _crash_of(("list_messages", AFTER_SURROGATE, "HTTP 200"), invalid)
    cause = by_kind(crash, *REFUSED)["crash.valid"]
    assert cause.title == (
        "The server fails with HTTP 500 on valid requests of list_messages, once a body with a lone surrogate was sent"
    )
    assert cause.fix.startswith("Refuse a body with a lone surrogate with HTTP 400, and store nothing. Find")
    plain = ("list_runs", "HTTP 500 was returned repeatedly", "HTTP 200")
    mixed = by_kind(_crash_of(("list_messages", AFTER_SURROGATE, "HTTP 200"), plain), *REFUSED)["crash.valid"]
    assert mixed.title == (
        "The server fails with HTTP 500 on valid requests of list_runs, and of list_messages"
        " once a body with a lone surrogate was sent"
    )
    again = ("list_messages", "HTTP 500 was returned repeatedly", "HTTP 200")
    cause = by_kind(_crash_of(("list_messages", AFTER_SURROGATE, "HTTP 200"), again), *REFUSED)["crash.valid"]
    assert cause.title == "The server fails with HTTP 500 on valid requests of list_messages"


def test_invalid_values_that_crash_a_server_are_named() -> None:
    crashes = [
        replace(
            crash_verdict(f"{name}.limit.type", {"query": [["limit", "abc"]]}, operation=name),
            kind="constraint",
            operation=name,
            findings=(Finding("failed", "x", name, "/limit", "HTTP 400", "abc"),),
        )
        for name in ("list_runs", "list_messages")
    ]
    (cause,) = analyze(crashes)
    assert (cause.kind, cause.title) == ("crash.invalid", "The server fails with HTTP 500 on invalid values of `limit`")
