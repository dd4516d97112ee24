"""Shrinks a reproduction to the fewest steps and the smallest requests that still show the violation."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from runs_conformance.engine.counterexample import build_counterexample
from runs_conformance.engine.dependencies import prerequisite_steps, references, without_dangling_references
from runs_conformance.engine.reproduction import Reproduction
from runs_conformance.errors import BudgetExhausted
from runs_conformance.generation.fuzzing.shrink_step import shrink_step
from runs_conformance.generation.payloads.shrink_value import ddmin
from runs_conformance.model.case import Role, Step, step_to_json
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import JSON, is_object
from runs_conformance.model.program import ProgramContext
from runs_conformance.model.verdict import Tally

_INITIAL_FRACTION = 0.34
"""Fraction of the steps to remove at once at first. It is small, because most steps depend on one another."""

Execute = Callable[[Reproduction, str], "ReproducedViolation | None"]
"""Executes a reproduction and returns its violation of the requirement with this id; None if it violates none."""


@dataclass(frozen=True, slots=True)
class ReproducedViolation:
    """The history of a reproduction that violated an id, and the tally of that id."""

    history: History
    tally: Tally

    @property
    def exchange(self) -> Exchange | None:
        """The first exchange of the history that a finding names."""
        found = (self.history.find(finding.exchange) for finding in self.tally.findings)
        return next((exchange for exchange in found if exchange is not None), None)


@dataclass(frozen=True, slots=True)
class ShrunkCase:
    """The result of shrinking. `requests` counts the requests sent for it.

    `minimal`: no step can be removed, nor anything from the last request.
    """

    id: str
    reproduction: Reproduction
    violation: ReproducedViolation
    minimal: bool
    requests: int

    def counterexample(self, program: str) -> JSON:
        """Build the counterexample; `program` is the one that found the violation."""
        exchange = self.violation.exchange
        assert exchange is not None
        example = build_counterexample(self.violation.history, self.id, exchange)
        assert is_object(example)
        *before, _ = self.reproduction.steps
        return {
            **example,
            "program": program,
            "before": [step_to_json(step) for step in before],
            "steps": self.reproduction.to_json(),
            "minimal": self.minimal,
            "sends_to_shrink": self.requests,
        }


@dataclass(slots=True)
class ShrinkBudget:
    """Limits for shrinking, checked before each execution: requests for each id and in total, and seconds in all."""

    per_id: int = 1_000
    total: int = 4_000
    spent: int = 0
    seconds: float = 30.0
    now: Callable[[], float] = time.monotonic
    _started: float | None = None

    @property
    def is_spent(self) -> bool:
        """Whether nothing more may be sent for any id. The time starts when this is first read."""
        if self._started is None:
            self._started = self.now()
        return self.spent >= self.total or self.now() - self._started >= self.seconds

    def spend(self, requests: int) -> None:
        """Count requests that were sent."""
        self.spent += requests


class _ShrinkBudgetExhausted(Exception):  # noqa: N818 -- it is an end, not an error
    """No more requests may be sent for this id."""


@dataclass(slots=True)
class Shrinker:
    """Shrinks reproductions, one id at a time. `request_count` returns the number of requests sent so far."""

    execute: Execute
    request_count: Callable[[], int]
    context: ProgramContext
    budget: ShrinkBudget = field(default_factory=ShrinkBudget)

    def shrink(
        self, id_: str, reproduction: Reproduction, violation: ReproducedViolation | None = None
    ) -> ShrunkCase | None:
        """The smallest reproduction found; None if `reproduction` itself no longer violates the id."""
        search = _CaseSearch(self, id_, self.request_count())
        try:
            for candidate in _initial_candidates(reproduction, violation):
                if search.still_fails(candidate):
                    break
            if search.best is None and not search.still_fails(reproduction):
                return None
            search.reduce()
        except (_ShrinkBudgetExhausted, BudgetExhausted):
            pass
        if search.best is None:
            return None
        smallest, reproduced = search.best
        return ShrunkCase(id_, smallest, reproduced, search.minimal, self.request_count() - search.first_request)


@dataclass(slots=True)
class _CaseSearch:
    """The search for one id's smallest reproduction. `best` is the smallest so far, with its violation."""

    shrinker: Shrinker
    id: str
    first_request: int
    best: tuple[Reproduction, ReproducedViolation] | None = None
    minimal: bool = False
    tried: set[bytes] = field(default_factory=set)

    def still_fails(self, candidate: Reproduction) -> bool:
        """Whether a candidate violates the id; if so, it becomes the best. Raises _ShrinkBudgetExhausted."""
        serialized = candidate.canonical_bytes()
        if serialized in self.tried or not candidate.moves:
            return False
        self.tried.add(serialized)
        budget, sent = self.shrinker.budget, self.shrinker.request_count()
        if sent - self.first_request >= budget.per_id or budget.is_spent:
            raise _ShrinkBudgetExhausted
        violation = self.shrinker.execute(candidate, self.id)
        budget.spend(self.shrinker.request_count() - sent)
        if violation is None or violation.exchange is None:
            return False
        self.best = (candidate, violation)
        return True

    @property
    def steps(self) -> tuple[Step, ...]:
        assert self.best is not None
        return self.best[0].steps

    def reduce(self) -> None:
        """Shrink to a fixed point: first the number of steps and the last request, then the other requests."""
        before = None
        while before is None or self._serialize_best() != before:
            before = self._serialize_best()
            self._reduce_steps_and_last_request()
            for index in range(len(self.steps) - 1):
                self._shrink_request(index)
                if index + 1 >= len(self.steps):
                    break
        self.minimal = True

    def _serialize_best(self) -> bytes:
        assert self.best is not None
        return self.best[0].canonical_bytes()

    def _reduce_steps_and_last_request(self) -> None:
        before = None
        while before is None or self._serialize_best() != before:
            before = self._serialize_best()
            self._drop_later_steps()
            self._remove_steps()
            self._shrink_request(len(self.steps) - 1)
        self.minimal = True

    def _drop_later_steps(self) -> None:
        """Drop the steps after the one that shows the violation."""
        assert self.best is not None
        reproduction, violation = self.best
        steps, exchange = reproduction.steps, violation.exchange
        failing = exchange.step if exchange is not None else None
        position = next((index for index, step in enumerate(steps) if step == failing), len(steps))
        if position + 1 < len(steps):
            self.still_fails(Reproduction(steps[: position + 1]))

    def _remove_steps(self) -> None:
        *others, last = self.steps
        reduction = ddmin(others, _INITIAL_FRACTION)
        try:
            candidate = next(reduction)
            while True:
                # Steps that depend on removed ones are removed too, but never the last one, which shows the violation.
                steps = without_dangling_references((*candidate, last))
                fails = last in steps[-1:] and self.still_fails(Reproduction(steps))
                if fails and len(steps) <= len(candidate):
                    reduction = ddmin(steps[:-1], _INITIAL_FRACTION)
                    candidate = next(reduction)
                    continue
                candidate = reduction.send(fails)
        except StopIteration:
            return

    def _shrink_request(self, index: int) -> None:
        simplification = shrink_step(self.steps[index], self.shrinker.context)
        try:
            candidate = next(simplification)
            while True:
                steps = list(self.steps)
                steps[index] = candidate
                candidate = simplification.send(self.still_fails(Reproduction(tuple(steps))))
        except StopIteration:
            return


def _initial_candidates(reproduction: Reproduction, violation: ReproducedViolation | None) -> Iterator[Reproduction]:
    """Yield guesses, smallest first: the failing step with its references, then also with its prerequisites."""
    exchange = violation.exchange if violation is not None else None
    if violation is None or exchange is None or exchange.step is None:
        return
    failing = [exchange.step]
    needed = [*prerequisite_steps(violation.history, exchange), exchange.step]
    controls = [
        step for step in reproduction.steps if step.role is Role.CONTROL and step.operation == exchange.operation
    ][:1]
    for wanted in (failing, [*controls, *failing], needed, [*controls, *needed]):
        yield _with_references(reproduction, wanted)


def _with_references(reproduction: Reproduction, wanted: Sequence[Step]) -> Reproduction:
    """Restrict a reproduction to these steps and those they refer to; the later one if two share a name."""
    chosen: list[Step] = []
    names: set[str] = set()
    ids = {step.id for step in wanted}
    for step in reversed(reproduction.steps):
        if step.id in ids or step.name in names:
            chosen.append(step)
            names.discard(step.name)
            ids.discard(step.id)
            names |= {ref.step for ref in references(step)}
    return Reproduction(tuple(reversed(chosen)))
