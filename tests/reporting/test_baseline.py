"""Nothing that a baseline accepts is hidden: every view counts it and names it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from jsonschema import Draft202012Validator

from runs_conformance.baseline import Baseline, BaselineEntry, BaselineSettings, JudgedScope, compare
from runs_conformance.contract.schema import load_document
from runs_conformance.model.verdict import Outcome
from runs_conformance.reporting import claim, console, markdown
from runs_conformance.reporting.report import Report
from runs_conformance.reporting.report_json import to_json
from runs_conformance.reporting.terminal_style import Style
from tests.reporting.reports import HOSTILE, report


@pytest.fixture
def compared() -> Report:
    plain = report()
    entries = (
        BaselineEntry(id="create_run.metadata.maxProperties", reason=f"known {HOSTILE}", issue="https://example.org/7"),
        BaselineEntry(id="run.id.type", reason="was broken"),
        BaselineEntry(id="errors.param", reason="soon", expires=date(2026, 1, 1)),
        BaselineEntry(id="listing.order", reason="seen before"),
    )
    gate = BaselineSettings(baseline=Baseline(name="baseline.toml", entries=entries), today=date(2026, 11, 21))
    return replace(plain, comparison=compare(plain.verdicts, gate, JudgedScope(profile="standard")))


def test_json_contains_the_status_of_each_entry(compared: Report) -> None:
    written = to_json(compared)
    Draft202012Validator(load_document("report.schema")).validate(written)
    assert written["baseline"]["counts"] == {"known": 1, "stale": 1, "expired": 1, "unseen": 1}
    assert written["baseline"]["new"] == ["create_run.max_prompt_tokens.minimum"]
    assert to_json(report())["baseline"] is None


@pytest.mark.parametrize("verbosity", [-1, 0, 1])
def test_console_counts_baseline_entries(compared: Report, verbosity: int) -> None:
    text = console.render_summary(compared, Style(verbosity=verbosity))
    assert "baseline baseline.toml: 1 new, 1 known, 1 stale, 1 expired, 1 unseen" in text


def test_console_lists_baseline_entries(compared: Report) -> None:
    text = console.render_summary(compared, Style(verbosity=1))
    assert "FAIL  create_run.max_prompt_tokens.minimum" in text
    assert "FAIL  create_run.metadata.maxProperties" not in text
    assert "KNOWN    create_run.metadata.maxProperties: known" in text
    assert "STALE    run.id.type: it passes now; listed as: was broken" in text
    assert "EXPIRED  errors.param: it expired on 2026-01-01" in text
    assert "https://example.org/7" in text
    assert "\x1b" not in text


def test_markdown_lists_baseline_entries(compared: Report) -> None:
    text = markdown.text(compared)
    assert "### `create_run.metadata.maxProperties`" not in text
    assert "- known: `create_run.metadata.maxProperties`: known" in text
    assert "- stale: `run.id.type`: it passes now; was broken" in text
    assert "<script>" not in text


def test_claim_names_the_known_failures(compared: Report) -> None:
    passed = replace(compared, outcome=Outcome.PASS, exit_code=0)
    assert claim.document(passed)["claim"].startswith("example.org conforms except for 1 known failure (")
    assert "known failure" not in claim.document(replace(passed, comparison=None))["claim"]
