"""Mutants of token usage: set too early, missing or wrong."""

from __future__ import annotations

from runs_conformance.emulator.context import Hooks, ServerState
from runs_conformance.emulator.declaration import mutant, written_from_spec
from runs_conformance.emulator.patching import patch_object
from runs_conformance.emulator.state import Members, Run
from runs_conformance.emulator.tokens import TokenUsage


@written_from_spec("usage-null-until-end")
def counts_before_the_end(hooks: Hooks) -> None:
    """An active run has usage, all zeros."""
    inner = hooks.usage_object
    patch_object(hooks, "run", lambda members, *_: members.update(usage=members["usage"] or inner(TokenUsage())))


@written_from_spec("usage-null-until-end", level="should")
def never_counts(hooks: Hooks) -> None:
    """A completed run has no usage."""

    def change(members: Members, run: Run, _: str) -> None:
        if run.status == "completed":
            members["usage"] = None

    patch_object(hooks, "run", change)


@written_from_spec("usage-adds-up", level="should")
def adds_up_wrongly(hooks: Hooks) -> None:
    """The total of tokens is not the sum of its parts."""
    inner = hooks.usage_object

    def usage(spent: TokenUsage | None) -> Members | None:
        usage_json = inner(spent)
        if usage_json is not None:
            usage_json["total_tokens"] += 1
        return usage_json

    hooks.usage_object = usage


@written_from_spec("usage-adds-up", level="should")
def counts_only_the_last_step(hooks: Hooks) -> None:
    """A run's usage is that of its last step."""
    inner = hooks.finish

    def finish(server: ServerState, run: Run, status: str, at: float) -> None:
        first, run.steps = run.steps[:-1], run.steps[-1:]
        inner(server, run, status, at)
        run.steps = first + run.steps

    hooks.finish = finish


@mutant("usage-adds-up", level="should")
def adds_up_the_usage_of_all_runs(hooks: Hooks) -> None:
    """A run's usage is that of all runs that have ended so far."""
    totals: dict[str, TokenUsage] = {}
    sums: list[TokenUsage] = [TokenUsage()]

    def change(members: Members, run: Run, _: str) -> None:
        if run.usage is not None and members["usage"] is not None:
            if run.id not in totals:
                sums[0] += run.usage
                totals[run.id] = sums[0]
            members["usage"] = hooks.usage_object(totals[run.id])

    patch_object(hooks, "run", change)


@written_from_spec("usage-set-for-every-end", level="should")
def does_not_count_what_was_cancelled(hooks: Hooks) -> None:
    """A cancelled run has no usage."""

    def change(members: Members, run: Run, _: str) -> None:
        if run.status == "cancelled":
            members["usage"] = None

    patch_object(hooks, "run", change)
