"""Tokens that are counted too early, not at all, or wrongly."""

from __future__ import annotations

from runs_conformance.emulator.catalogue import blind
from runs_conformance.emulator.context import World
from runs_conformance.emulator.hooks import Behaviour
from runs_conformance.emulator.patching import shown
from runs_conformance.emulator.state import Members, Run, Usage


@blind("L-22")
def counts_before_the_end(behaviour: Behaviour) -> None:
    """A run that is not over has usage, all zeros."""
    inner = behaviour.usage_object
    shown(behaviour, "run", lambda members, *_: members.update(usage=members["usage"] or inner(Usage())))


@blind("L-22", level="should")
def never_counts(behaviour: Behaviour) -> None:
    """A completed run has no usage."""

    def change(members: Members, run: Run, _: str) -> None:
        if run.status == "completed":
            members["usage"] = None

    shown(behaviour, "run", change)


@blind("L-23", level="should")
def adds_up_wrongly(behaviour: Behaviour) -> None:
    """The total of tokens is not the sum of its parts."""
    inner = behaviour.usage_object

    def usage(spent: Usage | None) -> Members | None:
        made = inner(spent)
        if made is not None:
            made["total_tokens"] += 1
        return made

    behaviour.usage_object = usage


@blind("L-23", level="should")
def counts_only_the_last_step(behaviour: Behaviour) -> None:
    """A run's usage is that of its last step."""
    inner = behaviour.finish

    def finish(world: World, run: Run, status: str, at: float) -> None:
        first, run.steps = run.steps[:-1], run.steps[-1:]
        inner(world, run, status, at)
        run.steps = first + run.steps

    behaviour.finish = finish


@blind("L-24", level="should")
def does_not_count_what_was_cancelled(behaviour: Behaviour) -> None:
    """A cancelled run has no usage."""

    def change(members: Members, run: Run, _: str) -> None:
        if run.status == "cancelled":
            members["usage"] = None

    shown(behaviour, "run", change)
