from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from runs_conformance.engine.budget import SILENCE, SILENCE_OF_ONE, Budget
from runs_conformance.engine.polling import Pace
from runs_conformance.engine.program_runner import play
from runs_conformance.model.case import Ref, Step, Together
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.program import Play, Setting
from tests.engine.scripted import SETTING, Answer, Scripted, accepted, ok, program

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
    def pace(self) -> Pace:
        return Pace(sleep=self.sleep, now=self.now)


def statuses(*names: str | None) -> Iterator[Answer]:
    for name in names:
        yield (200, {"status": name}) if name else (500, {})


def polled(*names: str | None) -> tuple[int, Clock]:
    answers, clock = statuses(*names), Clock()
    target = Scripted(lambda step: next(answers))
    assert play(program(LOOK), SETTING, target, Budget(), clock.pace).fault is None
    return len(target.sent), clock


def test_moves_are_sent_in_order_and_references_bound() -> None:
    target = Scripted(accepted)
    get = Step(operation="get_thread", path={"thread_id": Ref("thread")})
    played = play(program(CREATE, get), SETTING, target, Budget(), Pace())
    assert played.fault is None
    assert [x.request.path for x in target.collector.take("test.program")] == ["/threads", "/threads/create_thread_1"]


def failing(*statuses: int, phase: str = "lifecycle") -> list[int | None]:
    """The HTTP statuses of what one step came to, where the target answers with these in turn."""
    answers = iter(statuses)
    target = Scripted(lambda step: (next(answers), {"id": "thread_1"}))
    played = play(replace(program(CREATE), phase=phase), SETTING, target, Budget(), Clock().pace)
    assert played.fault is None
    return [exchange.status for exchange in target.collector.take("test.program")]


def test_what_fails_is_sent_once_more_to_see_whether_it_fails_again() -> None:
    assert failing(500, 500) == [500, 500]
    assert failing(500, 200) == [500, 200]
    assert failing(400) == [400]


def test_boundary_programs_repeat_for_themselves() -> None:
    assert failing(500, phase="boundary") == [500]


def test_no_program_repeats_forever() -> None:
    target = Scripted(lambda step: (500, {}))
    play(program(*[CREATE] * 20), SETTING, target, Budget(), Clock().pace)
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
    assert SETTING.patience <= clock.time < SETTING.patience + 2
    assert sent < 25


def test_the_first_looks_are_close_together() -> None:
    assert Pace().pause(0) <= 0.02
    assert Pace().pause(100) == 1.0


def test_an_answer_without_the_needed_value_ends_the_program_and_is_no_fault() -> None:
    target = Scripted(ok({}))
    get = Step(operation="get_thread", path={"thread_id": Ref("thread")})
    played = play(program(CREATE, get, CREATE), SETTING, target, Budget(), Pace())
    assert played.fault is None
    assert "thread" in (played.stopped or "")
    assert len(target.sent) == 1


def test_an_error_in_the_program_is_its_fault() -> None:
    def broken(setting: Setting) -> Play:
        yield CREATE
        raise ZeroDivisionError("oops")

    played = play(replace(program(), play=broken), SETTING, Scripted(accepted), Budget(), Pace())
    assert played.fault == "program test.program raised ZeroDivisionError: oops"


def test_a_budget_cuts_the_program_short() -> None:
    budget = Budget(requests=2)
    target = Scripted(accepted, budget)
    played = play(program(*[CREATE] * 5), SETTING, target, budget, Pace())
    assert played.cut == "the limit of 2 requests is reached"
    assert len(target.sent) == 2


def test_a_target_that_falls_silent_cuts_the_program_short() -> None:
    budget = Budget()
    target = Scripted(lambda step: (None, None), budget)
    several = [CREATE, Step(operation="list_assistants"), Step(operation="create_assistant", body={})]
    played = play(program(*several * 20), SETTING, target, budget, Pace())
    assert "stopped answering" in (played.cut or "")
    assert len(target.sent) == SILENCE


def test_an_operation_that_is_never_answered_is_not_asked_forever() -> None:
    budget = Budget()
    target = Scripted(lambda step: (None, None) if step.operation == "list_assistants" else (200, {}), budget)
    both = (Step(operation="list_assistants"), CREATE)
    played = play(program(*both * 20), SETTING, target, budget, Pace())
    assert played.stopped == "the target does not answer list_assistants"
    assert [step.operation for step in target.sent].count("list_assistants") == SILENCE_OF_ONE


def test_a_status_that_is_no_text_is_no_status() -> None:
    target = Scripted(ok({"status": ["completed"]}))
    assert play(program(LOOK), SETTING, target, Budget(), Pace(sleep=lambda s: None)).fault is None
    assert len(target.sent) == 3


def test_a_status_that_there_is_not_ends_the_polling() -> None:
    target = Scripted(ok({"status": "COMPLETED"}))
    assert play(program(LOOK), SETTING, target, Budget(), Pace(sleep=lambda s: None)).fault is None
    assert len(target.sent) == 3


def test_steps_together_come_back_in_order() -> None:
    seen: list[Exchange] = []

    def play_two(setting: Setting) -> Play:
        seen.extend((yield Together((CREATE, Step(operation="list_assistants")))))

    whole = replace(program(), play=play_two)
    play(whole, SETTING, Scripted(accepted), Budget(), Pace())
    assert [exchange.operation for exchange in seen] == ["create_thread", "list_assistants"]
