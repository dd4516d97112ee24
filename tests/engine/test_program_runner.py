"""Steps are sent in order, polled, and retried where that proves nothing wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from runs_conformance.engine.budget import Budget
from runs_conformance.engine.polling import PollSchedule
from runs_conformance.engine.program_runner import run_program
from runs_conformance.engine.target_health import (
    MAX_CONSECUTIVE_STUCK_RUNS,
    MAX_CONSECUTIVE_UNANSWERED,
    MAX_CONSECUTIVE_UNANSWERED_PER_OPERATION,
    MAX_STUCK_RUNS_WITHOUT_PROGRESS,
)
from runs_conformance.model.case import Concurrent, Ref, Role, Step, Unmet
from runs_conformance.model.exchange import Completion, Exchange
from runs_conformance.model.program import ProgramContext, StepGenerator
from runs_conformance.model.program_end import Ending, ProgramEnd
from tests.clock import SleepClock
from tests.engine.scripted import SETTING, Answer, ScriptedSender, accept_everything, always_answer, make_program
from tests.engine.test_budget import exchange_with

CREATE = Step(operation="create_thread", name="thread", body={})
POLL = Step(operation="get_run", path={"thread_id": "t", "run_id": "r"}, until=("requires_action",))


def statuses(*names: str | None) -> Iterator[Answer]:
    for name in names:
        yield (200, {"status": name}) if name else (500, {})


def poll(*names: str | None) -> tuple[int, SleepClock]:
    answers, clock = statuses(*names), SleepClock(0.0)
    target = ScriptedSender(lambda step: next(answers))
    assert run_program(make_program(POLL), SETTING, target, Budget(), clock.schedule).internal_error is None
    return len(target.sent), clock


def test_steps_are_sent_in_order_with_resolved_references() -> None:
    target = ScriptedSender(accept_everything)
    get = Step(operation="get_thread", path={"thread_id": Ref("thread")})
    result = run_program(make_program(CREATE, get), SETTING, target, Budget(), PollSchedule())
    assert result.internal_error is None
    assert [x.request.path for x in target.collector.take("test.program")] == ["/threads", "/threads/create_thread_1"]


def retried_statuses(*statuses: int, phase: str = "lifecycle") -> list[int | None]:
    """The HTTP statuses that one step received from a target that answers with these in turn."""
    answers = iter(statuses)
    target = ScriptedSender(lambda step: (next(answers), {"id": "thread_1"}))
    result = run_program(
        replace(make_program(CREATE), phase=phase), SETTING, target, Budget(), SleepClock(0.0).schedule
    )
    assert result.internal_error is None
    return [exchange.status for exchange in target.collector.take("test.program")]


def test_server_error_is_retried_once() -> None:
    assert retried_statuses(500, 500) == [500, 500]
    assert retried_statuses(500, 200) == [500, 200]
    assert retried_statuses(400) == [400]


def test_boundary_program_is_not_retried() -> None:
    assert retried_statuses(500, phase="boundary") == [500]


def test_probe_is_repeated_by_its_program_alone() -> None:
    target = ScriptedSender(lambda step: (500, {}))
    probe = replace(CREATE, probe=True, anomaly="malformed_json")
    run_program(make_program(probe), SETTING, target, Budget(), SleepClock(0.0).schedule)
    assert len(target.sent) == 1


def test_retries_of_a_program_are_limited() -> None:
    target = ScriptedSender(lambda step: (500, {}))
    run_program(make_program(*[CREATE] * 20), SETTING, target, Budget(), SleepClock(0.0).schedule)
    assert len(target.sent) == 22


def test_step_is_polled_until_its_status() -> None:
    assert poll("queued", "in_progress", "requires_action")[0] == 3


def test_terminal_status_ends_polling() -> None:
    assert poll("queued", "completed", "completed")[0] == 2


def test_transient_error_does_not_end_polling() -> None:
    assert poll("queued", None, None, "requires_action")[0] == 4


def test_polling_ends_without_a_readable_status() -> None:
    assert poll(None, None, None, None)[0] == 3


def test_polling_ends_at_the_timeout() -> None:
    sent, clock = poll(*["in_progress"] * 100)
    assert SETTING.run_timeout <= clock.time < SETTING.run_timeout + 2
    assert sent < 25


def test_first_polls_are_close_together() -> None:
    assert PollSchedule().interval(0) <= 0.02
    assert PollSchedule().interval(100) == 1.0


def test_missing_value_stops_the_program() -> None:
    target = ScriptedSender(always_answer({}))
    get = Step(operation="get_thread", path={"thread_id": Ref("thread")})
    result = run_program(make_program(CREATE, get, CREATE), SETTING, target, Budget(), PollSchedule())
    assert result.internal_error is None
    assert "thread" in (result.end.cause)
    assert len(target.sent) == 1


def test_exception_in_the_program_is_an_internal_error() -> None:
    def broken(setting: ProgramContext) -> StepGenerator:
        yield CREATE
        raise ZeroDivisionError("oops")

    result = run_program(
        replace(make_program(), generate=broken), SETTING, ScriptedSender(accept_everything), Budget(), PollSchedule()
    )
    assert result.internal_error == "program test.program raised ZeroDivisionError: oops"


def test_budget_cuts_the_program_short() -> None:
    budget = Budget(max_requests=2)
    target = ScriptedSender(accept_everything, budget)
    result = run_program(make_program(*[CREATE] * 5), SETTING, target, budget, PollSchedule())
    assert result.end == ProgramEnd(
        "test.program", Ending.ABORTED, "the limit of 2 requests is reached", "create_thread", "x000002"
    )
    assert len(target.sent) == 2


def test_unresponsive_target_cuts_the_program_short() -> None:
    budget = Budget()
    target = ScriptedSender(lambda step: (None, None), budget)
    several = [CREATE, Step(operation="list_assistants"), Step(operation="create_assistant", body={})]
    result = run_program(make_program(*several * 20), SETTING, target, budget, PollSchedule())
    assert "stopped responding" in (result.end.cause)
    assert len(target.sent) == MAX_CONSECUTIVE_UNANSWERED


def stuck_budget() -> Budget:
    """A budget on a target whose last runs did not end."""
    budget = Budget()
    for _ in range(MAX_CONSECUTIVE_STUCK_RUNS):
        budget.count_stuck_run("queued")
    return budget


STUCK = f"the last {MAX_CONSECUTIVE_STUCK_RUNS} runs did not end before the run timeout"
CREATE_RUN = Step(operation="create_run", name="run", path={"thread_id": "t"}, body={})


def test_a_program_that_needs_no_ended_run_goes_on_when_runs_are_stuck() -> None:
    budget, clock = stuck_budget(), SleepClock(0.0)
    target = ScriptedSender(always_answer({"id": "run_1", "status": "queued"}), budget)

    def end(*steps: Step, phase: str = "security") -> ProgramEnd:
        return run_program(make_program(*steps, phase=phase), SETTING, target, budget, clock.schedule).end

    complete = end(CREATE, CREATE_RUN, replace(CREATE_RUN, role=Role.NEGATIVE), phase="lifecycle")
    assert complete == ProgramEnd("test.program", Ending.COMPLETED)
    impatient = end(CREATE_RUN, POLL, CREATE)
    assert impatient.ending is Ending.COMPLETED
    assert impatient.cause.startswith(STUCK)
    assert impatient.is_cut
    assert [step.operation for step in target.sent[3:]] == ["create_run", POLL.operation, "create_thread"]
    assert end(CREATE_RUN, POLL, CREATE, phase="lifecycle").ending is Ending.ABORTED
    assert clock.time == 0


def test_a_program_that_needs_an_ended_run_is_cut_when_runs_are_stuck() -> None:
    budget = stuck_budget()
    target = ScriptedSender(always_answer({"id": "run_1", "status": "queued"}), budget)

    def generate(setting: ProgramContext) -> StepGenerator:
        yield CREATE_RUN
        yield POLL
        yield Unmet("a run that ends")

    program = replace(make_program(), generate=generate)
    end = run_program(program, SETTING, target, budget, SleepClock(0.0).schedule).end
    assert (end.ending, end.operation, end.exchange) == (Ending.ABORTED, POLL.operation, "x000002")
    assert end.cause.startswith(STUCK)


def test_a_program_that_gave_up_ended_early_although_a_request_tells_why() -> None:
    def end(*later: Step) -> ProgramEnd:
        def generate(setting: ProgramContext) -> StepGenerator:
            yield CREATE_RUN
            yield Unmet("a run that ends")
            remaining = list(later)
            while remaining:
                yield remaining.pop(0)

        program = replace(make_program(), generate=generate)
        return run_program(program, SETTING, ScriptedSender(accept_everything), Budget(), SleepClock(0.0).schedule).end

    for early in (end(), end(CREATE)):
        assert (early.ending, early.operation, early.exchange) == (Ending.STOPPED, "create_run", "x000001")
        assert early.cause.endswith("; the next step needs a run that ends")
    assert end(CREATE, CREATE) == ProgramEnd("test.program", Ending.COMPLETED)


def test_a_response_that_broke_off_remains_the_reason_when_a_second_try_is_refused() -> None:
    def end(first: Answer) -> ProgramEnd:
        answers: Iterator[Answer] = iter((first, (400, {})))

        def generate(setting: ProgramContext) -> StepGenerator:
            for step in (CREATE_RUN, CREATE):
                yield step
                yield Unmet("success with an id")

        program = replace(make_program(), generate=generate)
        target = ScriptedSender(lambda step: next(answers))
        return run_program(program, SETTING, target, Budget(), SleepClock(0.0).schedule).end

    assert end((None, {})).operation == "create_run"
    assert end((409, {})).operation == "create_thread"


def test_a_run_that_ends_after_all_is_waited_for_again() -> None:
    budget = stuck_budget()
    answers = iter(["completed", "queued", "completed"])
    target = ScriptedSender(lambda step: (200, {"status": next(answers)}), budget)
    end = run_program(make_program(POLL, POLL), SETTING, target, budget, SleepClock(0.0).schedule).end
    assert end == ProgramEnd("test.program", Ending.COMPLETED)
    assert len(target.sent) == 3


def test_no_stream_is_opened_when_streams_are_stuck() -> None:
    budget, stream = stuck_budget(), replace(CREATE_RUN, stream=True)
    target = ScriptedSender(accept_everything, budget)
    assert run_program(make_program(stream), SETTING, target, budget, PollSchedule()).end.ending is Ending.COMPLETED
    silent = exchange_with(200)
    assert silent.response is not None
    silent = replace(
        silent, response=replace(silent.response, events=()), completion=Completion.UNKNOWN, ended=silent.started + 999
    )
    budget.count(silent)
    assert run_program(make_program(stream), SETTING, target, budget, PollSchedule()).end.ending is Ending.NOT_STARTED
    assert len(target.sent) == 1


def test_slow_runs_are_waited_for_after_the_search_met_stuck_ones() -> None:
    clock = SleepClock(0.0)
    schedule = clock.schedule
    target = ScriptedSender(lambda step: (200, {"status": "completed" if clock.time > 70 else "queued"}))
    waited: list[int] = []
    for timeout in (15.0, 15.0, 60.0):
        before = clock.time
        run_program(make_program(POLL), replace(SETTING, run_timeout=timeout), target, Budget(), schedule)
        waited.append(round(clock.time - before))
    assert waited[:2] == [15, 15]
    assert 40 <= waited[2] < 43


def stuck_runs_until_cut(budget: Budget) -> int:
    """The number of stuck runs after which no further run is waited for."""
    for number in range(20):
        if budget.stuck_runs_problem is not None:
            return number
        budget.count_stuck_run("queued")
    return 20


def test_fewer_stuck_runs_suffice_if_no_run_has_ended() -> None:
    budget = Budget()
    assert stuck_runs_until_cut(budget) == MAX_STUCK_RUNS_WITHOUT_PROGRESS
    budget.count_progressing_run()
    assert stuck_runs_until_cut(budget) == MAX_CONSECUTIVE_STUCK_RUNS


def test_unresponsive_operation_stops_the_program() -> None:
    budget = Budget()
    target = ScriptedSender(lambda step: (None, None) if step.operation == "list_assistants" else (200, {}), budget)
    both = (Step(operation="list_assistants"), CREATE)
    result = run_program(make_program(*both * 20), SETTING, target, budget, PollSchedule())
    assert result.end.ending is Ending.STOPPED
    assert "the target does not respond to list_assistants" in result.end.cause
    assert [step.operation for step in target.sent].count("list_assistants") == MAX_CONSECUTIVE_UNANSWERED_PER_OPERATION


def test_status_that_is_no_string_is_unreadable() -> None:
    target = ScriptedSender(always_answer({"status": ["completed"]}))
    assert (
        run_program(make_program(POLL), SETTING, target, Budget(), PollSchedule(sleep=lambda s: None)).internal_error
        is None
    )
    assert len(target.sent) == 3


def test_unknown_status_ends_polling() -> None:
    target = ScriptedSender(always_answer({"status": "COMPLETED"}))
    assert (
        run_program(make_program(POLL), SETTING, target, Budget(), PollSchedule(sleep=lambda s: None)).internal_error
        is None
    )
    assert len(target.sent) == 3


def test_concurrent_steps_return_in_order() -> None:
    received: list[Exchange] = []

    def generate(setting: ProgramContext) -> StepGenerator:
        received.extend((yield Concurrent((CREATE, Step(operation="list_assistants")))))

    program = replace(make_program(), generate=generate)
    run_program(program, SETTING, ScriptedSender(accept_everything), Budget(), PollSchedule())
    assert [exchange.operation for exchange in received] == ["create_thread", "list_assistants"]
