"""A waiting run says what it requires: the rules on this, on literal histories."""

from __future__ import annotations

from typing import Any

from runs_conformance.model.history import History
from runs_conformance.rules import action
from tests.rules import histories
from tests.rules.examples import fails, passes, permitted, suspicious
from tests.rules.histories import ASSISTANT, HistoryBuilder, assistant, call, function_tool, run


def _waits(*answers: dict[str, Any]) -> History:
    builder = HistoryBuilder()
    builder.create_run(run("queued", tools=[function_tool()]))
    for answer in answers:
        builder.get_run({"tools": [function_tool()], **answer})
    return builder.history()


def _requires(*calls: dict[str, Any]) -> dict[str, Any]:
    required = {"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": list(calls)}}
    return run("requires_action", required_action=required, tools=[function_tool()])


@passes(
    action.is_given_while_required,
    action.is_null_otherwise,
    action.calls_are_distinct,
    action.stays_until_outputs_come,
    action.calls_name_functions_of_the_run,
)
def test_run_that_waits_for_two_calls() -> History:
    waiting = _requires(call(), call("call_b"))
    return _waits(waiting, waiting)


@fails(action.is_given_while_required, at="/required_action")
def test_action_that_is_not_named() -> History:
    return _waits(run("requires_action", required_action=None))


@fails(action.is_null_otherwise, at="/required_action", times=1)
def test_action_of_a_completed_run() -> History:
    return _waits(run("completed", required_action=histories.action()))


@fails(action.calls_are_distinct)
def test_two_calls_of_one_id() -> History:
    return _waits(_requires(call(), call()))


@fails(action.calls_are_distinct)
def test_no_call() -> History:
    return _waits(_requires())


@fails(action.stays_until_outputs_come)
def test_calls_whose_ids_are_new_in_each_answer() -> History:
    return _waits(_requires(call()), _requires(call("call_z")))


@fails(action.calls_name_functions_of_the_run)
def test_call_of_an_unknown_function() -> History:
    return _waits(_requires(call(name="get_time")))


def _hides_its_tools(name: str, of_assistant: bool = False) -> History:
    """A run that was given a function shows no tools and calls the function of this name."""
    tools: dict[str, Any] = {"tools": [function_tool()]}
    builder = HistoryBuilder()
    if of_assistant:
        builder.send("create_assistant", assistant(**tools), body={"model": "gpt-4o", **tools})
    builder.create_run(run(), body={"assistant_id": ASSISTANT, **({} if of_assistant else tools)})
    builder.get_run(run("requires_action", tools=[], required_action=histories.action(call(name=name))))
    return builder.history()


@suspicious(action.calls_name_functions_of_the_run)
def test_call_of_a_requested_function_that_the_run_does_not_show() -> History:
    return _hides_its_tools("get_weather")


@suspicious(action.calls_name_functions_of_the_run)
def test_call_of_a_function_of_the_assistant_that_the_run_does_not_show() -> History:
    return _hides_its_tools("get_weather", of_assistant=True)


@fails(action.calls_name_functions_of_the_run, times=1)
def test_call_of_a_function_that_was_not_requested() -> History:
    return _hides_its_tools("get_time")


@permitted
def test_second_round_of_calls() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "requires_action")
    body = {"tool_outputs": [{"tool_call_id": "call_a", "output": "x"}]}
    builder.send("submit_tool_outputs", run("queued"), body=body)
    builder.get_run(run("requires_action", required_action=histories.action(call("call_b"))))
    return builder.history()


def _asks_for_approval(dialect: str, type_: str = "mcp") -> History:
    calls = [{"id": "call_a", "type": type_, "name": "look_up", "arguments": "{}", "server_label": "docs"}]
    required = {"type": "submit_tool_approval", "submit_tool_approval": {"tool_calls": calls}}
    builder = HistoryBuilder(dialect)
    builder.get_run(run("requires_action", required_action=required))
    return builder.history()


@passes(action.is_given_while_required)
def test_azure_asks_for_the_approval_of_mcp_calls() -> History:
    return _asks_for_approval("azure")


@fails(action.is_given_while_required, at="/required_action", times=1)
def test_azure_asks_for_no_approval_of_functions() -> History:
    return _asks_for_approval("azure", "function")


@fails(action.is_given_while_required, at="/required_action", times=1)
def test_only_azure_asks_for_approval() -> History:
    return _asks_for_approval("openai")
