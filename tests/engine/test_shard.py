"""Shards divide a plan into parts of about the same weight."""

from __future__ import annotations

import pytest

from runs_conformance.engine.plan import Plan
from runs_conformance.engine.shard import Shard, missing_shards, parse_shard, plan_for_shard
from runs_conformance.errors import UsageError
from runs_conformance.generation.programs.catalogue import catalogue
from runs_conformance.model.program import ProgramContext

WHOLE = Plan(tuple(catalogue(ProgramContext(edition="2026-08-14"))))


def shard_plans(plan: Plan, count: int) -> list[Plan]:
    return [plan_for_shard(plan, Shard(number, count)) for number in range(1, count + 1)]


@pytest.mark.parametrize("count", [1, 2, 4, 7, 500])
def test_every_program_is_in_exactly_one_shard(count: int) -> None:
    ids = [program.id for part in shard_plans(WHOLE, count) for program in part.programs]
    assert sorted(ids) == sorted(program.id for program in WHOLE.programs)


def test_shards_have_about_the_same_weight() -> None:
    requests = [part.requests for part in shard_plans(WHOLE, 4)]
    assert max(requests) < 1.6 * min(requests)


def test_shard_is_independent_of_the_order_of_the_plan() -> None:
    reversed_plan = Plan(tuple(reversed(WHOLE.programs)))
    for one, other in zip(shard_plans(WHOLE, 3), shard_plans(reversed_plan, 3), strict=True):
        assert {program.id for program in one.programs} == {program.id for program in other.programs}


def test_local_programs_do_not_change_other_shards() -> None:
    first = WHOLE.programs[0].id
    without = Plan(WHOLE.programs[1:])
    for number in (1, 2):
        part = plan_for_shard(WHOLE, Shard(number, 2), {first})
        plain = plan_for_shard(without, Shard(number, 2))
        assert {program.id for program in part.programs} - {first} == {program.id for program in plain.programs}
        assert (first in {program.id for program in part.programs}) == (number == 1)


def test_shard_is_parsed() -> None:
    assert parse_shard(" 2/4 ") == Shard(2, 4)
    assert str(parse_shard("2/4")) == "2/4"


@pytest.mark.parametrize("text", ["", "4", "0/4", "5/4", "1/0", "a/b", "-1/4", "1/4/2", "1/99999"])
def test_invalid_shard_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError, match="like 1/4"):
        parse_shard(text)


def test_missing_shards_are_listed() -> None:
    assert missing_shards([]) == []
    assert missing_shards([Shard(1, 2), Shard(2, 2)]) == []
    assert missing_shards([Shard(4, 4), Shard(2, 4)]) == [Shard(1, 4), Shard(3, 4)]
    assert missing_shards([Shard(1, 2), Shard(1, 1)]) == [Shard(2, 2)]
