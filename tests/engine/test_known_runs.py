"""Programs go on with what responses showed of a run if the run cannot be read by its id."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from runs_conformance.contract.lifecycle import TERMINAL
from runs_conformance.engine.budget import Budget
from runs_conformance.engine.polling import PollSchedule
from runs_conformance.engine.program_runner import run_program
from runs_conformance.engine.route_guard import RouteGuard
from runs_conformance.generation.programs.fragments import complete_run, start_waiting_run, submit
from runs_conformance.generation.programs.steps import on_run, page, poll, run, thread
from runs_conformance.model.case import Concurrent, Step
from runs_conformance.model.exchange import Event, Exchange
from runs_conformance.model.program import Program, ProgramContext, StepGenerator
from runs_conformance.model.program_end import Ending
from tests.engine.scripted import SETTING, Answer, ScriptedSender, make_program

NOT_FOUND: Answer = (404, {"detail": "Not Found"})
CALLS = {"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": [{"id": "call_1"}]}}
WAITING: Mapping[str, Any] = {"status": "requires_action", "required_action": CALLS}
DONE: Mapping[str, Any] = {"status": "completed"}


def a_run(**members: Any) -> dict[str, Any]:
    return {"id": "run_1", "object": "thread.run", "thread_id": "create_thread_1", **members}


@dataclass(slots=True)
class RunsCannotBeRead:
    """A server without a route to read a run, whose other responses show it as `shown` says, by operation."""

    shown: Mapping[str, Mapping[str, Any]]
    status: int = 404

    def __call__(self, step: Step) -> Answer:
        if step.operation == "get_run":
            return self.status, {"detail": "Not Found"}
        if step.operation == "list_runs":
            listed = self.shown.get("list_runs")
            return 200, {"object": "list", "data": [] if listed is None else [{"id": "run_0"}, a_run(**listed)]}
        if step.operation in self.shown:
            return 200, a_run(**self.shown[step.operation])
        return 200, {"id": f"{step.operation}_1", "object": "thing"}


def steps_of(*steps: Step, received: list[Exchange]) -> Callable[[ProgramContext], StepGenerator]:
    def generate(context: ProgramContext) -> StepGenerator:
        for step in (thread(context), *steps):
            received.append((yield step))

    return generate


def send_program(server: Callable[[Step], Answer], *steps: Step) -> tuple[Exchange, ScriptedSender]:
    """The response that the last step got, and what was sent."""
    target, received = ScriptedSender(server), list[Exchange]()
    program = replace(make_program(), generate=steps_of(*steps, received=received))
    clock = PollSchedule(sleep=lambda seconds: None)
    assert run_program(program, SETTING, target, Budget(), clock).internal_error is None
    return received[-1], target


CREATE = replace(run(), body={"assistant_id": "asst_1"})


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_run_that_its_creation_shows_as_ended_needs_no_poll(status: int) -> None:
    response, target = send_program(RunsCannotBeRead({"create_run": DONE}, status), CREATE, poll())
    assert response.member("status") == "completed"
    assert response.operation == "create_run"
    assert [step.operation for step in target.sent].count("get_run") == (3 if status == 501 else 1)


def test_a_list_shows_how_far_a_run_came() -> None:
    server = RunsCannotBeRead({"create_run": {"status": "queued"}, "list_runs": DONE})
    assert send_program(server, CREATE, poll())[0].status == 404
    assert send_program(server, CREATE, page("list_runs"), poll())[0].member("status") == "completed"


@pytest.mark.parametrize("status", ["queued", "in_progress", "requires_action"])
def test_a_run_that_is_not_where_it_is_awaited_stays_unread(status: str) -> None:
    assert (
        send_program(RunsCannotBeRead({"create_run": {"status": status}}), CREATE, poll(until=("failed",)))[0].status
        == 404
    )


def test_a_poll_that_gets_a_response_counts_more_than_earlier_responses() -> None:
    def respond(step: Step) -> Answer:
        return 200, a_run(status="failed" if step.operation == "get_run" else "completed")

    assert send_program(respond, CREATE, poll())[0].member("status") == "failed"


def test_a_server_error_is_no_missing_route() -> None:
    assert send_program(RunsCannotBeRead({"create_run": DONE}, 500), CREATE, poll())[0].status == 500


def test_a_run_is_not_known_to_wait_after_its_outputs_were_taken() -> None:
    outputs = on_run("submit_tool_outputs", body={"tool_outputs": []})
    server = RunsCannotBeRead({"create_run": WAITING})
    assert send_program(server, CREATE, poll())[0].member("status") == "requires_action"
    assert send_program(server, CREATE, outputs, poll())[0].status == 404
    shown = RunsCannotBeRead({"create_run": WAITING, "submit_tool_outputs": DONE})
    assert send_program(shown, CREATE, outputs, poll())[0].member("status") == "completed"


def test_a_run_that_ended_stays_ended() -> None:
    server = RunsCannotBeRead({"create_run": DONE, "modify_run": {"status": "in_progress"}})
    assert send_program(server, CREATE, on_run("modify_run", body={}), poll())[0].member("status") == "completed"


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_stream_shows_the_run_in_its_last_event(wrapped: bool) -> None:
    shown = [("thread.run.created", a_run(status="queued")), ("thread.run.completed", a_run(status="completed"))]
    events = tuple(Event("", {"event": name, "data": data}) if wrapped else Event(name, data) for name, data in shown)

    @dataclass(slots=True)
    class Streaming(ScriptedSender):
        def send(self, step: Step, program: str, exchanges_by_step: MutableMapping[str, Exchange]) -> Exchange:
            exchange = super(Streaming, self).send(step, program, exchanges_by_step)
            if step.stream and exchange.response is not None:
                exchange = replace(exchange, response=replace(exchange.response, body=None, events=events))
                exchanges_by_step[step.name] = exchange
            return exchange

    received: list[Exchange] = []
    streamed = replace(CREATE, stream=True)
    program = replace(make_program(), generate=steps_of(streamed, poll(), received=received))
    run_program(program, SETTING, Streaming(RunsCannotBeRead({})), Budget(), PollSchedule(sleep=lambda seconds: None))
    assert received[-1].member("status") == "completed"


@dataclass(slots=True)
class Ends:
    """Runs programs against a server, through the guard of missing routes."""

    server: Callable[[Step], Answer]
    target: ScriptedSender = field(init=False)
    guard: RouteGuard = field(init=False)

    def __post_init__(self) -> None:
        self.target = ScriptedSender(self.server)
        self.guard = RouteGuard(self.target, ())

    def end(self, program: Program) -> Ending:
        clock = PollSchedule(sleep=lambda seconds: None)
        return run_program(program, SETTING, self.guard, Budget(), clock).end.ending


def waiting_program(context: ProgramContext) -> StepGenerator:
    """Submit the outputs that a run waits for, as many programs do."""
    yield Step(operation="create_assistant", name="assistant", body={})
    yield thread(context)
    if (yield from start_waiting_run(context)):
        yield submit()


def test_programs_run_to_their_end_where_polls_are_not_even_sent() -> None:
    server = RunsCannotBeRead({"create_run": WAITING, "submit_tool_outputs": DONE}, 405)
    ends = Ends(server)
    for _ in range(9):
        assert ends.end(replace(make_program(), generate=waiting_program)) is Ending.COMPLETED
    sent = [step.operation for step in ends.target.sent]
    assert sent.count("submit_tool_outputs") == 9
    assert sent.count("get_run") < 9


def test_recorded_steps_refer_to_the_response_that_took_the_place_of_a_poll() -> None:
    ends = Ends(RunsCannotBeRead({"create_run": WAITING, "submit_tool_outputs": DONE}, 405))
    ends.end(replace(make_program(), generate=waiting_program))
    (outputs,) = (step for step in ends.target.sent if step.operation == "submit_tool_outputs")
    assert "waiting" not in str(outputs.body)
    assert "'run'" in str(outputs.body)


def test_a_run_that_settles_at_once_lets_a_program_complete() -> None:
    def generate(context: ProgramContext) -> StepGenerator:
        yield Step(operation="create_assistant", name="assistant", body={})
        yield thread(context)
        yield from complete_run()

    assert (
        Ends(RunsCannotBeRead({"create_run": DONE})).end(replace(make_program(), generate=generate)) is Ending.COMPLETED
    )
    assert (
        Ends(RunsCannotBeRead({"create_run": {"status": "queued"}})).end(replace(make_program(), generate=generate))
        is Ending.STOPPED
    )


def test_concurrent_responses_show_runs_as_well() -> None:
    received: list[Exchange] = []

    def generate(context: ProgramContext) -> StepGenerator:
        yield thread(context)
        yield CREATE
        yield Concurrent((on_run("cancel_run"), page("list_runs")))
        received.append((yield poll(until=tuple(sorted(TERMINAL)))))

    server = RunsCannotBeRead({"create_run": {"status": "queued"}, "cancel_run": {"status": "cancelled"}})
    target = ScriptedSender(server)
    run_program(replace(make_program(), generate=generate), SETTING, target, Budget(), PollSchedule())
    assert received[0].member("status") == "cancelled"


def test_a_new_run_takes_the_place_of_one_with_its_id() -> None:
    responses = iter((DONE, {"status": "queued"}))

    def respond(step: Step) -> Answer:
        return (200, a_run(**next(responses))) if step.operation == "create_run" else RunsCannotBeRead({})(step)

    assert send_program(respond, CREATE, CREATE, poll())[0].status == 404
