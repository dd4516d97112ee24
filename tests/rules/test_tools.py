"""Tool calls get their outputs: the rules on this, on literal histories."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from runs_conformance.model.case import Step
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT
from runs_conformance.model.verdict import Inconclusive, Passed, Suspicion
from runs_conformance.rules.tools import call_steps, tool_outputs
from tests.rules.examples import fails, findings, inconclusive, judge, passes, permitted, suspicious
from tests.rules.histories import CALL, RUN, HistoryBuilder, action, call, error, page, run, step

WAITING: dict[str, Any] = {"required_action": action(call(), call("call_b"))}


def _outputs(*ids: str) -> dict[str, Any]:
    return {"tool_outputs": [{"tool_call_id": id_, "output": f"out {id_}"} for id_ in ids]}


def _submitted(
    sent: Sequence[str],
    accepted: bool,
    *after: Any,
    status: str = "requires_action",
    refusal: int = 400,
    works: bool = True,
) -> History:
    """Outputs for a run that waits for call_a and call_b, followed by reads, and by outputs for another run."""
    builder = HistoryBuilder()
    changes: dict[str, Any] = WAITING if status == "requires_action" else {}
    builder.see_statuses("queued")
    builder.get_run(run(status, **changes))
    own = Step(operation="submit_tool_outputs")
    if accepted:
        builder.send("submit_tool_outputs", run("queued"), body=_outputs(*sent), step=own)
    else:
        builder.refuse("submit_tool_outputs", refusal, body=_outputs(*sent), step=own)
    for answer in after:
        builder.get_run(answer)
    if works:
        other = run("queued", "run_z", thread_id="thread_z")
        builder.send("submit_tool_outputs", other, thread_id="thread_z", run_id="run_z", body=_outputs("call_z"))
    return builder.history()


@passes(
    tool_outputs.right_outputs_are_taken,
    tool_outputs.accepted_outputs_queue_the_run,
    tool_outputs.accepted_outputs_are_not_asked_for_again,
)
def test_right_outputs() -> History:
    return _submitted(["call_b", "call_a"], True, run("in_progress"), run("completed"))


@fails(tool_outputs.right_outputs_are_taken, times=1)
def test_right_outputs_that_are_refused() -> History:
    return _submitted(["call_a", "call_b"], False, run("requires_action", **WAITING))


@inconclusive(tool_outputs.right_outputs_are_taken)
def test_right_outputs_that_arrive_too_late() -> History:
    return _submitted(["call_a", "call_b"], False, run("expired"))


@passes(tool_outputs.outputs_are_taken_only_when_required)
def test_outputs_for_a_finished_run() -> History:
    return _submitted(["call_a"], False, status="completed")


_ENDED = "Runs in status \"completed\" do not accept outputs for call_ids ['call_c']."


@pytest.mark.parametrize(
    ("sent", "refusal", "result"),
    [
        (["call_c"], error("Expected tool outputs for call_ids [], got ['call_c']."), Inconclusive),
        (["call_c"], error("There is no call_c."), Inconclusive),
        (["1"], error("Run 0f31c does not wait for outputs."), Passed),
        (["call_c"], error(param="tool_outputs[0].tool_call_id"), Inconclusive),
        ([], error("Invalid: empty array.", "tool_outputs"), Inconclusive),
        (["call_a"], error("Expected tool outputs for call_ids [], got ['call_a']."), Passed),
        (["call_c"], error(_ENDED, "tool_outputs"), Passed),
        ([], error("The run does not require action."), Passed),
    ],
)
def test_late_submission_is_refused_for_its_outputs(sent: list[str], refusal: Any, result: type) -> None:
    """Unless they are those of the run's own calls, the refusal proves nothing about its status."""
    builder = HistoryBuilder()
    builder.get_run(run("requires_action", required_action=action(call())))
    builder.send("submit_tool_outputs", run("queued"), body=_outputs("call_a"))
    builder.get_run(run("completed"))
    builder.send("submit_tool_outputs", refusal, 400, body=_outputs(*sent), step=Step(operation="submit_tool_outputs"))
    results = judge(tool_outputs.outputs_are_taken_only_when_required, builder.history())
    assert [type(each) for each in results] == [result]


@inconclusive(tool_outputs.outputs_are_taken_only_when_required)
def test_operation_that_is_not_there_takes_no_outputs() -> History:
    return _submitted(["call_a"], False, status="completed", refusal=404, works=False)


@suspicious(tool_outputs.outputs_are_taken_only_when_required)
def test_outputs_for_a_finished_run_fail_in_the_server() -> History:
    return _submitted(["call_a"], False, status="completed", refusal=500)


@inconclusive(tool_outputs.missing_outputs_are_refused, tool_outputs.unknown_outputs_are_refused)
def test_submissions_that_are_never_accepted() -> History:
    return _submitted(["call_a", "call_c"], False, run("requires_action", **WAITING), works=False)


@fails(tool_outputs.outputs_are_taken_only_when_required, times=1)
def test_outputs_accepted_by_a_finished_run() -> History:
    return _submitted(["call_a"], True, status="completed")


@fails(tool_outputs.outputs_are_taken_only_when_required, times=1)
def test_outputs_accepted_by_a_working_run() -> History:
    return _submitted(["call_made_up"], True, status="in_progress")


def _accepted_after_read(**changes: Any) -> History:
    """A run that waits is read, and accepts outputs."""
    builder = HistoryBuilder()
    builder.create_run(run("queued"))
    shown = {**run("requires_action"), **changes}
    builder.get_run({name: member for name, member in shown.items() if member is not ABSENT}, run_id=RUN)
    outputs = {"tool_outputs": [{"tool_call_id": "call_a", "output": "x"}]}
    own = Step(operation="submit_tool_outputs")
    builder.send("submit_tool_outputs", run("queued"), body=outputs, step=own)
    return builder.history()


@inconclusive(tool_outputs.outputs_are_taken_only_when_required)
def test_outputs_for_a_run_whose_status_is_unknown() -> History:
    return _accepted_after_read(status="waiting")


@inconclusive(tool_outputs.outputs_are_taken_only_when_required)
def test_outputs_for_a_run_without_a_status() -> History:
    return _accepted_after_read(status=ABSENT)


@inconclusive(tool_outputs.outputs_are_taken_only_when_required)
def test_outputs_for_a_run_that_is_shown_without_its_id() -> History:
    return _accepted_after_read(id=ABSENT)


@inconclusive(tool_outputs.outputs_are_taken_only_when_required)
def test_outputs_for_a_run_that_is_shown_with_another_id() -> History:
    return _accepted_after_read(id="run_other")


@fails(tool_outputs.outputs_are_taken_only_when_required, times=1)
def test_outputs_for_an_ended_run_that_is_then_shown_without_its_id() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "in_progress", "completed")
    for _ in range(2):
        builder.get_run(run("completed", id=ABSENT), run_id=RUN)
    builder.send("submit_tool_outputs", run("completed"), body={"tool_outputs": []})
    return builder.history()


@passes(tool_outputs.missing_outputs_are_refused, tool_outputs.refused_outputs_leave_the_run_waiting)
def test_missing_outputs() -> History:
    return _submitted(["call_a"], False, run("requires_action", **WAITING))


@fails(tool_outputs.missing_outputs_are_refused, times=1)
def test_missing_outputs_that_are_accepted() -> History:
    return _submitted(["call_b"], True)


@fails(tool_outputs.missing_outputs_are_refused, times=1)
def test_empty_outputs_that_are_accepted() -> History:
    return _submitted([], True)


@passes(tool_outputs.unknown_outputs_are_refused)
def test_unknown_outputs() -> History:
    return _submitted(["call_a", "call_b", "call_c"], False, run("requires_action", **WAITING))


@fails(tool_outputs.unknown_outputs_are_refused, times=1)
def test_unknown_outputs_that_are_accepted() -> History:
    return _submitted(["call_a", "call_b", "call_c"], True)


@fails(tool_outputs.unknown_outputs_are_refused, tool_outputs.missing_outputs_are_refused, times=1)
def test_outputs_that_are_matched_by_position() -> History:
    return _submitted(["call_y", "call_z"], True)


@passes(tool_outputs.repeated_outputs_are_refused)
def test_repeated_outputs() -> History:
    return _submitted(["call_a", "call_b", "call_b"], False)


@fails(tool_outputs.repeated_outputs_are_refused, times=1)
def test_repeated_outputs_that_are_accepted() -> History:
    return _submitted(["call_a", "call_b", "call_b"], True)


@fails(tool_outputs.refused_outputs_leave_the_run_waiting, at="/status", times=1)
def test_refused_outputs_that_end_the_run() -> History:
    return _submitted(["call_a"], False, run("failed"))


@fails(tool_outputs.refused_outputs_leave_the_run_waiting, times=1)
def test_refused_outputs_that_are_kept() -> History:
    return _submitted(["call_a"], False, run("requires_action", required_action=action(call("call_b"))))


@fails(tool_outputs.accepted_outputs_queue_the_run, at="/status", times=1)
def test_answer_that_still_requires_action() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "requires_action")
    builder.send("submit_tool_outputs", run("requires_action"), body=_outputs("call_a"))
    return builder.history()


@fails(tool_outputs.accepted_outputs_are_not_asked_for_again)
def test_run_that_waits_for_the_same_calls_again() -> History:
    return _submitted(["call_a", "call_b"], True, run("requires_action", required_action=action(call("call_b"))))


def _listed_after_outputs(*later: dict[str, Any]) -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "requires_action")
    builder.send("submit_tool_outputs", run("queued"), body=_outputs("call_a"))
    builder.send("list_runs", page(run("requires_action")))
    for answer in later:
        builder.get_run(answer)
    return builder.history()


@permitted
def test_list_that_shows_the_answered_calls_of_a_run_that_completed() -> History:
    return _listed_after_outputs(run("completed"))


@permitted
def test_list_that_shows_the_answered_calls_of_a_run_that_makes_others() -> History:
    return _listed_after_outputs(run("requires_action", required_action=action(call("call_b"))))


@fails(tool_outputs.accepted_outputs_are_not_asked_for_again)
def test_list_and_read_that_show_the_answered_calls() -> History:
    return _listed_after_outputs(run("requires_action"))


def test_other_call_under_the_id_of_an_answered_one() -> None:
    other = run("requires_action", required_action=action(call("call_a", "get_time")))
    history = _submitted(["call_a", "call_b"], True, other)
    found = findings(tool_outputs.accepted_outputs_are_not_asked_for_again, history)
    assert [each.message for each in found] == [
        "the run makes another call, to get_time, under the id of an answered one, call_a"
    ]


@permitted
def test_run_that_makes_new_calls() -> History:
    anew = run("requires_action", required_action=action(call("call_c")))
    return _submitted(["call_a", "call_b"], True, run("in_progress"), anew)


@passes(tool_outputs.right_outputs_are_taken)
def test_two_simultaneous_submissions() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "requires_action")
    builder.send("submit_tool_outputs", run("queued"), body=_outputs("call_a"), at=110.0, took=2.0)
    builder.refuse("submit_tool_outputs", body=_outputs("call_a"), at=110.5, took=2.0)
    builder.wait(20)
    builder.get_run(run("completed"))
    return builder.history()


def _submitted_in_stream(ids: Sequence[str], status: str = "requires_action") -> History:
    """Outputs that the target refuses in a stream with HTTP 200."""
    builder = HistoryBuilder()
    builder.see_statuses("queued")
    builder.get_run(run(status, **(WAITING if status == "requires_action" else {})))
    step_sent = Step(operation="submit_tool_outputs")
    builder.stream("submit_tool_outputs", ("error", error()), body=_outputs(*ids), step=step_sent)
    return builder.history()


@inconclusive(tool_outputs.missing_outputs_are_refused)
def test_missing_outputs_that_are_refused_in_a_stream() -> History:
    return _submitted_in_stream(["call_a"])


@inconclusive(tool_outputs.unknown_outputs_are_refused)
def test_unknown_outputs_that_are_refused_in_a_stream() -> History:
    return _submitted_in_stream(["call_a", "call_b", "call_c"])


@inconclusive(tool_outputs.outputs_are_taken_only_when_required)
def test_outputs_for_a_finished_run_that_are_refused_in_a_stream() -> History:
    return _submitted_in_stream(["call_a"], "completed")


@inconclusive(tool_outputs.right_outputs_are_taken)
def test_right_outputs_that_are_refused_in_a_stream() -> History:
    return _submitted_in_stream(["call_a", "call_b"])


def _listed(sent: Sequence[str], accepted: bool, *steps: Any) -> History:
    """Outputs for a run that waits without showing its calls, which its steps do."""
    builder = HistoryBuilder()
    silent = run("requires_action", required_action=None)
    builder.see_statuses("queued")
    builder.get_run(silent)
    builder.send("list_run_steps", page(*steps))
    own = Step(operation="submit_tool_outputs")
    if accepted:
        builder.send("submit_tool_outputs", run("queued"), body=_outputs(*sent), step=own)
        builder.get_run(run("completed"))
    else:
        builder.refuse("submit_tool_outputs", body=_outputs(*sent), step=own)
        builder.get_run(silent)
    other = run("queued", "run_z", thread_id="thread_z")
    builder.send("submit_tool_outputs", other, thread_id="thread_z", run_id="run_z", body=_outputs("call_z"))
    return builder.history()


OPEN_STEP = step("in_progress", calls=[call(), call("call_b")])


@passes(tool_outputs.right_outputs_are_taken, tool_outputs.accepted_outputs_are_not_asked_for_again)
def test_right_outputs_for_calls_that_only_steps_show() -> History:
    return _listed(["call_a", "call_b"], True, OPEN_STEP)


@fails(tool_outputs.right_outputs_are_taken, times=1)
def test_right_outputs_for_calls_that_only_steps_show_are_refused() -> History:
    return _listed(["call_a", "call_b"], False, OPEN_STEP)


@fails(tool_outputs.missing_outputs_are_refused, times=1)
def test_missing_output_for_a_call_that_only_steps_show_is_accepted() -> History:
    return _listed(["call_a"], True, OPEN_STEP)


@fails(tool_outputs.unknown_outputs_are_refused, times=1)
def test_unknown_output_beside_calls_that_only_steps_show_is_accepted() -> History:
    return _listed(["call_a", "call_b", "call_x"], True, OPEN_STEP)


@passes(tool_outputs.refused_outputs_leave_the_run_waiting)
def test_refused_outputs_for_calls_that_only_steps_show() -> History:
    return _listed(["call_a"], False, OPEN_STEP)


def test_two_steps_without_outputs_leave_it_open_which_calls_are_pending() -> None:
    earlier = step("in_progress", "step_earlier", calls=[call("call_z")])
    assert (
        list(judge(tool_outputs.right_outputs_are_taken, _listed(["call_a", "call_b"], False, OPEN_STEP, earlier)))
        == []
    )


def _recorded(*outputs: str | None, sent: Sequence[str] = ("call_a", "call_b"), **kept: str) -> History:
    builder = HistoryBuilder()
    calls = [call(id_) for id_ in ("call_a", "call_b")]
    builder.see_statuses("queued")
    builder.get_run(run("requires_action", **WAITING))
    builder.send("list_run_steps", page(step("in_progress", calls=calls)))
    builder.get_run(run("requires_action", **WAITING))
    builder.send("submit_tool_outputs", run("queued"), body=_outputs(*sent))
    builder.get_run(run("completed"))
    done = [call(id_, output=output, **kept) for id_, output in zip(("call_a", "call_b"), outputs, strict=True)]
    builder.send("get_run_step", step(calls=done))
    return builder.history()


@passes(
    call_steps.step_records_the_outputs,
    call_steps.step_keeps_the_calls,
    call_steps.step_is_open_while_the_run_waits,
    call_steps.step_shows_the_calls,
)
def test_step_of_two_calls() -> History:
    return _recorded("out call_a", "out call_b")


@fails(call_steps.step_keeps_the_calls, at="/step_details/tool_calls/0/function", times=2)
def test_step_that_loses_the_arguments() -> History:
    return _recorded("out call_a", "out call_b", arguments="")


@fails(call_steps.step_records_the_outputs, at="/step_details/tool_calls/1/function/output", times=1)
def test_step_that_swaps_its_outputs() -> History:
    return _recorded("out call_a", "out call_a")


@permitted
def test_step_shows_one_of_two_outputs_for_a_call() -> History:
    """Which of the two an accepted submission keeps is undefined."""
    return _recorded("another", "out call_b", sent=("call_a", "call_a", "call_b"))


@fails(call_steps.step_keeps_the_calls, at="/step_details/tool_calls/0/function", times=2)
def test_step_that_renames_its_functions() -> History:
    return _recorded("out call_a", "out call_b", name="get_time")


def _rounds(first: str = "in_progress", *, repeated: bool = True, answered: bool = True) -> History:
    """Two calls of a run, one after the other, with one id if `repeated`; both steps are read before and at the end.

    `first` is the status of the first step while the run waits for the second call.
    """
    second = call(CALL if repeated else "call_b", "get_time")
    builder = HistoryBuilder()
    builder.see_statuses("queued", "requires_action")
    builder.send("submit_tool_outputs", run("queued"), body=_outputs(CALL))
    builder.get_run(run("requires_action", required_action=action(second)))
    recorded = step(first, calls=[call(output=f"out {CALL}")])
    builder.send("list_run_steps", page(step("in_progress", "step_b", calls=[second]), recorded))
    builder.get_run(run("requires_action", required_action=action(second)))
    if answered:
        builder.send("submit_tool_outputs", run("queued"), body=_outputs(second["id"]))
    builder.get_run(run("completed" if answered else "cancelled"))
    done = {**second, "function": {**second["function"], "output": f"out {second['id']}"}}
    builder.send("list_run_steps", page(step("completed", "step_b", calls=[done]), recorded))
    return builder.history()


@passes(
    call_steps.step_records_the_outputs,
    call_steps.step_keeps_the_calls,
    call_steps.step_is_open_while_the_run_waits,
    call_steps.step_shows_the_calls,
)
def test_steps_of_two_rounds() -> History:
    return _rounds("completed", repeated=False)


@inconclusive(call_steps.step_keeps_the_calls, call_steps.step_is_open_while_the_run_waits)
def test_steps_of_two_rounds_with_one_id() -> History:
    return _rounds("completed")


@passes(call_steps.step_shows_the_calls)
def test_newer_step_shows_the_call_under_a_repeated_id() -> History:
    return _rounds("completed")


@inconclusive(call_steps.step_keeps_the_calls)
def test_steps_of_two_rounds_with_one_id_of_which_one_gets_no_outputs() -> History:
    return _rounds("completed", answered=False)


def _submitted_twice(status: int, *, at_once: bool, shown: str = "first") -> History:
    """Two sets of outputs are submitted, of which the second is answered with this status, and the run completes."""
    builder = HistoryBuilder()
    builder.see_statuses("queued", "requires_action")
    for index, output in enumerate(("first", "second")):
        answered = run("queued") if not index or status == 200 else error()
        body = {"tool_outputs": [{"tool_call_id": "call_a", "output": output}]}
        at = 110.0 + index / 10 if at_once else None
        builder.send("submit_tool_outputs", answered, status if index else 200, body=body, at=at)
    builder.clock = 120.0
    builder.get_run(run("completed"))
    builder.send("list_run_steps", page(step(calls=[call(output=shown)])))
    return builder.history()


@inconclusive(call_steps.step_records_the_outputs)
def test_step_shows_the_first_of_two_accepted_submissions_at_once() -> History:
    return _submitted_twice(200, at_once=True)


@inconclusive(call_steps.step_records_the_outputs)
def test_step_shows_the_first_of_two_accepted_submissions() -> History:
    return _submitted_twice(200, at_once=False)


@passes(call_steps.step_records_the_outputs)
def test_step_shows_the_accepted_one_of_two_submissions() -> History:
    return _submitted_twice(400, at_once=True)


@fails(call_steps.step_records_the_outputs)
def test_step_shows_the_refused_one_of_two_submissions() -> History:
    return _submitted_twice(400, at_once=True, shown="second")


def _waits(shown: dict[str, Any]) -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "requires_action")
    builder.send("list_run_steps", page(shown))
    builder.get_run(run("requires_action"))
    return builder.history()


@fails(call_steps.step_is_open_while_the_run_waits, at="/data/0/status", times=1)
def test_step_that_is_closed() -> History:
    return _waits(step("completed", calls=[call()]))


@pytest.mark.parametrize("status", [ABSENT, None, "running", "COMPLETED"])
def test_missing_or_unknown_status_of_a_step_is_suspicious(status: object) -> None:
    shown = {**step("in_progress", calls=[call()]), "status": status}
    history = _waits({name: value for name, value in shown.items() if value is not ABSENT})
    results = judge(call_steps.step_is_open_while_the_run_waits, history)
    assert [type(result) for result in results] == [Suspicion, Passed]


@fails(call_steps.step_is_open_while_the_run_waits, at="/data/0/step_details", times=1)
def test_step_that_has_an_output_already() -> History:
    return _waits(step("in_progress", calls=[call(output="18 degrees")]))


@fails(call_steps.step_is_open_while_the_run_waits, at="/data/0/step_details", times=1)
def test_step_that_shows_an_output_of_a_refused_submission() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "requires_action")
    outputs = [{"tool_call_id": "call_a", "output": "18 degrees"}, {"tool_call_id": "call_0", "output": ""}]
    builder.refuse("submit_tool_outputs", body={"tool_outputs": outputs})
    builder.send("list_run_steps", page(step("in_progress", calls=[call(output="18 degrees")])))
    builder.get_run(run("requires_action"))
    return builder.history()


@fails(call_steps.step_shows_the_calls, at="/data", times=1)
def test_step_that_shows_other_arguments() -> History:
    return _waits(step("in_progress", calls=[call(arguments='{"city": "Rome"}')]))


@fails(call_steps.step_is_open_while_the_run_waits)
def test_step_that_is_closed_in_the_stream() -> History:
    builder = HistoryBuilder()
    builder.stream(
        "create_run",
        ("thread.run.created", run()),
        ("thread.run.step.completed", step("completed", calls=[call()])),
        ("thread.run.requires_action", run("requires_action")),
    )
    return builder.history()


@permitted
def test_new_step_when_the_run_resumes_in_a_stream() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "requires_action")
    builder.stream(
        "submit_tool_outputs",
        ("thread.run.step.completed", step(calls=[call(output="x")])),
        ("thread.run.queued", run()),
        ("thread.run.requires_action", run("requires_action", required_action=action(call("call_b")))),
        body={"tool_outputs": [{"tool_call_id": "call_a", "output": "x"}]},
    )
    return builder.history()


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("out call_a", "the step shows the output that was submitted for another call"),
        ("out", "the step shows a different output"),
    ],
)
def test_output_of_another_call_is_named(output: str, message: str) -> None:
    (finding,) = findings(call_steps.step_records_the_outputs, _recorded("out call_a", output))
    assert finding.message == message
