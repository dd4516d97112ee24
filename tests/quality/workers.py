"""Independence of the number of workers: verdicts are the same with one worker and with eight.

`python -m tests.quality.workers` judges the emulator and a sample of mutants and variants, and writes
`reports/reference/workers.md`. A verdict that fails with one number of workers must not pass with the other. For races,
either may be inconclusive.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from runs_conformance.emulator.catalogue import handwritten_mutants, variants
from tests.quality.judging import Trial, judge_all
from tests.quality.tables import code_list, write_text

MUTANTS, VARIANTS = 30, 10
ONE, MANY = 1, 8


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """One emulator: the number of equal verdicts, the contradicting ids, and those decided in one test run only."""

    name: str
    kind: str
    equal: int
    contradicting: tuple[str, ...]
    decided_once: tuple[str, ...]


def sample(names: Sequence[str], count: int) -> list[str]:
    """An evenly spread sample of names."""
    return [names[index * len(names) // count] for index in range(min(count, len(names)))]


def trials(mutant_count: int, variant_count: int, profile: str) -> Iterator[tuple[str, Trial, Trial]]:
    """The kind of each emulator with its trials for one worker and for many."""
    emulators: list[tuple[str, str, tuple[str, ...], tuple[str, ...]]] = [("emulator", "the emulator", (), ())]
    names = sorted(mutant.name for mutant in handwritten_mutants())
    emulators += [("mutant", name, (name,), ()) for name in sample(names, mutant_count)]
    names = sorted(variant.name for variant in variants())
    emulators += [("variant", name, (), (name,)) for name in sample(names, variant_count)]
    for kind, name, mutant_names, variant_names in emulators:
        one = Trial(name, mutant_names, variant_names, profile=profile, workers=ONE)
        many = Trial(name, mutant_names, variant_names, profile=profile, workers=MANY)
        yield kind, one, many


def compare(mutant_count: int, variant_count: int, profile: str, processes: int) -> Iterator[WorkerRow]:
    """Judge the sample; yields the rows as they become known."""
    pairs = list(trials(mutant_count, variant_count, profile))
    results = judge_all([trial for _, one, many in pairs for trial in (one, many)], processes, batch_size=2)
    for kind, trial, _ in pairs:
        one, many = next(results), next(results)
        ids = one.outcomes.keys() | many.outcomes.keys()
        differing = sorted(id_ for id_ in ids if one.outcomes.get(id_) != many.outcomes.get(id_))
        contradicting = tuple(id_ for id_ in differing if "fail" in (one.outcomes.get(id_), many.outcomes.get(id_)))
        yield WorkerRow(
            name=trial.name,
            kind=kind,
            equal=len(ids) - len(differing),
            contradicting=contradicting,
            decided_once=tuple(id_ for id_ in differing if id_ not in contradicting),
        )


def render_page(rows: Sequence[WorkerRow], profile: str) -> str:
    """The Markdown page."""
    lines = [
        "# One worker and eight",
        "",
        f"Written by `python -m tests.quality.workers --profile {profile}`: each emulator is judged with one worker",
        "and with eight. Verdicts contradict each other if one of the two fails. Only mutants whose defect reaches",
        "across threads may have contradicting verdicts, because concurrent programs are part of the evidence.",
        "",
        f"{len(rows)} emulators, {sum(row.equal for row in rows):,} equal verdicts, "
        f"{sum(len(row.contradicting) for row in rows)} contradicting, "
        f"{sum(len(row.decided_once) for row in rows)} decided once.",
        "",
        "| emulator | kind | equal | contradicting | decided once |",
        "| --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {row.name} | {row.kind} | {row.equal} | {code_list(row.contradicting, '')} |"
        f" {code_list(row.decided_once, '')} |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge the sample; returns 1 if verdicts contradict each other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutants", type=int, default=MUTANTS)
    parser.add_argument("--variants", type=int, default=VARIANTS)
    parser.add_argument("--profile", default="standard")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--no-page", action="store_true", help="write nothing")
    options = parser.parse_args(arguments)
    rows = []
    for row in compare(options.mutants, options.variants, options.profile, options.processes):
        rows.append(row)
        print(
            f"{row.kind} {row.name}: {row.equal} equal, contradicting {row.contradicting},"
            f" decided once {row.decided_once}",
            flush=True,
        )
    if not options.no_page:
        write_text("workers.md", render_page(rows, options.profile))
    contradicting = sum(len(row.contradicting) for row in rows)
    print(f"{len(rows)} emulators, {contradicting} contradicting verdicts")
    return 1 if contradicting else 0


if __name__ == "__main__":
    sys.exit(main())
