"""Objects of the user are neither changed nor deleted."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from dataclasses import replace
from typing import Any

from runs_conformance.engine.protected_sender import ProtectedSender, protect_given_objects
from runs_conformance.generation.programs.steps import assistant, on_assistant, on_thread, thread
from runs_conformance.model.case import Ref, Step
from runs_conformance.model.exchange import Completion, Exchange, Request, Response
from runs_conformance.model.program import ProgramContext

GIVEN = {"assistant": "asst_1", "thread": "thread_1"}
SETTING = ProgramContext(edition="2024-08-28", use=GIVEN)


class CannedTarget:
    """Gives every step the same response and records the steps."""

    def __init__(self, status: int = 200, body: Any = None) -> None:
        self.status, self.body = status, body
        self.sent: list[Step] = []

    def send(self, step: Step, program: str, exchanges_by_step: MutableMapping[str, Exchange]) -> Exchange:
        self.sent.append(step)
        exchange = Exchange(
            id="x",
            index=1,
            program=program,
            operation=step.operation,
            request=Request("GET", "/"),
            response=Response(self.status, body=self.body),
            completion=Completion.ANSWERED,
            started=0,
            ended=1,
            step=step,
        )
        if step.name:
            exchanges_by_step[step.name] = exchange
        return exchange

    def send_concurrently(
        self, steps: Sequence[Step], program: str, exchanges_by_step: MutableMapping[str, Exchange]
    ) -> tuple[Exchange, ...]:
        return tuple(self.send(step, program, exchanges_by_step) for step in steps)


def test_sender_is_not_wrapped_without_given_objects() -> None:
    target = CannedTarget()
    assert protect_given_objects(target, ProgramContext(edition="2024-08-28")) is target
    assert isinstance(protect_given_objects(target, SETTING), ProtectedSender)


def test_given_object_is_neither_changed_nor_deleted() -> None:
    target = CannedTarget(200, {"id": "asst_1"})
    sender = ProtectedSender(target, {"asst_1", "thread_1"})
    exchanges_by_step: dict[str, Exchange] = {}
    sender.send(assistant(SETTING), "p", exchanges_by_step)
    for operation in ("delete_assistant", "modify_assistant"):
        assert not sender.send(on_assistant(operation, body={}), "p", exchanges_by_step).accepted
    both = (on_assistant("modify_assistant", body={}), on_assistant("get_assistant"))
    assert [exchange.response for exchange in sender.send_concurrently(both, "p", exchanges_by_step)] == [None, None]
    assert [step.operation for step in target.sent] == ["get_assistant"]
    target.body = {"id": "asst_2"}
    sender.send(Step(operation="create_assistant", name="assistant", body={}), "p", exchanges_by_step)
    assert sender.send(on_assistant("delete_assistant"), "p", exchanges_by_step).accepted


def test_response_is_substituted_for_a_missing_get_route() -> None:
    exchanges_by_step: dict[str, Exchange] = {}
    exchange = ProtectedSender(CannedTarget(404), {"asst_1"}).send(assistant(SETTING), "p", exchanges_by_step)
    assert exchange.accepted
    assert exchanges_by_step["assistant"].member("id") == "asst_1"
    assert not ProtectedSender(CannedTarget(404), {"asst_2"}).send(assistant(SETTING), "p", {}).accepted
    assert not ProtectedSender(CannedTarget(401), {"asst_1"}).send(assistant(SETTING), "p", {}).accepted


def test_message_is_appended_to_the_given_thread() -> None:
    target = CannedTarget(200, {"id": "thread_1"})
    ProtectedSender(target, {"thread_1"}).send(thread(SETTING, text="Count."), "p", {})
    assert [step.operation for step in target.sent] == ["get_thread", "create_message"]
    assert target.sent[1].body == {"role": "user", "content": "Count."}


def test_sender_waits_for_runs_of_earlier_programs() -> None:
    target = CannedTarget(200, {"id": "run_1", "object": "thread.run", "thread_id": "thread_1", "status": "cancelling"})
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        target.body = {**target.body, "status": "cancelled"}

    sender = ProtectedSender(target, {"thread_1"}, sleep=sleep)
    sender.send(on_thread("create_run", Ref("thread"), {}), "p", {"thread": target.send(Step(operation="x"), "p", {})})
    sender.send(thread(SETTING), "q", {})
    assert len(pauses) == 1
    assert [step.operation for step in target.sent].count("get_run") == 2


def test_read_only_sends_only_get_requests() -> None:
    target = CannedTarget()
    sender = ProtectedSender(target, (), replace(SETTING, read_only=True))
    assert sender.send(Step(operation="create_thread", body={}), "p", {}).response is None
    assert sender.send(Step(operation="list_assistants"), "p", {}).accepted
    assert [step.operation for step in target.sent] == ["list_assistants"]
