"""Measures which ids each program decides on the emulator, and which programs reveal violations of each id.

`python -m tests.quality.decisions` judges the emulator with several seeds and all legal variants, reads the kill
matrix, and writes `engine/decisions.json`, by which the suite knows what a program that stops early leaves undecided.
With `--quick` it judges by profile quick, and writes `engine/quick_decisions.json`. An id counts as decided by a
program if it is decided with every seed. Programs that depend on the seed are omitted. The variants show how few
occasions a correct server may give. `python -m tests.quality.refresh` keeps what the committed table says of the
variants, and has them run only the programs that are new to an id.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from runs_conformance.emulator import catalogue
from runs_conformance.engine.decisions import QUICK_TABLE, TABLE, Decisions, encode_decisions, load_decisions
from tests.quality import kill_matrix, variants_matrix
from tests.quality.judging import Trial, TrialResult, judge_all

SEEDS = range(4)
RANDOM_PREFIXES = ("explore", "schemathesis", "preflight", "approach")


def measure(variants: Sequence[TrialResult] = ()) -> Decisions:
    """The table as measured now. Judges the variants, unless their results are given."""
    return combine(_judge_emulator(), variants or _judge_variants(), without_files=_judge_without_files())


def remeasure(before: Decisions, variants: Sequence[TrialResult] = ()) -> Decisions:
    """The table with the emulator measured again. Known occasions on variants are kept, and combined with these
    results of variants. All variants run the programs that are new to an id and judge it more than once.
    """
    results, without_files = _judge_emulator(), _judge_without_files()
    table = combine(results, variants, without_files=without_files)
    known = _pairs(before)
    added = {
        program
        for id_, counts in table.occasions.items()
        for program, count in counts.items()
        if count and (id_, program) not in known
    }
    if added:
        more = [*variants, *_judge_variants(tuple(sorted(added)))]
        table = combine(results, more, without_files=without_files)
    return replace(table, occasions=keep_occasions(before, table))


def keep_occasions(before: Decisions, now: Decisions) -> dict[str, dict[str, int]]:
    """The fewest occasions of two tables, by id and program; a pair that only `now` has counts as it is there."""
    known, kept = _pairs(before), dict[str, dict[str, int]]()
    for id_, counts in now.occasions.items():
        for program, count in counts.items():
            earlier = before.occasions.get(id_, {}).get(program, 1) if (id_, program) in known else count
            # A program that judged the id on no correct server then, but does now, is measured anew.
            fewest = min(count, earlier) if earlier else count
            if fewest != 1:
                kept.setdefault(id_, {})[program] = fewest
    return kept


def _pairs(table: Decisions) -> set[tuple[str, str]]:
    """The ids and the programs that reveal their violations."""
    return {(id_, program) for id_, groups in table.revealers.items() for group in groups for program in group}


def measure_quick() -> Decisions:
    """The table of the programs of profile quick as measured now. Prints what fails on a correct server."""
    results, variants = _judge_emulator("quick"), _judge_variants(profile="quick")
    for result in (*results, *variants):
        if result.exit_code:
            print(f"{result.name}: {', '.join(result.must) or result.reason}", flush=True)
    return _drop_undecided(combine(results, variants, without_files=_judge_without_files("quick")), results)


def _drop_undecided(table: Decisions, results: Sequence[TrialResult]) -> Decisions:
    """The table without the deciders of ids of which the sample shows too little for a pass on the emulator."""
    deciders = {
        id_: programs
        for id_, programs in table.deciders.items()
        if all(result.outcomes.get(id_) == "pass" for result in results)
    }
    return replace(table, deciders=deciders)


def _judge_without_files(profile: str = "standard") -> TrialResult:
    trial = Trial("without files", profile=profile, variants=("wants_known_files",), has_files=False)
    return next(judge_all([trial]))


def _judge_emulator(profile: str = "standard") -> list[TrialResult]:
    print(f"measuring the emulator with {len(SEEDS)} seeds", flush=True)
    return list(judge_all([Trial(f"seed {seed}", seed=seed, profile=profile) for seed in SEEDS], batch_size=1))


def _judge_variants(programs: tuple[str, ...] = (), profile: str = "standard") -> list[TrialResult]:
    trials = [
        replace(variants_matrix.trial_for(variant), programs=programs, profile=profile)
        for variant in catalogue.variants()
    ]
    print(f"{len(trials)} variants run {len(programs) or 'all'} programs", flush=True)
    return list(judge_all(trials, batch_size=4))


def combine(
    results: Sequence[TrialResult],
    variants: Sequence[TrialResult] = (),
    rows: Iterable[kill_matrix.KillRow] | None = None,
    without_files: TrialResult | None = None,
) -> Decisions:
    """The table for test runs on the emulator and on its variants, and the rows of the kill matrix.

    `without_files` is a test run on the emulator that knows of no files.
    """
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
    occasions = _fewest_occasions([*results, *variants], revealers, judging)
    on_files = _programs_on_files(revealers, occasions, results[0], without_files) if without_files else {}
    return add_valid_values(Decisions(deciders, revealers, occasions, on_files), results)


def _programs_on_files(
    revealers: Mapping[str, Iterable[frozenset[str]]],
    occasions: Mapping[str, Mapping[str, int]],
    with_files: TrialResult,
    without_files: TrialResult,
) -> dict[str, frozenset[str]]:
    """The programs that see enough occasions of an id on the emulator, but too few if they know of no files."""

    def is_lost(id_: str, program: str) -> bool:
        needed = occasions.get(id_, {}).get(program, 1)
        seen, left = (each.occasions.get(program, {}).get(id_, 0) for each in (with_files, without_files))
        return seen >= needed > left

    lost = {
        id_: frozenset(program for program in frozenset[str]().union(*groups) if is_lost(id_, program))
        for id_, groups in revealers.items()
    }
    return {id_: programs for id_, programs in lost.items() if programs}


def add_valid_values(table: Decisions, results: Sequence[TrialResult]) -> Decisions:
    """The table with the programs that send further valid values: they must run to their end, whatever is refused."""
    revealers, occasions = dict(table.revealers), {id_: dict(counts) for id_, counts in table.occasions.items()}
    for id_, programs in valid_value_programs(results).items():
        known = frozenset[str]().union(*revealers.get(id_, ()))
        for program in programs - known if id_ in table.deciders else ():
            revealers[id_] = tuple(sorted((*revealers.get(id_, ()), frozenset({program})), key=sorted))
            occasions.setdefault(id_, {})[program] = 0
    return replace(table, revealers=revealers, occasions=occasions)


def valid_value_programs(results: Sequence[TrialResult]) -> dict[str, set[str]]:
    """For each request constraint, the programs that send its further valid values on the emulator, with every seed.

    Without them, the refusal of an invalid value does not show that all valid ones are accepted.
    """
    programs: dict[str, set[str]] = {}
    for program, counts in results[0].occasions.items():
        if program.startswith("boundary.") and program.endswith(".legal"):
            operation = program.split(".")[1]
            for id_ in counts:
                is_seen = all(result.occasions.get(program, {}).get(id_) for result in results)
                if is_seen and id_.startswith(f"{operation}."):
                    programs.setdefault(id_, set()).add(program)
    return programs


def _fewest_occasions(
    results: Sequence[TrialResult],
    revealers: Mapping[str, Iterable[frozenset[str]]],
    judging: Mapping[str, frozenset[str]],
) -> dict[str, dict[str, int]]:
    """By id and revealing program, the fewest occasions on which any of these test runs judged the id, unless it is 1.

    A quarter is deducted, because polls at other moments see a few occasions more or less. A program that is not among
    those `judging` the id with every seed does so by chance, and need not.
    """
    fewest: dict[str, dict[str, int]] = {}
    for id_, groups in revealers.items():
        for program in frozenset[str]().union(*groups):
            counts = [count for result in results if (count := result.occasions.get(program, {}).get(id_, 0))]
            least = min(counts, default=0) if program in judging[id_] else 0
            needed = least - least // 4
            if needed != 1:
                fewest.setdefault(id_, {})[program] = needed
    return fewest


def _smallest(sets: Iterable[frozenset[str]], judging: frozenset[str]) -> tuple[frozenset[str], ...]:
    """The groups that no smaller group implies.

    Programs that judge the id only where it is violated are left out of groups that have others.
    """
    known = {group & judging or group for group in sets}
    return tuple(sorted((g for g in known if not any(other < g for other in known)), key=sorted))


def _is_fixed(program: str) -> bool:
    return not program.startswith(RANDOM_PREFIXES)


def write(decisions: Decisions, table: Path = TABLE) -> None:
    """Write a table, and print how much of it changed."""
    before = load_decisions(table)
    table.write_text(encode_decisions(decisions), encoding="utf-8")
    changed = sum(
        1 for id_ in {*before.deciders, *decisions.deciders} if before.deciders.get(id_) != decisions.deciders.get(id_)
    )
    print(f"{len(decisions.deciders)} ids, {sum(map(len, decisions.revealers.values()))} groups; {changed} ids changed")


def main() -> int:
    """Measure and write a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the table of the programs of profile quick")
    if parser.parse_args().quick:
        write(measure_quick(), QUICK_TABLE)
    else:
        write(measure())
    return 0


if __name__ == "__main__":
    sys.exit(main())
