"""All programs of a plan are executed and judged, whatever happens to one of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Mapping, MutableMapping, Sequence
from dataclasses import replace

from runs_conformance.engine.budget import Budget
from runs_conformance.engine.capabilities import operations_not_offered
from runs_conformance.engine.plan import Plan
from runs_conformance.engine.plan_execution import MAX_EXECUTIONS, run_plan
from runs_conformance.engine.plan_result import RunResult
from runs_conformance.engine.polling import PollSchedule
from runs_conformance.engine.program_verdicts import HistoryJudge
from runs_conformance.errors import UsageError
from runs_conformance.model.case import Step
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.program import Program, ProgramContext, StepGenerator
from runs_conformance.model.program_end import Ending
from runs_conformance.model.verdict import Tally
from tests.engine.scripted import SETTING, Answer, ScriptedSender, accept_everything, make_program
from tests.engine.test_interruptible import interrupt_after

CREATE = Step(operation="create_thread", body={})


def count_exchanges(history: History) -> dict[str, Tally]:
    tally = Tally()
    for exchange in history:
        tally.add(exchange.finding("shown"))
    return {"a.rule": tally}


class RecordingListener:
    def __init__(self) -> None:
        self.ends: list[int] = []
        self.closed = False

    def on_plan(self, programs: int, requests: int, runs: int, limits: tuple[int | None, int | None]) -> None:
        self.programs = programs

    def on_undeletable(self, estimates: Mapping[str, int]) -> None:
        self.undeletable = estimates

    def on_program_judged(self, failing: Collection[str], requests: int, runs: int) -> None:
        self.ends.append(requests)

    def close(self) -> None:
        self.closed = True

    def on_cleanup(self, things: int) -> None:
        self.cleaned = things

    def on_leftovers(self, things: Sequence[str]) -> None:
        self.left = things

    def on_throttled(self, seconds: float) -> None:
        self.waited = seconds

    def on_waiting(self, awaited: str, seconds: float) -> None:
        self.awaited = awaited


def execute(programs: list[Program], target: ScriptedSender, cleans_up: bool = False, workers: int = 3) -> RunResult:
    history_judge = HistoryJudge({}, (("test", count_exchanges),))
    return run_plan(
        Plan(tuple(programs)),
        SETTING,
        target,
        target.collector,
        history_judge,
        target.budget,
        schedule=PollSchedule(),
        listener=RecordingListener(),
        workers=workers,
        cleans_up=cleans_up,
    )


def test_all_programs_are_executed_and_judged() -> None:
    result = execute([make_program(CREATE, CREATE, id_=f"p.{n}") for n in range(20)], ScriptedSender(accept_everything))
    assert result.tallies["a.rule"].judged == 40
    assert result.counts.requests == 40
    assert result.program_ids == tuple(f"p.{n}" for n in range(20))
    assert result.early_end_reason is None


def test_results_are_in_the_order_of_the_plan() -> None:
    def generate_slowly(setting: ProgramContext) -> StepGenerator:
        yield CREATE
        time.sleep(0.05)

    first = Program(id="p.slow", title="", phase="x", capability="core", generate=generate_slowly, runs=0, requests=1)
    target = ScriptedSender(accept_everything)
    result = execute([first, make_program(CREATE, id_="p.fast")], target)
    assert result.program_ids == ("p.slow", "p.fast")


def test_exception_in_a_program_does_not_stop_the_others() -> None:
    def broken(setting: ProgramContext) -> StepGenerator:
        yield CREATE
        raise RuntimeError("oops")

    failing = Program(id="p.failing", title="", phase="x", capability="core", generate=broken, runs=0, requests=1)
    result = execute([failing, make_program(CREATE)], ScriptedSender(accept_everything))
    assert result.internal_errors == ("program p.failing raised RuntimeError: oops",)
    assert result.tallies["a.rule"].judged == 2


def test_cleanup_requests_are_not_evidence() -> None:
    target = ScriptedSender(accept_everything)
    result = execute(
        [make_program(CREATE, Step(operation="create_assistant", body={"model": "m"}))], target, cleans_up=True
    )
    assert [step.operation for step in target.sent[2:]] == ["delete_assistant", "delete_thread"]
    assert result.tallies["a.rule"].judged == 2


def test_unwritable_history_ends_the_test_run() -> None:
    class Full:
        def record(self, exchange: Exchange) -> Exchange:
            raise UsageError("history.jsonl: cannot be written: No space left on device")

    target = ScriptedSender(accept_everything)
    target.collector._recorder = Full()
    result = execute([make_program(CREATE)], target)
    assert result.early_end_reason == "history.jsonl: cannot be written: No space left on device"


def test_interrupt_keeps_what_was_judged() -> None:
    release = threading.Event()

    def hang(setting: ProgramContext) -> StepGenerator:
        yield CREATE
        release.wait(30)

    hanging = Program(id="p.hanging", title="", phase="x", capability="core", generate=hang, runs=0, requests=1)
    started = time.monotonic()
    interrupt_after(0.6)
    result = execute([hanging, make_program(CREATE)], ScriptedSender(accept_everything))
    release.set()
    assert result.interrupted
    assert time.monotonic() - started < 20
    assert set(result.program_ids) == {"p.hanging", "test.program"}
    assert result.tallies["a.rule"].judged == 2


def test_time_limit_cuts_the_test_run_short() -> None:
    target = ScriptedSender(accept_everything, Budget(max_seconds=0.0))
    assert execute([make_program(CREATE)], target).early_end_reason == "the limit of 0 seconds is reached"


def test_a_program_whose_target_was_restarted_is_executed_again() -> None:
    class RestartedOnce(ScriptedSender):
        def send(self, step: Step, program: str, exchanges_by_step: MutableMapping[str, Exchange]) -> Exchange:
            exchange = super().send(step, program, exchanges_by_step)
            if len(self.sent) == 2:
                self.budget.record_recovery()
            return exchange

    target = RestartedOnce(accept_everything)
    result = execute([make_program(CREATE, CREATE, CREATE)], target)
    # Two requests before the restart was noticed, and all three again.
    assert len(target.sent) == 5
    assert result.tallies["a.rule"].judged == 3
    assert [end.ending for end in result.program_ends] == [Ending.COMPLETED]


def test_a_program_whose_target_is_restarted_each_time_is_given_up() -> None:
    class AlwaysRestarted(ScriptedSender):
        def send(self, step: Step, program: str, exchanges_by_step: MutableMapping[str, Exchange]) -> Exchange:
            self.budget.record_recovery()
            return super().send(step, program, exchanges_by_step)

    target = AlwaysRestarted(accept_everything)
    result = execute([make_program(CREATE, CREATE)], target)
    assert len(target.sent) == MAX_EXECUTIONS
    assert [end.ending for end in result.program_ends] == [Ending.STOPPED]
    assert "was restarted" in result.program_ends[0].cause


def test_a_target_that_is_gone_at_the_end_cuts_the_test_run_short() -> None:
    requests: list[Step] = []

    def dies(step: Step) -> Answer:
        requests.append(step)
        return accept_everything(step) if len(requests) <= 2 else (None, None)

    programs = [make_program(CREATE, CREATE, id_=f"p.{number}") for number in range(4)]
    result = execute(programs, ScriptedSender(dies), workers=1)
    assert result.early_end_reason is not None
    assert result.early_end_reason.startswith("the target stopped responding: the last ")
    assert "x000003, POST /threads of program p.1" in result.early_end_reason


def test_cleanup_shows_that_an_operation_is_missing() -> None:
    target = ScriptedSender(lambda step: (405, {}) if step.operation == "delete_thread" else accept_everything(step))
    programs = [make_program(replace(CREATE, name="thread"), id_=f"p.{number}") for number in range(3)]
    assert operations_not_offered(execute(programs, target, cleans_up=True).operation_stats) == ("delete_thread",)
    assert "a.rule" in execute(programs, target, cleans_up=True).tallies
    assert execute(programs, target, cleans_up=True).tallies["a.rule"].judged == 3
