"""The same verdicts over many seeds: `python -m tests.quality.seeds` on the emulator and three of its variants."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from tests.quality.bench import Result, Trial, judged

VARIANTS = ("is_instant", "cancels_at_once", "calls_only_when_forced")
_SAME = {"pass", "inconclusive", "not_judged"}


def differing(results: Sequence[Result]) -> dict[str, set[str]]:
    """The ids whose outcome was not the same for every seed; whether a race could be decided may differ."""
    seen: dict[str, set[str]] = {}
    for result in results:
        for id_, outcome in result.outcomes.items():
            seen.setdefault(id_, set()).add(outcome)
    return {id_: outcomes for id_, outcomes in seen.items() if len(outcomes) > 1 and not outcomes <= _SAME}


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge each with every seed; exit 1 where a verdict depends on it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    given = parser.parse_args(arguments)
    worst = 0
    for variant in (None, *VARIANTS):
        chosen = (variant,) if variant else ()
        trials = [Trial(f"{variant} {seed}", variants=chosen, seed=seed) for seed in range(given.seeds)]
        results = list(judged(trials, together=5))
        unlike = differing(results)
        worst = max(worst, *(result.exit_code for result in results), bool(unlike))
        print(
            f"{variant or 'the emulator'}: {len(unlike)} verdicts depend on the seed {sorted(unlike) or ''}", flush=True
        )
    return 1 if worst else 0


if __name__ == "__main__":
    sys.exit(main())
