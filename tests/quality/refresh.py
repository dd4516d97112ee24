"""Updates everything that is derived from the rules, schemas, mutants and variants, in the order in which it builds up.

`python -m tests.quality.refresh [NAME...]` writes `rules/violations.json`. Then it judges the mutants and variants that
the committed matrices lack and those named, and updates their rows. Then it writes the response matrix, if constraints
on responses were added or removed, `engine/decisions.json`, `engine/premises.json` and the pages of `docs/`. With
`--all` it judges every mutant and variant, which takes long.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence

from runs_conformance import docgen
from runs_conformance.emulator.catalogue import generated_mutants, handwritten_mutants, variants
from runs_conformance.engine.decisions import load_decisions
from runs_conformance.model.suggestion import did_you_mean
from tests.quality import decisions, kill_matrix, premises, response_matrix, variants_matrix
from tests.rules import violations


def command(names: Iterable[str] = ()) -> str:
    """The command that a failing check prints: it updates what is missing, and the rows of these names."""
    return " ".join(["run `python -m tests.quality.refresh", *names]) + "` and commit what it writes"


def mutant_names() -> list[str]:
    """The names of the mutants that the kill matrix must list."""
    return [mutant.name for mutant in (*handwritten_mutants(), *generated_mutants())]


def variant_names() -> list[str]:
    """The names of the variants that the variants matrix must list."""
    return [variant.name for variant in variants()]


def main(arguments: Sequence[str] | None = None) -> int:
    """Update everything. Returns 1 if a mutant survives or a variant has false failures."""
    parser = argparse.ArgumentParser(prog="python -m tests.quality.refresh", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="a mutant or variant to judge again")
    parser.add_argument("--all", action="store_true", help="judge every mutant and variant")
    options = parser.parse_args(arguments)
    for name in options.names:
        if name not in {*mutant_names(), *variant_names()}:
            known = [*mutant_names(), *variant_names()]
            raise SystemExit(f"no mutant or variant is named {name!r}{did_you_mean(name, known)}")
    listed = {row.mutant for row in kill_matrix.read()} | {row.variant for row in variants_matrix.read()}

    def to_judge(names: Iterable[str]) -> list[str]:
        return [name for name in names if options.all or name in options.names or name not in listed]

    violations.main()
    survivors = kill_matrix.update(to_judge(mutant_names()))
    results = variants_matrix.update(to_judge(variant_names()))
    if options.all or response_matrix.is_stale():
        response_matrix.main([])
    decisions.write(decisions.measure(results) if options.all else decisions.remeasure(load_decisions(), results))
    premises.main()
    docgen.main([])
    return 1 if survivors or any(result.exit_code for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
