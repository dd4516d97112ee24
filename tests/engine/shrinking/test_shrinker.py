"""Shrinking of violations found by fuzzing."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from runs_conformance.engine.budget import Budget
from runs_conformance.engine.polling import PollSchedule
from runs_conformance.engine.program_verdicts import FuzzedViolation, HistoryJudge
from runs_conformance.engine.reproduction import Reproduction
from runs_conformance.engine.shrinking.fuzzed_violations import CaseRunner, ShrinkContext, shrink_violations
from runs_conformance.engine.shrinking.shrinker import ReproducedViolation, ShrinkBudget, Shrinker, ShrunkCase
from runs_conformance.model.case import REFUSES_BODY, Mutation, Ref, Role, Step
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, is_object
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, observed
from runs_conformance.model.verdict import PASSED, Result
from tests.engine.scripted import SETTING, Answer, ScriptedSender

Answering = Callable[[Step], Answer]


def _reads(history: History) -> Iterable[Exchange]:
    return [exchange for exchange in history if exchange.operation == "get_thread"]


@rule(units=_reads, level=Level.MUST, source=observed("made up"), capability="core")
def thread_exists(exchange: Exchange) -> Iterator[Result]:
    """A created thread exists."""
    yield PASSED if exchange.accepted else exchange.finding("not violation")


JUDGES = HistoryJudge({thread_exists.id: thread_exists})


def thread(number: int) -> Step:
    body = {"messages": [{"role": "user", "content": f"Thread {number}"}], "metadata": {"n": str(number)}}
    return Step(operation="create_thread", name=f"thread_{number}", body=body, role=Role.ACT)


def on(number: int, operation: str, **members: Any) -> Step:
    role = Role.READ if operation.startswith("get") else Role.ACT
    return Step(operation=operation, path={"thread_id": Ref(f"thread_{number}")}, role=role, **members)


def target(fails: Callable[[list[Step], Step], bool]) -> ScriptedSender:
    """A target that fails to get a thread if `fails` returns true for the steps of the current case."""
    sent: list[Step] = []

    def answer(step: Step) -> Answer:
        if step.operation == "create_thread" and sent and sent[-1].operation != "create_thread":
            sent.clear()
        sent.append(step)
        if step.operation == "get_thread" and fails(sent, step):
            return 500, {"error": {"message": "oh"}}
        return 200, {"id": f"id_{step.name}", "object": "thread"}

    return ScriptedSender(answer)


def shrink_context(on: ScriptedSender, budget: ShrinkBudget | None = None) -> ShrinkContext:
    return ShrinkContext(
        SETTING,
        on,
        on.collector,
        JUDGES,
        Budget(),
        PollSchedule(sleep=lambda _: None),
        False,
        budget or ShrinkBudget(),
    )


def shrink(on: ScriptedSender, case: Reproduction, budget: ShrinkBudget | None = None) -> ShrunkCase | None:
    runner = CaseRunner(shrink_context(on, budget), thread_exists.id)
    shrinker = Shrinker(runner.execute, lambda: runner.requests, SETTING, budget or ShrinkBudget())
    return shrinker.shrink(thread_exists.id, case)


LONG = Reproduction(
    (
        thread(1),
        thread(2),
        on(1, "get_thread"),
        on(2, "modify_thread", body={"metadata": {"a": "1", "b": "2"}}),
        on(1, "list_messages", query=(("limit", "3"),)),
        on(1, "modify_thread", body={"metadata": {"c": "3"}}),
        on(2, "get_thread"),
        on(1, "get_thread"),
        on(2, "get_thread"),
    )
)


def test_only_needed_steps_remain() -> None:
    def fails(sent: list[Step], step: Step) -> bool:
        return any(s.operation == "modify_thread" and s.path == step.path for s in sent)

    shrunk = shrink(target(fails), LONG)
    assert shrunk is not None
    assert [step.operation for step in shrunk.reproduction.steps] == ["create_thread", "modify_thread", "get_thread"]
    assert shrunk.minimal
    assert shrunk.reproduction.steps[1].body == {}
    assert 0 < shrunk.requests < 120


def test_dependents_of_removed_steps_are_removed() -> None:
    shrunk = shrink(target(lambda sent, step: step.path == {"thread_id": Ref("thread_2")}), LONG)
    assert shrunk is not None
    assert [step.name for step in shrunk.reproduction.steps] == ["thread_2", ""]
    assert shrunk.minimal


def test_violation_that_does_not_reproduce_is_not_shrunk() -> None:
    assert shrink(target(lambda sent, step: False), LONG) is None


def test_budget_ends_the_search() -> None:
    shrunk = shrink(target(lambda sent, step: len(sent) > 4), LONG, ShrinkBudget(per_id=30, total=1000))
    assert shrunk is not None
    assert not shrunk.minimal
    assert shrunk.requests <= 40


def test_counterexample_can_be_executed() -> None:
    shrunk = shrink(target(lambda sent, step: True), LONG)
    assert shrunk is not None
    example = shrunk.counterexample("explore.walk_7")
    assert is_object(example)
    assert example["program"] == "explore.walk_7"
    assert example["minimal"] is True
    assert Reproduction.from_json(example["steps"]) == shrunk.reproduction
    assert Reproduction.from_json(example["before"]) == Reproduction(shrunk.reproduction.steps[:-1])


def test_shrinking_is_not_evidence() -> None:
    scripted = target(lambda sent, step: True)
    runner = shrink_context(scripted)
    exchange = scripted.send(thread(1), "explore.walk_1", {})
    scripted.collector.take("explore.walk_1")
    violation = ReproducedViolation(History.of([exchange]), JUDGES.judge_exchanges("x", [])[1].get("x") or _nothing())
    results = shrink_violations({thread_exists.id: FuzzedViolation("explore.walk_1", LONG, violation)}, runner)
    assert set(results) == {thread_exists.id}
    assert scripted.collector.take("explore.walk_1") == []
    assert not [name for name in scripted.collector._held if scripted.collector._held[name]]


def _nothing() -> Any:
    from runs_conformance.model.verdict import Tally

    return Tally()


def test_reproduction_has_every_step_once_and_no_cleanup() -> None:
    scripted = ScriptedSender(lambda step: (200, {"id": "thread_1", "object": "thread", "status": "queued"}))
    answers: dict[str, Exchange] = {}
    poll = on(1, "get_thread", until=("completed",))
    steps = [thread(1), poll, poll, on(1, "get_thread"), on(1, "get_thread")]
    deletion = Step(operation="delete_thread", path={"thread_id": Ref("thread_1")}, role=Role.CLEANUP)
    exchanges = [scripted.send(step, "p", answers) for step in (*steps, deletion)]
    assert [step.until for step in Reproduction.of(exchanges).steps] == [(), ("completed",), (), ()]


def test_negative_keeps_its_mutation() -> None:
    """A body with a long key among others is shrunk to the long key."""
    long = "k" * 65
    pairs = {f"key {number}": "value" for number in range(5)} | {long: "x"}
    fails = Step(
        operation="modify_thread",
        path={"thread_id": Ref("thread_1")},
        body={"metadata": pairs, "tool_resources": {"code_interpreter": {"file_ids": []}}},
        role=Role.NEGATIVE,
        expectation=REFUSES_BODY,
        mutation=Mutation(f"/metadata/{long}", "maxLength", ABSENT, "x"),
        exercises=("modify_thread.metadata.propertyNames.maxLength",),
    )

    def modifications(history: History) -> Iterable[Exchange]:
        return [exchange for exchange in history if exchange.operation == "modify_thread"]

    @rule(units=modifications, level=Level.MUST, source=observed("made up"), capability="core")
    def refused(exchange: Exchange) -> Iterator[Result]:
        """It is refused."""
        if exchange.accepted:
            yield exchange.finding("accepted")

    scripted = ScriptedSender(lambda step: (200, {"id": "thread_1", "object": "thread"}))
    runner = CaseRunner(
        ShrinkContext(
            SETTING, scripted, scripted.collector, HistoryJudge({refused.id: refused}), Budget(), PollSchedule()
        ),
        refused.id,
    )
    shrinker = Shrinker(runner.execute, lambda: runner.requests, SETTING)
    shrunk = shrinker.shrink(refused.id, Reproduction((thread(1), fails)))
    assert shrunk is not None
    last = shrunk.reproduction.steps[-1]
    assert last.body == {"metadata": {long: "x"}}
    assert last.mutation is not None
    assert last.mutation.pointer == f"/metadata/{long}"
