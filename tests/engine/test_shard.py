from __future__ import annotations

import pytest

from runs_conformance.engine.plan import Plan
from runs_conformance.engine.shard import Shard, missing_shards, parse_shard, plan_for_shard
from runs_conformance.errors import UsageError
from runs_conformance.generation.programs.catalogue import catalogue
from runs_conformance.model.program import ProgramContext

WHOLE = Plan(tuple(catalogue(ProgramContext(edition="2026-08-14"))))


def parts(plan: Plan, count: int) -> list[Plan]:
    return [plan_for_shard(plan, Shard(number, count)) for number in range(1, count + 1)]


@pytest.mark.parametrize("count", [1, 2, 4, 7, 500])
def test_every_program_is_in_exactly_one_shard(count: int) -> None:
    ids = [program.id for part in parts(WHOLE, count) for program in part.programs]
    assert sorted(ids) == sorted(program.id for program in WHOLE.programs)


def test_shards_weigh_about_the_same() -> None:
    requests = [part.requests for part in parts(WHOLE, 4)]
    assert max(requests) < 1.6 * min(requests)


def test_a_shard_does_not_depend_on_the_order_of_the_plan() -> None:
    turned = Plan(tuple(reversed(WHOLE.programs)))
    for one, other in zip(parts(WHOLE, 3), parts(turned, 3), strict=True):
        assert {program.id for program in one.programs} == {program.id for program in other.programs}


def test_what_only_some_jobs_know_changes_no_other_part() -> None:
    first = WHOLE.programs[0].id
    without = Plan(WHOLE.programs[1:])
    for number in (1, 2):
        part = plan_for_shard(WHOLE, Shard(number, 2), {first})
        plain = plan_for_shard(without, Shard(number, 2))
        assert {program.id for program in part.programs} - {first} == {program.id for program in plain.programs}
        assert (first in {program.id for program in part.programs}) == (number == 1)


def test_what_a_text_means() -> None:
    assert parse_shard(" 2/4 ") == Shard(2, 4)
    assert str(parse_shard("2/4")) == "2/4"


@pytest.mark.parametrize("text", ["", "4", "0/4", "5/4", "1/0", "a/b", "-1/4", "1/4/2", "1/99999"])
def test_what_no_shard_is(text: str) -> None:
    with pytest.raises(UsageError, match="like 1/4"):
        parse_shard(text)


def test_the_shards_that_lack() -> None:
    assert missing_shards([]) == []
    assert missing_shards([Shard(1, 2), Shard(2, 2)]) == []
    assert missing_shards([Shard(4, 4), Shard(2, 4)]) == [Shard(1, 4), Shard(3, 4)]
    assert missing_shards([Shard(1, 2), Shard(1, 1)]) == [Shard(2, 2)]
