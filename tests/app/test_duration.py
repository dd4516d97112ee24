"""The duration of a test run covers what follows its programs."""

from __future__ import annotations

from pathlib import Path

import pytest

from runs_conformance.app import run, shrink_findings
from runs_conformance.app.options import RunOptions
from runs_conformance.engine.budget import Budget
from runs_conformance.engine.plan_result import RunResult
from runs_conformance.reporting.folder import prepare_folder
from runs_conformance.reporting.progress import SilentProgress
from tests.quality.emulator_host import serve_emulators
from tests.quality.judging import target_at


def test_shrinking_counts_as_part_of_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[float] = []

    def shrink(result: RunResult, *_: object, budget: Budget, **__: object) -> RunResult:
        budget.sleep(0.05)
        ended.append(budget.elapsed)
        return result

    monkeypatch.setattr(shrink_findings, "shrink_findings", shrink)
    options = RunOptions(select=("boundary.modify_thread",))
    with serve_emulators({"reference": ((), ())}, 2) as urls:
        target = target_at(urls["reference"])
        report = run.judge(
            target, options, run.plan_run(target, options), prepare_folder(tmp_path / "report"), SilentProgress()
        )
    assert report.usage.seconds >= round(ended[0], 3)
