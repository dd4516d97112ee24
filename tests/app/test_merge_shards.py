"""Merged shards give the same verdicts as the whole test run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runs_conformance.cli import run_command
from runs_conformance.emulator.app import build
from runs_conformance.emulator.server_options import EmulatorOptions
from tests.test_end_to_end import serve_app

pytestmark = pytest.mark.slow

COUNT = 4
UNDECIDED = {"not_judged", "inconclusive"}
MUTANT = "relaxed:modify_message.metadata.maxProperties"


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folders of a whole test run, and of the shards of another, on an emulator with a defect."""
    folder = tmp_path_factory.mktemp("shards")
    with serve_app(build(EmulatorOptions(), [MUTANT])) as url:
        shards = {f"shard{number}": ("--shard", f"{number}/{COUNT}") for number in range(1, COUNT + 1)}
        for name, more in {"whole": (), **shards}.items():
            arguments = ["run", url, "--profile", "quick", "--no-database", "-q", "--api-key", "sk-1234567890"]
            run_command([*arguments, "--report-dir", str(folder / name), *more])
    return folder


@pytest.fixture
def histories(reports: Path) -> list[str]:
    return [str(reports / f"shard{number}") for number in range(1, COUNT + 1)]


@pytest.fixture
def baseline(tmp_path: Path) -> Path:
    path = tmp_path / "baseline.toml"
    path.write_text('[[known]]\nid = "modify_message.metadata.maxProperties"\nreason = "known"\n', encoding="utf-8")
    return path


def report(folder: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((folder / "report.json").read_text("utf-8"))
    return data


def outcomes(folder: Path) -> dict[str, str]:
    return {verdict["id"]: verdict["outcome"] for verdict in report(folder)["verdicts"]}


def test_merged_verdicts_equal_those_of_the_whole_run(reports: Path, histories: list[str], tmp_path: Path) -> None:
    assert run_command(["merge", *histories, "--report-dir", str(tmp_path), "-q"]) == 1
    one, other = outcomes(tmp_path), outcomes(reports / "whole")
    assert one.keys() == other.keys()
    # A request that races with the end of a run may be conclusive in only one of the two.
    raced = {id_ for id_ in one if one[id_] != other[id_]}
    assert all(UNDECIDED & {one[id_], other[id_]} for id_ in raced)
    assert len(raced) <= 3
    assert report(tmp_path)["suite"]["filters"] == []
    whole, merged = report(reports / "whole"), report(tmp_path)
    assert merged["outcome"] == whole["outcome"] == "fail"
    assert merged["target"] == whole["target"]
    assert abs(merged["counts"]["cases"] - whole["counts"]["cases"]) < 0.2 * whole["counts"]["cases"]


def test_a_baseline_applies_to_the_merged_report(
    histories: list[str], baseline: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run_command(
        ["merge", *histories, "--report-dir", str(tmp_path / "out"), "--baseline", str(baseline), "--baseline-update"]
    )
    assert code == 0
    assert "wrote" in capsys.readouterr().err
    assert "modify_message.metadata.maxProperties" in baseline.read_text("utf-8")


def test_a_missing_or_repeated_shard_is_a_usage_error(histories: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["merge", *histories[:2], histories[3]]) == 2
    assert "shard 3/4 is missing" in capsys.readouterr().err
    assert run_command(["merge", histories[0]]) == 2
    assert "shard 2/4, 3/4, 4/4 is missing" in capsys.readouterr().err
    assert run_command(["merge", *histories, histories[0]]) == 2
    assert "name each part once" in capsys.readouterr().err


def test_a_single_shard_reports_what_it_did_not_cover(reports: Path, histories: list[str]) -> None:
    alone = report(Path(histories[1]))
    assert alone["exit_code"] in (0, 1)
    assert alone["suite"]["filters"] == ["--shard 2/4"]
    reasons = {verdict["reason"] for verdict in alone["verdicts"] if verdict["outcome"] == "not_judged"}
    assert "shard 2/4 did not cover it" in reasons
