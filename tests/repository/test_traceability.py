"""Every clause of the contract has a rule that judges it, or a reason why none does."""

from __future__ import annotations

from runs_conformance.contract.clause import CLAUSES, current_slug
from runs_conformance.docgen import pages
from runs_conformance.rules import catalogue


def test_every_clause_is_judged_or_gives_the_reason() -> None:
    covered = {slug for rule in catalogue().values() for slug in rule.clauses}
    open_slugs = [slug for slug, each in CLAUSES.items() if slug not in covered and not each.not_judged]
    assert open_slugs == [], "name each in `clauses` of a rule, or say in `not_judged` why none judges it"


def test_no_judged_clause_gives_a_reason_for_not_being_judged() -> None:
    covered = {slug for rule in catalogue().values() for slug in rule.clauses}
    assert [slug for slug, each in CLAUSES.items() if slug in covered and each.not_judged] == []


def test_traceability_lists_the_rules_of_a_clause_by_level() -> None:
    rows = {line.split(" | ")[0]: line for line in pages()["traceability.md"].splitlines()}
    assert "| should: `usage.adds_up`, `usage.sums_over_the_steps` |" in rows["| usage-adds-up"]
    assert "`identity.run_names_its_assistant`; should: `lifecycle.begins_queued`" in rows["| created-run-is-queued"]


def test_rules_cite_existing_clauses() -> None:
    cited = {slug for rule in catalogue().values() for slug in rule.clauses}
    assert cited - CLAUSES.keys() == set(), "add each to contract/clause.py"


def test_every_clause_is_found_by_its_former_number() -> None:
    numbers = [each.formerly for each in CLAUSES.values() if each.formerly]
    assert numbers == [f"L-{number:02}" for number in range(1, 91) if number != 18]
    assert current_slug("L-25") == "active-run-blocks-new-messages"
    assert current_slug("create_run.tools.maxItems") == "create_run.tools.maxItems"
