"""Invalid requests are refused: the rules on this, on literal histories."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from runs_conformance.model.case import REFUSES_BODY, Mutation, Role, Step
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT
from runs_conformance.model.verdict import Passed, Suspicion
from runs_conformance.rules import refusals
from tests.rules.examples import fails, inconclusive, judge, passes, permitted
from tests.rules.histories import ASSISTANT, HistoryBuilder, error, run, thread

PLACE = "/tools/0/function/name"
BROKEN = {"assistant_id": ASSISTANT, "tools": [{"type": "function", "function": {"name": "no spaces"}}]}


def refused(
    status: int = 400, param: Any = "tools[0].function.name", code: Any = "invalid_value", **rest: Any
) -> History:
    builder = HistoryBuilder(rest.pop("dialect", "openai"))
    step = Step(
        operation="create_run",
        role=Role.NEGATIVE,
        expectation=REFUSES_BODY,
        mutation=Mutation(rest.pop("place", PLACE), "pattern", "fine", "no spaces"),
    )
    if rest.pop("accepted", True):
        builder.create_run(thread_id=rest.pop("busy", "thread_b"))
    body = error(rest.pop("text", "Invalid."), param, code)
    builder.send("create_run", body, status, body=rest.pop("body", BROKEN), step=rest.pop("step", step), **rest)
    return builder.history()


@passes(
    refusals.status_says_that_the_body_is_at_fault,
    refusals.status_is_400,
    refusals.param_names_the_place,
    refusals.code_names_the_kind,
)
def test_refusal_of_the_real_service() -> History:
    return refused()


@passes(refusals.param_names_the_place)
def test_param_names_the_containing_member() -> History:
    return refused(param="tools[0]")


@passes(refusals.status_says_that_the_body_is_at_fault)
def test_422_refuses_a_body() -> History:
    return refused(422)


@fails(refusals.status_is_400)
def test_422_differs_from_the_real_service() -> History:
    return refused(422)


AS_TEXT = {"Content-Type": "text/plain"}


@pytest.mark.parametrize("status", [400, 415, 422])
def test_other_content_type_violates_no_schema(status: int) -> None:
    mutation = Mutation("", "content_type", ABSENT, ABSENT)
    step = Step(operation="create_run", role=Role.NEGATIVE, expectation=REFUSES_BODY, mutation=mutation)
    assert not judge(refusals.status_is_400, refused(status, None, body={}, step=step, headers=AS_TEXT))


@pytest.mark.parametrize("headers", [AS_TEXT, {}])
def test_recorded_refusal_that_may_be_for_the_content_type(headers: Mapping[str, str]) -> None:
    assert not judge(refusals.status_is_400, refused(415, None, None, step=None, headers=headers))


@fails(refusals.status_is_400)
def test_415_for_an_invalid_body_of_the_right_content_type() -> History:
    return refused(415, headers={"Content-Type": "application/json; charset=utf-8"})


@fails(refusals.status_says_that_the_body_is_at_fault)
def test_404_for_another_content_type() -> History:
    return refused(404, None, headers=AS_TEXT)


@fails(refusals.status_says_that_the_body_is_at_fault)
def test_404_for_an_invalid_body() -> History:
    return refused(404)


@inconclusive(refusals.status_says_that_the_body_is_at_fault)
def test_404_for_an_id_of_another_type() -> History:
    return refused(404, None, place="/assistant_id", body={"assistant_id": 5})


@fails(refusals.status_says_that_the_body_is_at_fault)
def test_404_for_an_id_that_is_missing() -> History:
    return refused(404, None, place="/assistant_id", body={})


@inconclusive(refusals.status_says_that_the_body_is_at_fault)
def test_409_on_a_thread_with_an_active_run() -> History:
    return refused(409, None, busy="thread_a")


@inconclusive(refusals.status_says_that_the_body_is_at_fault)
def test_404_that_names_another_member() -> History:
    return refused(404, "assistant_id")


@inconclusive(
    refusals.status_says_that_the_body_is_at_fault, refusals.param_names_the_place, refusals.code_names_the_kind
)
def test_operation_that_is_never_accepted_may_have_another_reason() -> History:
    return refused(405, None, None, accepted=False)


@inconclusive(
    refusals.status_says_that_the_body_is_at_fault, refusals.param_names_the_place, refusals.code_names_the_kind
)
def test_recorded_404_may_have_another_reason() -> History:
    return refused(404, None, None, step=None)


@passes(refusals.param_names_the_place)
def test_recorded_refusal_that_names_the_place() -> History:
    return refused(step=None)


@fails(refusals.param_names_the_place, at="/error/param")
def test_param_names_another_place() -> History:
    return refused(param="tools[1].function.name")


@inconclusive(refusals.param_names_the_place)
def test_param_names_a_member_that_the_invalid_type_needs() -> History:
    return refused(param="tools[0].function", place="/tools/0/type", body={"tools": [{"type": "function"}]})


@fails(refusals.param_names_the_place, refusals.code_names_the_kind)
def test_nothing_is_named() -> History:
    return refused(param=None, code=None)


@fails(refusals.code_names_the_kind, at="/error/code")
def test_code_is_a_number() -> History:
    return refused(code="400")


VIOLATIONS = (
    ("type", "/instructions"),
    ("required", "/assistant_id"),
    ("enum", "/tool_choice"),
    ("additionalProperties", "/unknown"),
)


def refused_for_each(*codes: Any, kinds: tuple[tuple[str, str], ...] = VIOLATIONS) -> History:
    """Refusals of several kinds of violations, each with a code."""
    builder = HistoryBuilder()
    builder.create_run(thread_id="thread_b")
    for (keyword, place), code in zip(kinds, codes, strict=True):
        mutation = Mutation(place, keyword, "fine", 5)
        step = Step(operation="create_run", role=Role.NEGATIVE, expectation=REFUSES_BODY, mutation=mutation)
        builder.send("create_run", error("Invalid.", place[1:], code), 400, body=BROKEN, step=step)
    return builder.history()


@fails(refusals.code_names_the_kind, at="/error/code", times=4)
def test_one_code_for_all_kinds_of_violations() -> History:
    return refused_for_each(*["string"] * 4)


@passes(refusals.code_names_the_kind)
def test_few_codes() -> History:
    return refused_for_each(*["invalid_value"] * 3, "unknown_parameter")


@passes(refusals.code_names_the_kind)
def test_one_code_for_few_kinds_of_violations() -> History:
    return refused_for_each(*["invalid_value"] * 3, kinds=VIOLATIONS[1:])


@passes(refusals.code_names_the_kind)
def test_one_code_for_the_values_of_known_members() -> History:
    kinds = (*VIOLATIONS[:3], ("maximum", "/max_prompt_tokens"))
    return refused_for_each(*["invalid_value"] * 4, kinds=kinds)


@inconclusive(refusals.param_names_the_place)
def test_malformed_json_has_no_place() -> History:
    return refused(param=None, code=None, place="")


@inconclusive(refusals.code_names_the_kind)
def test_azure_has_codes_of_its_own() -> History:
    return refused(code="BadRequest", dialect="azure")


@passes(refusals.a_refused_stream_is_answered_plainly)
def test_plain_refusal_of_a_stream() -> History:
    return refused(body={**BROKEN, "stream": True})


@fails(refusals.a_refused_stream_is_answered_plainly)
def test_refusal_as_a_stream() -> History:
    return refused(body={**BROKEN, "stream": True}, events=[("error", error())])


@passes(refusals.wrong_state_or_unknown_id_is_400_or_404)
def test_refusals_of_state_and_of_ids() -> History:
    builder = HistoryBuilder()
    builder.refuse("create_run", 400, body={"assistant_id": ASSISTANT})
    builder.refuse("get_run", 404)
    return builder.history()


@fails(refusals.wrong_state_or_unknown_id_is_400_or_404)
def test_conflict() -> History:
    builder = HistoryBuilder()
    builder.refuse("create_run", 409, body={"assistant_id": ASSISTANT})
    return builder.history()


def test_refusal_of_a_body_shows_nothing_of_other_refusals() -> None:
    assert judge(refusals.wrong_state_or_unknown_id_is_400_or_404, refused()) == []


def test_recorded_refusal_of_a_body_shows_nothing_of_other_refusals() -> None:
    builder = HistoryBuilder()
    builder.refuse("create_run", 400, body=BROKEN)
    assert judge(refusals.wrong_state_or_unknown_id_is_400_or_404, builder.history()) == []


@fails(refusals.wrong_state_or_unknown_id_is_400_or_404)
def test_conflict_over_an_invalid_body() -> History:
    return refused(status=409)


@permitted
def test_rate_limits_and_wrong_keys_are_no_refusals() -> History:
    builder = HistoryBuilder()
    for status in (401, 403, 429):
        builder.refuse("create_run", status, body={"assistant_id": ABSENT})
    return builder.history()


@passes(refusals.errors_do_not_come_as_success)
def test_success_is_an_object() -> History:
    builder = HistoryBuilder()
    builder.create_run()
    return builder.history()


@fails(refusals.errors_do_not_come_as_success, at="/error", times=2)
def test_errors_under_200() -> History:
    builder = HistoryBuilder()
    builder.send("create_run", error(), body=BROKEN)
    builder.send("create_run", {"error": "No."}, body=BROKEN)
    return builder.history()


@fails(refusals.errors_do_not_come_as_success, at="/detail", times=1)
def test_error_of_a_framework_under_200() -> History:
    builder = HistoryBuilder()
    builder.send("create_run", {"detail": [{"loc": ["body", "model"], "msg": "Field required"}]}, body=BROKEN)
    return builder.history()


@fails(refusals.errors_do_not_come_as_success, at="/message", times=1)
def test_error_without_envelope_under_200() -> History:
    builder = HistoryBuilder()
    builder.send("create_run", {"message": "No such model.", "type": "invalid_request_error"}, body=BROKEN)
    return builder.history()


def test_error_in_plain_text_under_200() -> None:
    builder = HistoryBuilder()
    builder.create_run()
    builder.send("create_run", ABSENT, defects=("not_json",), body=BROKEN)
    results = judge(refusals.errors_do_not_come_as_success, builder.history())
    assert [type(result) for result in results] == [Passed, Suspicion]


@fails(refusals.a_refused_stream_is_answered_plainly)
def test_stream_of_one_error() -> History:
    builder = HistoryBuilder()
    builder.stream("create_run", ("error", error()))
    return builder.history()


@fails(refusals.a_refused_stream_is_answered_plainly)
def test_stream_of_a_new_thread_and_an_error() -> History:
    builder = HistoryBuilder()
    builder.stream("create_thread_and_run", ("thread.created", thread()), ("error", error()))
    return builder.history()


@permitted
def test_stream_of_a_run_that_ends_in_an_error() -> History:
    builder = HistoryBuilder()
    events = (("thread.created", thread()), ("thread.run.created", run()), ("error", error()))
    builder.stream("create_thread_and_run", *events)
    return builder.history()


@permitted
def test_stream_that_breaks_off_at_once() -> History:
    builder = HistoryBuilder()
    builder.send("create_run", events=[("error", error())], body={"assistant_id": ASSISTANT, "stream": True})
    return builder.history()


def test_stream_of_one_error_is_reported_once() -> None:
    builder = HistoryBuilder()
    builder.create_run()
    builder.stream("create_run", ("error", error()))
    results = judge(refusals.errors_do_not_come_as_success, builder.history())
    assert [type(result) for result in results] == [Passed]


def test_stream_of_one_error_that_was_not_asked_for() -> None:
    builder = HistoryBuilder()
    builder.send("create_run", events=[("error", error()), ("done", "[DONE]")], body={"assistant_id": ASSISTANT})
    results = judge(refusals.errors_do_not_come_as_success, builder.history())
    assert [type(result) for result in results] == [Suspicion]


@inconclusive(refusals.param_names_the_place, refusals.code_names_the_kind)
def test_404_for_an_id_of_another_type_names_neither_place_nor_kind() -> History:
    return refused(404, None, None, place="/assistant_id", body={"assistant_id": 5})


@fails(refusals.param_names_the_place, refusals.code_names_the_kind, times=1)
def test_400_for_an_id_of_another_type_names_neither_place_nor_kind() -> History:
    return refused(400, None, None, place="/assistant_id", body={"assistant_id": 5})


def _refused_outputs(text: str) -> History:
    builder = HistoryBuilder()
    builder.send("submit_tool_outputs", run("queued", thread_id="thread_b"), thread_id="thread_b", run_id="run_b")
    output = {"tool_call_id": "call_a", "output": "18 degrees"}
    mutation = Mutation("/tool_outputs/1/tool_call_id", "required", "call_a", ABSENT)
    step = Step(operation="submit_tool_outputs", role=Role.NEGATIVE, expectation=REFUSES_BODY, mutation=mutation)
    body = {"tool_outputs": [output, {"output": "18 degrees"}]}
    builder.refuse("submit_tool_outputs", text=text, body=body, step=step)
    return builder.history()


@inconclusive(refusals.param_names_the_place, refusals.code_names_the_kind)
def test_outputs_that_may_be_refused_for_their_number() -> History:
    return _refused_outputs("Expected tool outputs for call_ids ['call_a'], got 2 outputs.")


@fails(refusals.param_names_the_place, refusals.code_names_the_kind, times=1)
def test_outputs_that_are_refused_for_what_they_lack() -> History:
    return _refused_outputs("Each output needs a tool_call_id.")
