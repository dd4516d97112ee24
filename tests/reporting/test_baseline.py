"""Nothing that a baseline accepts is hidden: every view counts it and names it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from jsonschema import Draft202012Validator

from runs_conformance.baseline import Baseline, Entry, Extent, Gate, compare
from runs_conformance.contract.schema import document
from runs_conformance.reporting import console, markdown
from runs_conformance.reporting.report import Report, to_json
from tests.reporting.reports import HOSTILE, report


@pytest.fixture
def compared() -> Report:
    plain = report()
    entries = (
        Entry(id="create_run.metadata.maxProperties", reason=f"known {HOSTILE}", issue="https://example.org/7"),
        Entry(id="run.id.type", reason="was broken"),
        Entry(id="errors.param", reason="soon", expires=date(2026, 1, 1)),
        Entry(id="listing.order", reason="seen before"),
    )
    gate = Gate(baseline=Baseline(name="baseline.toml", entries=entries), today=date(2026, 11, 21))
    return replace(plain, comparison=compare(plain.verdicts, gate, Extent(profile="standard")))


def test_the_json_says_how_each_entry_stands(compared: Report) -> None:
    written = to_json(compared)
    Draft202012Validator(document("report.schema")).validate(written)
    assert written["baseline"]["counts"] == {"known": 1, "stale": 1, "expired": 1, "unseen": 1}
    assert written["baseline"]["new"] == ["create_run.max_prompt_tokens.minimum"]
    assert to_json(report())["baseline"] is None


@pytest.mark.parametrize("verbosity", [-1, 0, 1])
def test_the_console_counts_it(compared: Report, verbosity: int) -> None:
    text = console.summary(compared, console.Style(verbosity=verbosity))
    assert "baseline baseline.toml: 1 new, 1 known, 1 stale, 1 expired, 1 unseen" in text


def test_the_console_names_it(compared: Report) -> None:
    text = console.summary(compared, console.Style())
    assert "FAIL  create_run.max_prompt_tokens.minimum" in text
    assert "FAIL  create_run.metadata.maxProperties" not in text
    assert "KNOWN    create_run.metadata.maxProperties: known" in text
    assert "STALE    run.id.type: it passes now; listed as: was broken" in text
    assert "EXPIRED  errors.param: it expired on 2026-01-01" in text
    assert "https://example.org/7" in text
    assert "\x1b" not in text


def test_markdown_names_it(compared: Report) -> None:
    text = markdown.text(compared)
    assert "### `create_run.metadata.maxProperties`" not in text
    assert "- known: `create_run.metadata.maxProperties`: known" in text
    assert "- stale: `run.id.type`: it passes now; was broken" in text
    assert "<script>" not in text
