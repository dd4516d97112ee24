"""The committed matrices are those of the code: the same names, and what is drawn of them comes out the same."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from runs_conformance.emulator.catalogue import catalogue, generated, variants, written
from runs_conformance.rules import catalogue as rules
from tests.quality import kill_matrix, variants_matrix
from tests.quality.bench import judged

MUTANTS, VARIANTS = 12, 6


def committed(name: str) -> list[dict[str, Any]]:
    path = kill_matrix.FOLDER / name
    rows: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return rows


def drawn(names: Iterable[str], count: int) -> list[str]:
    """Names that differ from commit to commit, and are the same on every machine."""
    root = Path(__file__).resolve().parents[2]
    said = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, check=False)
    commit = said.stdout.strip() or "no commit"
    return sorted(names, key=lambda name: hashlib.sha256(f"{commit} {name}".encode()).digest())[:count]


def test_the_kill_matrix_names_every_mutant_and_all_written_ones_are_killed() -> None:
    rows = committed("kill-matrix.json")
    assert [row["mutant"] for row in rows if not row["killed"] and not row["made"]] == []
    assert {row["mutant"] for row in rows if not row["made"]} == {mutant.name for mutant in written()}
    assert {row["mutant"] for row in rows if row["made"]} == {mutant.name for mutant in generated()}


def test_what_fails_many_others_says_why() -> None:
    broad = {row["mutant"] for row in committed("kill-matrix.json") if row["others"] > kill_matrix.MOST_OTHERS}
    assert broad - {mutant.name for mutant in catalogue() if mutant.broad} == set()


def test_every_rule_is_failed_by_a_mutant() -> None:
    """For a new rule write a mutant, and `python -m tests.quality.kill_matrix --update NAME`."""
    failed = {id_ for row in committed("kill-matrix.json") for id_ in row["by"]}
    assert rules().keys() - failed == set()


def test_the_variants_matrix_names_every_variant_and_none_is_accused() -> None:
    rows = committed("variants.json")
    assert [row["variant"] for row in rows if row["false"]] == []
    assert {row["variant"] for row in rows} == {variant.name for variant in variants()}


@pytest.mark.slow
def test_mutants_drawn_by_the_commit_are_killed_again() -> None:
    made = {mutant.name for mutant in generated()}
    by_name = {mutant.name: mutant for mutant in catalogue()}
    killed = [row["mutant"] for row in committed("kill-matrix.json") if row["killed"]]
    chosen = [(by_name[name], name in made) for name in drawn(killed, MUTANTS)]
    assert [(row.mutant, row.by) for row in kill_matrix.matrix(chosen) if not row.killed] == []


@pytest.mark.slow
def test_variants_drawn_by_the_commit_are_not_accused() -> None:
    by_name = {variant.name: variant for variant in variants()}
    chosen = [by_name[name] for name in drawn(by_name, VARIANTS)]
    results = judged([variants_matrix.trial_of(variant) for variant in chosen], together=VARIANTS // 2)
    assert [(result.name, result.must, result.because) for result in results if result.exit_code] == []
