"""Shrinks what shows a violation, to the fewest steps and the smallest requests that still do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from runs_conformance.engine.counterexample import counterexample, leading_to, references
from runs_conformance.engine.replay import Case
from runs_conformance.errors import BudgetSpent
from runs_conformance.generation.fuzzing.shrink_step import reworded
from runs_conformance.generation.payloads.shrink_value import fewer
from runs_conformance.model.case import Role, Step
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import JSON, is_object
from runs_conformance.model.program import Setting
from runs_conformance.model.verdict import Tally

_BOLDNESS = 0.34
"""Of the steps of a case, so many are left out at once at first: most depend on one another."""

Show = Callable[[Case, str], "Shown | None"]
"""Plays a case and says what it shows of one id; None where it is not violated."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A violation that a case showed when it was played."""

    history: History
    tally: Tally

    @property
    def exchange(self) -> Exchange | None:
        """The exchange that shows it: the first that a finding names."""
        found = (self.history.find(finding.exchange) for finding in self.tally.findings)
        return next((exchange for exchange in found if exchange is not None), None)


@dataclass(frozen=True, slots=True)
class Shrunk:
    """What a case was shrunk to, and how many requests that took.

    `minimal` says that no step can be left out, and nothing of the last request.
    """

    id: str
    case: Case
    shown: Shown
    minimal: bool
    sends: int

    def example(self, found_in: str) -> JSON:
        """The counterexample that it is."""
        exchange = self.shown.exchange
        assert exchange is not None
        made = counterexample(self.shown.history, self.id, exchange)
        assert is_object(made)
        *before, _ = self.case.steps
        return {
            **made,
            "program": found_in,
            "before": Case(tuple(before)).to_json(),
            "steps": self.case.to_json(),
            "minimal": self.minimal,
            "sends_to_shrink": self.sends,
        }


@dataclass(slots=True)
class Allowance:
    """How many requests shrinking may send in all, and for a single id. It is asked before each case is played."""

    each: int = 1_000
    all: int = 4_000
    spent: int = 0

    def spend(self, sends: int) -> None:
        """Take note of requests that were sent."""
        self.spent += sends


class _Exhausted(Exception):  # noqa: N818 -- it is an end, not an error
    """No more requests may be sent for this id."""


@dataclass(slots=True)
class Shrinker:
    """Shrinks cases, one id at a time. `show` plays a case, `sent` says how many requests that took so far."""

    show: Show
    sent: Callable[[], int]
    setting: Setting
    allowance: Allowance = field(default_factory=Allowance)

    def shrink(self, id_: str, case: Case, shown: Shown | None = None) -> Shrunk | None:
        """The smallest case that still violates an id; None where the case itself does not when played again."""
        search = _Search(self, id_, self.sent())
        try:
            for candidate in _first_cuts(case, shown):
                if search.still(candidate):
                    break
            if search.best is None and not search.still(case):
                return None
            search.reduce()
        except (_Exhausted, BudgetSpent):
            pass
        if search.best is None:
            return None
        found, shows = search.best
        return Shrunk(id_, found, shows, search.minimal, self.sent() - search.began)


@dataclass(slots=True)
class _Search:
    """The search for one id's smallest case. `best` is the smallest so far, with what it showed."""

    by: Shrinker
    id: str
    began: int
    best: tuple[Case, Shown] | None = None
    minimal: bool = False
    tried: set[bytes] = field(default_factory=set)

    def still(self, case: Case) -> bool:
        """Whether a case violates the id; the one that does is the best so far. Raises where the allowance ends."""
        text = case.text()
        if text in self.tried or not case.steps:
            return False
        self.tried.add(text)
        allowance, now = self.by.allowance, self.by.sent()
        if now - self.began >= allowance.each or allowance.spent >= allowance.all:
            raise _Exhausted
        shown = self.by.show(case, self.id)
        allowance.spend(self.by.sent() - now)
        if shown is None or shown.exchange is None:
            return False
        self.best = (case, shown)
        return True

    @property
    def case(self) -> Case:
        assert self.best is not None
        return self.best[0]

    def cut_behind(self) -> None:
        """Leave out all that comes after the step that shows the violation."""
        assert self.best is not None
        case, shown = self.best
        exchange = shown.exchange
        step = exchange.step if exchange is not None else None
        place = next((index for index, each in enumerate(case.steps) if each == step), len(case))
        if place + 1 < len(case):
            self.still(Case(case.steps[: place + 1]))

    def reduce(self) -> None:
        """Make the case smaller until nothing more can be left out: first the steps, then what the last one says, and
        what the others say as far as the allowance goes.
        """
        before = None
        while before is None or self.case.text() != before:
            before = self.case.text()
            self._essentials()
            for index in range(len(self.case) - 1):
                self._smaller_step(index)
                if index + 1 >= len(self.case):
                    break
        self.minimal = True

    def _essentials(self) -> None:
        before = None
        while before is None or self.case.text() != before:
            before = self.case.text()
            self.cut_behind()
            self._fewer_steps()
            self._smaller_step(len(self.case) - 1)
        self.minimal = True

    def _fewer_steps(self) -> None:
        *others, last = self.case.steps
        reducing = fewer(others, _BOLDNESS)
        try:
            candidate = next(reducing)
            while True:
                closed = Case((*candidate, last)).closed()
                # What depended on what was left out goes with it; the last step, which shows the violation, must not.
                answer = last in closed.steps[-1:] and self.still(closed)
                if answer and len(closed) <= len(candidate):
                    reducing = fewer(closed.steps[:-1], _BOLDNESS)
                    candidate = next(reducing)
                    continue
                candidate = reducing.send(answer)
        except StopIteration:
            return

    def _smaller_step(self, index: int) -> None:
        rewording = reworded(self.case.steps[index], self.by.setting)
        try:
            candidate = next(rewording)
            while True:
                steps = list(self.case.steps)
                steps[index] = candidate
                candidate = rewording.send(self.still(Case(tuple(steps))))
        except StopIteration:
            return


def _first_cuts(case: Case, shown: Shown | None) -> Iterator[Case]:
    """Guesses, the boldest first: what one exchange refers to, and what else led up to it."""
    exchange = shown.exchange if shown is not None else None
    if shown is None or exchange is None or exchange.step is None:
        return
    alone, needed = [exchange.step], [*leading_to(shown.history, exchange), exchange.step]
    control = [step for step in case.steps if step.role is Role.CONTROL and step.operation == exchange.operation][:1]
    for wanted in (alone, [*control, *alone], needed, [*control, *needed]):
        yield _with_references(case, wanted)


def _with_references(case: Case, wanted: Sequence[Step]) -> Case:
    """The part of a case that holds these steps, and those that they refer to; of two of one name the later one."""
    kept: list[Step] = []
    names: set[str] = set()
    ids = {step.id for step in wanted}
    for step in reversed(case.steps):
        if step.id in ids or step.name in names:
            kept.append(step)
            names.discard(step.name)
            ids.discard(step.id)
            names |= {ref.step for ref in references(step)}
    return Case(tuple(reversed(kept)))


__all__ = ["Allowance", "Shown", "Shrinker", "Shrunk"]
