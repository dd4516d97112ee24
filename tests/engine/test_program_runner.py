from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from runs_conformance.engine.budget import MAX_CONSECUTIVE_UNANSWERED, MAX_CONSECUTIVE_UNANSWERED_PER_OPERATION, Budget
from runs_conformance.engine.polling import PollSchedule
from runs_conformance.engine.program_runner import run_program
from runs_conformance.model.case import Concurrent, Ref, Step
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.program import ProgramContext, StepGenerator
from runs_conformance.model.program_end import Ending, ProgramEnd
from tests.engine.scripted import SETTING, Answer, ScriptedSender, accept_everything, always_answer, make_program

CREATE = Step(operation="create_thread", name="thread", body={})
LOOK = Step(operation="get_run", path={"thread_id": "t", "run_id": "r"}, until=("requires_action",))


class Clock:
    """Time passes only by sleeping."""

    def __init__(self) -> None:
        self.time = 0.0

    def sleep(self, seconds: float) -> None:
        self.time += seconds

    def now(self) -> float:
        return self.time

    @property
    def pace(self) -> PollSchedule:
        return PollSchedule(sleep=self.sleep, now=self.now)


def statuses(*names: str | None) -> Iterator[Answer]:
    for name in names:
        yield (200, {"status": name}) if name else (500, {})


def polled(*names: str | None) -> tuple[int, Clock]:
    answers, clock = statuses(*names), Clock()
    target = ScriptedSender(lambda step: next(answers))
    assert run_program(make_program(LOOK), SETTING, target, Budget(), clock.pace).internal_error is None
    return len(target.sent), clock


def test_moves_are_sent_in_order_and_references_bound() -> None:
    target = ScriptedSender(accept_everything)
    get = Step(operation="get_thread", path={"thread_id": Ref("thread")})
    played = run_program(make_program(CREATE, get), SETTING, target, Budget(), PollSchedule())
    assert played.internal_error is None
    assert [x.request.path for x in target.collector.take("test.program")] == ["/threads", "/threads/create_thread_1"]


def failing(*statuses: int, phase: str = "lifecycle") -> list[int | None]:
    """The HTTP statuses of what one step came to, where the target answers with these in turn."""
    answers = iter(statuses)
    target = ScriptedSender(lambda step: (next(answers), {"id": "thread_1"}))
    played = run_program(replace(make_program(CREATE), phase=phase), SETTING, target, Budget(), Clock().pace)
    assert played.internal_error is None
    return [exchange.status for exchange in target.collector.take("test.program")]


def test_what_fails_is_sent_once_more_to_see_whether_it_fails_again() -> None:
    assert failing(500, 500) == [500, 500]
    assert failing(500, 200) == [500, 200]
    assert failing(400) == [400]


def test_boundary_programs_repeat_for_themselves() -> None:
    assert failing(500, phase="boundary") == [500]


def test_no_program_repeats_forever() -> None:
    target = ScriptedSender(lambda step: (500, {}))
    run_program(make_program(*[CREATE] * 20), SETTING, target, Budget(), Clock().pace)
    assert len(target.sent) == 22


def test_a_step_is_repeated_until_its_status_shows() -> None:
    assert polled("queued", "in_progress", "requires_action")[0] == 3


def test_a_status_that_nothing_follows_ends_the_polling() -> None:
    assert polled("queued", "completed", "completed")[0] == 2


def test_a_passing_error_does_not_end_the_polling() -> None:
    assert polled("queued", None, None, "requires_action")[0] == 4


def test_polling_ends_where_looks_show_nothing() -> None:
    assert polled(None, None, None, None)[0] == 3


def test_polling_ends_with_the_patience() -> None:
    sent, clock = polled(*["in_progress"] * 100)
    assert SETTING.run_timeout <= clock.time < SETTING.run_timeout + 2
    assert sent < 25


def test_the_first_looks_are_close_together() -> None:
    assert PollSchedule().interval(0) <= 0.02
    assert PollSchedule().interval(100) == 1.0


def test_an_answer_without_the_needed_value_ends_the_program_and_is_no_fault() -> None:
    target = ScriptedSender(always_answer({}))
    get = Step(operation="get_thread", path={"thread_id": Ref("thread")})
    played = run_program(make_program(CREATE, get, CREATE), SETTING, target, Budget(), PollSchedule())
    assert played.internal_error is None
    assert "thread" in (played.end.cause)
    assert len(target.sent) == 1


def test_an_error_in_the_program_is_its_fault() -> None:
    def broken(setting: ProgramContext) -> StepGenerator:
        yield CREATE
        raise ZeroDivisionError("oops")

    played = run_program(
        replace(make_program(), generate=broken), SETTING, ScriptedSender(accept_everything), Budget(), PollSchedule()
    )
    assert played.internal_error == "program test.program raised ZeroDivisionError: oops"


def test_a_budget_cuts_the_program_short() -> None:
    budget = Budget(max_requests=2)
    target = ScriptedSender(accept_everything, budget)
    played = run_program(make_program(*[CREATE] * 5), SETTING, target, budget, PollSchedule())
    assert played.end == ProgramEnd("test.program", Ending.CUT, "the limit of 2 requests is reached")
    assert len(target.sent) == 2


def test_a_target_that_falls_silent_cuts_the_program_short() -> None:
    budget = Budget()
    target = ScriptedSender(lambda step: (None, None), budget)
    several = [CREATE, Step(operation="list_assistants"), Step(operation="create_assistant", body={})]
    played = run_program(make_program(*several * 20), SETTING, target, budget, PollSchedule())
    assert "stopped answering" in (played.end.cause)
    assert len(target.sent) == MAX_CONSECUTIVE_UNANSWERED


def test_an_operation_that_is_never_answered_is_not_asked_forever() -> None:
    budget = Budget()
    target = ScriptedSender(lambda step: (None, None) if step.operation == "list_assistants" else (200, {}), budget)
    both = (Step(operation="list_assistants"), CREATE)
    played = run_program(make_program(*both * 20), SETTING, target, budget, PollSchedule())
    assert played.end.ending is Ending.STOPPED
    assert "the target does not respond to list_assistants" in played.end.cause
    assert [step.operation for step in target.sent].count("list_assistants") == MAX_CONSECUTIVE_UNANSWERED_PER_OPERATION


def test_a_status_that_is_no_text_is_no_status() -> None:
    target = ScriptedSender(always_answer({"status": ["completed"]}))
    assert (
        run_program(make_program(LOOK), SETTING, target, Budget(), PollSchedule(sleep=lambda s: None)).internal_error
        is None
    )
    assert len(target.sent) == 3


def test_a_status_that_there_is_not_ends_the_polling() -> None:
    target = ScriptedSender(always_answer({"status": "COMPLETED"}))
    assert (
        run_program(make_program(LOOK), SETTING, target, Budget(), PollSchedule(sleep=lambda s: None)).internal_error
        is None
    )
    assert len(target.sent) == 3


def test_steps_together_come_back_in_order() -> None:
    seen: list[Exchange] = []

    def play_two(setting: ProgramContext) -> StepGenerator:
        seen.extend((yield Concurrent((CREATE, Step(operation="list_assistants")))))

    whole = replace(make_program(), generate=play_two)
    run_program(whole, SETTING, ScriptedSender(accept_everything), Budget(), PollSchedule())
    assert [exchange.operation for exchange in seen] == ["create_thread", "list_assistants"]
