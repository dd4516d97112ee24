"""Programs submit outputs for the calls of a run that only its steps show."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from runs_conformance.engine.budget import Budget
from runs_conformance.engine.polling import PollSchedule
from runs_conformance.engine.program_runner import run_program
from runs_conformance.engine.reproduction import Reproduction
from runs_conformance.generation.programs.catalogue import catalogue
from runs_conformance.generation.programs.fragments import start_waiting_run, submit
from runs_conformance.generation.programs.responses import pending_call_count
from runs_conformance.generation.programs.steps import assistant, on_run, thread
from runs_conformance.model.case import Step
from runs_conformance.model.json import at
from runs_conformance.model.program import ProgramContext, StepGenerator
from runs_conformance.model.request_forms import RequestForms
from tests.engine.scripted import SETTING, Answer, ScriptedSender, make_program

IN_STEPS = replace(SETTING, request_forms=RequestForms(calls_in="steps"))
NO_WAIT = PollSchedule(min_interval=0.0, max_interval=0.0)


def step(status: str, *calls: str, output: str | None = None) -> dict[str, Any]:
    details = [{"id": id_, "type": "function", "function": {"name": "f", "output": output}} for id_ in calls]
    return {"id": f"step_{status}", "status": status, "step_details": {"type": "tool_calls", "tool_calls": details}}


class WaitingServer:
    """A server whose runs wait for tool outputs; `steps` are its steps, the newest first."""

    def __init__(self, *steps: dict[str, Any], shows_calls: bool = False) -> None:
        self.steps = steps
        self.action = {"submit_tool_outputs": {"tool_calls": [{"id": "call_shown"}]}} if shows_calls else None

    def __call__(self, step: Step) -> Answer:
        if step.operation == "list_run_steps":
            return 200, [*self.steps]
        if "run" in step.operation:
            ids = {"id": "run_1", "thread_id": "thread_1"}
            return 200, {**ids, "object": "thread.run", "status": "requires_action", "required_action": self.action}
        return 200, {"id": f"{step.operation}_1"}


def submitting(context: ProgramContext) -> StepGenerator:
    """A run waits, is read again, and gets the outputs of its calls."""
    yield assistant(context)
    yield thread(context)
    if (yield from start_waiting_run(context)):
        answer = yield on_run("get_run", name="waiting")
        yield submit(count=pending_call_count(answer))


def submitted_ids(server: WaitingServer, context: ProgramContext = IN_STEPS) -> tuple[ScriptedSender, list[Any]]:
    sender = ScriptedSender(server)
    program = replace(make_program(), generate=submitting)
    assert run_program(program, context, sender, Budget(), NO_WAIT).internal_error is None
    bodies = [
        each.request.body for each in sender.collector.take(program.id) if each.operation == "submit_tool_outputs"
    ]
    return sender, [at(body, f"/tool_outputs/{index}/tool_call_id") for body in bodies for index in range(2)]


def test_outputs_go_to_the_calls_of_the_open_step() -> None:
    answered = step("completed", "call_old", output="18")
    _, ids = submitted_ids(WaitingServer(step("in_progress", "call_1", "call_2"), answered))
    assert ids == ["call_1", "call_2"]
    _, ids = submitted_ids(WaitingServer(step("completed", "call_0"), step("in_progress", "call_1", "call_2")))
    assert ids == ["call_1", "call_2"]


def test_calls_that_the_run_shows_are_preferred() -> None:
    sender, ids = submitted_ids(WaitingServer(step("in_progress", "call_1"), shows_calls=True))
    assert ids[0] == "call_shown"
    assert all(each.operation != "list_run_steps" for each in sender.sent)


def test_steps_are_not_read_if_runs_show_their_calls() -> None:
    sender, ids = submitted_ids(WaitingServer(step("in_progress", "call_1")), SETTING)
    assert ids == []
    assert all(each.operation != "list_run_steps" for each in sender.sent)


def test_a_run_without_calls_anywhere_gets_no_outputs() -> None:
    assert submitted_ids(WaitingServer(step("completed", "call_1", output="18")))[1] == []


def test_what_was_sent_can_be_sent_again() -> None:
    sender, _ = submitted_ids(WaitingServer(step("in_progress", "call_1", "call_2")))
    again = ScriptedSender(WaitingServer(step("in_progress", "call_3", "call_4")))
    program = Reproduction(tuple(sender.sent)).to_program("again")
    assert run_program(program, SETTING, again, Budget(), NO_WAIT).end.cause == ""
    (body,) = [each.request.body for each in again.collector.take("again") if each.operation == "submit_tool_outputs"]
    assert at(body, "/tool_outputs/1/tool_call_id") == "call_4"


def test_a_program_that_needs_no_calls_goes_on_without_them() -> None:
    def cause_after(**members: Any) -> tuple[str, str]:
        def generate(context: ProgramContext) -> StepGenerator:
            yield assistant(context)
            yield thread(context)
            if (yield from start_waiting_run(context, **members)):
                yield on_run("cancel_run")

        sender = ScriptedSender(WaitingServer())
        program = replace(make_program(), generate=generate)
        result = run_program(program, SETTING, sender, Budget(), NO_WAIT)
        return result.end.cause, sender.sent[-1].operation

    assert cause_after(needs_calls=False) == ("", "cancel_run")
    cause, last = cause_after()
    assert "; the next step needs a required_action that lists the calls" in cause
    assert last == "get_run"


def test_a_tool_whose_name_is_refused_is_required_instead() -> None:
    def tool_choice(step: Step) -> Any:
        return step.body["tool_choice"] if isinstance(step.body, dict) and "tool_choice" in step.body else None

    def refuse_names(step: Step) -> Answer:
        is_named = isinstance(tool_choice(step), dict)
        return (500, {}) if is_named else (200, {"id": f"{step.operation}_1", "status": "completed"})

    sender = ScriptedSender(refuse_names)
    (program,) = [each for each in catalogue(SETTING) if each.id == "lifecycle.file_search"]
    run_program(program, SETTING, sender, Budget(), NO_WAIT)
    choices = [tool_choice(step) for step in sender.sent if step.operation == "create_run"]
    assert choices[0] == {"type": "file_search"}
    assert choices[-1] == "required"
    assert "list_run_steps" in {step.operation for step in sender.sent}
