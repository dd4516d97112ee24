from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from runs_conformance.model.case import Step
from runs_conformance.model.history import History
from runs_conformance.rules import tools
from tests.rules.examples import breaks, holds, legal, undecided
from tests.rules.histories import Told, action, call, page, run, step

WAITING: dict[str, Any] = {"required_action": action(call(), call("call_b"))}


def _outputs(*ids: str) -> dict[str, Any]:
    return {"tool_outputs": [{"tool_call_id": id_, "output": f"out {id_}"} for id_ in ids]}


def _submitted(sent: Sequence[str], taken: bool, *after: Any, status: str = "requires_action") -> History:
    """Outputs for a run that waits for call_a and call_b, and looks afterwards."""
    tell = Told()
    changes: dict[str, Any] = WAITING if status == "requires_action" else {}
    tell.looks("queued")
    tell.get_run(run(status, **changes))
    own = Step(operation="submit_tool_outputs")
    if taken:
        tell.send("submit_tool_outputs", run("queued"), body=_outputs(*sent), step=own)
    else:
        tell.refuse("submit_tool_outputs", body=_outputs(*sent), step=own)
    for answer in after:
        tell.get_run(answer)
    return tell.history()


@holds(
    tools.right_outputs_are_taken,
    tools.accepted_outputs_queue_the_run,
    tools.accepted_outputs_are_not_asked_for_again,
)
def test_right_outputs() -> History:
    return _submitted(["call_b", "call_a"], True, run("in_progress"), run("completed"))


@breaks(tools.right_outputs_are_taken, times=1)
def test_right_outputs_that_are_refused() -> History:
    return _submitted(["call_a", "call_b"], False, run("requires_action", **WAITING))


@undecided(tools.right_outputs_are_taken)
def test_right_outputs_that_came_too_late() -> History:
    return _submitted(["call_a", "call_b"], False, run("expired"))


@holds(tools.outputs_are_taken_only_when_required)
def test_outputs_for_a_finished_run() -> History:
    return _submitted(["call_a"], False, status="completed")


@breaks(tools.outputs_are_taken_only_when_required, times=1)
def test_outputs_that_a_finished_run_takes() -> History:
    return _submitted(["call_a"], True, status="completed")


@breaks(tools.outputs_are_taken_only_when_required, times=1)
def test_outputs_that_a_working_run_takes() -> History:
    return _submitted(["call_made_up"], True, status="in_progress")


@holds(tools.missing_outputs_are_refused, tools.refused_outputs_leave_the_run_waiting)
def test_missing_outputs() -> History:
    return _submitted(["call_a"], False, run("requires_action", **WAITING))


@breaks(tools.missing_outputs_are_refused, times=1)
def test_missing_outputs_that_are_taken() -> History:
    return _submitted(["call_b"], True)


@breaks(tools.missing_outputs_are_refused, times=1)
def test_no_outputs_that_are_taken() -> History:
    return _submitted([], True)


@holds(tools.unknown_outputs_are_refused)
def test_unknown_outputs() -> History:
    return _submitted(["call_a", "call_b", "call_c"], False, run("requires_action", **WAITING))


@breaks(tools.unknown_outputs_are_refused, times=1)
def test_unknown_outputs_that_are_taken() -> History:
    return _submitted(["call_a", "call_b", "call_c"], True)


@breaks(tools.unknown_outputs_are_refused, tools.missing_outputs_are_refused, times=1)
def test_outputs_that_are_matched_by_position() -> History:
    return _submitted(["call_y", "call_z"], True)


@holds(tools.repeated_outputs_are_refused)
def test_repeated_outputs() -> History:
    return _submitted(["call_a", "call_b", "call_b"], False)


@breaks(tools.repeated_outputs_are_refused, times=1)
def test_repeated_outputs_that_are_taken() -> History:
    return _submitted(["call_a", "call_b", "call_b"], True)


@breaks(tools.refused_outputs_leave_the_run_waiting, at="/status", times=1)
def test_refused_outputs_that_end_the_run() -> History:
    return _submitted(["call_a"], False, run("failed"))


@breaks(tools.refused_outputs_leave_the_run_waiting, times=1)
def test_refused_outputs_that_are_kept() -> History:
    return _submitted(["call_a"], False, run("requires_action", required_action=action(call("call_b"))))


@breaks(tools.accepted_outputs_queue_the_run, at="/status", times=1)
def test_answer_that_still_waits() -> History:
    tell = Told()
    tell.looks("queued", "requires_action")
    tell.send("submit_tool_outputs", run("requires_action"), body=_outputs("call_a"))
    return tell.history()


@breaks(tools.accepted_outputs_are_not_asked_for_again)
def test_run_that_asks_again() -> History:
    return _submitted(["call_a", "call_b"], True, run("requires_action", required_action=action(call("call_b"))))


@legal
def test_run_that_calls_anew() -> History:
    anew = run("requires_action", required_action=action(call("call_c")))
    return _submitted(["call_a", "call_b"], True, run("in_progress"), anew)


@holds(tools.right_outputs_are_taken)
def test_outputs_twice_at_once() -> History:
    tell = Told()
    tell.looks("queued", "requires_action")
    tell.send("submit_tool_outputs", run("queued"), body=_outputs("call_a"), at=110.0, took=2.0)
    tell.refuse("submit_tool_outputs", body=_outputs("call_a"), at=110.5, took=2.0)
    tell.wait(20)
    tell.get_run(run("completed"))
    return tell.history()


def _recorded(*outputs: str | None, **kept: str) -> History:
    tell = Told()
    calls = [call(id_) for id_ in ("call_a", "call_b")]
    tell.looks("queued")
    tell.get_run(run("requires_action", **WAITING))
    tell.send("list_run_steps", page(step("in_progress", calls=calls)))
    tell.get_run(run("requires_action", **WAITING))
    tell.send("submit_tool_outputs", run("queued"), body=_outputs("call_a", "call_b"))
    tell.get_run(run("completed"))
    done = [call(id_, output=output, **kept) for id_, output in zip(("call_a", "call_b"), outputs, strict=True)]
    tell.send("get_run_step", step(calls=done))
    return tell.history()


@holds(
    tools.step_records_the_outputs,
    tools.step_keeps_the_calls,
    tools.step_is_open_while_the_run_waits,
    tools.step_shows_the_calls,
)
def test_step_of_two_calls() -> History:
    return _recorded("out call_a", "out call_b")


@breaks(tools.step_keeps_the_calls, at="/step_details/tool_calls/0/function", times=2)
def test_step_that_forgets_the_arguments() -> History:
    return _recorded("out call_a", "out call_b", arguments="")


@breaks(tools.step_records_the_outputs, at="/step_details/tool_calls/1/function/output", times=1)
def test_step_that_mixes_its_outputs() -> History:
    return _recorded("out call_a", "out call_a")


def _waits(shown: dict[str, Any]) -> History:
    tell = Told()
    tell.looks("queued", "requires_action")
    tell.send("list_run_steps", page(shown))
    tell.get_run(run("requires_action"))
    return tell.history()


@breaks(tools.step_is_open_while_the_run_waits, at="/data/0/status", times=1)
def test_step_that_is_closed() -> History:
    return _waits(step("completed", calls=[call()]))


@breaks(tools.step_is_open_while_the_run_waits, at="/data/0/step_details", times=1)
def test_step_that_has_an_output_already() -> History:
    return _waits(step("in_progress", calls=[call(output="18 degrees")]))


@breaks(tools.step_shows_the_calls, at="/data", times=1)
def test_step_that_shows_other_arguments() -> History:
    return _waits(step("in_progress", calls=[call(arguments='{"city": "Rome"}')]))


@breaks(tools.step_is_open_while_the_run_waits)
def test_step_that_is_closed_in_the_stream() -> History:
    tell = Told()
    tell.stream(
        "create_run",
        ("thread.run.created", run()),
        ("thread.run.step.completed", step("completed", calls=[call()])),
        ("thread.run.requires_action", run("requires_action")),
    )
    return tell.history()


@legal
def test_new_step_when_the_run_resumes_in_a_stream() -> History:
    tell = Told()
    tell.looks("queued", "requires_action")
    tell.stream(
        "submit_tool_outputs",
        ("thread.run.step.completed", step(calls=[call(output="x")])),
        ("thread.run.queued", run()),
        ("thread.run.requires_action", run("requires_action", required_action=action(call("call_b")))),
        body={"tool_outputs": [{"tool_call_id": "call_a", "output": "x"}]},
    )
    return tell.history()
