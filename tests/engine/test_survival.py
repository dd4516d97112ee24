"""A request that ends the target after its response is found, withheld and shown; others in flight are not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from runs_conformance.engine.budget import Budget
from runs_conformance.engine.hazard_guard import HazardGuard, request_kind
from runs_conformance.engine.polling import PollSchedule
from runs_conformance.engine.program_runner import run_program
from runs_conformance.engine.survival import MAX_SUSPECTS, SurvivalTrials
from runs_conformance.generation.boundary.catalogue import operation_cases
from runs_conformance.model.case import Role, Step, Unmet
from runs_conformance.model.exchange import Completion, Exchange
from runs_conformance.model.history import History
from runs_conformance.model.program import ProgramContext, StepGenerator
from runs_conformance.model.program_end import Ending
from runs_conformance.model.verdict import Finding
from runs_conformance.rules import robustness
from tests.engine.scripted import SETTING, Answer, ScriptedSender, accept_everything, make_program

NEGATIVES = {
    step.mutation.pointer: step
    for step in reversed(operation_cases("create_run", SETTING).negatives)
    if step.mutation is not None and step.mutation.keyword == "type"
}
LIST = Step(operation="list_assistants")
ASSISTANT = Step(operation="create_assistant", name="assistant", body={"model": "gpt-4o"}, role=Role.FIXTURE)
THREAD = Step(operation="create_thread", name="thread", body={}, role=Role.FIXTURE)


def negative(pointer: str) -> Step:
    return replace(NEGATIVES[pointer], name="")


@dataclass
class Supervised:
    """A target that accepts everything. After a run whose tools are no list, it dies at the next request."""

    budget: Budget = field(default_factory=Budget)
    is_dying: bool = False
    deaths: int = 0

    def answer(self, step: Step) -> Answer:
        if self.is_dying:
            self.is_dying = False
            self.deaths += 1
            self.budget.record_recovery()
            return None, None
        body = step.body if isinstance(step.body, Mapping) else {}
        self.is_dying = step.operation == "create_run" and not isinstance(body.get("tools", []), list)
        return accept_everything(step)


def guarded(server: Supervised) -> tuple[HazardGuard, ScriptedSender, SurvivalTrials]:
    sender = ScriptedSender(server.answer, server.budget)
    schedule = PollSchedule(sleep=lambda seconds: None)
    trials = SurvivalTrials(sender, SETTING, server.budget, schedule)
    return HazardGuard(sender, SETTING, trials), sender, trials


def send_all(guard: HazardGuard, *steps: Step) -> None:
    answers: dict[str, Exchange] = {}
    for step in (ASSISTANT, THREAD, *steps):
        guard.send(step, "test", answers)


def test_the_request_that_ended_the_target_is_named_and_not_sent_again() -> None:
    server = Supervised()
    guard, sender, trials = guarded(server)
    send_all(guard, negative("/metadata"), negative("/tools"), negative("/temperature"), LIST)
    [hazard] = guard.hazards
    assert hazard.kind == request_kind(negative("/tools"))
    assert (hazard.answered, hazard.is_odd, hazard.withheld) == (True, True, 0)
    assert server.deaths == 2
    send_all(guard, negative("/tools"), negative("/temperature"), LIST)
    assert server.deaths == 2
    assert guard.hazards[0].withheld == 1
    [program] = trials.ended
    history = History.of(sender.collector.take(program))
    assert hazard.exchange in {exchange.id for exchange in history if exchange.is_probe}


def test_the_trial_is_evidence_that_the_next_request_is_not_served() -> None:
    guard, sender, trials = guarded(Supervised())
    send_all(guard, negative("/tools"), LIST)
    exchanges = sender.collector.take(trials.ended[0])
    refused = [replace(each, completion=Completion.NOT_CONNECTED) if each.response is None else each
               for each in exchanges]  # fmt: skip
    rule = robustness.the_next_request_is_served
    results = [result for unit in rule.units(History.of(refused)) for result in rule.judge(unit)]
    assert [type(result) for result in results] == [Finding]


def test_no_answered_request_is_reported_while_other_processes_send_theirs() -> None:
    server = Supervised()
    guard, _, trials = guarded(server)
    send_all(replace(guard, shares_target=True), negative("/tools"), LIST)
    assert server.deaths == 1
    assert trials.ended == []


def test_requests_that_are_in_flight_at_each_end_are_not_the_cause() -> None:
    guard, sender, _ = guarded(Supervised())
    unrelated = negative("/temperature")
    send_all(guard, negative("/tools"), unrelated, LIST, negative("/tools"), unrelated, LIST)
    assert [hazard.kind for hazard in guard.hazards] == [request_kind(negative("/tools"))]
    assert sender.sent.count(unrelated) == 2


def test_requests_that_the_target_survives_alone_are_not_reported() -> None:
    server = Supervised()
    guard, sender, trials = guarded(server)
    send_all(guard, negative("/metadata"), negative("/temperature"))
    server.is_dying = True
    guard.send(LIST, "test", {})
    assert guard.hazards == ()
    assert trials.ended == []
    programs = {exchange.program for each in range(1, MAX_SUSPECTS + 1)
                for exchange in sender.collector.take(f"survival.{each}")}  # fmt: skip
    assert programs == {"survival.1", "survival.2"}


def test_what_is_lost_at_two_ends_is_sent_alone_before_it_is_reported() -> None:
    server = Supervised()
    guard, _, _ = guarded(server)
    probe = replace(negative("/metadata"), anomaly="nul")
    for _ in range(3):
        guard.send(LIST, "test", {})
        server.is_dying = True
        guard.send(replace(probe, path={"thread_id": "t"}, body={"assistant_id": "a"}), "test", {})
    assert guard.hazards == ()


def test_a_program_that_ends_for_a_restart_says_so() -> None:
    server = Supervised(is_dying=True)
    sender = ScriptedSender(server.answer, server.budget)

    def generate(context: ProgramContext) -> StepGenerator:
        thread: Exchange = yield THREAD
        if not thread.accepted:
            yield Unmet("a thread")

    program = replace(make_program(THREAD), generate=generate)
    result = run_program(program, SETTING, sender, server.budget, PollSchedule())
    assert result.end.ending is Ending.STOPPED
    assert result.target_restarted
