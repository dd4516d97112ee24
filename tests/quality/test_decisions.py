"""The table of decisions: how it is combined, and which occasions it keeps if the variants are not judged again."""

from __future__ import annotations

from runs_conformance.engine.decisions import Decisions
from tests.quality.decisions import combine, keep_occasions
from tests.quality.judging import TrialResult
from tests.quality.kill_matrix import KillRow

ID = "paging.limit_is_kept"


def table(**occasions: int) -> Decisions:
    """A table in which programs reveal an id, with these numbers of occasions."""
    counts = {program: count for program, count in occasions.items() if count > 1}
    return Decisions({}, {"usage.adds_up": (frozenset(occasions),)}, {"usage.adds_up": counts})


def test_fewest_occasions_are_kept() -> None:
    assert keep_occasions(table(a=2, b=5), table(a=4, b=3)) == {"usage.adds_up": {"a": 2, "b": 3}}


def test_one_occasion_on_a_variant_is_kept() -> None:
    assert keep_occasions(table(a=1), table(a=4)) == {}


def test_new_program_counts_as_measured() -> None:
    assert keep_occasions(table(a=2), table(a=2, b=4)) == {"usage.adds_up": {"a": 2, "b": 4}}


def test_former_program_is_dropped() -> None:
    assert keep_occasions(table(a=2, b=5), table(a=2)) == {"usage.adds_up": {"a": 2}}


def result(**counts: int) -> TrialResult:
    """A test run whose programs judge the id this often, and decide it."""
    return TrialResult(
        "run", 0, decided_by={ID: tuple(counts)}, occasions={name: {ID: n} for name, n in counts.items()}
    )


def kill(*programs: str) -> KillRow:
    return KillRow("mutant", "paging", "must", killed=True, failed=(ID,), programs={ID: programs})


def test_only_what_every_seed_decides_counts() -> None:
    decisions = combine([result(long=8, short=1), result(long=9)], rows=[])
    assert decisions.deciders == {ID: frozenset({"long"})}


def test_a_mutant_is_revealed_by_fixed_programs_that_judge_the_id_on_the_reference() -> None:
    rows = [kill("long", "short", "explore.walk_1"), kill("long"), kill("unknown"), kill("explore.walk_1")]
    decisions = combine([result(long=8, short=1)], rows=rows)
    groups = (frozenset({"long"}), frozenset({"unknown"}))
    assert decisions.revealers == {ID: groups}, "the smaller group implies the larger one"
    assert decisions.occasions == {ID: {"long": 6, "unknown": 0}}, "it judges the id only where it is violated"


def test_the_fewest_occasions_of_any_correct_server_are_needed_with_a_margin() -> None:
    variants = [result(long=4, short=1), result(short=1)]
    decisions = combine([result(long=8, short=2)], variants, rows=[kill("long", "short")])
    assert decisions.occasions == {ID: {"long": 3}}, "a variant without the id does not count"


def test_programs_that_see_enough_only_with_files_are_named() -> None:
    rows = [kill("files"), kill("fewer"), kill("long")]
    reference, without = result(files=3, fewer=8, long=8), result(fewer=7, long=5)
    decisions = combine([reference], rows=rows, without_files=without)
    assert decisions.on_files == {ID: frozenset({"files", "long"})}, "7 of 8 suffice"


def test_programs_that_send_further_valid_values_must_run_to_their_end() -> None:
    id_, program = "create_run.top_p.minimum", "boundary.create_run.legal"
    counts = {program: {id_: 1}, "boundary.create_run": {id_: 2}, "boundary.create_thread.legal": {id_: 1}}
    measured = TrialResult("run", 0, decided_by={id_: ("boundary.create_run",)}, occasions=counts)
    decisions = combine([measured], rows=[])
    assert decisions.revealers == {id_: (frozenset({program}),)}
    assert decisions.occasions == {id_: {program: 0}}
