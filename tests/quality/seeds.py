"""The same verdicts over many seeds, on the emulator and three of its variants.

`python -m tests.quality.seeds` judges each of them with every seed by the standard profile and writes
`reports/reference/seeds.json`. A verdict that is a pass with one seed and a failure with another depends on the seed;
whether what happens at the same moment could be decided may differ, and is listed.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from tests.quality.bench import Result, Trial, judged
from tests.quality.kill_matrix import FOLDER

SEEDS = 20
TARGETS = ("", "is_instant", "cancels_at_once", "calls_only_when_forced")
"""The variants, by name; nothing is the emulator itself."""

_UNDECIDED = {"inconclusive", "not_judged"}


@dataclass(frozen=True, slots=True)
class Row:
    """One target: how many seeds it was judged with, the exit codes, the ids whose verdict was not the same for all of
    them, and those that some of them left undecided.
    """

    target: str
    seeds: int
    exit_codes: tuple[int, ...]
    differing: tuple[str, ...]
    sometimes_undecided: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether nothing depends on the seed, and nobody was accused."""
        return not self.differing and set(self.exit_codes) == {0}


def row(target: str, results: Sequence[Result]) -> Row:
    """The row of a target, from what the suite said with each seed."""
    seen: dict[str, set[str]] = {}
    for result in results:
        for id_, outcome in result.outcomes.items():
            seen.setdefault(id_, set()).add(outcome)
    decided = {id_: outcomes - _UNDECIDED for id_, outcomes in seen.items()}
    return Row(
        target=target or "the emulator",
        seeds=len(results),
        exit_codes=tuple(sorted({result.exit_code for result in results})),
        differing=tuple(sorted(id_ for id_, outcomes in decided.items() if len(outcomes) > 1)),
        sometimes_undecided=tuple(sorted(id_ for id_ in seen if decided[id_] and seen[id_] & _UNDECIDED)),
    )


def rows(seeds: int, targets: Sequence[str] = TARGETS) -> list[Row]:
    """The rows of these targets, each judged with so many seeds."""
    trials = [
        Trial(target, variants=(target,) if target else (), seed=seed) for target in targets for seed in range(seeds)
    ]
    results = list(judged(trials, together=max(1, seeds // 4)))
    return [row(target, results[place * seeds : (place + 1) * seeds]) for place, target in enumerate(targets)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge each with every seed; exit 1 where a verdict depends on it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS, help=f"{SEEDS} unless given; nothing is written then")
    given = parser.parse_args(arguments)
    began = time.monotonic()
    every = rows(given.seeds)
    for each in every:
        depends = ", ".join(each.differing) or "none"
        undecided = ", ".join(each.sometimes_undecided) or "none"
        print(
            f"{each.target}: {each.seeds} seeds, exit codes {each.exit_codes};"
            f" depend on the seed: {depends}; sometimes undecided: {undecided}"
        )
    print(f"{time.monotonic() - began:.0f} s")
    if given.seeds == SEEDS:
        text = json.dumps([asdict(each) for each in every], indent=1)
        (FOLDER / "seeds.json").write_text(text + "\n", encoding="utf-8")
    return 0 if all(each.same for each in every) else 1


if __name__ == "__main__":
    sys.exit(main())
