"""A saved report is read with the steps that reproduce its failures."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from runs_conformance.app.report_file import load
from runs_conformance.model.case import step_to_json
from runs_conformance.model.verdict import Finding, Outcome
from runs_conformance.reporting.report_json import to_json
from tests.reporting.reports import BEFORE, NEGATIVE, example, report, verdict


@pytest.mark.parametrize("pause", [0.0, 0.25])
def test_step_that_shows_a_violation_is_known_if_it_got_a_pause(pause: float, tmp_path: Path) -> None:
    steps = (*BEFORE, replace(NEGATIVE, pause=pause), BEFORE[1])
    failed = verdict(
        "create_run.max_prompt_tokens.minimum",
        Outcome.FAIL,
        findings=(Finding("accepted", "x000007", "create_run", case=NEGATIVE.id),),
        counterexample=example(steps=[*map(step_to_json, steps)]),
    )
    path = tmp_path / "report.json"
    path.write_text(json.dumps(to_json(report(failed))))
    [failure] = load(path).failures
    assert failure.decisive_step == 2
