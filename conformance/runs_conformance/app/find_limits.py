"""The bounds that a target keeps where it keeps others than the contract states, searched for after a run."""

from __future__ import annotations

from dataclasses import replace

from runs_conformance.engine.budget import Budget
from runs_conformance.engine.collector import Collector
from runs_conformance.engine.polling import Pace
from runs_conformance.engine.program_runner import Sender, play
from runs_conformance.engine.run_plan import Course, tidy
from runs_conformance.generation.boundary.limit import limit, search
from runs_conformance.model.limit import Limit
from runs_conformance.model.program import Setting


def with_limits(
    way: Course,
    setting: Setting,
    sender: Sender,
    collector: Collector,
    budget: Budget,
    pace: Pace,
    *,
    tidies: bool,
) -> Course:
    """The course with the bound that the target keeps for each that was found broken; searching is no evidence."""
    found: list[Limit] = []
    for id_, tally in sorted(way.tallies.items()):
        wanted = search(id_, setting) if tally.findings else None
        if wanted is None:
            continue
        program = wanted.program()
        played = play(program, setting, sender, budget, pace)
        exchanges = collector.take(program.id)
        if tidies:
            tidy(program.id, exchanges, sender, collector)
        bound = limit(wanted, exchanges)
        if bound is not None:
            found.append(bound)
        if played.cut:
            break
    return replace(way, limits=tuple(found))
