"""A part of a plan, so that several jobs play the whole of it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from runs_conformance.engine.plan import Plan
from runs_conformance.errors import UsageError
from runs_conformance.model.program import Program

_FORM = re.compile(r"([1-9]\d{0,3})/([1-9]\d{0,3})")

RUN, SECOND = 8, 40
"""What a run and a second of waiting weigh, in requests."""


@dataclass(frozen=True, slots=True)
class Shard:
    """One of so many equal parts, counted from 1."""

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


def shard(text: str) -> Shard:
    """The shard that a text like `1/4` means. Raises UsageError where it means none."""
    found = _FORM.fullmatch(text.strip())
    if found is None or int(found[1]) > int(found[2]):
        raise UsageError(f"--shard {text}: a shard is given like 1/4, the first of four")
    return Shard(int(found[1]), int(found[2]))


def share(plan: Plan, part: Shard, local: Collection[str] = ()) -> Plan:
    """What a shard plays of a plan: each program is in exactly one shard, whoever asks.

    `local` are programs that not every job may know of; the first shard plays them.
    """
    common = [program for program in plan.programs if program.id not in local]
    mine = {program.id for program in _parts(common, part.of)[part.number - 1]}
    mine |= {program.id for program in plan.programs if program.id in local} if part.number == 1 else set()
    return replace(plan, programs=tuple(program for program in plan.programs if program.id in mine))


def missing(given: Iterable[Shard]) -> list[Shard]:
    """The shards that lack for a whole."""
    parts = set(given)
    whole = {Shard(number, part.of) for part in parts for number in range(1, part.of + 1)}
    return sorted(whole - parts, key=lambda part: (part.of, part.number))


def _parts(programs: Sequence[Program], count: int) -> list[list[Program]]:
    """The programs in parts of about equal weight: the heaviest first, each to the part that has least so far."""
    parts: list[list[Program]] = [[] for _ in range(count)]
    weights = [0.0] * count
    for program in sorted(programs, key=lambda program: (-_weight(program), program.id)):
        lightest = min(range(count), key=lambda number: weights[number])
        parts[lightest].append(program)
        weights[lightest] += _weight(program)
    return parts


def _weight(program: Program) -> float:
    return program.requests + RUN * program.runs + SECOND * program.seconds
