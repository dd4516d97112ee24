"""The variants matrix: no correct server is accused, whatever it chose.

`python -m tests.quality.variants_matrix` judges every legal variant of the emulator by the standard profile and writes
`reports/reference/variants.json` and `.md`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from runs_conformance.emulator.catalogue import Variant, variants
from tests.quality.bench import Result, Trial, judged

FOLDER = Path(__file__).resolve().parents[2] / "reports" / "reference"


@dataclass(frozen=True, slots=True)
class Row:
    """One variant: the must-level ids that failed it wrongly, the warnings, and how much could not be decided."""

    variant: str
    false: tuple[str, ...]
    inconclusive: int
    warnings: tuple[str, ...]
    exit_code: int
    text: str


def row(variant: Variant, result: Result) -> Row:
    """The row of a variant, from what the suite said of it."""
    return Row(variant.name, result.must, result.inconclusive, result.should, result.exit_code, variant.text)


def trial_of(variant: Variant) -> Trial:
    """How a variant is judged."""
    return Trial(variant.name, variants=(variant.name,), dialect=variant.dialect)


def matrix(chosen: Sequence[Variant]) -> list[Row]:
    """The rows of these variants."""
    rows = []
    for variant, result in zip(chosen, judged([trial_of(variant) for variant in chosen], together=4), strict=True):
        rows.append(row(variant, result))
        if result.exit_code:
            print(f"{variant.name}: {', '.join(result.must) or result.because}", flush=True)
    return rows


def page(rows: Iterable[Row]) -> str:
    """The matrix for people."""
    every = list(rows)
    accused = [r for r in every if r.exit_code]
    lines = [
        "# Legal variants",
        "",
        "Written by `python -m tests.quality.variants_matrix`. Each is a correct server that chose differently,",
        "judged by the standard profile; none may break a must.",
        "",
        f"{len(every)} variants, {len(accused)} accused.",
        "",
        "| variant | what it chooses | accused of | warnings | undecided |",
        "| --- | --- | --- | --- | --- |",
    ]
    for r in every:
        named = ", ".join(f"`{id_}`" for id_ in r.false) or "nothing"
        warned = ", ".join(f"`{id_}`" for id_ in r.warnings) or "nothing"
        lines.append(f"| {r.variant} | {r.text} | {named} | {warned} | {r.inconclusive} |")
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge the variants; exit 1 where one is accused."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="only these variants; nothing is written then")
    given = parser.parse_args(arguments)
    chosen = [variant for variant in variants() if not given.names or variant.name in given.names]
    rows = matrix(chosen)
    if not given.names:
        FOLDER.mkdir(parents=True, exist_ok=True)
        text = json.dumps([asdict(r) for r in rows], indent=1)
        (FOLDER / "variants.json").write_text(text + "\n", encoding="utf-8")
        (FOLDER / "variants.md").write_text(page(rows), encoding="utf-8")
    accused = sum(r.exit_code != 0 for r in rows)
    print(f"{len(rows)} variants judged, {accused} accused")
    return 1 if accused else 0


if __name__ == "__main__":
    sys.exit(main())
