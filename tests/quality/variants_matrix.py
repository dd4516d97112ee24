"""The variants matrix: no legal variant of the emulator fails a MUST verdict.

`python -m tests.quality.variants_matrix` judges every variant by the standard profile and writes
`reports/reference/variants.json` and `.md`. With `--update NAME...` it judges the named variants only and updates their
rows.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass

from runs_conformance.emulator.catalogue import variants
from runs_conformance.emulator.declaration import Variant
from tests.quality.judging import Trial, TrialResult, judge_all
from tests.quality.tables import code_list, read_rows, write_rows, write_text


@dataclass(frozen=True, slots=True)
class VariantRow:
    """One variant: its false MUST failures, its warnings, and the number of inconclusive verdicts."""

    variant: str
    false_failures: tuple[str, ...]
    inconclusive: int
    warnings: tuple[str, ...]
    exit_code: int


def row(result: TrialResult) -> VariantRow:
    """The row of a variant for the result of its trial."""
    return VariantRow(result.name, result.must, result.inconclusive, result.should, result.exit_code)


def trial_for(variant: Variant) -> Trial:
    """The trial of a variant."""
    has_files = variant.accepts_any_file_id
    return Trial(variant.name, variants=(variant.name,), dialect=variant.dialect, has_files=has_files)


def judge_variants(some_variants: Sequence[Variant]) -> list[TrialResult]:
    """Judge variants and return the results of their trials."""
    results = []
    for result in judge_all([trial_for(variant) for variant in some_variants], batch_size=4):
        results.append(result)
        if result.exit_code:
            print(f"{result.name}: {', '.join(result.must) or result.reason}", flush=True)
    return results


def render_page(rows: Iterable[VariantRow]) -> str:
    """The Markdown page."""
    rows = list(rows)
    texts = {variant.name: variant.text for variant in variants()}
    lines = [
        "# Legal variants",
        "",
        "Written by `python -m tests.quality.variants_matrix`. Each variant is a correct server that makes another",
        "permitted choice, judged by the standard profile; none may fail a MUST verdict.",
        "",
        f"{len(rows)} variants, {sum(bool(r.exit_code) for r in rows)} with false failures.",
        "",
        "| variant | choice | false failures | warnings | inconclusive |",
        "| --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {r.variant} | {texts[r.variant]} | {code_list(r.false_failures)} | {code_list(r.warnings)} |"
        f" {r.inconclusive} |"
        for r in rows
    ]
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge the variants; returns 1 if one has false failures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="judge only these variants; write nothing")
    parser.add_argument("--update", nargs="+", metavar="NAME", help="judge only these, and update their rows")
    options = parser.parse_args(arguments)
    names = options.update or options.names
    unknown = set(names) - {variant.name for variant in variants()}
    if unknown:
        raise SystemExit(f"no variant is named {', '.join(sorted(unknown))}")
    names = names or [variant.name for variant in variants()]
    if options.names:
        results = judge_variants([variant for variant in variants() if variant.name in names])
        _summarize(results)
    else:
        results = update(names)
    return 1 if any(result.exit_code for result in results) else 0


def update(names: Collection[str]) -> list[TrialResult]:
    """Judge the named variants, update their rows and drop those of variants that are gone. Returns the results."""
    results = judge_variants([variant for variant in variants() if variant.name in names])
    rows = {each.variant: each for each in [*read(), *map(row, results)]}
    write([rows[variant.name] for variant in variants() if variant.name in rows])
    _summarize(results)
    return results


def _summarize(results: Sequence[TrialResult]) -> None:
    print(f"{len(results)} variants judged, {sum(bool(each.exit_code) for each in results)} with false failures")


def read() -> list[VariantRow]:
    """The committed rows."""
    return [
        VariantRow(
            each["variant"],
            tuple(each["false_failures"]),
            each["inconclusive"],
            tuple(each["warnings"]),
            each["exit_code"],
        )
        for each in read_rows("variants")
    ]


def write(rows: Sequence[VariantRow]) -> None:
    """Write the rows and the page."""
    write_rows("variants", map(asdict, rows))
    write_text("variants.md", render_page(rows))


if __name__ == "__main__":
    sys.exit(main())
