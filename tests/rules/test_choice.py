"""The tool choice is obeyed: the rules on this, on literal histories."""

from __future__ import annotations

from typing import Any

import pytest

from runs_conformance.model.case import REFUSES_BODY, Role, Step
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT
from runs_conformance.model.verdict import Inconclusive, Passed, Suspicion
from runs_conformance.rules import choice
from tests.rules.examples import fails, findings, inconclusive, judge, passes, permitted
from tests.rules.histories import ASSISTANT, HistoryBuilder, action, call, error, function_tool, page, run, step

NAMED = {"type": "function", "function": {"name": "get_weather"}}


def _runs_with_choice(choice: Any, *answers: Any, runs: int = 1) -> History:
    builder = HistoryBuilder()
    for number in range(runs):
        id_, settings = f"run_{number}", {"tool_choice": choice, "tools": [function_tool()]}
        builder.create_run(run(id_=id_, **settings), body={"assistant_id": ASSISTANT, **settings})
        for answer in answers:
            builder.get_run({**answer, "id": id_, **settings})
    return builder.history()


@passes(choice.no_tool_is_called_when_none_may_be)
def test_choice_of_none() -> History:
    return _runs_with_choice("none", run("completed"))


def test_choice_of_none_proves_nothing_without_a_tool() -> None:
    builder = HistoryBuilder()
    settings: dict[str, Any] = {"tool_choice": "none", "tools": []}
    builder.create_run(run(**settings), body={"assistant_id": ASSISTANT, **settings})
    builder.get_run(run("completed", **settings))
    assert judge(choice.no_tool_is_called_when_none_may_be, builder.history()) == []


@fails(choice.no_tool_is_called_when_none_may_be, times=1)
def test_choice_of_none_that_calls() -> History:
    return _runs_with_choice("none", run("requires_action"))


def _runs_with_step(choice: str, shown: Any, runs: int = 1) -> History:
    builder = HistoryBuilder()
    settings: dict[str, Any] = {"tool_choice": choice, "tools": [function_tool()]}
    for number in range(runs):
        id_ = f"run_{number}"
        builder.create_run(run(id_=id_, **settings), body={"assistant_id": ASSISTANT, **settings})
        builder.get_run(run("completed", id_, **settings))
        builder.send("list_run_steps", page({**shown, "run_id": id_}), run_id=id_)
    return builder.history()


@pytest.mark.parametrize("type_", ["message", "tool_calls"])
def test_step_that_names_its_message_is_no_call_whatever_its_type(type_: str) -> None:
    passes(choice.no_tool_is_called_when_none_may_be)(lambda: _runs_with_step("none", step(type=type_)))()
    fails(choice.a_tool_is_called_when_one_must_be)(lambda: _runs_with_step("required", step(type=type_), runs=2))()


@inconclusive(choice.no_tool_is_called_when_none_may_be)
def test_step_of_an_unknown_type_without_details_may_be_a_call() -> History:
    return _runs_with_step("none", step(type="message", step_details=ABSENT))


@inconclusive(choice.a_tool_is_called_when_one_must_be)
def test_steps_of_an_unknown_type_without_details_may_be_the_forced_calls() -> History:
    return _runs_with_step("required", step(type="function", step_details=ABSENT), runs=2)


@fails(choice.no_tool_is_called_when_none_may_be, times=1)
def test_step_that_shows_calls_is_a_call_whatever_its_type() -> History:
    return _runs_with_step("none", step(calls=[call(output="18")], type="message_creation"))


@fails(choice.no_tool_is_called_when_none_may_be, times=1)
def test_step_of_tool_calls_that_shows_none_is_a_call() -> History:
    return _runs_with_step("none", step(type="tool_calls", step_details=ABSENT))


@passes(choice.a_tool_is_called_when_one_must_be, choice.the_tool_that_is_named_is_called)
def test_choice_of_a_function() -> History:
    return _runs_with_choice(NAMED, run("requires_action"))


@passes(choice.a_tool_is_called_when_one_must_be)
def test_run_that_waits_without_showing_its_calls_made_one() -> History:
    return _runs_with_choice(NAMED, run("requires_action", required_action=None), run("completed"), runs=2)


@permitted
def test_run_whose_outputs_were_accepted_made_a_call() -> History:
    builder = HistoryBuilder()
    settings: dict[str, Any] = {"tool_choice": "required", "tools": [function_tool()]}
    for id_ in ("run_1", "run_2"):
        builder.create_run(run(id_=id_, **settings), body={"assistant_id": ASSISTANT, **settings})
        builder.send("submit_tool_outputs", {**run("completed"), "id": id_, **settings}, run_id=id_)
    return builder.history()


@fails(choice.a_tool_is_called_when_one_must_be, times=1)
def test_choice_of_a_function_that_is_ignored_twice() -> History:
    return _runs_with_choice(NAMED, run("completed"), runs=2)


def test_forced_function_that_is_ignored_once_prevents_a_pass() -> None:
    (result,) = judge(choice.a_tool_is_called_when_one_must_be, _runs_with_choice("required", run("completed")))
    reason = "a run with tool choice 'required' completed without a call, and no other made one"
    assert result == Suspicion(reason)


@pytest.mark.parametrize(("steps", "result"), [([step()], Suspicion), ([], Inconclusive), (None, Inconclusive)])
def test_forced_search_is_ignored_once(steps: list[Any] | None, result: type) -> None:
    """Only a list of steps that has some shows that the server called none of its own tools."""
    builder = HistoryBuilder()
    settings: dict[str, Any] = {"tool_choice": {"type": "file_search"}, "tools": [{"type": "file_search"}]}
    builder.create_run(run(**settings), body={"assistant_id": ASSISTANT, **settings})
    builder.get_run(run("completed", **settings))
    if steps is not None:
        builder.send("list_run_steps", page(*steps))
    results = judge(choice.a_tool_is_called_when_one_must_be, builder.history())
    assert [type(each) for each in results] == [result]


def test_run_that_was_not_seen_to_complete_may_have_called_its_tool() -> None:
    results = judge(choice.a_tool_is_called_when_one_must_be, _runs_with_choice("required", run("in_progress")))
    assert [type(each) for each in results] == [Inconclusive]


def _calls(*numbers: int, runs: int) -> History:
    builder = HistoryBuilder()
    settings: dict[str, Any] = {"tool_choice": NAMED, "tools": [function_tool()]}
    for number in range(runs):
        id_ = f"run_{number}"
        builder.create_run(run(id_=id_, **settings), body={"assistant_id": ASSISTANT, **settings})
        builder.get_run({**run("requires_action" if number in numbers else "completed"), "id": id_, **settings})
    return builder.history()


@fails(choice.a_tool_is_called_when_one_must_be, times=1)
def test_function_is_called_at_random() -> History:
    return _calls(2, runs=3)


@passes(choice.a_tool_is_called_when_one_must_be)
def test_forced_function_is_ignored_as_often_as_called() -> History:
    return _calls(1, 3, runs=4)


def _tool_sources(count: int = 3, **without_call: bool) -> History:
    """Runs with tools in the request and as many that use the assistant's: those in `without_call` make none."""
    builder = HistoryBuilder()
    settings: dict[str, Any] = {"tool_choice": NAMED, "tools": [function_tool()]}
    for source, completes in without_call.items():
        for number in range(count):
            id_ = f"run_{source}_{number}"
            tools = {"tools": settings["tools"]} if source == "own" else {}
            builder.create_run(
                run(id_=id_, **settings), body={"assistant_id": ASSISTANT, "tool_choice": NAMED, **tools}
            )
            builder.get_run({**run("completed" if completes else "requires_action"), "id": id_, **settings})
    return builder.history()


_NAMED_FUNCTION = "although their tool choice is the function 'get_weather'"


@pytest.mark.parametrize(
    ("history", "message"),
    [
        (_calls(runs=2), f"none of 2 completed runs of create_run called a tool, {_NAMED_FUNCTION}"),
        (_calls(2, runs=3), f"2 of 3 runs of create_run completed without a call, {_NAMED_FUNCTION}"),
        (
            _runs_with_choice("required", run("completed"), runs=2),
            "none of 2 completed runs of create_run called a tool, although their tool choice is 'required'",
        ),
    ],
)
def test_ignored_choice_is_named_with_the_operation_that_ignores_it(history: History, message: str) -> None:
    (finding,) = findings(choice.a_tool_is_called_when_one_must_be, history)
    assert (finding.message, finding.expected, finding.actual) == (message, "a call", ABSENT)


def test_choice_is_ignored_and_obeyed_for_the_kind_of_tools_of_the_runs() -> None:
    (ignored,) = findings(choice.a_tool_is_called_when_one_must_be, _calls(runs=2))
    assert ignored.part == "function"
    assert judge(choice.no_tool_is_called_when_none_may_be, _runs_with_choice("none", run("completed"))) == [
        Passed("function")
    ]
    for kinds, part in (
        (("file_search", "function"), "function"),
        (("file_search", "code_interpreter"), ""),
        (("file_search",), "file_search"),
    ):
        builder = HistoryBuilder()
        tools = [function_tool() if kind == "function" else {"type": kind} for kind in kinds]
        settings: dict[str, Any] = {"tool_choice": "none", "tools": tools}
        builder.create_run(run(**settings), body={"assistant_id": ASSISTANT, **settings})
        builder.get_run(run("completed", **settings))
        builder.send("list_run_steps", page(step()))
        assert judge(choice.no_tool_is_called_when_none_may_be, builder.history()) == [Passed(part)]


def test_choice_that_both_operations_ignore_is_of_neither() -> None:
    builder = HistoryBuilder()
    settings: dict[str, Any] = {"tool_choice": "required", "tools": [function_tool()]}
    for operation in ("create_run", "create_thread_and_run"):
        shown = run(id_=f"run_of_{operation}", **settings)
        builder.send(operation, shown, body={"assistant_id": ASSISTANT, **settings})
        builder.get_run({**shown, "status": "completed"})
    (finding,) = findings(choice.a_tool_is_called_when_one_must_be, builder.history())
    assert finding.message == "none of 2 completed runs called a tool, although their tool choice is 'required'"


@fails(choice.a_tool_is_called_when_one_must_be, times=1)
def test_only_the_tools_of_the_assistant_are_called() -> History:
    return _tool_sources(own=True, inherited=False)


@fails(choice.a_tool_is_called_when_one_must_be, times=1)
def test_only_the_tools_of_the_request_are_called() -> History:
    return _tool_sources(own=False, inherited=True)


@passes(choice.a_tool_is_called_when_one_must_be)
def test_two_runs_that_call_nothing_may_be_chance_beside_two_others_that_do() -> History:
    return _tool_sources(2, own=True, inherited=False)


@passes(choice.a_tool_is_called_when_one_must_be)
def test_tools_of_the_request_and_of_the_assistant_are_called() -> History:
    return _tool_sources(own=False, inherited=False)


@fails(choice.the_tool_that_is_named_is_called, times=1)
def test_choice_of_another_function() -> History:
    return _runs_with_choice(NAMED, run("requires_action", required_action=action(call(name="get_time"))))


def _refused_choice(status: int = 422, choice: Any = NAMED, step: Step | None = None, runs: int = 0) -> HistoryBuilder:
    builder = HistoryBuilder()
    settings = {"tool_choice": choice, "tools": [function_tool()]}
    for number in range(runs):
        builder.create_run(run(id_=f"run_{number}", **settings), body={"assistant_id": ASSISTANT, **settings})
    body = {"assistant_id": ASSISTANT, **settings}
    builder.send("create_run", error("Not a string."), status, body=body, step=step, thread_id="thread_a")
    return builder


@pytest.mark.parametrize("status", [400, 422, 500])
def test_refused_choice_of_a_function_is_the_reason_for_no_verdict(status: int) -> None:
    (result,) = judge(choice.the_tool_that_is_named_is_called, _refused_choice(status).history())
    said = f"create_run got HTTP {status}, saying: Not a string."
    assert result == Inconclusive(f"no run whose tool choice names a function was created: {said}")


@pytest.mark.parametrize(
    "builder",
    [
        _refused_choice(choice="required"),
        _refused_choice(choice={"type": "file_search"}),
        _refused_choice(429),
        _refused_choice(runs=1),
        _refused_choice(step=Step(operation="create_run", role=Role.NEGATIVE, expectation=REFUSES_BODY)),
    ],
)
def test_refusal_of_another_choice_is_no_reason(builder: HistoryBuilder) -> None:
    assert judge(choice.the_tool_that_is_named_is_called, builder.history()) == []


def _parallel(*calls: Any) -> History:
    builder = HistoryBuilder()
    builder.create_run(run(), body={"assistant_id": ASSISTANT, "parallel_tool_calls": False})
    builder.get_run(run("requires_action", required_action=action(*calls)))
    return builder.history()


@passes(choice.calls_are_not_parallel_unless_allowed)
def test_one_call_at_a_time() -> History:
    return _parallel(call())


def test_parallel_calls_that_are_allowed_show_that_the_model_makes_several() -> None:
    rule = choice.calls_are_not_parallel_unless_allowed
    for sent, expected in (
        (None, []),
        (Step(operation="create_run"), [Passed("a run that made several calls at once")]),
    ):
        builder = HistoryBuilder()
        builder.send("create_run", run(), body={"assistant_id": ASSISTANT}, step=sent)
        builder.get_run(run("requires_action", required_action=action(call(), call("call_b"))))
        assert judge(rule, builder.history()) == expected
    assert judge(rule, _parallel(call())) == [Passed("a run without parallel calls that made one")]


@fails(choice.calls_are_not_parallel_unless_allowed)
def test_two_parallel_calls() -> History:
    return _parallel(call(), call("call_b"))


@fails(choice.calls_are_not_parallel_unless_allowed, at="", times=1)
def test_two_parallel_calls_that_only_the_steps_of_the_run_show() -> History:
    builder = HistoryBuilder()
    builder.create_run(run(), body={"assistant_id": ASSISTANT, "parallel_tool_calls": False})
    builder.get_run(run("requires_action", required_action=None))
    builder.send("list_run_steps", page(step("in_progress", calls=[call(), call("call_b")])))
    return builder.history()
