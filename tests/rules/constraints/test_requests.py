"""Tests of the request constraints on literal histories."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from runs_conformance.engine.judge import judge
from runs_conformance.model.case import REFUSES_BODY, Accept, Either, Mutation, Role, Step
from runs_conformance.model.exchange import Completion
from runs_conformance.model.json import ABSENT, at
from runs_conformance.model.verdict import NO_VALID_VALUE, Finding, Nature, Outcome, Tally
from runs_conformance.rules.constraints.requests import tallies
from tests.rules.histories import RUN, HistoryBuilder, error, message, run, thread

MINIMUM = "create_run.max_prompt_tokens.minimum"
BODY = {"assistant_id": "asst_a"}


def control(operation: str = "create_run") -> Step:
    return Step(operation=operation, body=BODY, role=Role.CONTROL, expectation=Accept())


def valid(value: Any = 256, *exercises: str, **rest: Any) -> Step:
    mutation = Mutation("/max_prompt_tokens", "minimum", ABSENT, value)
    return Step(
        operation="create_run",
        body={**BODY, "max_prompt_tokens": value},
        role=Role.VALID,
        exercises=exercises or (MINIMUM,),
        **{"expectation": Accept(), "mutation": mutation, **rest},
    )


def negative(value: Any = 255, **rest: Any) -> Step:
    return Step(
        operation="create_run",
        body={**BODY, "max_prompt_tokens": value},
        role=Role.NEGATIVE,
        expectation=REFUSES_BODY,
        mutation=Mutation("/max_prompt_tokens", "minimum", 256, value),
        exercises=(MINIMUM,),
        **rest,
    )


class RequestHistory(HistoryBuilder):
    """Builds a history of boundary steps; by default, each accepted run is on a thread of its own."""

    threads = 0

    def accept(self, step: Step, thread: str | None = None, **rest: Any) -> None:
        self.threads += 1
        id_ = f"run_{self.threads}"
        self.send(step.operation, run("queued", id_), step=step, thread_id=thread or f"thread_{self.threads}", **rest)

    def no(self, step: Step, status: int = 400, thread: str = "thread_idle", **rest: Any) -> None:
        self.send(step.operation, error("Too small."), status, step=step, thread_id=thread, **rest)

    def tally(self, id_: str = MINIMUM) -> Tally:
        return tallies(self.history())[id_]


def with_valid_neighbours() -> RequestHistory:
    builder = RequestHistory()
    builder.accept(control())
    builder.accept(valid())
    return builder


def only(tally: Tally) -> Finding:
    (finding,) = tally.findings
    return finding


KIND = "create_run.tools[].type.enum"


def judge_unknown_kind(tool: Any) -> Tally:
    """Judge a refusal of an unknown kind of tool that asks for its function."""
    body = {**BODY, "tools": [tool]}
    mutation = Mutation("/tools/0/type", "enum", "file_search", "function")
    step = replace(negative(), body=body, mutation=mutation, exercises=(KIND,))
    builder = RequestHistory()
    builder.accept(control())
    builder.accept(valid(256, KIND))
    builder.send("create_run", error("No.", "tools[0].function"), 400, body=body, step=step, thread_id="thread_idle")
    builder.accept(control())
    return builder.tally(KIND)


def test_refusal_for_what_an_unknown_kind_lacks_is_no_evidence_of_its_refusal() -> None:
    tally = judge_unknown_kind({"type": "function"})
    assert tally.suspicions
    assert not tally.is_decided


def test_refusal_of_a_complete_object_of_an_unknown_kind_passes() -> None:
    tally = judge_unknown_kind({"type": "function", "function": {"name": "f"}})
    assert tally.is_decided
    assert not tally.suspicions


CALL_ID = "submit_tool_outputs.tool_outputs[].tool_call_id.type"
OUTPUT = {"tool_call_id": "call_a", "output": "sample"}
COUNTED = error("Expected outputs for ['call_a'], got 2 outputs.")


def judge_outputs(*refusals: tuple[list[Any], Any]) -> Tally:
    """Judge tool outputs of which the last has an id of a wrong type; each refusal is a list and an error."""
    builder = RequestHistory()
    for outputs, refusal in refusals:
        mutation = Mutation(f"/tool_outputs/{len(outputs) - 1}/tool_call_id", "type", "call_a", 5)
        step = Step(
            operation="submit_tool_outputs",
            body={"tool_outputs": outputs},
            role=Role.NEGATIVE,
            expectation=REFUSES_BODY,
            mutation=mutation,
            exercises=(CALL_ID,),
        )
        builder.send("submit_tool_outputs", refusal, 400, body=step.body, step=step)
    builder.accept(replace(control("submit_tool_outputs"), body={"tool_outputs": [OUTPUT]}, exercises=(CALL_ID,)))
    return builder.tally(CALL_ID)


def test_one_output_too_many_may_be_refused_for_the_number() -> None:
    tally = judge_outputs(([OUTPUT, {**OUTPUT, "tool_call_id": 5}], COUNTED))
    assert not tally.is_decided
    assert tally.inconclusive


@pytest.mark.parametrize(
    "refusal",
    [
        error("Invalid output.", "tool_outputs[1]"),
        error("No call has this tool_call_id."),
        error("Expected a string, but got 5."),
    ],
)
def test_one_output_too_many_that_is_named_is_refused_for_itself(refusal: Any) -> None:
    assert judge_outputs(([OUTPUT, {**OUTPUT, "tool_call_id": 5}], refusal)).is_decided


def test_an_invalid_output_alone_shows_whether_it_is_refused() -> None:
    alone = [{**OUTPUT, "tool_call_id": 5}]
    tally = judge_outputs(([OUTPUT, *alone], COUNTED), (alone, error("Expected outputs for ['call_a'].")))
    assert tally.is_decided
    assert not tally.findings


def test_refusal_with_accepted_neighbours_passes() -> None:
    builder = with_valid_neighbours()
    builder.no(negative())
    assert (builder.tally().judged, builder.tally().outcome) == (2, Outcome.PASS)


def test_accepted_negative_fails_with_its_place() -> None:
    builder = with_valid_neighbours()
    builder.accept(negative())
    finding = only(builder.tally())
    assert finding.message == "accepted max_prompt_tokens: 255"
    assert (finding.pointer, finding.actual) == ("/max_prompt_tokens", 255)
    assert finding.case == negative().id


def test_accepted_negative_fails_even_if_nothing_else_is_accepted() -> None:
    builder = RequestHistory()
    builder.no(control())
    builder.accept(negative())
    assert builder.tally().outcome is Outcome.FAIL


def test_message_names_the_missing_member() -> None:
    builder = with_valid_neighbours()
    mutation = Mutation("/assistant_id", "required", "asst_a", ABSENT)
    id_ = "create_run.assistant_id.required"
    builder.accept(Step(operation="create_run", role=Role.NEGATIVE, mutation=mutation, exercises=(id_,), body={}))
    assert only(builder.tally(id_)).message == "accepted a request without assistant_id"


def test_refusal_while_valid_requests_are_refused_is_inconclusive() -> None:
    builder = with_valid_neighbours()
    builder.no(valid(300))
    builder.no(negative())
    builder.no(valid(301))
    assert list(builder.tally().inconclusive) == ["the valid create_run requests around it were refused, too"]
    assert not builder.tally().findings


def test_valid_request_refused_for_a_member_of_its_own_explains_no_refusal() -> None:
    id_ = "create_run.assistant_id.required"
    metadata = Step(
        operation="create_run",
        body={**BODY, "metadata": None},
        role=Role.VALID,
        exercises=("create_run.metadata.type",),
        expectation=Accept(),
        mutation=Mutation("/metadata", "type", ABSENT, None),
    )
    mutation = Mutation("/assistant_id", "required", "asst_a", ABSENT)
    without = Step(operation="create_run", role=Role.NEGATIVE, mutation=mutation, exercises=(id_,), body={})
    for param, reasons in (("metadata", []), (None, ["the valid create_run requests around it were refused, too"])):
        builder = RequestHistory()
        builder.accept(control())
        builder.accept(valid(256, id_))
        refusal, null = error("It is null.", param=param), {**BODY, "metadata": None}
        builder.send("create_run", refusal, 400, step=metadata, body=null, thread_id="thread_idle")
        builder.no(without, body={})
        builder.send("create_run", refusal, 400, step=metadata, body=null, thread_id="thread_idle")
        assert list(builder.tally(id_).inconclusive) == reasons


def test_refusal_before_an_accepted_valid_request_passes() -> None:
    builder = with_valid_neighbours()
    builder.no(valid(300))
    builder.no(negative())
    builder.accept(valid(301))
    tally = builder.tally()
    assert "300" in only(tally).message
    assert not tally.inconclusive


@pytest.mark.parametrize("accepted_first", [True, False])
def test_accepted_invalid_request_shows_that_not_everything_is_refused(accepted_first: bool) -> None:
    builder = with_valid_neighbours()
    builder.no(valid(300))
    other = Mutation("/assistant_id", "required", "asst_a", ABSENT)
    invalid = Step(
        operation="create_run", role=Role.NEGATIVE, mutation=other, exercises=("create_run.assistant_id.required",)
    )
    for step in (invalid, negative()) if accepted_first else (negative(), invalid):
        builder.accept(step) if step is invalid else builder.no(step)
    builder.no(valid(301))
    assert not builder.tally().suspicions


def test_one_of_two_invalid_values_refused_for_a_lock_prevents_a_pass() -> None:
    builder = with_valid_neighbours()
    builder.no(negative())
    builder.send("create_run", error("The thread has an active run."), 400, step=negative(254), thread_id="thread_idle")
    tally = builder.tally()
    assert tally.is_decided
    assert tally.suspicions == Counter(["the thread may have had an active run, which refuses every request"])


@pytest.mark.parametrize("answer", ["thread t already has an active run", {"detail": "A run is in progress."}])
def test_refusal_for_a_lock_in_any_form_is_inconclusive(answer: Any) -> None:
    builder = with_valid_neighbours()
    builder.send("create_run", answer, 400, step=negative(), thread_id="thread_idle")
    assert not builder.tally().is_decided


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (404, error("No such object.")),
        (409, error("In conflict.")),
        (400, {"detail": [{"loc": ["body", None], "msg": "No thread found with id 'thread_idle'."}]}),
    ],
)
def test_refusal_for_something_that_is_not_found_proves_nothing(status: int, answer: Any) -> None:
    builder = with_valid_neighbours()
    builder.send("create_run", answer, status, step=negative(), thread_id="thread_idle")
    assert builder.tally().suspicions


def test_404_that_names_the_place_is_a_refusal() -> None:
    builder = with_valid_neighbours()
    builder.send(
        "create_run", error("Too small.", param="max_prompt_tokens"), 404, step=negative(), thread_id="thread_idle"
    )
    assert builder.tally().outcome is Outcome.PASS


CONTENT_TYPE = "create_message.content.type"


def _judge_content_types(*refused: tuple[Any, str, str | None]) -> Tally:
    """The tally of wrong types of `content`, each refused with a text and a code."""
    builder = RequestHistory()
    accepted = Step(
        operation="create_message",
        body={"role": "user", "content": "Hi."},
        role=Role.CONTROL,
        exercises=(CONTENT_TYPE,),
    )
    builder.send("create_message", message("msg_1"), step=accepted, thread_id="thread_idle")
    for value, text, code in refused:
        step = Step(
            operation="create_message",
            body={"role": "user", "content": value},
            role=Role.NEGATIVE,
            expectation=REFUSES_BODY,
            mutation=Mutation("/content", "type", "Hi.", value),
            exercises=(CONTENT_TYPE,),
        )
        builder.send("create_message", error(text, code=code), 400, step=step, thread_id="thread_idle")
    return builder.tally(CONTENT_TYPE)


@pytest.mark.parametrize("value", [{}, [], "", None])
def test_empty_value_that_is_called_missing_shows_nothing_about_types(value: Any) -> None:
    tally = _judge_content_types((value, "Missing required parameter: 'content'.", "missing_required_parameter"))
    assert (tally.outcome, tally.is_decided) == (Outcome.INCONCLUSIVE, False)
    assert _judge_content_types((value, "Bad request.", "missing_required_parameter")).outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({}, "Invalid type for 'content': expected a string or an array, but got an object instead."),
        ({}, "'content' is required and must be a string."),
        (5, "Missing required parameter: 'content'."),
        ({"type": "text", "text": "Hi."}, "Missing required parameter: 'content'."),
        (False, "Missing required parameter: 'content'."),
    ],
)
def test_other_refusals_of_wrong_types_pass(value: Any, text: str) -> None:
    assert _judge_content_types((value, text, None)).outcome is Outcome.PASS


def test_another_wrong_type_decides_beside_an_empty_value() -> None:
    missing = (None, "Missing required parameter: 'content'.", None)
    assert _judge_content_types(missing, (5, "Invalid type for 'content'.", None)).outcome is Outcome.PASS


def test_server_that_refuses_everything_is_inconclusive() -> None:
    builder = RequestHistory()
    builder.no(control())
    builder.no(negative())
    assert builder.tally().inconclusive == Counter(["the minimal create_run request was also refused"])


@pytest.mark.parametrize("accepted", [True, False])
def test_an_accepted_valid_request_is_the_control_where_the_minimal_one_was_not_sent(accepted: bool) -> None:
    builder = RequestHistory()
    (builder.accept if accepted else builder.no)(valid())
    builder.no(negative())
    tally = builder.tally()
    assert (tally.outcome is Outcome.PASS) is accepted
    assert ("the valid create_run request was also refused" in tally.inconclusive) is not accepted


def test_refusal_without_a_valid_value_at_the_place_is_inconclusive() -> None:
    builder = RequestHistory()
    builder.accept(control())
    builder.no(valid(packed=True))
    builder.no(negative())
    assert builder.tally().outcome is Outcome.INCONCLUSIVE
    assert not builder.tally().judged


def test_control_with_a_value_at_the_place_suffices() -> None:
    builder = RequestHistory()
    shown = Step(operation="create_run", body=BODY, role=Role.CONTROL, expectation=Accept(), exercises=(MINIMUM,))
    builder.accept(shown)
    builder.no(negative())
    assert builder.tally().outcome is Outcome.PASS


def test_accepted_implementation_defined_value_counts_as_valid() -> None:
    builder = RequestHistory()
    builder.accept(control())
    builder.accept(valid(expectation=Either("depends on the model")))
    builder.no(negative())
    assert builder.tally().outcome is Outcome.PASS


def test_rate_limits_and_wrong_keys_are_no_refusals() -> None:
    for status, reason in ((429, "rate limited (HTTP 429)"), (401, "not authorized (HTTP 401)")):
        builder = with_valid_neighbours()
        builder.no(negative(), status)
        assert builder.tally().inconclusive == Counter([reason])
        assert builder.tally().outcome is Outcome.INCONCLUSIVE, "accepted valid values are not enough"


def test_lost_answer_is_inconclusive() -> None:
    builder = with_valid_neighbours()
    builder.send("create_run", ABSENT, 504, completion=Completion.UNKNOWN, step=negative())
    assert builder.tally().outcome is Outcome.INCONCLUSIVE


def test_later_attempt_decides() -> None:
    builder = with_valid_neighbours()
    builder.no(negative(), 429)
    builder.no(negative())
    assert builder.tally().outcome is Outcome.PASS


def test_repeated_server_error_fails() -> None:
    builder = with_valid_neighbours()
    builder.no(negative(), 500)
    builder.no(negative(), 500)
    builder.accept(control())
    assert only(builder.tally()).message == "failed with HTTP 500 on every attempt with max_prompt_tokens: 255"
    assert only(builder.tally()).nature is Nature.SERVER_ERROR


def test_repeated_server_error_is_inconclusive_on_a_target_that_fails_at_random() -> None:
    builder = with_valid_neighbours()
    for value in (300, 301):
        builder.no(valid(value), 500)
        builder.accept(valid(value))
    builder.no(negative(), 500)
    builder.no(negative(), 500)
    builder.accept(valid(302))
    assert not builder.tally().findings


def test_server_error_is_inconclusive_if_valid_values_at_the_place_fail_too() -> None:
    builder = RequestHistory()
    builder.accept(control())
    for step in (valid(), valid(), negative(), negative()):
        builder.no(step, 500)
    builder.accept(control())
    tally = builder.tally()
    assert only(tally).message == "failed with HTTP 500 on every attempt with max_prompt_tokens: 256"
    assert list(tally.inconclusive) == ["no request with a valid value at this place was accepted either"]


@pytest.mark.parametrize(
    ("text", "is_reported"),
    [
        ("Run creation requires a Thread with a user message or an assistant with instructions.", False),
        ("The thread has no messages.", False),
        ("The instructions of a thread must not be empty.", True),
    ],
)
def test_refusal_for_a_thread_that_lost_its_messages_is_inconclusive(text: str, is_reported: bool) -> None:
    builder = RequestHistory()
    builder.accept(control())
    blank = valid("", mutation=Mutation("/instructions", "type", ABSENT, ""))
    builder.send("create_run", error(text), 400, step=blank, thread_id="thread_idle")
    assert bool(builder.tally().findings) is is_reported


def test_single_or_total_server_failure_is_inconclusive() -> None:
    once = with_valid_neighbours()
    once.no(negative(), 500)
    once.accept(control())
    down = with_valid_neighbours()
    down.no(negative(), 500)
    down.no(negative(), 500)
    for builder in (once, down):
        assert builder.tally().outcome is Outcome.INCONCLUSIVE


def test_server_failure_that_may_have_another_reason_prevents_a_pass() -> None:
    builder = with_valid_neighbours()
    builder.no(negative(254))
    builder.accept(control())
    for _ in range(2):
        builder.no(negative(), 500)
    tally = builder.tally()
    assert tally.judged
    assert list(tally.suspicions) == ["the server failed with HTTP 500, possibly for another reason"]


def test_accepted_invalid_request_shows_that_the_target_kept_serving() -> None:
    builder = with_valid_neighbours()
    builder.no(negative(), 500)
    builder.no(negative(), 500)
    builder.accept(negative(254))
    assert "on every attempt with max_prompt_tokens: 255" in builder.tally().findings[0].message


NAME = "create_run.response_format.json_schema.name"
SCHEMA, FORMAT = "create_run.response_format.json_schema.type", "create_run.response_format.type"


def with_response_format(value: Any, pointer: str, *exercises: str) -> Step:
    """A valid request whose `response_format` is this value, and which tests the value at the pointer in it."""
    return Step(
        operation="create_run",
        body={**BODY, "response_format": value},
        role=Role.VALID,
        expectation=Accept(),
        mutation=Mutation(f"/response_format{pointer}", "type", ABSENT, at(value, pointer)),
        exercises=exercises,
    )


def json_schema(name: str) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": name}}


def history_of_schemas(*names: str, status: int = 400) -> RequestHistory:
    """Requests for JSON schemas of these names, all of which are refused, and one for plain text, which is not."""
    builder = RequestHistory()
    builder.accept(control())
    builder.accept(with_response_format("auto", "", FORMAT))
    for name in names:
        step = with_response_format(
            json_schema(name), "/json_schema/name", f"{NAME}.maxLength", f"{NAME}.type", SCHEMA, f"{FORMAT}.enum"
        )
        for _ in range(2):
            builder.no(step, status, body=step.body)
    builder.accept(control())
    return builder


@pytest.mark.parametrize(("status", "verb"), [(400, "refused"), (500, "failed")])
def test_outermost_refused_place_is_reported_once(status: int, verb: str) -> None:
    builder = history_of_schemas("x", "y", status=status)
    found = tallies(builder.history())
    assert [id_ for id_, tally in found.items() if tally.findings] == [SCHEMA]
    finding = only(found[SCHEMA])
    assert finding.message.startswith(verb)
    assert finding.message.endswith("; no request with response_format.json_schema was accepted")
    assert (finding.pointer, finding.actual) == ("/response_format/json_schema", {"name": "x"})
    assert list(found[f"{NAME}.maxLength"].inconclusive) == ["no other value at this place was accepted either"]
    reason = "no request with the type json_schema at response_format was accepted"
    assert list(found[f"{FORMAT}.enum"].suspicions) == [reason]


def test_outermost_refused_place_is_not_reported_beside_a_finding_about_it() -> None:
    builder = history_of_schemas("x")
    step = with_response_format(json_schema("y"), "", f"{FORMAT}.enum", SCHEMA)
    builder.no(step, body=step.body)
    builder.accept(control())
    assert [id_ for id_, tally in tallies(builder.history()).items() if tally.findings] == [f"{FORMAT}.enum"]


def test_refused_value_is_reported_itself_if_another_at_its_place_is_accepted() -> None:
    builder = history_of_schemas("x")
    builder.accept(with_response_format(json_schema("y"), "", SCHEMA, f"{FORMAT}.enum"))
    assert [id_ for id_, tally in tallies(builder.history()).items() if tally.findings] == [f"{NAME}.maxLength"]


def with_tools(pointer: str, tools: Any, *exercises: str) -> Step:
    """A valid request with tools, which tests the value at the pointer in them."""
    return Step(
        operation="create_run",
        body={**BODY, "tools": tools},
        role=Role.VALID,
        expectation=Accept(),
        mutation=Mutation(f"/tools{pointer}", "type", ABSENT, at(tools, pointer)),
        exercises=exercises,
    )


TOOLS, KIND, OPTIONS = "create_run.tools.type", "create_run.tools[].type.enum", "create_run.tools[].file_search.type"
FUNCTION, SEARCH = {"type": "function", "function": {"name": "f"}}, {"type": "file_search"}


@pytest.mark.parametrize(
    "refused",
    [
        [
            with_tools("/0/file_search", [{**SEARCH, "file_search": {}}], OPTIONS, KIND),
            with_tools("/0", [SEARCH], KIND),
        ],
        [with_tools("", [SEARCH], TOOLS, KIND)],
    ],
    ids=["options of the tool", "list of tools"],
)
def test_alternative_that_is_never_accepted_is_reported_alone(refused: list[Step]) -> None:
    builder = RequestHistory()
    builder.accept(control())
    builder.accept(with_tools("", [FUNCTION], TOOLS, KIND))
    for step in refused:
        builder.no(step, body=step.body)
        builder.accept(control())
    found = tallies(builder.history())
    assert {id_: len(tally.findings) for id_, tally in found.items() if tally.findings} == {KIND: 1}


def test_list_that_is_refused_with_every_alternative_is_reported_itself() -> None:
    builder = RequestHistory()
    builder.accept(control())
    for tool in (SEARCH, FUNCTION):
        step = with_tools("", [tool], TOOLS, KIND)
        builder.no(step, body=step.body)
        builder.accept(control())
    assert {id_ for id_, tally in tallies(builder.history()).items() if tally.findings} == {TOOLS}


RESPONSE_FORMAT = "create_run.response_format"


@pytest.mark.parametrize("others", ["none", "accepted", "refused"])
def test_one_alternative_that_is_refused_is_reported_instead_of_the_type(others: str) -> None:
    builder = RequestHistory()
    builder.accept(control())
    refused = [json_schema("x"), *([{"type": "text"}] if others == "refused" else [])]
    for value in refused:
        step = with_response_format(value, "", f"{RESPONSE_FORMAT}.type")
        builder.no(step, body=step.body)
        builder.accept(control())
    if others == "accepted":
        step = with_response_format({"type": "text"}, "", f"{RESPONSE_FORMAT}.type")
        builder.accept(step, body=step.body)
    found = {id_ for id_, tally in tallies(builder.history()).items() if tally.findings}
    assert found == {f"{RESPONSE_FORMAT}.type{'' if others == 'refused' else '.enum'}"}


STRATEGY = "create_run.truncation_strategy"


def with_strategy(pointer: str, exercise: str, **strategy: Any) -> Step:
    mutation = Mutation(f"/truncation_strategy{pointer}", "x", ABSENT, at(strategy, pointer))
    return Step(
        operation="create_run",
        body={**BODY, "truncation_strategy": strategy},
        role=Role.VALID,
        expectation=Accept(),
        mutation=mutation,
        exercises=(f"{STRATEGY}.{exercise}",),
    )


@pytest.mark.parametrize("is_type_reported", [True, False])
@pytest.mark.parametrize("is_type_accepted", [True, False])
def test_member_next_to_a_type_that_is_never_accepted_is_no_reason(
    is_type_reported: bool, is_type_accepted: bool
) -> None:
    builder = RequestHistory()
    builder.accept(control())
    accepted = [with_strategy("/type", "type.type", type="auto")]
    if is_type_accepted:
        accepted.append(with_strategy("/last_messages", "last_messages.type", type="last_messages", last_messages=9))
    for step in accepted:
        builder.accept(step, body=step.body)
    refused = with_strategy("/last_messages", "last_messages.minimum", type="last_messages", last_messages=1)
    kind = with_strategy("/type", "type.enum", type="last_messages")
    for step in (refused, kind) if is_type_reported else (refused,):
        builder.no(step, body=step.body)
        builder.accept(control())
    found = {id_ for id_, tally in tallies(builder.history()).items() if tally.findings}
    is_excused = is_type_reported and not is_type_accepted
    assert (f"{STRATEGY}.last_messages.minimum" in found) is not is_excused
    assert (f"{STRATEGY}.type.enum" in found) is is_type_reported


CONTENT = "create_message.content[].type.enum"
IMAGE, TEXT = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}, {"type": "text", "text": "a"}
READS_TEXT = "no request with content[].type: image_url was accepted, which may be why this was refused"


def with_content(role: Role, part: Any, keyword: str = "enum", original: Any = ABSENT, **rest: Any) -> Step:
    """A message whose first part is valid, or lacks a valid type."""
    mutation = Mutation("/content/0/type", keyword, original, part.get("type", ABSENT))
    body = {"role": "user", "content": [part, TEXT]}
    return Step(operation="create_message", body=body, role=role, mutation=mutation, exercises=(CONTENT,), **rest)


def judge_message_types(reads_images: bool, invalid: Step, problem: dict[str, Any]) -> Tally:
    """The tally of the types of parts on a target that accepts text and refuses an invalid part."""
    builder = RequestHistory()
    images = with_content(Role.VALID, IMAGE, expectation=Either("not every model reads images"))
    control = Step(operation="create_message", body={"role": "user", "content": "a"}, role=Role.CONTROL)
    text = with_content(Role.VALID, TEXT, expectation=Accept())
    for step in (control, text, images, invalid, control):
        refused = step is invalid or (step is images and not reads_images)
        body, status = (problem, 400) if refused else (message("a"), 200)
        builder.send("create_message", body, status, step=step, body=step.body, thread_id="thread_a")
    return tallies(builder.history())[CONTENT]


UNKNOWN_IMAGE = with_content(Role.NEGATIVE, {**IMAGE, "type": "refusal"}, original="image_url")
UNKNOWN_TEXT = with_content(Role.NEGATIVE, {**TEXT, "type": "refusal"}, original="text")
WITHOUT_TYPE = with_content(Role.NEGATIVE, {"image_url": IMAGE["image_url"]}, "required", original="image_url")


@pytest.mark.parametrize("invalid", [UNKNOWN_IMAGE, WITHOUT_TYPE], ids=["unknown type", "no type"])
def test_refused_variety_of_an_alternative_that_is_never_accepted_is_inconclusive(invalid: Step) -> None:
    tally = judge_message_types(False, invalid, error("Invalid request."))
    assert (tally.outcome, list(tally.inconclusive)) == (Outcome.INCONCLUSIVE, [READS_TEXT])


@pytest.mark.parametrize(
    ("reads_images", "invalid", "problem"),
    [
        (True, UNKNOWN_IMAGE, error("Invalid request.")),
        (False, UNKNOWN_TEXT, error("Invalid request.")),
        (False, UNKNOWN_IMAGE, error("Invalid request.", param="content[0].type")),
        (False, UNKNOWN_IMAGE, error("Unknown part 'refusal'.")),
    ],
    ids=["images accepted", "accepted alternative", "place named", "value named"],
)
def test_refused_variety_passes_if_only_its_type_explains_the_refusal(
    reads_images: bool, invalid: Step, problem: dict[str, Any]
) -> None:
    assert judge_message_types(reads_images, invalid, problem).outcome is Outcome.PASS


def test_refusal_on_a_locked_thread_is_inconclusive() -> None:
    builder = with_valid_neighbours()
    builder.accept(negative(254), thread="thread_busy")
    builder.no(negative(), thread="thread_busy")
    assert builder.tally().inconclusive == Counter(
        ["the thread may have had an active run, which refuses every request"]
    )
    assert only(builder.tally()).actual == 254


def test_thread_is_idle_after_its_run_ended() -> None:
    builder = with_valid_neighbours()
    builder.get_run(run("cancelled", "run_2"), thread_id="thread_2")
    builder.no(negative(), thread="thread_2")
    assert builder.tally().outcome is Outcome.PASS


def test_run_that_admits_others_explains_no_refusal() -> None:
    """A static mock shows one run, always queued, for all that were created."""
    builder = RequestHistory()
    for accepted in (control(), valid()):
        builder.send("create_run", run("queued"), step=accepted, thread_id="thread_1")
    builder.no(negative(), thread="thread_1")
    builder.send("create_run", run("queued"), step=valid(257), thread_id="thread_1")
    builder.send("cancel_run", run("queued"), thread_id="thread_1", run_id=RUN)
    assert builder.tally().outcome is Outcome.PASS


@pytest.mark.parametrize("last", ["queued", "in_progress", "completed"])
def test_run_that_admits_others_in_another_status_may_lock_its_thread(last: str) -> None:
    """The second run was accepted while the first one was queued, but the refused one came at another status."""
    builder = with_valid_neighbours()
    builder.create_run(run("queued", "run_x"), step=control(), thread_id="thread_x")
    builder.create_run(run("completed", "run_y"), step=valid(), thread_id="thread_x")
    builder.get_run(run("queued", "run_x"), thread_id="thread_x")
    if last != "queued":
        builder.get_run(run("in_progress", "run_x"), thread_id="thread_x")
    builder.no(negative(), thread="thread_x")
    builder.get_run(run(last, "run_x"), thread_id="thread_x")
    assert builder.tally().outcome is (Outcome.PASS if last == "queued" else Outcome.INCONCLUSIVE)


def test_runs_whose_end_was_not_seen_lock_their_thread() -> None:
    """Each run may have ended before the next one was accepted."""
    builder = with_valid_neighbours()
    builder.accept(control(), thread="thread_x")
    builder.accept(valid(), thread="thread_x")
    builder.no(negative(), thread="thread_x")
    builder.accept(valid(), thread="thread_x")
    assert not builder.tally().judged


def test_run_that_may_have_been_created_locks_its_thread() -> None:
    builder = with_valid_neighbours()
    builder.send("create_run", ABSENT, 504, completion=Completion.UNKNOWN, step=negative(), thread_id="thread_x")
    builder.no(negative(0), thread="thread_x")
    assert not builder.tally().judged


def test_locked_thread_also_refuses_messages_but_no_other_requests() -> None:
    def tried(operation: str) -> Outcome:
        builder = RequestHistory()
        builder.send(operation, message(), step=control(operation), thread_id="thread_1")
        builder.accept(valid(), thread="thread_1")
        refused = Step(operation=operation, role=Role.NEGATIVE, expectation=REFUSES_BODY, exercises=(MINIMUM,))
        builder.no(refused, thread="thread_1")
        return builder.tally().outcome

    assert tried("create_message") is Outcome.INCONCLUSIVE
    assert tried("modify_message") is Outcome.PASS


def test_refused_valid_value_fails() -> None:
    builder = RequestHistory()
    builder.accept(control())
    builder.no(valid())
    finding = only(builder.tally())
    assert finding.message == "refused max_prompt_tokens: 256, which is valid, saying: Too small."
    assert finding.nature is Nature.VALID_REQUEST_REFUSED


@pytest.mark.parametrize(
    ("said", "id_"),
    [
        ("Expected an integer.", "type"),
        ("Integer above maximum value.", "maximum"),
        ("Must be greater than 300.", "minimum"),
        ("Must be <= 298.", "maximum"),
        ("Must be at least 300.", "minimum"),
        ("Less than the minimum.", "minimum"),
        ("Greater than the maximum.", "maximum"),
    ],
)
def test_refusal_of_a_random_value_counts_for_the_bound_that_it_names(said: str, id_: str) -> None:
    place = "create_run.max_prompt_tokens"
    builder = with_valid_neighbours()
    step = valid(299, *(f"{place}.{keyword}" for keyword in ("type", "maximum", "minimum")))
    builder.send("create_run", error(said), 400, step=step, thread_id="thread_idle")
    found = {name: tally.findings for name, tally in tallies(builder.history()).items() if tally.findings}
    assert list(found) == [f"{place}.{id_}"]


def judge_random_temperature(
    value: float, *accepted: Any, keywords: tuple[str, ...] = ("maximum",)
) -> dict[str, Tally]:
    """Judge the refusal of a random temperature that gives no reason, beside others that were accepted."""
    exercises = ["create_run.temperature.type", *(f"create_run.temperature.{keyword}" for keyword in keywords)]
    builder = RequestHistory()
    builder.accept(control())
    for number in (value, *accepted):
        step = valid(number, *exercises, mutation=Mutation("/temperature", "type", ABSENT, number))
        body = {**BODY, "temperature": number}
        if number == value:
            builder.send("create_run", error(), 400, body=body, step=replace(step, body=body), thread_id="thread_idle")
        else:
            builder.accept(replace(step, body=body, packed=True), body=body)
    return tallies(builder.history())


@pytest.mark.parametrize(
    ("value", "accepted", "keyword"),
    [
        (1.6, (0.5, 1), "maximum"),
        (2.0, (0, 1), "maximum"),
        (0.4, (0.5, 1), "minimum"),
        (0.7, (0.5, 1), "type"),
        (1.6, (), "type"),
        (1.6, (None,), "type"),
    ],
)
def test_refusal_of_a_number_beyond_all_that_were_accepted_counts_for_the_bound(
    value: float, accepted: tuple[Any, ...], keyword: str
) -> None:
    found = judge_random_temperature(value, *accepted, keywords=("minimum", "maximum"))
    assert [id_ for id_, tally in found.items() if tally.findings] == [f"create_run.temperature.{keyword}"]


def test_refusal_of_a_fraction_beyond_integers_decides_nothing() -> None:
    found = judge_random_temperature(1.6, 0, 1)
    assert not any(tally.findings for tally in found.values())
    assert found["create_run.temperature.type"].inconclusive


def test_number_beyond_all_that_were_accepted_counts_for_the_type_if_the_place_has_no_bound() -> None:
    found = judge_random_temperature(1.6, 0, 1, keywords=())
    assert found["create_run.temperature.type"].findings


def test_long_text_is_described_by_its_beginning_and_its_own_length() -> None:
    builder = RequestHistory()
    builder.accept(control())
    builder.no(valid('"' + "x" * 100))
    shown = '"\\"' + "x" * 77
    assert f"refused max_prompt_tokens: {shown}… (101 characters), which is valid" in only(builder.tally()).message


@pytest.mark.parametrize(
    ("status", "said", "expected"),
    [
        (400, "No such file: 'file-000000000000000000000000'.", Outcome.INCONCLUSIVE),
        (404, "Not found.", Outcome.INCONCLUSIVE),
        (400, "Too many files.", Outcome.FAIL),
    ],
)
def test_target_may_lack_a_file_that_a_valid_request_names(status: int, said: str, expected: Outcome) -> None:
    id_ = "create_thread.tool_resources.code_interpreter.file_ids.maxItems"
    body = {"tool_resources": {"code_interpreter": {"file_ids": ["file-000000000000000000000000"]}}}
    mutation = Mutation("/tool_resources/code_interpreter/file_ids", "maxItems", ABSENT, ["file-0"])
    step = Step(
        operation="create_thread", body=body, role=Role.VALID, expectation=Accept(), exercises=(id_,), mutation=mutation
    )
    builder = HistoryBuilder()
    for each in (Step(operation="create_thread", body={}, role=Role.CONTROL), step):
        is_control = each is not step
        response = thread() if is_control else error(said)
        builder.send("create_thread", response, 200 if is_control else status, step=each, body=each.body)
    assert tallies(builder.history())[id_].outcome is expected


def test_refused_valid_value_fails_only_the_constraint_it_tests() -> None:
    builder = RequestHistory()
    builder.accept(control())
    builder.no(valid(256, MINIMUM, "create_run.assistant_id.type"))
    found = tallies(builder.history())
    assert [id_ for id_, tally in found.items() if tally.judged] == [MINIMUM]
    assert list(found["create_run.assistant_id.type"].inconclusive) == [NO_VALID_VALUE]


def test_refused_packed_or_implementation_defined_request_is_not_judged() -> None:
    builder = RequestHistory()
    builder.accept(control())
    builder.no(valid(packed=True))
    builder.no(valid(expectation=Either("depends on files")))
    tally = builder.tally()
    assert (tally.judged, list(tally.inconclusive)) == (0, [NO_VALID_VALUE])


def test_valid_value_is_inconclusive_if_everything_is_refused() -> None:
    builder = RequestHistory()
    builder.no(control())
    builder.no(valid())
    assert builder.tally().outcome is Outcome.INCONCLUSIVE


def test_value_that_the_real_service_accepted_is_excused_in_its_edition() -> None:
    id_ = "create_run.max_completion_tokens.minimum"
    mutation = Mutation("/max_completion_tokens", "minimum", 256, 16)
    body = {"assistant_id": "asst_a", "max_completion_tokens": 16}
    step = Step(operation="create_run", role=Role.NEGATIVE, mutation=mutation, exercises=(id_,), body=body)

    def tried(edition: str, strict: bool = False) -> Tally:
        builder = RequestHistory(edition=edition)
        builder.accept(step, body=body)
        return judge(builder.history(strict), {}, [("requests", tallies)])[id_]

    assert tried("2024-04-27").excused == Counter(["V-13"])
    assert tried("2024-04-27", strict=True).outcome is Outcome.FAIL
    assert tried("2026-08-14").outcome is Outcome.FAIL


def test_traffic_without_test_steps_is_not_judged() -> None:
    builder = HistoryBuilder()
    builder.create_run()
    builder.refuse("create_run")
    assert tallies(builder.history()) == {}


def test_refusal_of_a_large_body_is_inconclusive() -> None:
    builder = RequestHistory()
    builder.accept(control())
    builder.no(valid(), 413)
    assert builder.tally().outcome is Outcome.INCONCLUSIVE


def test_refusal_of_a_large_body_says_nothing_if_a_valid_one_is_as_large() -> None:
    def outcome(valid_status: int) -> Outcome:
        builder = with_valid_neighbours()
        builder.no(valid(257), valid_status)
        builder.no(negative(), 413)
        builder.accept(valid(300))
        return judge(builder.history(), {}, [("requests", tallies)])[MINIMUM].outcome

    assert outcome(413) is Outcome.INCONCLUSIVE
    assert outcome(502) is Outcome.PASS


def test_member_missing_in_a_body_that_is_no_object_does_not_explain_the_refusal_of_its_type() -> None:
    id_ = "create_run.type"

    def outcome(message: str) -> Outcome:
        builder = RequestHistory()
        builder.accept(control())
        builder.accept(valid(256, MINIMUM, id_))
        mutation = Mutation("", "type", BODY, "sample")
        step = Step(operation="create_run", body="sample", role=Role.NEGATIVE, mutation=mutation, exercises=(id_,))
        builder.send("create_run", error(message), 400, step=step, thread_id="thread_idle", body="sample")
        builder.accept(valid(300))
        return builder.tally(id_).outcome

    assert outcome("Missing required parameter: 'assistant_id'.") is Outcome.INCONCLUSIVE
    assert outcome("Missing required parameter: 'body'.") is Outcome.PASS
    assert outcome("The body must be an object.") is Outcome.PASS


def test_metadata_that_may_exceed_the_limit_when_merged_is_inconclusive() -> None:
    id_ = "modify_thread.metadata{}.type"

    def tally(earlier: int, *, merges: bool = True) -> Tally:
        builder = RequestHistory()
        given = {f"a{number}": "x" for number in range(earlier)}
        builder.send("create_thread", thread(metadata=given), body={"metadata": given})
        control_step = Step(operation="modify_thread", role=Role.CONTROL)
        kept = {**given, "b": "x"} if merges else {"b": "x"}
        builder.send("modify_thread", thread(metadata=kept), step=control_step, body={"metadata": {"b": "x"}})
        mutation = Mutation("/metadata/b", "type", ABSENT, "x")
        body = {"metadata": {f"b{number}": "x" for number in range(10)}}
        step = Step(
            operation="modify_thread", role=Role.VALID, expectation=Accept(), exercises=(id_,), mutation=mutation
        )
        builder.send("modify_thread", error("Too many."), 400, step=step, body=body)
        return builder.tally(id_)

    assert tally(10).outcome is Outcome.INCONCLUSIVE
    assert tally(5).outcome is Outcome.FAIL
    assert tally(10, merges=False).outcome is Outcome.FAIL


def about(pointer: str, constraint: str) -> Step:
    """A negative whose invalid value is at another place."""
    *_, keyword = constraint.split(".")
    return Step(
        operation="create_run",
        body={**BODY, "invalid": pointer},
        role=Role.NEGATIVE,
        expectation=REFUSES_BODY,
        mutation=Mutation(pointer, keyword, ABSENT, pointer),
        exercises=(f"create_run.{constraint}",),
    )


@pytest.mark.parametrize(
    ("accepted", "others"),
    [
        (("max_prompt_tokens.type", "max_prompt_tokens.maximum"), "2 of 2 other invalid values of max_prompt_tokens"),
        (("temperature.minimum", "top_p.minimum"), "2 of 2 other values that violate minimum"),
        (("temperature.type", "tools.type", "top_p.maximum"), "3 of 3 other invalid values"),
    ],
)
def test_unsent_value_names_those_like_it_that_were_accepted(accepted: tuple[str, ...], others: str) -> None:
    builder = with_valid_neighbours()
    for constraint in accepted:
        builder.accept(about(f"/{constraint.partition('.')[0]}", constraint))
    reason = next(iter(builder.tally().inconclusive))
    assert reason == f"no invalid value was sent, since create_run accepted {others} (--exhaustive sends all)"


def test_unsent_value_has_no_such_reason_if_those_like_it_were_refused() -> None:
    builder = with_valid_neighbours()
    for constraint in ("temperature.minimum", "top_p.minimum"):
        builder.no(about(f"/{constraint.partition('.')[0]}", constraint))
    assert not builder.tally().inconclusive
