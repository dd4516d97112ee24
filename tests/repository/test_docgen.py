"""The committed pages are those that docgen generates."""

from __future__ import annotations

from pathlib import Path

import pytest

from runs_conformance import docgen
from runs_conformance.app.catalogue import explanation
from runs_conformance.app.requirement_page import sections
from runs_conformance.contract.level_review import REVIEWS, LevelReview
from runs_conformance.model.source import Level
from runs_conformance.rules import catalogue
from tests.quality import kill_matrix, variants_matrix

UPDATE_HINT = "run `python -m runs_conformance.docgen` and commit what it writes"


def test_no_page_is_stale() -> None:
    assert docgen.stale(docgen.ROOT / "docs") == [], UPDATE_HINT


def test_no_file_of_the_npm_package_is_stale(tmp_path: Path) -> None:
    assert docgen.stale_package_files(docgen.ROOT) == [], UPDATE_HINT
    assert docgen.stale_package_files(tmp_path) == [*docgen.package_files()]


def test_every_rule_is_on_a_page() -> None:
    text = "\n".join(docgen.pages().values())
    assert [id_ for id_ in catalogue() if f"`{id_}`" not in text] == []


def test_pages_and_explain_describe_a_rule_under_the_same_headings() -> None:
    headings = [section.heading for section in sections(catalogue()["lifecycle.terminal_status_is_final"])]
    fixed = ["What must hold", "Why it matters", "How to fix it", "Example of a violation", "Source"]
    assert headings == [*fixed[:3], "What a pass needs", *fixed[3:]]
    page = docgen.pages()["rules/lifecycle.md"]
    rules = [rule for id_, rule in catalogue().items() if id_.startswith("lifecycle.")]
    expected = [section.heading for rule in rules for section in sections(rule)]
    assert [line.removeprefix("### ") for line in page.splitlines() if line.startswith("### ")] == expected
    assert [heading for heading in expected if heading != "What a pass needs"] == fixed * len(rules)
    lines = explanation("lifecycle.terminal_status_is_final").splitlines()
    assert [line for line in lines if line in headings] == headings


def test_a_changed_missing_or_surplus_page_is_stale(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pages = docgen.pages()
    for name, text in pages.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert docgen.stale(tmp_path) == []
    (tmp_path / "rules" / "lifecycle.md").write_text("changed", encoding="utf-8")
    (tmp_path / "rules" / "README.md").unlink()
    (tmp_path / "rules" / "gone.md").write_text("", encoding="utf-8")
    assert docgen.stale(tmp_path) == ["rules/README.md", "rules/gone.md", "rules/lifecycle.md"]


def test_levels_page_gives_a_reason_for_each_rule_that_is_no_must() -> None:
    page = docgen.pages()["levels.md"].partition("## Rules below MUST")[2]
    rows = {line.split("`")[1]: line for line in page.splitlines() if line.startswith("| `")}
    weaker = {id_ for id_, rule in catalogue().items() if rule.level is not Level.MUST}
    assert rows.keys() == weaker
    assert all(row.split(" | ")[2].strip() for row in rows.values())


def test_reviewed_levels_name_existing_rules() -> None:
    assert {id_ for review in REVIEWS for id_ in review.rules} <= catalogue().keys()


@pytest.mark.parametrize("review", REVIEWS, ids=lambda review: review.rules[0])
def test_reviewed_levels_are_shown_by_mutants_and_variants(review: LevelReview) -> None:
    failed = {id_ for row in kill_matrix.read() for id_ in row.failed}
    assert set(review.rules) <= failed
    clean = {row.variant for row in variants_matrix.read() if not row.false_failures}
    assert set(review.variants) <= clean
    assert review.variants or all(catalogue()[id_].level is not Level.MUST for id_ in review.rules)
