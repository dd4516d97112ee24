"""Fuzzing on the command line: its size, its seed and its database of failures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from runs_conformance import targets
from runs_conformance.cli import run_command

MUTANT = "loses_keys_that_mean_something_to_it"


def fuzz(folder: Path, *more: str) -> list[dict[str, Any]]:
    """The steps that the payload programs of a small fuzzing phase send."""
    arguments = ["run", "--phase", "explore", "--max-examples", "30", "--report-dir", str(folder), "--no-database"]
    assert run_command([*arguments, *more]) == 0
    lines = [json.loads(line) for line in (folder / "history.jsonl").read_text(encoding="utf-8").split("\n") if line]
    sent = [line for line in lines if line["type"] == "exchange" and line["program"].startswith("explore.")]
    steps = [{"program": line["program"], **line["step"]} for line in sent if "walk" not in line["program"]]
    return sorted((step for step in steps if "until" not in step), key=lambda step: json.dumps(step, sort_keys=True))


def test_the_seed_alone_determines_the_payloads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("CI", raising=False)
    first = fuzz(tmp_path / "first", "--seed", "7")
    assert "seed 7" in capsys.readouterr().err
    assert json.loads((tmp_path / "first" / "report.json").read_text())["suite"]["seed"] == 7
    monkeypatch.setenv("CI", "true")
    assert fuzz(tmp_path / "again", "--seed", "7") == first
    assert fuzz(tmp_path / "other", "--seed", "8") != first
    payloads = [step for step in first if step["role"] in ("valid", "negative")]
    assert 25 <= len(payloads) <= 40


def test_strategies_do_not_depend_on_ci() -> None:
    code = "from runs_conformance.generation.payloads.strategy import PROFILE; print(PROFILE)"
    without = {name: value for name, value in os.environ.items() if name != "CI"}
    profiles = [
        subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True).stdout
        for env in (without, {**without, "CI": "true"})
    ]
    assert profiles[0] == profiles[1] != ""


@pytest.mark.slow
def test_a_read_only_folder_saves_nothing_and_loses_no_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/proc")  # a folder that cannot contain another
    with targets.emulator_target("--mutant", MUTANT) as target:
        arguments = ["run", target.address.url, "--api-key", target.api_key or "", "--phase", "explore", "-q"]
        code = run_command([*arguments, "--max-examples", "60", "--report-dir", str(tmp_path / "out")])
    assert code == 1
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert any(verdict["counterexample"] for verdict in report["verdicts"])


@pytest.mark.slow
def test_a_shared_database_is_read_by_later_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = tmp_path / "shared"
    with targets.emulator_target("--mutant", MUTANT) as target:
        arguments = ["run", target.address.url, "--api-key", target.api_key or "", "--phase", "explore", "-q"]
        first = [*arguments, "--max-examples", "60", "--report-dir", str(tmp_path / "one")]
        assert run_command([*first, "--database", str(shared)]) == 1
        assert any(shared.iterdir())
        monkeypatch.setenv("RUNS_CONFORMANCE_DATABASE", str(shared))
        # With one example, only the saved failures can find the defect.
        assert run_command([*arguments, "--max-examples", "1", "--report-dir", str(tmp_path / "two")]) == 1
    history = (tmp_path / "two" / "history.jsonl").read_text(encoding="utf-8")
    assert '"explore.kept_1"' in history


def test_a_file_in_place_of_the_database_is_a_usage_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "kept").write_text("")
    assert run_command(["run", "http://127.0.0.1:9/v1", "--database", str(tmp_path / "kept")]) == 2
    lines = capsys.readouterr().err.strip().split("\n")
    assert len(lines) == 1
    assert "kept' is a file" in lines[0]
