"""The same verdicts with one worker and with eight: on the emulator, on mutants and on variants of it.

`python -m tests.quality.workers` plays a sample and writes `reports/reference/workers.md`. What was decided one way
must not be decided another way; that a race goes one way with one worker and the other way with eight is no
contradiction where one of the two says that it cannot tell.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from runs_conformance.emulator.catalogue import variants, written
from tests.quality.bench import Trial, judged

FOLDER = Path(__file__).resolve().parents[2] / "reports" / "reference"
MUTANTS, VARIANTS = 30, 10
ONE, MANY = 1, 8


@dataclass(frozen=True, slots=True)
class Row:
    """One emulator: how many verdicts were the same, which contradict each other, and which were decided once only."""

    name: str
    kind: str
    same: int
    contradicting: tuple[str, ...]
    undecided_once: tuple[str, ...]


def sample(every: Sequence[str], count: int) -> list[str]:
    """So many of them, spread evenly."""
    return [every[index * len(every) // count] for index in range(min(count, len(every)))]


def trials(mutants: int, of_variants: int, profile: str) -> Iterator[tuple[str, Trial, Trial]]:
    """Each kind of emulator with the two ways to judge it."""
    chosen: list[tuple[str, str, tuple[str, ...], tuple[str, ...]]] = [("emulator", "the emulator", (), ())]
    names = sorted(mutant.name for mutant in written() if not mutant.corner)
    chosen += [("mutant", name, (name,), ()) for name in sample(names, mutants)]
    names = sorted(variant.name for variant in variants())
    chosen += [("variant", name, (), (name,)) for name in sample(names, of_variants)]
    for kind, name, mutated, varied in chosen:
        one = Trial(name, mutated, varied, profile=profile, workers=ONE)
        many = Trial(name, mutated, varied, profile=profile, workers=MANY)
        yield kind, one, many


def compared(mutants: int, of_variants: int, profile: str, processes: int) -> Iterator[Row]:
    """The rows, as they become known."""
    pairs = list(trials(mutants, of_variants, profile))
    results = judged([trial for _, one, many in pairs for trial in (one, many)], processes, together=2)
    for kind, trial, _ in pairs:
        one, many = next(results), next(results)
        ids = one.outcomes.keys() | many.outcomes.keys()
        differing = sorted(id_ for id_ in ids if one.outcomes.get(id_) != many.outcomes.get(id_))
        contradicting = tuple(id_ for id_ in differing if "fail" in (one.outcomes.get(id_), many.outcomes.get(id_)))
        yield Row(
            name=trial.name,
            kind=kind,
            same=len(ids) - len(differing),
            contradicting=contradicting,
            undecided_once=tuple(id_ for id_ in differing if id_ not in contradicting),
        )


def page(rows: Sequence[Row], profile: str) -> str:
    """The table for people."""
    lines = [
        "# One worker and eight",
        "",
        f"Written by `python -m tests.quality.workers --profile {profile}`: each emulator judged with one worker and",
        "with eight. Verdicts contradict each other where one of the two says fail. Only mutants whose fault reaches",
        "across threads may do so: what other programs do at the same time is part of the evidence against them.",
        "",
        f"{len(rows)} emulators, {sum(row.same for row in rows):,} verdicts the same, "
        f"{sum(len(row.contradicting) for row in rows)} contradicting, "
        f"{sum(len(row.undecided_once) for row in rows)} decided only once.",
        "",
        "| emulator | kind | the same | contradicting | decided only once |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        wrong, open_ = (", ".join(f"`{id_}`" for id_ in ids) for ids in (row.contradicting, row.undecided_once))
        lines.append(f"| {row.name} | {row.kind} | {row.same} | {wrong} | {open_} |")
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge the sample; exit 1 where verdicts contradict each other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutants", type=int, default=MUTANTS)
    parser.add_argument("--variants", type=int, default=VARIANTS)
    parser.add_argument("--profile", default="standard")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--no-page", action="store_true", help="write nothing")
    given = parser.parse_args(arguments)
    rows = []
    for row in compared(given.mutants, given.variants, given.profile, given.processes):
        rows.append(row)
        told = f"contradicting {row.contradicting}, decided only once {row.undecided_once}"
        print(f"{row.kind} {row.name}: {row.same} the same; {told}", flush=True)
    if not given.no_page:
        FOLDER.mkdir(parents=True, exist_ok=True)
        (FOLDER / "workers.md").write_text(page(rows, given.profile), encoding="utf-8")
    wrong = sum(len(row.contradicting) for row in rows)
    print(f"{len(rows)} emulators, {wrong} contradicting verdicts")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
