"""Finds out whether a target survives a request, by sending it with nothing else in flight.

A target may end some time after it has answered: while other requests are in flight, its end alone does not show which
of them is the cause.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum

from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.engine.budget import Budget
from runs_conformance.engine.polling import PollSchedule
from runs_conformance.engine.program_runner import Sender, run_program
from runs_conformance.generation.boundary.fixtures import FIXTURES
from runs_conformance.model.case import Role, Step
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.hazard import TRIAL_PREFIX
from runs_conformance.model.program import Program, ProgramContext, StepGenerator

SUSPECT_SECONDS = 2.0
"""How long before the end of the target a request was answered that may have caused it."""

MAX_REMEMBERED, MAX_SUSPECTS, MAX_TRIALS = 64, 4, 16
"""The number of answered requests to remember, how many of them to send again when the target ended, and the limit on
these trials in a test run.
"""

WATCH_REQUESTS = 8
"""Requests that show whether the target still responds."""

_MIN_WATCH_SECONDS = 0.4


class Survival(StrEnum):
    """The outcome of a trial. `ENDED`: the target stopped listening. `LOST`: it did not, but sent no response.

    `UNKNOWN`: the request could not be sent again.
    """

    ENDED = "ended"
    LOST = "lost"
    SURVIVED = "survived"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Suspect:
    """A malformed or extreme request that was answered before the target ended."""

    step: Step
    exchange: Exchange

    @property
    def starts_work(self) -> bool:
        """Whether the target continues to work after its response."""
        starts = OPERATIONS[self.step.operation].creates == "run" or self.step.operation == "submit_tool_outputs"
        return starts and self.exchange.accepted


@dataclass(slots=True)
class SurvivalTrials:
    """Sends suspects alone, each in a program of its own. Not thread-safe: only one thread may work at a time.

    `ended` names the programs that ended the target; `last_probe` is the id of the exchange that was on trial last.
    """

    sender: Sender
    context: ProgramContext
    budget: Budget
    schedule: PollSchedule
    ended: list[str] = field(default_factory=list)
    last_probe: str = ""
    _answered: deque[Suspect] = field(default_factory=lambda: deque[Suspect](maxlen=MAX_REMEMBERED))
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _trials: int = 0

    def remember(self, step: Step, exchange: Exchange) -> None:
        """Remember a malformed or extreme request that was answered."""
        self._answered.append(Suspect(step, exchange))

    def take_suspects(self, lost_at: float) -> list[Suspect]:
        """Remove all remembered requests; returns those that were answered shortly before the target ended, the most
        suspicious first."""
        recent = [each for each in self._answered if 0 <= lost_at - each.exchange.ended <= SUSPECT_SECONDS]
        self._answered.clear()
        return sorted(
            recent, key=lambda each: (not each.starts_work, not each.exchange.accepted, -each.exchange.ended)
        )[:MAX_SUSPECTS]

    def send_alone(self, step: Step, delay: float = 0.0) -> Survival:
        """Send a request to fresh objects; `delay` is how long the target ran after its response, as far as known.

        Without a fixture for its operation the request is not sent.
        """
        fixture = FIXTURES.get(step.operation)
        if fixture is None or self._trials >= MAX_TRIALS or self.budget.is_over:
            return Survival.UNKNOWN
        self._trials += 1
        probe = _as_probe(replace(step, path=fixture.path, name="", pause=0.0))
        watch = Step(operation="list_assistants", query=(("limit", 1),), role=Role.READ)
        pause = max(_MIN_WATCH_SECONDS, 2 * delay) / WATCH_REQUESTS
        sent: list[Exchange] = []
        ends_before = 0

        def generate(context: ProgramContext) -> StepGenerator:
            nonlocal ends_before
            yield watch
            if not (yield from fixture.set_up(context)):
                return
            ends_before = self.budget.recoveries
            sent.append((yield probe))
            for _ in range(WATCH_REQUESTS):
                yield replace(watch, pause=pause)

        program = Program(
            id=f"{TRIAL_PREFIX}{next(self._numbers)}",
            title="Whether the target survives a request",
            phase="boundary",
            capability="validation",
            generate=generate,
            runs=1,
            requests=4 + WATCH_REQUESTS,
        )
        run_program(program, self.context, self.sender, self.budget, self.schedule)
        if not sent or sent[0].id == "":
            return Survival.UNKNOWN
        self.last_probe = sent[0].id
        if self.budget.recoveries != ends_before:
            self.ended.append(program.id)
            return Survival.ENDED
        return Survival.LOST if sent[0].response is None else Survival.SURVIVED


def _as_probe(step: Step) -> Step:
    """The step as a probe of its own kind, if it is malformed or extreme."""
    mutation = step.mutation
    if step.anomaly or mutation is None:
        return replace(step, probe=bool(step.anomaly))
    return replace(step, probe=True, anomaly=f"{mutation.place} {mutation.pointer} ({mutation.keyword})", exercises=())
