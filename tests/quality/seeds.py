"""Independence of the seed: verdicts on the emulator and three variants are the same for many seeds.

`python -m tests.quality.seeds` judges each of them with every seed by the standard profile and writes
`reports/reference/seeds.json`. A verdict depends on the seed if it passes with one and fails with another. Verdicts on
races may be inconclusive for some seeds only; these are listed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from tests.quality.judging import Trial, TrialResult, judge_all
from tests.quality.tables import write_rows

SEEDS = 20
VARIANTS = ("", "is_instant", "cancels_at_once", "calls_only_when_forced")
"""Names of variants; the empty name is the emulator itself."""

_UNDECIDED = {"inconclusive", "not_judged"}


@dataclass(frozen=True, slots=True)
class SeedRow:
    """One emulator: the number of seeds, the exit codes, the ids that depend on the seed, and those that are undecided
    for some seeds.
    """

    target: str
    seeds: int
    exit_codes: tuple[int, ...]
    seed_dependent: tuple[str, ...]
    sometimes_undecided: tuple[str, ...]

    @property
    def is_stable(self) -> bool:
        """Whether no verdict depends on the seed and every test run passed."""
        return not self.seed_dependent and set(self.exit_codes) == {0}


def row(target: str, results: Sequence[TrialResult]) -> SeedRow:
    """The row of an emulator for its results with each seed."""
    outcomes_by_id: dict[str, set[str]] = {}
    for result in results:
        for id_, outcome in result.outcomes.items():
            outcomes_by_id.setdefault(id_, set()).add(outcome)
    decided = {id_: outcomes - _UNDECIDED for id_, outcomes in outcomes_by_id.items()}
    return SeedRow(
        target=target or "the emulator",
        seeds=len(results),
        exit_codes=tuple(sorted({result.exit_code for result in results})),
        seed_dependent=tuple(sorted(id_ for id_, outcomes in decided.items() if len(outcomes) > 1)),
        sometimes_undecided=tuple(
            sorted(id_ for id_, outcomes in outcomes_by_id.items() if decided[id_] and outcomes & _UNDECIDED)
        ),
    )


def judge_seeds(seeds: int, variants: Sequence[str] = VARIANTS) -> list[SeedRow]:
    """Judge each variant with this number of seeds."""
    trials = [
        Trial(variant, variants=(variant,) if variant else (), seed=seed)
        for variant in variants
        for seed in range(seeds)
    ]
    results = list(judge_all(trials, batch_size=max(1, seeds // 4)))
    return [row(variant, results[place * seeds : (place + 1) * seeds]) for place, variant in enumerate(variants)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge each variant with every seed; returns 1 if a verdict depends on the seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS, help=f"default {SEEDS}; with another number, write nothing")
    options = parser.parse_args(arguments)
    started = time.monotonic()
    rows = judge_seeds(options.seeds)
    for each in rows:
        print(
            f"{each.target}: {each.seeds} seeds, exit codes {each.exit_codes};"
            f" seed-dependent: {', '.join(each.seed_dependent) or 'none'};"
            f" sometimes undecided: {', '.join(each.sometimes_undecided) or 'none'}"
        )
    print(f"{time.monotonic() - started:.0f} s")
    if options.seeds == SEEDS:
        write_rows("seeds", map(asdict, rows))
    return 0 if all(each.is_stable for each in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
