"""Exploring by the command: what only random steps find is found, shrunk, reported, kept, and tried first next time."""

import json
from pathlib import Path
from typing import Any

import pytest

from runs_conformance import targets
from runs_conformance.cli import run_command
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.engine.replay import Case
from runs_conformance.engine.shrinking.failure_store import failures

MUTANT = "loses_the_last_of_many_parts"


def explored(url: str, folder: Path, *more: str) -> tuple[int, dict[str, Any]]:
    code = run_command(["run", url, "--phase", "explore", "--report-dir", str(folder), "-q", *more])
    return code, json.loads((folder / "report.json").read_text(encoding="utf-8"))


@pytest.mark.slow
def test_found_shrunk_kept_and_tried_first(tmp_path: Path) -> None:
    database = tmp_path / "kept"
    with targets.emulator("--mutant", MUTANT) as target:
        where = ("--api-key", target.key or "", "--database", str(database))
        code, report = explored(target.address.url, tmp_path / "first", *where)
        failed = {verdict["id"]: verdict for verdict in report["verdicts"] if verdict["outcome"] == "fail"}
        assert code == 1
        example = failed["messages.answer_shows_what_was_sent"]["counterexample"]
        assert example["minimal"]
        case = Case.from_json(example["steps"])
        assert [step.operation for step in case.steps] == ["create_thread", "create_message"]
        last = case.steps[-1].body
        assert isinstance(last, dict)
        assert len(last["content"]) == 5
        kept = failures(database, target.address.authority, report["suite"]["edition"])
        assert set(failed) >= {each.id for each in kept.kept()} != set()

        # With next to nothing drawn, what was kept is what finds it again.
        code, again = explored(target.address.url, tmp_path / "second", *where, "--max-examples", "1", "--seed", "5")
        assert code == 1
        assert {v["id"] for v in again["verdicts"] if v["outcome"] == "fail"} >= {each.id for each in kept.kept()}


@pytest.mark.slow
def test_shrinking_is_no_evidence(tmp_path: Path) -> None:
    with targets.emulator("--mutant", MUTANT) as target:
        _, report = explored(target.address.url, tmp_path, "--api-key", target.key or "", "--no-database")
    lines = [json.loads(line) for line in (tmp_path / "history.jsonl").read_text(encoding="utf-8").split("\n") if line]
    sent = [line for line in lines if line["type"] == "exchange"]
    assert not [line for line in sent if line["program"].startswith("shrink")]
    assert {line["operation"] for line in sent if line["operation"]} <= set(OPERATIONS)
    assert report["counts"]["requests"] > len(sent)
