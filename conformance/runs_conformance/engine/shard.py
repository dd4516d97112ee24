"""Splits a plan into shards that several jobs execute."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from runs_conformance.engine.plan import Plan
from runs_conformance.errors import UsageError
from runs_conformance.model.program import Program

_FORM = re.compile(r"([1-9]\d{0,3})/([1-9]\d{0,3})")

RUN_WEIGHT, SECOND_WEIGHT = 8, 40
"""Weight of a run and of a second of waiting, in requests."""


@dataclass(frozen=True, slots=True)
class Shard:
    """One of `total` equal parts; `index` starts at 1."""

    index: int
    total: int

    def __str__(self) -> str:
        return f"{self.index}/{self.total}"


def parse_shard(text: str) -> Shard:
    """Parse a shard like `1/4`. Raises UsageError if it is invalid."""
    match = _FORM.fullmatch(text.strip())
    if match is None or int(match[1]) > int(match[2]):
        raise UsageError(f"--shard {text}: write it like 1/4, the first of four")
    return Shard(int(match[1]), int(match[2]))


def plan_for_shard(plan: Plan, shard: Shard, local: Collection[str] = ()) -> Plan:
    """The part of a plan that a shard executes. Each program is in exactly one shard, in every job.

    `local` are programs that other jobs may not have; the first shard executes them.
    """
    common = [program for program in plan.programs if program.id not in local]
    chosen = {program.id for program in _split(common, shard.total)[shard.index - 1]}
    chosen |= {program.id for program in plan.programs if program.id in local} if shard.index == 1 else set()
    return replace(plan, programs=tuple(program for program in plan.programs if program.id in chosen))


def missing_shards(shards: Iterable[Shard]) -> list[Shard]:
    """The shards needed to complete these ones."""
    present = set(shards)
    all_shards = {Shard(index, shard.total) for shard in present for index in range(1, shard.total + 1)}
    return sorted(all_shards - present, key=lambda shard: (shard.total, shard.index))


def _split(programs: Sequence[Program], count: int) -> list[list[Program]]:
    """Split programs into groups of about equal weight: the heaviest first, each into the lightest group."""
    groups: list[list[Program]] = [[] for _ in range(count)]
    weights = [0.0] * count
    for program in sorted(programs, key=lambda program: (-_weight(program), program.id)):
        lightest = min(range(count), key=lambda index: weights[index])
        groups[lightest].append(program)
        weights[lightest] += _weight(program)
    return groups


def _weight(program: Program) -> float:
    return program.requests + RUN_WEIGHT * program.runs + SECOND_WEIGHT * program.seconds
