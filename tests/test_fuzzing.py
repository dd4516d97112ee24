"""Fuzzing end to end: a failure is found, shrunk, reported, saved, and re-run first next time."""

import json
from pathlib import Path
from typing import Any

import pytest

from runs_conformance import targets
from runs_conformance.cli import run_command
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.engine.reproduction import Reproduction
from runs_conformance.engine.shrinking.failure_store import open_failure_store

MUTANT = "loses_the_last_of_many_parts"


def fuzz(url: str, folder: Path, *more: str) -> tuple[int, dict[str, Any]]:
    code = run_command(["run", url, "--phase", "explore", "--report-dir", str(folder), "-q", *more])
    return code, json.loads((folder / "report.json").read_text(encoding="utf-8"))


@pytest.mark.slow
def test_a_failure_is_found_shrunk_saved_and_re_run_first(tmp_path: Path) -> None:
    database = tmp_path / "kept"
    with targets.emulator_target("--mutant", MUTANT) as target:
        where = ("--api-key", target.api_key or "", "--database", str(database))
        code, report = fuzz(target.address.url, tmp_path / "first", *where)
        failed = {verdict["id"]: verdict for verdict in report["verdicts"] if verdict["outcome"] == "fail"}
        assert code == 1
        example = failed["messages.created_message_shows_what_was_sent"]["counterexample"]
        assert example["minimal"]
        reproduction = Reproduction.from_json(example["steps"])
        assert [step.operation for step in reproduction.steps] == ["create_thread", "create_message"]
        last = reproduction.steps[-1].body
        assert isinstance(last, dict)
        assert len(last["content"]) == 5
        store = open_failure_store(database, target.address.authority, report["suite"]["edition"])
        assert set(failed) >= {each.id for each in store.load()} != set()

        # With one example, only the saved failures can find the defect again.
        code, again = fuzz(target.address.url, tmp_path / "second", *where, "--max-examples", "1", "--seed", "5")
        assert code == 1
        assert {v["id"] for v in again["verdicts"] if v["outcome"] == "fail"} >= {each.id for each in store.load()}


@pytest.mark.slow
def test_requests_of_shrinking_are_not_recorded(tmp_path: Path) -> None:
    with targets.emulator_target("--mutant", MUTANT) as target:
        _, report = fuzz(target.address.url, tmp_path, "--api-key", target.api_key or "", "--no-database")
    lines = [json.loads(line) for line in (tmp_path / "history.jsonl").read_text(encoding="utf-8").split("\n") if line]
    sent = [line for line in lines if line["type"] == "exchange"]
    assert not [line for line in sent if line["program"].startswith("shrink")]
    assert {line["operation"] for line in sent if line["operation"]} <= set(OPERATIONS)
    assert report["counts"]["requests"] > len(sent)
