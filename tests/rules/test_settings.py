from __future__ import annotations

from typing import Any

import pytest

from runs_conformance.model.case import REFUSES_BODY, Role, Step
from runs_conformance.model.history import History
from runs_conformance.model.rule import AnyRule
from runs_conformance.rules import settings
from tests.rules.examples import BREAKS, HOLDS, breaks, findings, holds, judge, legal, undecided
from tests.rules.histories import ASSISTANT, Told, assistant, function_tool, run

TOOL = {"type": "function", "function": {"name": "get_weather"}}
NAMED = {"type": "function", "function": {"name": "get_weather"}}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "reply", "schema": {"type": "object"}}}


def _asked(body: dict[str, Any], shown: dict[str, Any]) -> History:
    tell = Told()
    tell.create_run(run(**shown), body={"assistant_id": ASSISTANT, **body})
    tell.get_run(run("completed", **shown))
    return tell.history()


@undecided(settings.max_prompt_tokens_is_as_asked)
def test_what_a_server_makes_of_an_illegal_request_is_not_stated() -> History:
    tell = Told()
    illegal = Step(operation="create_run", role=Role.NEGATIVE, expectation=REFUSES_BODY)
    body = {"assistant_id": ASSISTANT, "max_prompt_tokens": "257"}
    tell.create_run(run(max_prompt_tokens=257), body=body, step=illegal)
    return tell.history()


ECHOED: list[tuple[AnyRule, str, Any, Any, Any]] = [
    (settings.model_is_as_asked, "model", "gpt-4o-mini", "gpt-4o-mini", "gpt-4o"),
    (settings.instructions_are_as_asked, "instructions", "In French.", "In French.", "Answer briefly."),
    (settings.tools_are_as_asked, "tools", [TOOL], [function_tool()], []),
    (settings.tools_are_as_asked, "tools", [], [], [function_tool()]),
    (settings.temperature_is_as_asked, "temperature", 0, 0.0, 1.0),
    (settings.top_p_is_as_asked, "top_p", 0.5, 0.5, 1.0),
    (settings.max_prompt_tokens_is_as_asked, "max_prompt_tokens", 300, 300, None),
    (settings.max_completion_tokens_is_as_asked, "max_completion_tokens", 300, 300, 256),
    (
        settings.truncation_strategy_is_as_asked,
        "truncation_strategy",
        {"type": "last_messages", "last_messages": 3},
        {"type": "last_messages", "last_messages": 3},
        {"type": "auto", "last_messages": None},
    ),
    (settings.tool_choice_is_as_asked, "tool_choice", NAMED, NAMED, "auto"),
    (settings.parallel_tool_calls_is_as_asked, "parallel_tool_calls", False, False, True),
    (settings.response_format_is_as_asked, "response_format", SCHEMA, SCHEMA, "auto"),
    (settings.reasoning_effort_is_as_asked, "reasoning_effort", "low", "low", None),
]
HOLDS.update(rule.id for rule, *_ in ECHOED)
BREAKS.update(rule.id for rule, *_ in ECHOED)


@pytest.mark.parametrize(("rule", "name", "asked", "shown", "wrong"), ECHOED)
def test_what_is_asked_for_is_shown(rule: AnyRule, name: str, asked: Any, shown: Any, wrong: Any) -> None:
    right = _asked({name: asked}, {name: shown})
    assert judge(rule, right)
    assert not findings(rule, right)
    found = findings(rule, _asked({name: asked}, {name: wrong}))
    assert [finding.pointer for finding in found] == [f"/{name}"]


def _inherits(answer: dict[str, Any], then: dict[str, Any] | None = None) -> History:
    tell = Told()
    rich = assistant(temperature=0.7, instructions="In one word.", tools=[function_tool()])
    tell.send("create_assistant", rich, body={"model": "gpt-4o"})
    if then is not None:
        tell.send("modify_assistant", {**rich, **then}, body=then)
    tell.create_run(run(**answer))
    return tell.history()


_SAME = {"temperature": 0.7, "instructions": "In one word.", "tools": [function_tool()]}


@holds(settings.what_is_not_asked_comes_from_the_assistant)
def test_run_that_inherits() -> History:
    return _inherits(_SAME)


@holds(settings.what_is_not_asked_comes_from_the_assistant)
def test_run_that_inherits_what_was_modified() -> History:
    return _inherits({**_SAME, "temperature": 0.2}, {"temperature": 0.2})


@breaks(settings.what_is_not_asked_comes_from_the_assistant, at="/temperature", times=1)
def test_run_that_does_not_inherit() -> History:
    return _inherits({**_SAME, "temperature": 1.0})


@breaks(settings.what_is_not_asked_comes_from_the_assistant, at="/instructions", times=1)
def test_run_that_inherits_no_instructions() -> History:
    return _inherits({**_SAME, "instructions": None})


@holds(settings.defaults_are_shown)
def test_run_of_which_nothing_is_asked() -> History:
    return _asked({}, {})


@breaks(settings.defaults_are_shown, at="/parallel_tool_calls", times=1)
def test_run_without_parallel_calls_by_default() -> History:
    return _asked({}, {"parallel_tool_calls": False})


@breaks(settings.defaults_are_shown, at="/temperature")
def test_temperature_out_of_nowhere() -> History:
    tell = Told()
    tell.send("create_assistant", assistant(temperature=None), body={"model": "gpt-4o"})
    tell.create_run(run(temperature=0.2))
    return tell.history()


@holds(settings.never_change)
def test_run_that_stays_as_it_is() -> History:
    return _asked({}, {})


@breaks(settings.never_change, at="/instructions", times=1)
def test_run_that_reads_its_instructions_from_the_assistant() -> History:
    tell = Told()
    tell.create_run(run())
    tell.get_run(run("completed", instructions="Modified."))
    return tell.history()


@breaks(settings.never_change, at="/data/0/tools", times=1)
def test_list_that_shows_no_tools() -> History:
    tell = Told()
    tell.create_run(run(tools=[function_tool()]))
    tell.send("list_runs", {"data": [run(tools=[])]})
    return tell.history()


@legal
def test_no_instructions_said_in_three_ways() -> History:
    tell = Told()
    tell.send("create_assistant", assistant(instructions=None), body={"model": "gpt-4o"})
    tell.create_run(run(instructions=None))
    tell.get_run(run("completed", instructions=""))
    return tell.history()


@legal
def test_additional_instructions_are_shown() -> History:
    asked = {"instructions": "In French.", "additional_instructions": "Be brief."}
    return _asked(asked, {"instructions": "In French.\n\nBe brief."})


_REFINED = {"instructions": "In French.", "additional_instructions": "Be brief."}


@holds(settings.additional_instructions_come_last)
def test_additional_instructions_behind_the_others() -> History:
    return _asked(_REFINED, {"instructions": "In French.\nBe brief."})


@breaks(settings.additional_instructions_come_last, at="/instructions")
def test_additional_instructions_before_the_others() -> History:
    return _asked(_REFINED, {"instructions": "Be brief.\nIn French."})


def test_additional_instructions_need_not_be_shown() -> None:
    assert judge(settings.additional_instructions_come_last, _asked(_REFINED, {"instructions": "In French."})) == []
