"""A sender that answers steps with a function, without network."""

from __future__ import annotations

import itertools
from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from runs_conformance.client.prepared_request import prepare
from runs_conformance.client.recorder import NullRecorder
from runs_conformance.engine.budget import Budget
from runs_conformance.engine.collector import Collector
from runs_conformance.model.case import Move, Step
from runs_conformance.model.exchange import Completion, Exchange, Request, Response
from runs_conformance.model.json import ABSENT
from runs_conformance.model.program import Program, ProgramContext, StepGenerator

SETTING = ProgramContext(edition="2026-08-14", run_timeout=5.0)

Answer = tuple[int | None, Any]


@dataclass(slots=True)
class ScriptedSender:
    """Answers each step with the HTTP status and body that `answer` returns; a status of None means no response."""

    answer: Callable[[Step], Answer]
    budget: Budget = field(default_factory=Budget)
    sent: list[Step] = field(default_factory=list)
    collector: Collector = field(init=False)
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.collector = Collector(NullRecorder(), self.budget)

    def send(self, step: Step, program: str, exchanges_by_step: MutableMapping[str, Exchange]) -> Exchange:
        outgoing = prepare(step, exchanges_by_step)
        status, body = self.answer(step)
        self.sent.append(step)
        number = next(self._numbers)
        exchange = Exchange(
            id=f"x{number:06d}",
            index=number,
            program=program,
            operation=step.operation,
            request=Request(outgoing.method, outgoing.path, outgoing.query, {}, outgoing.body),
            response=None if status is None else Response(status, body=body),
            completion=Completion.UNKNOWN if status is None else Completion.ANSWERED,
            started=float(number),
            ended=number + 0.5,
            step=step,
            path=outgoing.ids or {},
            edition="2026-08-14",
        )
        self.collector.record(exchange)
        if step.name:
            exchanges_by_step[step.name] = exchange
        return exchange

    def send_concurrently(
        self, steps: Sequence[Step], program: str, exchanges_by_step: MutableMapping[str, Exchange]
    ) -> tuple[Exchange, ...]:
        return tuple(self.send(step, program, exchanges_by_step) for step in steps)


def make_program(*moves: Move, id_: str = "test.program", **members: Any) -> Program:
    """A program that makes these moves in order."""

    def generate(setting: ProgramContext) -> StepGenerator:
        for move in moves:
            _ = yield move

    defaults: dict[str, Any] = {
        "title": "A test.",
        "phase": "lifecycle",
        "capability": "core",
        "runs": 0,
        "requests": 1,
    }
    return Program(id=id_, generate=generate, **{**defaults, **members})


def accept_everything(step: Step) -> Answer:
    """Answer every step with an object that has an id."""
    return 200, {"id": f"{step.operation}_1", "object": "thing"}


def always_answer(body: Any = ABSENT) -> Callable[[Step], Answer]:
    """Answer every step with success and this body."""
    return lambda step: (200, body)
