"""The cheapest programs that decide a selection of ids."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from runs_conformance.engine.decisions import Decisions
from runs_conformance.model.program import Program


def cover(ids: Collection[str], programs: Iterable[Program], decisions: Decisions) -> frozenset[str]:
    """Programs that together decide every id that any of `programs` decides on the reference, with few requests.

    Where groups of programs reveal known violations of an id, one program of each group is included. Ids that no
    program decides are left out.
    """
    costs = {program.id: max(1, program.requests) for program in programs}
    goals: dict[tuple[str, int], frozenset[str]] = {}
    for id_ in ids:
        groups = (decisions.deciders.get(id_, frozenset()), *decisions.revealers.get(id_, ()))
        for number, group in enumerate(groups):
            if helpful := group & costs.keys():
                goals[id_, number] = helpful
    chosen: set[str] = set()
    while goals:
        counts: dict[str, int] = {}
        for group in goals.values():
            for name in group:
                counts[name] = counts.get(name, 0) + 1
        best = min(counts, key=lambda name: (costs[name] / counts[name], name))
        chosen.add(best)
        goals = {goal: group for goal, group in goals.items() if best not in group}
    for name in sorted(chosen, key=lambda name: (-costs[name], name)):
        if _is_superfluous(name, chosen, ids, decisions):
            chosen.remove(name)
    return frozenset(chosen)


def _is_superfluous(name: str, chosen: Collection[str], ids: Collection[str], decisions: Decisions) -> bool:
    """Whether the other chosen programs decide everything that this one decides."""
    others = frozenset(chosen) - {name}
    groups = (
        group for id_ in ids for group in (decisions.deciders.get(id_, frozenset()), *decisions.revealers.get(id_, ()))
    )
    return all(others & group for group in groups if name in group)
