"""Measures which ids each program decides on the reference, and which programs reveal violations of each id.

`python -m tests.quality.decisions` judges the emulator with several seeds and all legal variants, reads the kill
matrix, and writes `engine/decisions.json`, by which the suite knows what a program that stops early leaves undecided.
An id counts as decided by a program if it is decided with every seed. Programs that depend on the seed are omitted. The
variants show how few occasions a correct server may give.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence

from runs_conformance.emulator import catalogue
from runs_conformance.engine.decisions import TABLE, Decisions, encode_decisions, load_decisions
from tests.quality import kill_matrix, variants_matrix
from tests.quality.judging import Trial, TrialResult, judge_all

SEEDS = range(4)
RANDOM_PREFIXES = ("explore", "schemathesis", "preflight", "approach")


def measure() -> Decisions:
    """The table as measured now."""
    reference = [Trial(f"seed {seed}", seed=seed) for seed in SEEDS]
    trials = [*reference, *map(variants_matrix.trial_for, catalogue.variants())]
    results = list(judge_all(trials, processes=2, batch_size=4))
    return combine(results[: len(reference)], results[len(reference) :])


def combine(
    results: Sequence[TrialResult],
    variants: Sequence[TrialResult] = (),
    rows: Iterable[kill_matrix.KillRow] | None = None,
) -> Decisions:
    """The table for test runs on the reference and on its variants, and the rows of the kill matrix."""
    deciders = {
        id_: frozenset(
            filter(_is_fixed, set.intersection(*(set(result.decided_by.get(id_, ())) for result in results)))
        )
        for id_ in results[0].decided_by
    }
    deciders = {id_: programs for id_, programs in deciders.items() if programs}
    groups: dict[str, set[frozenset[str]]] = {}
    for row in kill_matrix.read() if rows is None else rows:
        for id_, programs in row.programs.items():
            # A random program that reveals it, too, need not do so with another seed.
            if fixed := frozenset(filter(_is_fixed, programs)):
                groups.setdefault(id_, set()).add(fixed)
    judging = {
        id_: frozenset(
            p for p, counts in results[0].occasions.items() if all(r.occasions.get(p, {}).get(id_) for r in results)
        )
        for id_ in groups
    }
    revealers = {id_: _smallest(sets, judging[id_]) for id_, sets in groups.items()}
    return Decisions(deciders, revealers, _fewest_occasions([*results, *variants], revealers))


def _fewest_occasions(
    results: Sequence[TrialResult], revealers: Mapping[str, Iterable[frozenset[str]]]
) -> dict[str, dict[str, int]]:
    """By id and revealing program, the fewest occasions on which any of these test runs judged the id, if above 1."""
    fewest: dict[str, dict[str, int]] = {}
    for id_, groups in revealers.items():
        for program in frozenset[str]().union(*groups):
            counts = [count for result in results if (count := result.occasions.get(program, {}).get(id_, 0))]
            if counts and min(counts) > 1:
                fewest.setdefault(id_, {})[program] = min(counts)
    return fewest


def _smallest(sets: Iterable[frozenset[str]], judging: frozenset[str]) -> tuple[frozenset[str], ...]:
    """The groups that no smaller group implies. Programs that do not judge the id on the reference are left out."""
    known = {group & judging for group in sets}
    known.discard(frozenset())
    return tuple(sorted((g for g in known if not any(other < g for other in known)), key=sorted))


def _is_fixed(program: str) -> bool:
    return not program.startswith(RANDOM_PREFIXES)


def main() -> int:
    """Write the table."""
    before = load_decisions()
    decisions = measure()
    TABLE.write_text(encode_decisions(decisions), encoding="utf-8")
    changed = sum(
        1 for id_ in {*before.deciders, *decisions.deciders} if before.deciders.get(id_) != decisions.deciders.get(id_)
    )
    print(f"{len(decisions.deciders)} ids, {sum(map(len, decisions.revealers.values()))} groups; {changed} ids changed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
