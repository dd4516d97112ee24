"""A report made from histories is the report that the run itself gave."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runs_conformance.app.merge import UNENDED, Recorded, recorded, report_of
from runs_conformance.cli import run_command
from runs_conformance.emulator.app import build
from runs_conformance.emulator.options import Options
from runs_conformance.errors import UsageError
from runs_conformance.model.history import History
from runs_conformance.model.verdict import Outcome
from runs_conformance.reporting.report import to_json
from tests.test_whole import served

MUTANTS = ("writes_expiry_as_text", "forgets_that_it_ended")
CHOICE = (
    "--select", "lifecycle.*", "--select", "create_run.max_prompt_tokens.*", "--select", "run.*",
    "--profile", "quick", "--phase", "lifecycle", "--phase", "explore", "--max-examples", "3",
)  # fmt: skip


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a short run on an emulator with faults."""
    folder = tmp_path_factory.mktemp("broken")
    with served(build(Options(step_ms=1), MUTANTS)) as url:
        assert (
            run_command(
                ["run", url, "--api-key", "sk-1234567890", "--report-dir", str(folder), "--no-database", "-q", *CHOICE]
            )
            == 1
        )
    return folder


@pytest.fixture(scope="module")
def whole(broken: Path) -> Recorded:
    return recorded(broken / "history.jsonl")


def told(*runs: Recorded) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(json.dumps(to_json(report_of(runs))))
    return made


def test_it_is_the_same_in_every_member(broken: Path, whole: Recorded) -> None:
    live = json.loads((broken / "report.json").read_text())
    failed = [verdict for verdict in live["verdicts"] if verdict["outcome"] == "fail"]
    assert len(failed) >= 2
    assert live["transitions"]
    assert told(whole) == live


def test_any_view_is_written_later_and_is_the_same(
    broken: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "step.md"))
    views = ["--report", "json,markdown,junit,ctrf", "--report", "har,claim"]
    assert run_command(["report", str(broken / "history.jsonl"), "--report-dir", str(tmp_path), "-q", *views]) == 1
    assert {path.name for path in tmp_path.iterdir()} == {
        "report.json", "summary.md", "junit.xml", "ctrf.json", "history.har", "step.md",
    }  # fmt: skip
    for name in ("report.json", "summary.md"):
        assert (tmp_path / name).read_text() == (broken / name).read_text()
    assert (tmp_path / "step.md").read_text() == (broken / "summary.md").read_text()
    said = capsys.readouterr()
    assert "no claim.json: the run was filtered by --select" in said.err
    assert said.out.splitlines()[-1].startswith(f"next runs-conformance replay {tmp_path}/report.json ")


def test_what_is_no_history_of_a_run_is_one_clear_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "session.har"
    path.write_text('{"log": {"version": "1.2", "entries": []}}')
    assert run_command(["report", str(path)]) == 2
    assert "`runs-conformance judge" in capsys.readouterr().err
    assert run_command(["judge", str(path), "--report", "junitt"]) == 2
    assert "did you mean junit?" in capsys.readouterr().err


def parts(whole: Recorded) -> tuple[Recorded, Recorded]:
    """A run as two shards of it would have recorded it: each with its own preflight, and ids counted from one."""
    ids = list(whole.heading.programs)
    always = {history.program for history in whole.histories} - set(ids)
    return tuple(part(whole, set(mine), always) for mine in (ids[-1:], ids[:-1]))  # type: ignore[return-value]


def part(whole: Recorded, mine: set[str], always: set[str]) -> Recorded:
    exchanges = sorted(
        (each for history in whole.histories if history.program in mine | always for each in history),
        key=lambda each: each.index,
    )
    named = [replace(each, id=f"x{number:06d}", index=number) for number, each in enumerate(exchanges, 1)]
    programs = dict.fromkeys(each.program for each in named)
    return replace(
        whole,
        path=Path(f"{sorted(mine)[0]}.jsonl"),
        heading=replace(whole.heading, programs={id_: of for id_, of in whole.heading.programs.items() if id_ in mine}),
        histories=tuple(History.of([each for each in named if each.program == id_], id_) for id_ in programs),
    )


def test_parts_make_the_report_that_the_whole_makes(whole: Recorded) -> None:
    every, joined = report_of([whole]), report_of(parts(whole))
    assert [verdict.outcome for verdict in joined.verdicts] == [verdict.outcome for verdict in every.verdicts]
    assert (joined.outcome, joined.exit_code, joined.because) == (every.outcome, every.exit_code, every.because)
    named = {finding.exchange[:2] for verdict in joined.verdicts for finding in verdict.findings}
    assert "2:" in named


def test_one_part_is_not_the_whole_given_twice(whole: Recorded) -> None:
    with pytest.raises(UsageError, match="give each part once"):
        report_of([whole, whole])


def test_parts_of_different_runs_make_no_report(whole: Recorded) -> None:
    first, second = parts(whole)
    heading = replace(second.heading, choice=replace(second.heading.choice, seed=7))
    with pytest.raises(UsageError, match="seed 7 is not 0"):
        report_of([first, replace(second, heading=heading)])


def test_a_run_that_did_not_come_to_its_end_is_not_complete(broken: Path, whole: Recorded, tmp_path: Path) -> None:
    lines = (broken / "history.jsonl").read_bytes().splitlines(keepends=True)
    crashed = tmp_path / "history.jsonl"
    crashed.write_bytes(b"".join(lines[:4]) + lines[4][:40])
    report = report_of([recorded(crashed)])
    assert not report.complete
    assert (report.outcome, report.exit_code) == (Outcome.INCONCLUSIVE, 5)
    assert UNENDED in report.because
    assert report.counts.requests == 3


def test_a_target_that_could_not_be_tested_is_told_again(tmp_path: Path) -> None:
    assert run_command(["run", "http://127.0.0.1:9/v1", "--report-dir", str(tmp_path), "--no-database", "-q"]) == 3
    assert told(recorded(tmp_path / "history.jsonl")) == json.loads((tmp_path / "report.json").read_text())


@pytest.mark.parametrize(
    ("first", "message"),
    [
        ({"type": "run", "edition": "2026-08-14"}, "does not say what was chosen"),
        ({"choice": {"edition": "1999-01-01"}, "setting": {}, "programs": []}, "no edition '1999-01-01'"),
        ({"choice": {"edition": 5}, "setting": {}, "programs": []}, "edition is no text"),
        ({"choice": {}, "setting": {"edition": "2026-08-14"}, "programs": [["a"]]}, "no list of 2 texts"),
    ],
)
def test_a_first_line_that_cannot_be_used_is_one_clear_line(
    first: dict[str, Any], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "history.jsonl"
    path.write_text(json.dumps({"type": "run", "target": "x", "dialect": "openai", **first}) + "\n")
    with pytest.raises(UsageError, match=message):
        recorded(path)
