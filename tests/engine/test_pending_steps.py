"""The step that has been pending longest is named."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence

from runs_conformance.engine.pending_steps import PendingSteps
from runs_conformance.model.case import Step
from runs_conformance.model.exchange import Exchange
from tests.engine.scripted import ScriptedSender, accept_everything

STEP = Step(operation="get_thread", path={"thread_id": "thread_a"})
STREAM = Step(operation="create_run", path={"thread_id": "thread_a"}, body={"stream": True}, stream=True)


class Watched:
    """Notes what is waited for while a step is sent."""

    def __init__(self) -> None:
        self.pending: PendingSteps
        self.seen: list[tuple[str, float] | None] = []
        self._sender = ScriptedSender(accept_everything)

    def send(self, step: Step, program: str, exchanges_by_step: MutableMapping[str, Exchange]) -> Exchange:
        self.seen.append(self.pending.longest())
        return self._sender.send(step, program, exchanges_by_step)

    def send_concurrently(
        self, steps: Sequence[Step], program: str, exchanges_by_step: MutableMapping[str, Exchange]
    ) -> tuple[Exchange, ...]:
        return tuple(self.send(step, program, exchanges_by_step) for step in steps)


def watch() -> tuple[PendingSteps, Watched]:
    clock, target = iter(range(100)), Watched()
    target.pending = PendingSteps(target, now=lambda: float(next(clock)))
    return target.pending, target


def test_a_step_is_pending_until_its_response() -> None:
    pending, target = watch()
    pending.send(STEP, "p", {})
    assert target.seen == [("the response to get_thread in p", 1.0)]
    assert pending.longest() is None


def test_the_stream_of_concurrent_steps_is_named() -> None:
    pending, target = watch()
    pending.send_concurrently([STEP, STREAM], "p", {})
    assert target.seen == [("the end of a stream of create_run in p", seconds) for seconds in (1.0, 2.0)]
    assert pending.longest() is None
