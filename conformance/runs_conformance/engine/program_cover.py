"""The cheapest programs that decide a selection of ids."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from runs_conformance.engine.decisions import Decisions
from runs_conformance.model.program import Program

_CREATE_ASSISTANTS = frozenset({"create_assistant", "modify_assistant"})
"""The operations whose programs show the assistants that they create; a list may show those of other programs alone."""


def cover(
    ids: Collection[str], programs: Iterable[Program], decisions: Decisions, required: Collection[str] = ()
) -> frozenset[str]:
    """Programs that together decide every id that any of `programs` decides on the emulator, with few requests.

    If groups of programs reveal known violations of an id, one program of each group is included. Ids that no program
    decides are left out. Programs that are `required` are included in any case.
    """
    programs = list(programs)
    costs = {program.id: max(1, program.requests) for program in programs}
    creators = {program.id for program in programs if not _CREATE_ASSISTANTS.isdisjoint(program.operations)}
    goals: dict[tuple[str, int], frozenset[str]] = {}
    for id_ in ids:
        groups = (decisions.deciders.get(id_, frozenset()), *decisions.revealers.get(id_, ()))
        for number, group in enumerate(groups):
            helpful = group & costs.keys()
            if id_.startswith("assistant."):
                helpful = helpful & creators or helpful
            if helpful:
                goals[id_, number] = helpful
    chosen = costs.keys() & set(required)
    open_goals = [group for group in goals.values() if not chosen & group]
    while open_goals:
        counts: dict[str, int] = {}
        for group in open_goals:
            for name in group:
                counts[name] = counts.get(name, 0) + 1
        best = min(counts, key=lambda name: (costs[name] / counts[name], name))
        chosen.add(best)
        open_goals = [group for group in open_goals if best not in group]
    for name in sorted(chosen.difference(required), key=lambda name: (-costs[name], name)):
        others = chosen - {name}
        if all(others & group for group in goals.values() if name in group):
            chosen.remove(name)
    return frozenset(chosen)
