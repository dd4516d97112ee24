"""Runs inherit and override settings: the rules on this, on literal histories."""

from __future__ import annotations

from typing import Any

import pytest

from runs_conformance.model.case import REFUSES_BODY, Either, Mutation, Role, Step
from runs_conformance.model.history import History
from runs_conformance.model.rule import AnyRule
from runs_conformance.model.verdict import PASSED, Passed, Suspicion
from runs_conformance.rules import lifecycle
from runs_conformance.rules.settings import instructions, requested_values, unrequested_values
from tests.rules.examples import FAILING, PASSING, BuildHistory, fails, findings, inconclusive, judge, passes, permitted
from tests.rules.histories import ASSISTANT, HistoryBuilder, assistant, error, function_tool, page, run

TOOL = {"type": "function", "function": {"name": "get_weather"}}
NAMED = {"type": "function", "function": {"name": "get_weather"}}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "reply", "schema": {"type": "object"}}}


def _requesting(body: dict[str, Any], shown: dict[str, Any]) -> History:
    builder = HistoryBuilder()
    builder.create_run(run(**shown), body={"assistant_id": ASSISTANT, **body})
    builder.get_run(run("completed", **shown))
    return builder.history()


@inconclusive(requested_values.max_prompt_tokens_is_as_asked)
def test_handling_of_an_invalid_request_is_not_judged() -> History:
    builder = HistoryBuilder()
    invalid = Step(operation="create_run", role=Role.NEGATIVE, expectation=REFUSES_BODY)
    body = {"assistant_id": ASSISTANT, "max_prompt_tokens": "257"}
    builder.create_run(run(max_prompt_tokens=257), body=body, step=invalid)
    return builder.history()


ECHOED: list[tuple[AnyRule, str, Any, Any, Any]] = [
    (requested_values.model_is_as_asked, "model", "gpt-4o-mini", "gpt-4o-mini", "gpt-4o"),
    (instructions.instructions_are_as_asked, "instructions", "In French.", "In French.", "Answer briefly."),
    (requested_values.tools_are_as_asked, "tools", [TOOL], [function_tool()], []),
    (requested_values.tools_are_as_asked, "tools", [], [], [function_tool()]),
    (requested_values.temperature_is_as_asked, "temperature", 0, 0.0, 1.0),
    (requested_values.top_p_is_as_asked, "top_p", 0.5, 0.5, 1.0),
    (requested_values.max_prompt_tokens_is_as_asked, "max_prompt_tokens", 300, 300, None),
    (requested_values.max_completion_tokens_is_as_asked, "max_completion_tokens", 300, 300, 256),
    (
        requested_values.truncation_strategy_is_as_asked,
        "truncation_strategy",
        {"type": "last_messages", "last_messages": 3},
        {"type": "last_messages", "last_messages": 3},
        {"type": "auto", "last_messages": None},
    ),
    (requested_values.tool_choice_is_as_asked, "tool_choice", NAMED, NAMED, "auto"),
    (requested_values.parallel_tool_calls_is_as_asked, "parallel_tool_calls", False, False, True),
    (requested_values.response_format_is_as_asked, "response_format", SCHEMA, SCHEMA, "auto"),
    (requested_values.reasoning_effort_is_as_asked, "reasoning_effort", "low", "low", None),
]


def _wrong(name: str, requested: Any, wrong: Any) -> BuildHistory:
    return lambda: _requesting({name: requested}, {name: wrong})


for _rule, _name, _requested, _, _shown in ECHOED:
    PASSING.add(_rule.id)
    FAILING.setdefault(_rule.id, []).append(_wrong(_name, _requested, _shown))


@pytest.mark.parametrize(("rule", "name", "requested", "shown", "wrong"), ECHOED)
def test_requested_setting_must_be_shown(rule: AnyRule, name: str, requested: Any, shown: Any, wrong: Any) -> None:
    right = _requesting({name: requested}, {name: shown})
    assert judge(rule, right)
    assert not findings(rule, right)
    found = findings(rule, _requesting({name: requested}, {name: wrong}))
    assert [finding.pointer for finding in found] == [f"/{name}"]


@pytest.mark.parametrize("rule", dict.fromkeys(rule for rule, *_ in ECHOED if rule.needs_parts))
def test_a_run_of_each_operation_is_a_part_of_the_evidence(rule: AnyRule) -> None:
    name, requested, shown = next((name, value, shown) for each, name, value, shown, _ in ECHOED if each is rule)
    seen = set()
    for operation in ("create_run", "create_thread_and_run"):
        builder = HistoryBuilder()
        builder.send(operation, run(**{name: shown}), body={"assistant_id": ASSISTANT, name: requested})
        seen |= {result.part for result in judge(rule, builder.history()) if isinstance(result, Passed)}
    assert seen == {part for part, _ in rule.needs_parts}


def _inherits(answer: dict[str, Any], then: dict[str, Any] | None = None) -> History:
    builder = HistoryBuilder()
    rich = assistant(temperature=0.7, instructions="In one word.", tools=[function_tool()])
    builder.send("create_assistant", rich, body={"model": "gpt-4o"})
    if then is not None:
        builder.send("modify_assistant", {**rich, **then}, body=then)
    builder.create_run(run(**answer))
    return builder.history()


def _overriding_the_model(shown: str, stored: str = "gpt-4o", requested: str = "gpt-4o-mini") -> History:
    builder = HistoryBuilder()
    builder.send("create_assistant", assistant(model=stored), body={"model": "gpt-4o"})
    builder.create_run(run(model=shown), body={"assistant_id": ASSISTANT, "model": requested})
    return builder.history()


@passes(requested_values.other_model_replaces_the_assistants)
def test_run_of_another_model() -> History:
    return _overriding_the_model("gpt-4o-mini-2024-07-18")


@fails(requested_values.other_model_replaces_the_assistants, at="/model", times=1)
def test_run_that_keeps_the_assistants_model() -> History:
    return _overriding_the_model("gpt-4o")


@pytest.mark.parametrize(
    ("stored", "requested"), [("served-model", "gpt-4o-mini"), ("gpt-4o", "gpt-4o"), ("gpt-4o", "gpt-4")]
)
def test_model_is_not_compared_with_a_name_that_may_be_the_same(stored: str, requested: str) -> None:
    assert not judge(
        requested_values.other_model_replaces_the_assistants, _overriding_the_model(stored, stored, requested)
    )


@passes(instructions.instructions_keep_their_white_space)
def test_instructions_with_white_space() -> History:
    return _requesting({"instructions": " Be brief.\n"}, {"instructions": " Be brief.\n"})


@fails(instructions.instructions_keep_their_white_space, at="/instructions", times=1)
def test_trimmed_instructions() -> History:
    return _requesting({"instructions": " Be brief.\n"}, {"instructions": "Be brief."})


def test_trimmed_instructions_break_no_other_rule() -> None:
    trimmed = _requesting({"instructions": " Be brief.\n"}, {"instructions": "Be brief."})
    assert judge(instructions.instructions_are_as_asked, trimmed)
    assert not findings(instructions.instructions_are_as_asked, trimmed)
    other = _requesting({"instructions": " Be brief.\n"}, {"instructions": "In French."})
    assert not judge(instructions.instructions_keep_their_white_space, other)


def _emptied(shown: str | None, inherited: str | None = "In one word.", **request: Any) -> History:
    """A run whose request has empty instructions shows these."""
    builder = HistoryBuilder()
    builder.send("create_assistant", assistant(instructions=inherited), body={"model": "gpt-4o"})
    body = {"assistant_id": ASSISTANT, "instructions": "", **request}
    builder.create_run(run(instructions=shown), body=body)
    return builder.history()


@passes(instructions.empty_instructions_replace_the_assistants)
def test_empty_instructions() -> History:
    return _emptied("")


@passes(instructions.empty_instructions_replace_the_assistants)
def test_empty_instructions_that_are_shown_as_null() -> History:
    return _emptied(None)


@passes(instructions.empty_instructions_replace_the_assistants)
def test_empty_instructions_beside_additional_ones() -> History:
    return _emptied("Be brief.", additional_instructions="Be brief.")


@fails(instructions.empty_instructions_replace_the_assistants, at="/instructions", times=1)
def test_empty_instructions_that_are_taken_for_none() -> History:
    return _emptied("In one word.")


@fails(instructions.empty_instructions_replace_the_assistants, at="/instructions", times=1)
def test_additional_instructions_after_those_of_the_assistant() -> History:
    return _emptied("In one word.\nBe brief.", additional_instructions="Be brief.")


def test_empty_instructions_prove_nothing_if_the_assistant_has_none() -> None:
    assert judge(instructions.empty_instructions_replace_the_assistants, _emptied(None, None)) == []


_SAME = {"temperature": 0.7, "instructions": "In one word.", "tools": [function_tool()]}


@passes(unrequested_values.what_is_not_asked_comes_from_the_assistant)
def test_run_that_inherits() -> History:
    return _inherits(_SAME)


@passes(unrequested_values.what_is_not_asked_comes_from_the_assistant)
def test_run_that_inherits_modified_settings() -> History:
    return _inherits({**_SAME, "temperature": 0.2}, {"temperature": 0.2})


@fails(unrequested_values.what_is_not_asked_comes_from_the_assistant, at="/temperature", times=1)
def test_run_that_does_not_inherit() -> History:
    return _inherits({**_SAME, "temperature": 1.0})


@fails(unrequested_values.what_is_not_asked_comes_from_the_assistant, at="/instructions", times=1)
def test_run_that_inherits_no_instructions() -> History:
    return _inherits({**_SAME, "instructions": None})


@passes(unrequested_values.defaults_are_shown)
def test_run_with_default_settings() -> History:
    return _requesting({}, {})


@fails(unrequested_values.defaults_are_shown, at="/parallel_tool_calls", times=1)
def test_run_without_parallel_calls_by_default() -> History:
    return _requesting({}, {"parallel_tool_calls": False})


@fails(unrequested_values.defaults_are_shown, at="/temperature")
def test_temperature_of_unknown_origin() -> History:
    builder = HistoryBuilder()
    builder.send("create_assistant", assistant(temperature=None), body={"model": "gpt-4o"})
    builder.create_run(run(temperature=0.2))
    return builder.history()


@passes(unrequested_values.never_change)
def test_run_with_constant_settings() -> History:
    return _requesting({}, {})


@fails(unrequested_values.never_change, at="/instructions", times=1)
def test_run_that_reads_its_instructions_from_the_assistant() -> History:
    builder = HistoryBuilder()
    builder.create_run(run())
    builder.get_run(run("completed", instructions="Modified."))
    return builder.history()


@permitted
def test_setting_of_another_type_in_one_list() -> History:
    builder = HistoryBuilder()
    builder.create_run(run(temperature=0.5))
    builder.send("list_runs", page(run("completed", temperature="0.5")))
    return builder.history()


@fails(unrequested_values.never_change, at="/temperature", times=1)
def test_setting_that_changes_after_one_of_another_type() -> History:
    builder = HistoryBuilder()
    builder.create_run(run(temperature="0.5"))
    builder.get_run(run("completed", temperature=0.5))
    builder.get_run(run("completed", temperature=0.7))
    return builder.history()


@passes(unrequested_values.never_change)
def test_null_members_that_are_left_out_elsewhere() -> History:
    builder = HistoryBuilder()
    builder.create_run(run(truncation_strategy={"type": "auto", "last_messages": None}))
    builder.get_run(run("completed", truncation_strategy={"type": "auto"}))
    return builder.history()


@fails(unrequested_values.never_change, at="/data/0/tools", times=1)
def test_list_that_shows_no_tools() -> History:
    builder = HistoryBuilder()
    builder.create_run(run(tools=[function_tool()]))
    builder.send("list_runs", {"data": [run(tools=[])]})
    return builder.history()


@permitted
def test_three_forms_of_no_instructions() -> History:
    builder = HistoryBuilder()
    builder.send("create_assistant", assistant(instructions=None), body={"model": "gpt-4o"})
    builder.create_run(run(instructions=None))
    builder.get_run(run("completed", instructions=""))
    return builder.history()


@permitted
def test_additional_instructions_are_shown() -> History:
    asked = {"instructions": "In French.", "additional_instructions": "Be brief."}
    return _requesting(asked, {"instructions": "In French.\n\nBe brief."})


_REFINED = {"instructions": "In French.", "additional_instructions": "Be brief."}


@passes(instructions.additional_instructions_come_last)
def test_additional_instructions_after_the_others() -> History:
    return _requesting(_REFINED, {"instructions": "In French.\nBe brief."})


@fails(instructions.additional_instructions_come_last, at="/instructions")
def test_additional_instructions_before_the_others() -> History:
    return _requesting(_REFINED, {"instructions": "Be brief.\nIn French."})


@pytest.mark.parametrize(
    ("request_", "inherited", "passes_alone"),
    [
        (_REFINED, None, False),
        ({"additional_instructions": "Be brief."}, "In French.", False),
        ({"additional_instructions": "Be brief.", "instructions": ""}, "In French.", True),
        ({"additional_instructions": "Be brief."}, None, True),
    ],
)
def test_additional_instructions_alone_pass_where_there_are_no_others(
    request_: dict[str, Any], inherited: str | None, passes_alone: bool
) -> None:
    builder = HistoryBuilder()
    builder.send("create_assistant", assistant(instructions=inherited), body={"model": "gpt-4o"})
    builder.create_run(run(instructions="Be brief."), body={"assistant_id": ASSISTANT, **request_})
    results = judge(instructions.additional_instructions_come_last, builder.history())
    assert results == ([PASSED] if passes_alone else [])


def _refined_alone(shown: str, inherited: str | None = None) -> History:
    """A run whose only instructions are additional ones, unless its assistant has some."""
    builder = HistoryBuilder()
    builder.send("create_assistant", assistant(instructions=inherited), body={"model": "gpt-4o"})
    body = {"assistant_id": ASSISTANT, "additional_instructions": "Be brief."}
    builder.create_run(run(instructions=shown), body=body)
    return builder.history()


@fails(instructions.additional_instructions_come_last, at="/instructions", times=1)
def test_additional_instructions_after_the_word_null() -> History:
    return _refined_alone("null\n\nBe brief.")


@pytest.mark.parametrize("shown", ["None Be brief.", "undefined\nBe brief.", '"null"\nBe brief.'])
def test_additional_instructions_after_other_words_for_nothing(shown: str) -> None:
    assert len(findings(instructions.additional_instructions_come_last, _refined_alone(shown))) == 1


@passes(instructions.additional_instructions_come_last)
def test_additional_instructions_after_a_heading() -> History:
    return _refined_alone("Additional instructions:\nBe brief.")


@passes(instructions.additional_instructions_come_last)
def test_additional_instructions_after_those_that_are_the_word_null() -> History:
    return _refined_alone("null\nBe brief.", inherited="null")


@pytest.mark.parametrize(
    ("shown", "message"),
    [
        ("Be brief.", "`additional_instructions` replaces the other instructions"),
        ("In German.", "the run's instructions differ from the request"),
    ],
)
def test_additional_instructions_that_replace_the_others_are_named(shown: str, message: str) -> None:
    history = _requesting(_REFINED, {"instructions": shown})
    (finding,) = findings(instructions.instructions_are_as_asked, history)
    assert finding.message == message


def test_additional_instructions_that_replace_the_assistants_are_named() -> None:
    builder = HistoryBuilder()
    builder.send("create_assistant", assistant(instructions="In French."), body={"model": "gpt-4o"})
    body = {"assistant_id": ASSISTANT, "additional_instructions": "Be brief."}
    builder.create_run(run(instructions="Be brief."), body=body)
    (finding,) = findings(unrequested_values.what_is_not_asked_comes_from_the_assistant, builder.history())
    assert finding.message == "`additional_instructions` replaces the other instructions"


def test_additional_instructions_need_not_be_shown() -> None:
    assert (
        judge(instructions.additional_instructions_come_last, _requesting(_REFINED, {"instructions": "In French."}))
        == []
    )


@passes(requested_values.numbers_keep_their_digits)
def test_temperature_with_all_digits() -> History:
    return _requesting({"temperature": 0.123456}, {"temperature": 0.123456})


@fails(requested_values.numbers_keep_their_digits, at="/temperature", times=2)
def test_temperature_that_is_rounded() -> History:
    return _requesting({"temperature": 0.123456}, {"temperature": 0.12})


@permitted
def test_temperature_in_single_precision_violates_no_must_rule() -> History:
    return _requesting({"temperature": 0.7, "top_p": 0.123456}, {"temperature": 0.699999988079071, "top_p": 0.12346})


@fails(requested_values.temperature_is_as_asked, at="/temperature", times=1)
def test_temperature_that_loses_its_first_digits() -> History:
    return _requesting({"temperature": 0.7}, {"temperature": 1.0})


def _run_with_invalid_value(**changes: Any) -> History:
    """A run that was accepted with an invalid value, and is then shown with others."""
    builder = HistoryBuilder()
    invalid = Step(
        operation="create_run",
        role=Role.NEGATIVE,
        expectation=REFUSES_BODY,
        mutation=Mutation("/max_completion_tokens", "minimum", 256, -257),
    )
    body = {"assistant_id": ASSISTANT, "max_completion_tokens": -257}
    builder.create_run(run(max_completion_tokens=-257), body=body, step=invalid)
    builder.get_run(run("completed", max_completion_tokens=-257, **changes))
    return builder.history()


@permitted
def test_what_follows_from_an_accepted_invalid_value_is_not_judged() -> History:
    return _run_with_invalid_value(temperature=0.5)


@fails(lifecycle.terminal_status_is_final)
def test_run_with_an_invalid_value_that_reopens() -> History:
    history = _run_with_invalid_value()
    builder = HistoryBuilder()
    builder.exchanges, builder.clock = list(history.exchanges), 200.0
    builder.get_run(run("in_progress"))
    return builder.history()


@fails(requested_values.temperature_is_as_asked, times=1)
def test_an_invalid_modification_that_is_accepted_hides_no_setting() -> History:
    builder = HistoryBuilder()
    builder.create_run(run(temperature=1), body={"assistant_id": ASSISTANT, "temperature": 0.5})
    builder.see_statuses("completed")
    invalid = Step(operation="modify_run", role=Role.NEGATIVE, mutation=Mutation("/metadata/a", "type", "1", 9))
    builder.send("modify_run", run("completed", metadata={"a": 9}), body={"metadata": {"a": 9}}, step=invalid)
    return builder.history()


def _named_choice_refused(
    status: int, accepted: Any = "required", answer: Any = None, extra: dict[str, Any] | None = None, **step: Any
) -> History:
    """A run with one tool choice, and the refusal of another that names a function."""
    history = HistoryBuilder()
    history.create_run(run(tool_choice=accepted), body={"assistant_id": ASSISTANT, "tool_choice": accepted})
    body = {"assistant_id": ASSISTANT, "tool_choice": NAMED, "tools": [TOOL], **(extra or {})}
    history.send("create_run", answer or error(), status, body=body, step=Step(operation="create_run", **step))
    return history.history()


@pytest.mark.parametrize("status", [400, 422, 500])
def test_words_alone_are_no_pass_where_no_named_tool_choice_is_accepted(status: int) -> None:
    results = judge(requested_values.tool_choice_is_as_asked, _named_choice_refused(status))
    assert [type(result) for result in results] == [Passed, Suspicion]


@pytest.mark.parametrize(
    "history",
    [
        _named_choice_refused(400, accepted=NAMED),
        _named_choice_refused(400, accepted={"type": "file_search"}),
        _named_choice_refused(404),
        _named_choice_refused(400, answer=error("No.", param="response_format"), extra={"response_format": SCHEMA}),
        _named_choice_refused(429),
        _named_choice_refused(400, expectation=Either("another run may be active")),
        _named_choice_refused(400, role=Role.NEGATIVE, expectation=REFUSES_BODY),
    ],
)
def test_refusals_that_say_nothing_about_the_form_of_a_tool_choice(history: History) -> None:
    (result,) = judge(requested_values.tool_choice_is_as_asked, history)
    assert isinstance(result, Passed)
