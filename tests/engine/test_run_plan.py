from __future__ import annotations

import threading
import time
from collections.abc import Collection, Sequence

from runs_conformance.engine.budget import Budget
from runs_conformance.engine.plan import Plan
from runs_conformance.engine.polling import PollSchedule
from runs_conformance.engine.run_plan import Judges, RunResult, run_plan
from runs_conformance.errors import UsageError
from runs_conformance.model.case import Step
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.program import Program, ProgramContext, StepGenerator
from runs_conformance.model.verdict import Tally
from tests.engine.scripted import SETTING, ScriptedSender, accept_everything, make_program
from tests.engine.test_interruptible import interrupted_after

CREATE = Step(operation="create_thread", body={})


def count(history: History) -> dict[str, Tally]:
    tally = Tally()
    for exchange in history:
        tally.add(exchange.finding("shown"))
    return {"a.rule": tally}


class Watching:
    def __init__(self) -> None:
        self.ends: list[int] = []
        self.closed = False

    def on_plan(self, programs: int, requests: int, runs: int) -> None:
        self.programs = programs

    def on_program_judged(self, failing: Collection[str], requests: int, runs: int) -> None:
        self.ends.append(requests)

    def close(self) -> None:
        self.closed = True

    def on_cleanup(self, things: int) -> None:
        self.cleaned = things

    def on_leftovers(self, things: Sequence[str]) -> None:
        self.left = things


def course(programs: list[Program], target: ScriptedSender, tidy: bool = False, workers: int = 3) -> RunResult:
    judging = Judges({}, (("test", count),))
    return run_plan(
        Plan(tuple(programs)),
        SETTING,
        target,
        target.collector,
        judging,
        target.budget,
        schedule=PollSchedule(),
        listener=Watching(),
        workers=workers,
        cleans_up=tidy,
    )


def test_all_programs_are_played_judged_and_folded() -> None:
    way = course([make_program(CREATE, CREATE, id_=f"p.{n}") for n in range(20)], ScriptedSender(accept_everything))
    assert way.tallies["a.rule"].judged == 40
    assert way.counts.requests == 40
    assert way.program_ids == tuple(f"p.{n}" for n in range(20))
    assert way.cut_reason is None


def test_findings_come_in_the_order_of_the_plan_whichever_worker_is_faster() -> None:
    def slowly(setting: ProgramContext) -> StepGenerator:
        yield CREATE
        time.sleep(0.05)

    first = Program(id="p.slow", title="", phase="x", capability="core", generate=slowly, runs=0, requests=1)
    target = ScriptedSender(accept_everything)
    way = course([first, make_program(CREATE, id_="p.fast")], target)
    assert way.program_ids == ("p.slow", "p.fast")


def test_an_error_in_a_program_is_told_and_the_others_go_on() -> None:
    def broken(setting: ProgramContext) -> StepGenerator:
        yield CREATE
        raise RuntimeError("oops")

    bad = Program(id="p.bad", title="", phase="x", capability="core", generate=broken, runs=0, requests=1)
    way = course([bad, make_program(CREATE)], ScriptedSender(accept_everything))
    assert way.internal_errors == ("program p.bad raised RuntimeError: oops",)
    assert way.tallies["a.rule"].judged == 2


def test_what_was_created_is_deleted_and_that_is_no_evidence() -> None:
    target = ScriptedSender(accept_everything)
    way = course([make_program(CREATE, Step(operation="create_assistant", body={"model": "m"}))], target, tidy=True)
    assert [step.operation for step in target.sent[2:]] == ["delete_assistant", "delete_thread"]
    assert way.tallies["a.rule"].judged == 2


def test_a_history_that_cannot_be_written_ends_the_run() -> None:
    class Full:
        def record(self, exchange: Exchange) -> Exchange:
            raise UsageError("history.jsonl: cannot be written: No space left on device")

    target = ScriptedSender(accept_everything)
    target.collector._recorder = Full()
    way = course([make_program(CREATE)], target)
    assert way.cut_reason == "history.jsonl: cannot be written: No space left on device"


def test_an_interruption_keeps_what_was_judged() -> None:
    hangs = threading.Event()

    def hang(setting: ProgramContext) -> StepGenerator:
        yield CREATE
        hangs.wait(30)

    stuck = Program(id="p.stuck", title="", phase="x", capability="core", generate=hang, runs=0, requests=1)
    began = time.monotonic()
    interrupted_after(0.6)
    way = course([stuck, make_program(CREATE)], ScriptedSender(accept_everything))
    hangs.set()
    assert way.interrupted
    assert time.monotonic() - began < 20
    assert set(way.program_ids) == {"p.stuck", "test.program"}
    assert way.tallies["a.rule"].judged == 2


def test_a_budget_of_seconds_cuts_the_run_short() -> None:
    target = ScriptedSender(accept_everything, Budget(max_seconds=0.0))
    assert course([make_program(CREATE)], target).cut_reason == "the limit of 0 seconds is reached"
