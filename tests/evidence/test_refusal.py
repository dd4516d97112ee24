"""A refusal is due to a violation only if nothing else explains it."""

from __future__ import annotations

import pytest

from runs_conformance.evidence.refusal import application_errors, is_application_error, param_matches, refusals
from runs_conformance.evidence.refusal_reason import member_named_instead, missing_sibling, parameter_named_by_id
from runs_conformance.model.case import REFUSES_BODY, REFUSES_REFERENCE, Mutation, Refuse, Role, Step
from runs_conformance.model.exchange import Completion
from runs_conformance.model.json import ABSENT, JSON
from tests.rules.histories import HistoryBuilder, error, run


def negative(expectation: Refuse = REFUSES_BODY, place: str = "body") -> Step:
    mutation = Mutation("/max_prompt_tokens", "minimum", 256, 255, place)
    return Step(operation="create_run", role=Role.NEGATIVE, expectation=expectation, mutation=mutation)


def test_deliberate_violation_is_certain_if_others_are_accepted() -> None:
    builder = HistoryBuilder()
    builder.create_run(thread_id="thread_b")
    builder.refuse("create_run", step=negative())
    (refusal,) = refusals(builder.history())
    assert refusal.pointers == ("/max_prompt_tokens",)
    assert refusal.is_certain


def test_violation_is_uncertain_on_a_thread_with_an_active_run() -> None:
    builder = HistoryBuilder()
    builder.create_run()
    builder.refuse("create_run", step=negative())
    (refusal,) = refusals(builder.history())
    assert not refusal.is_certain


def test_violation_is_uncertain_if_the_operation_accepts_nothing() -> None:
    builder = HistoryBuilder()
    builder.refuse("create_run", step=negative())
    (refusal,) = refusals(builder.history())
    assert not refusal.is_certain


@pytest.mark.parametrize("step", [negative(REFUSES_REFERENCE), negative(place="path")])
def test_refusal_of_a_reference_is_no_schema_violation(step: Step) -> None:
    builder = HistoryBuilder()
    builder.refuse("create_run", step=step)
    assert refusals(builder.history()) == ()


def test_violation_in_other_traffic_is_uncertain() -> None:
    builder = HistoryBuilder()
    builder.create_run()
    builder.refuse("create_run", body={"assistant_id": "asst_a", "max_prompt_tokens": 255})
    builder.refuse("create_run", body={"assistant_id": "asst_a"})
    (refusal,) = refusals(builder.history())
    assert refusal.pointers == ("/max_prompt_tokens",)
    assert not refusal.is_certain


@pytest.mark.parametrize(
    ("param", "pointer", "matches"),
    [
        ("tool_outputs[0].output", "/tool_outputs/0/output", True),
        ("tool_outputs", "/tool_outputs/0/output", True),
        ("tool_outputs.0.output.length", "/tool_outputs/0/output", True),
        ("tool_outputs[1]", "/tool_outputs/0/output", False),
        ("metadata", "/tool_outputs", False),
        ("", "/tool_outputs", False),
    ],
)
def test_param_matches(param: str, pointer: str, matches: bool) -> None:
    assert param_matches(param, pointer) is matches


@pytest.mark.parametrize(("status", "expected"), [(400, True), (404, True), (413, False), (429, False), (500, False)])
def test_application_error(status: int, expected: bool) -> None:
    builder = HistoryBuilder()
    exchange = builder.refuse("get_run", status)
    assert is_application_error(exchange) is expected
    assert list(application_errors(builder.history())) == ([exchange] if expected else [])


def test_success_and_truncated_error_are_no_application_errors() -> None:
    builder = HistoryBuilder()
    assert not is_application_error(builder.get_run(run()))
    assert not is_application_error(builder.refuse("get_run", completion=Completion.UNKNOWN))


@pytest.mark.parametrize("id_", ["run/a", "run\n", "r" * 5_000])
def test_path_that_routers_refuse(id_: str) -> None:
    assert not is_application_error(HistoryBuilder().refuse("get_run", run_id=id_))


@pytest.mark.parametrize(("length", "expected"), [(200, True), (1_000, False)])
def test_url_that_is_too_long_for_a_router_of_the_application(length: int, expected: bool) -> None:
    exchange = HistoryBuilder().refuse("get_run", 414, run_id="r" * length)
    assert is_application_error(exchange) is expected


def test_absent_mutation_is_no_violation() -> None:
    builder = HistoryBuilder()
    builder.refuse("create_run", step=Step(operation="create_run", body=ABSENT))
    assert refusals(builder.history()) == ()


@pytest.mark.parametrize(
    ("message", "named"),
    [
        ("No thread found with id 'thread_0123456789'.", "thread_id"),
        ("Invalid value at /threads/thread_0123456789/runs.", None),
        ("Invalid 'temperature'.", None),
    ],
)
def test_refusal_that_names_its_thread_is_about_it(message: str, named: str | None) -> None:
    builder = HistoryBuilder()
    refused = builder.refuse("create_run", text=message, body={"temperature": 3}, thread_id="thread_0123456789")
    assert member_named_instead(refused, "/temperature") == named


@pytest.mark.parametrize(
    ("tool", "param", "named"),
    [
        ({"type": "function"}, "tools[0].function", "tools[0].function"),
        ({"type": "function", "function": {"name": "f"}}, "tools[0].function", None),
        ({"type": "function"}, "tools[0].type", None),
        ({"type": "function"}, "tools[0]", None),
        ({"type": "function"}, "tools.0.FunctionTool.function", None),
        ({}, "tools[0].function", None),
    ],
)
def test_member_that_is_missing_beside_the_place(tool: JSON, param: str, named: str | None) -> None:
    body = error("Missing required parameter.", param)
    refused = HistoryBuilder().send("create_run", body, 400, body={"tools": [tool]})
    assert missing_sibling(refused, "/tools/0/type") == named


@pytest.mark.parametrize(
    ("text", "parameter"),
    [
        ("No thread found with id '0f3a-41cc-1'.", "thread_id"),
        ("No thread found with id '0f3a-41cc-12'.", None),
        ("Cannot POST /v1/threads/0f3a-41cc-1/runs", None),
        ("POST /v1/threads/0f3a-41cc-1/runs failed: 0f3a-41cc-1 does not exist", "thread_id"),
    ],
)
def test_parameter_that_a_refusal_names_by_its_id(text: str, parameter: str | None) -> None:
    builder = HistoryBuilder()
    refused = builder.refuse("create_run", 404, text, thread_id="0f3a-41cc-1")
    assert parameter_named_by_id(refused) == parameter
