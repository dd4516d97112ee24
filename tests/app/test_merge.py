"""A report rebuilt from histories equals the report of the test run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runs_conformance.app.merge import UNFINISHED, RecordedRun, read_run, rebuild_report
from runs_conformance.app.run_metadata import RunFooter, RunHeader
from runs_conformance.cli import run_command
from runs_conformance.emulator.app import build
from runs_conformance.emulator.server_options import EmulatorOptions
from runs_conformance.engine.budget import Budget
from runs_conformance.engine.outcome import NO_TARGET
from runs_conformance.engine.plan_result import merge_results
from runs_conformance.engine.program_verdicts import ProgramVerdicts
from runs_conformance.errors import UsageError
from runs_conformance.generation.boundary.catalogue import NEEDS_FILES
from runs_conformance.model.history import History
from runs_conformance.model.program_end import Ending, ProgramEnd
from runs_conformance.model.verdict import Outcome
from runs_conformance.reporting.report_json import to_json
from runs_conformance.reporting.shorten import shorten
from tests.test_end_to_end import serve_app

MUTANTS = ("writes_expiry_as_text", "reopens_ended_runs")
FLAGS = (
    "--select", "lifecycle.*", "--select", "create_run.max_prompt_tokens.*", "--select", "run.*",
    "--profile", "quick", "--phase", "lifecycle", "--phase", "explore", "--max-examples", "3",
)  # fmt: skip


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a short run on an emulator with defects."""
    folder = tmp_path_factory.mktemp("broken")
    with serve_app(build(EmulatorOptions(step_ms=1), MUTANTS)) as url:
        assert (
            run_command(
                ["run", url, "--api-key", "sk-1234567890", "--report-dir", str(folder), "--no-database", "-q", *FLAGS]
            )
            == 1
        )
    return folder


@pytest.fixture(scope="module")
def whole(broken: Path) -> RecordedRun:
    return read_run(broken / "history.jsonl")


def report_json(*runs: RecordedRun) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(json.dumps(to_json(shorten(rebuild_report(runs)))))
    return data


def test_the_rebuilt_report_is_identical(broken: Path, whole: RecordedRun) -> None:
    live = json.loads((broken / "report.json").read_text())
    failed = [verdict for verdict in live["verdicts"] if verdict["outcome"] == "fail"]
    assert len(failed) >= 2
    assert live["transitions"]
    assert report_json(whole) == live


def test_views_written_later_are_identical(
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
    captured = capsys.readouterr()
    assert "no claim.json: the test run was filtered by --select" in captured.err
    assert captured.out.splitlines()[-1].startswith(f"next: runs-conformance replay {tmp_path}/report.json ")


def test_a_file_that_is_not_a_history_is_a_usage_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "session.har"
    path.write_text('{"log": {"version": "1.2", "entries": []}}')
    assert run_command(["report", str(path)]) == 2
    assert "`runs-conformance judge" in capsys.readouterr().err
    assert run_command(["judge", str(path), "--report", "junitt"]) == 2
    assert "did you mean junit?" in capsys.readouterr().err


def parts(whole: RecordedRun) -> tuple[RecordedRun, RecordedRun]:
    """Split a run as two shards would have recorded it: each with its own preflight, ids starting at one."""
    ids = list(whole.header.programs)
    always = {history.program for history in whole.histories} - set(ids)
    return tuple(part(whole, set(mine), always) for mine in (ids[-1:], ids[:-1]))  # type: ignore[return-value]


def part(whole: RecordedRun, mine: set[str], always: set[str]) -> RecordedRun:
    exchanges = sorted(
        (each for history in whole.histories if history.program in mine | always for each in history),
        key=lambda each: each.index,
    )
    named = [replace(each, id=f"x{number:06d}", index=number) for number, each in enumerate(exchanges, 1)]
    programs = dict.fromkeys(each.program for each in named)
    return replace(
        whole,
        path=Path(f"{sorted(mine)[0]}.jsonl"),
        header=replace(whole.header, programs={id_: of for id_, of in whole.header.programs.items() if id_ in mine}),
        histories=tuple(History.of([each for each in named if each.program == id_], id_) for id_ in programs),
    )


def test_parts_and_whole_give_the_same_verdicts(whole: RecordedRun) -> None:
    every, joined = rebuild_report([whole]), rebuild_report(parts(whole))
    assert [verdict.outcome for verdict in joined.verdicts] == [verdict.outcome for verdict in every.verdicts]
    assert (joined.outcome, joined.exit_code, joined.reason) == (every.outcome, every.exit_code, every.reason)
    named = {finding.exchange[:2] for verdict in joined.verdicts for finding in verdict.findings}
    assert "2:" in named


def test_what_the_target_was_found_to_accept_needs_nothing(whole: RecordedRun) -> None:
    assert whole.footer is not None
    every = replace(whole, header=replace(whole.header, options=replace(whole.header.options, select=())))
    forms = replace(whole.footer.request_forms, accepts_any_file_id=False)
    strict = replace(every, footer=replace(whole.footer, request_forms=forms))
    needs = [sum(verdict.needs == NEEDS_FILES for verdict in rebuild_report([run]).verdicts) for run in (every, strict)]
    assert needs[0] == 0 < needs[1]


def test_programs_that_did_not_wait_for_their_runs_are_recorded_and_cut_the_test_run_short() -> None:
    ends = [ProgramEnd("a", Ending.COMPLETED), ProgramEnd("b", Ending.COMPLETED, "the last 10 runs did not end")]
    results = [ProgramVerdicts(end.program, {}, {}, {}, end=end) for end in ends]
    footer = RunFooter.from_result(merge_results(results, Budget()))
    assert footer.early_end_reason == "the last 10 runs did not end"
    assert RunFooter.from_json(footer.to_json(), "history.jsonl").ends == (ends[1],)


def test_a_part_that_could_not_test_the_target_cuts_the_test_run_short(whole: RecordedRun) -> None:
    [one, other] = parts(whole)
    assert one.footer is not None
    footer = replace(one.footer, unreachable_reason="it does not answer", exchanges=0)
    lost = replace(one, footer=footer, histories=())
    report = rebuild_report([lost, other])
    assert report.early_end_reason == "it does not answer"
    assert report.exit_code == rebuild_report([other]).exit_code
    assert report.programs is not None
    assert report.programs.planned - report.programs.completed == len(lost.header.programs)
    assert rebuild_report([lost]).exit_code == NO_TARGET


def test_the_same_part_twice_is_a_usage_error(whole: RecordedRun) -> None:
    with pytest.raises(UsageError, match="name each part once"):
        rebuild_report([whole, whole])


def test_parts_of_different_runs_are_a_usage_error(whole: RecordedRun) -> None:
    first, second = parts(whole)
    header = replace(second.header, options=replace(second.header.options, seed=7))
    with pytest.raises(UsageError, match="seed 7 is not 0"):
        rebuild_report([first, replace(second, header=header)])


def test_a_killed_run_is_incomplete(broken: Path, whole: RecordedRun, tmp_path: Path) -> None:
    lines = (broken / "history.jsonl").read_bytes().splitlines(keepends=True)
    crashed = tmp_path / "history.jsonl"
    crashed.write_bytes(b"".join(lines[:4]) + lines[4][:40])
    report = rebuild_report([read_run(crashed)])
    assert not report.complete
    assert (report.outcome, report.exit_code) == (Outcome.INCONCLUSIVE, 5)
    assert UNFINISHED in report.reason
    assert report.usage.requests == 3


def test_the_report_on_an_unreachable_target_is_rebuilt(tmp_path: Path) -> None:
    assert run_command(["run", "http://127.0.0.1:9/v1", "--report-dir", str(tmp_path), "--no-database", "-q"]) == 3
    assert report_json(read_run(tmp_path / "history.jsonl")) == json.loads((tmp_path / "report.json").read_text())


@pytest.mark.parametrize(
    ("first", "message"),
    [
        ({"type": "run", "edition": "2026-08-14"}, "does not contain the options"),
        ({"choice": {"edition": "1999-01-01"}, "setting": {}, "programs": []}, "no edition '1999-01-01'"),
        ({"choice": {"edition": 5}, "setting": {}, "programs": []}, "edition is not a string"),
        ({"choice": {}, "setting": {"edition": "2026-08-14"}, "programs": [["a"]]}, "not a list of 2 texts"),
    ],
)
def test_an_unusable_header_is_a_usage_error(first: dict[str, Any], message: str, tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    path.write_text(json.dumps({"type": "run", "target": "x", "dialect": "openai", **first}) + "\n")
    with pytest.raises(UsageError, match=message):
        read_run(path)


def test_the_member_names_of_a_history_do_not_follow_the_field_names(broken: Path, whole: RecordedRun) -> None:
    first = json.loads((broken / "history.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert first["choice"]["most_examples"] == whole.header.options.max_examples == 3
    assert set(first["choice"]) >= {"most_requests", "most_inconclusive", "spacing", "stress", "declared", "denied"}
    assert set(first["setting"]) >= {"patience", "expiry_patience", "given", "stress", "second_key"}
    header = RunHeader.from_json({**first, "choice": {**first["choice"], "spacing": 0.5}}, "history.jsonl")
    assert header.options.rate_limit == 2.0
    assert header.to_json()["choice"] == {**first["choice"], "spacing": 0.5}
