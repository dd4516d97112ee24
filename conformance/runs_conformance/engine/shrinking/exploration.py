"""What follows an exploration: each id that only it saw violated is shrunk on its own, which is nobody's evidence."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from runs_conformance.contract.constraint import constraints
from runs_conformance.engine.budget import Budget
from runs_conformance.engine.collector import Collector
from runs_conformance.engine.polling import Pace
from runs_conformance.engine.program_runner import Sender, play
from runs_conformance.engine.replay import Case
from runs_conformance.engine.run_plan import Course, Found, Judging, tidy
from runs_conformance.engine.shrinking.shrinker import Allowance, Shown, Shrinker, Shrunk
from runs_conformance.errors import BudgetSpent, SuiteFault
from runs_conformance.model.json import JSON
from runs_conformance.model.program import Setting
from runs_conformance.model.source import Level

MOST_IDS = 24
"""So many ids are shrunk at most: a target that violates more has larger troubles than long counterexamples."""

LEAST_PATIENCE = 1.5
"""Seconds that a run is given at least to come to a status, when a case is played again."""


@dataclass(frozen=True, slots=True)
class Lab:
    """Where cases are played again: a sender whose exchanges are nobody's evidence, and what they are judged by."""

    setting: Setting
    sender: Sender
    collector: Collector
    judging: Judging
    budget: Budget
    pace: Pace
    tidies: bool = True
    allowance: Allowance = field(default_factory=Allowance)


@dataclass(slots=True)
class Bench:
    """Plays the cases of one id. `sends` counts the requests."""

    lab: Lab
    name: str
    sends: int = 0
    played: int = 0

    def show(self, case: Case, id_: str) -> Shown | None:
        """What a case shows of an id when it is played; None where it is not violated. Raises BudgetSpent."""
        lab = self.lab
        self.played += 1
        program = case.program(f"shrink.{self.name}.{self.played}")
        # Without the step that it waits for, a run waits on: that must not take the time of a whole search.
        patience = min(lab.setting.patience, max(LEAST_PATIENCE, 4 * lab.pace.slowest))
        setting = replace(lab.setting, patience=patience)
        played = play(program, setting, lab.sender, lab.budget, lab.pace)
        exchanges = lab.collector.take(program.id)
        self.sends += len(exchanges)
        if played.cut:
            raise BudgetSpent(played.cut)
        if played.fault:
            raise SuiteFault(played.fault)
        history, tallies = lab.judging.only(id_).tallies(program.id, exchanges)
        if lab.tidies:
            tidy(program.id, exchanges, lab.sender, lab.collector)
        tally = tallies.get(id_)
        return Shown(history, tally) if tally is not None and tally.findings else None


def shrunk(found: Mapping[str, Found], lab: Lab, workers: int = 2) -> dict[str, Shrunk]:
    """The smallest case for each id that must or should hold, those that must first; what does not show again when it
    is played again is not among them.
    """
    chosen = sorted(
        ((id_, each) for id_, each in found.items() if _level(id_, lab) is not Level.MAY),
        key=lambda pair: _level(pair[0], lab) is not Level.MUST,
    )[:MOST_IDS]
    with ThreadPoolExecutor(max(1, workers)) as threads:
        results = threads.map(lambda pair: _one(pair[0], pair[1], lab), chosen)
    return {result.id: result for result in results if result is not None}


def _level(id_: str, lab: Lab) -> Level:
    demand = lab.judging.rules.get(id_) or constraints(lab.setting.edition).get(id_)
    return demand.level if demand is not None else Level.MUST


def _one(id_: str, found: Found, lab: Lab) -> Shrunk | None:
    bench = Bench(lab, id_)
    shrinker = Shrinker(bench.show, lambda: bench.sends, lab.setting, lab.allowance)
    return shrinker.shrink(id_, found.case, found.shown)


def with_examples(way: Course, results: Mapping[str, Shrunk]) -> Course:
    """The course with the smallest counterexamples in place of those that were found first."""
    examples: dict[str, JSON] = dict(way.examples)
    for id_, found in way.found.items():
        result = results.get(id_)
        if result is not None:
            examples[id_] = result.example(found.program)
    return replace(way, examples=examples)
