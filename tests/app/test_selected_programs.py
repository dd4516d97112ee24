"""A selection executes only the programs that decide it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from runs_conformance.app import run
from runs_conformance.app.last_failures import LastFailures, read_last_failures
from runs_conformance.app.options import RunOptions, all_programs
from runs_conformance.engine.decisions import Decisions
from runs_conformance.engine.program_cover import cover
from runs_conformance.errors import UsageError
from runs_conformance.model.program import Program
from runs_conformance.model.verdict import Outcome
from runs_conformance.reporting.folder import prepare_folder, prune
from runs_conformance.reporting.progress import SilentProgress
from tests.quality.emulator_host import serve_emulators
from tests.quality.judging import target_at


def test_selecting_cancellation_sends_at_most_210_requests(tmp_path: Path) -> None:
    options = RunOptions(select=("cancel.*",))
    with serve_emulators({"reference": ((), ())}, 2) as urls:
        target = target_at(urls["reference"])
        report = run.judge(
            target, options, run.plan_run(target, options), prepare_folder(tmp_path / "report"), SilentProgress()
        )
    # Most of them are those of another tenant, whose refused cancellation must not change the run, with the reads of
    # the owner before them, and those that list the runs of a thread, of which a cancellation must stop no other.
    assert report.usage.requests <= 210
    outcomes = {verdict.id: verdict.outcome for verdict in report.verdicts if verdict.id.startswith("cancel.")}
    assert [id_ for id_, outcome in outcomes.items() if outcome is not Outcome.PASS] == []


@pytest.mark.parametrize("options", [RunOptions(exclude=("*",)), RunOptions(select=("run.*",), exclude=("run.*",))])
def test_a_selection_that_leaves_nothing_is_an_error(options: RunOptions) -> None:
    with pytest.raises(UsageError, match="leaves nothing to judge"):
        run.plan_run(target_at("http://127.0.0.1/v1"), options)


def make_program(id_: str, requests: int) -> Program:
    options = RunOptions()
    context = run.program_context(target_at("http://127.0.0.1/v1"), options)
    return replace(all_programs(context, options)[0], id=id_, requests=requests)


def test_the_cover_is_cheap_and_decides_everything() -> None:
    programs = [make_program("large", 100), make_program("small", 10), make_program("other", 10)]
    decisions = Decisions(
        {"a": frozenset({"large", "small"}), "b": frozenset({"large", "other"}), "c": frozenset({"unplanned"})},
        {"a": (frozenset({"large", "other"}),)},
    )
    assert cover(["a", "b", "c"], programs, decisions) == {"small", "other"}
    assert cover(["a"], programs, decisions) == {"small", "other"}, "one program of each group that reveals violations"
    assert cover(["c"], programs, decisions) == set()


def test_required_programs_are_in_the_cover() -> None:
    programs = [make_program("large", 100), make_program("small", 10), make_program("other", 10)]
    decisions = Decisions({"a": frozenset({"large", "small"}), "b": frozenset({"other"})}, {})
    assert cover(["a", "b"], programs, decisions, ("large", "of another seed")) == {"large", "other"}


def test_a_program_that_showed_a_failure_is_planned_again() -> None:
    options = RunOptions(select=("run.id.type",))
    target = target_at("http://127.0.0.1/v1")
    assert "races.cancelled_in_mid_stream" not in {each.id for each in run.plan_run(target, options).programs}
    options = replace(options, rerun_programs=("races.cancelled_in_mid_stream", "explore.of_another_seed"))
    assert "races.cancelled_in_mid_stream" in {each.id for each in run.plan_run(target, options).programs}


def test_assistants_are_judged_where_they_are_created() -> None:
    lists = replace(make_program("lists", 10), operations=("list_assistants",))
    creates = replace(make_program("creates", 100), operations=("create_assistant",))
    decisions = Decisions({"assistant.name.type": frozenset({"lists", "creates"}), "b": frozenset({"lists"})}, {})
    assert cover(["assistant.name.type", "b"], [lists, creates], decisions) == {"lists", "creates"}
    assert cover(["assistant.name.type"], [lists], decisions) == {"lists"}


def test_last_failures_are_those_of_the_newest_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="no earlier report"):
        read_last_failures(None)
    folder = Path("reports/20260101-000000-abcd")
    folder.mkdir(parents=True)
    Path("reports/latest").symlink_to(folder.name, target_is_directory=True)
    example = {"program": "boundary.create_run"}
    verdicts = [
        {"id": "create_run.tools[].type", "outcome": "fail", "counterexample": example},
        {"id": "run.id.type", "outcome": "pass"},
    ]
    (folder / "report.json").write_text(json.dumps({"verdicts": verdicts}))
    assert read_last_failures(None) == LastFailures(("create_run.tools[].type",), ("boundary.create_run",))
    (folder / "report.json").write_text(json.dumps({"verdicts": verdicts[1:]}))
    with pytest.raises(UsageError, match="nothing failed"):
        read_last_failures(None)


def test_only_the_newest_sessions_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folders = [prepare_folder(None, now=1_000_000_000 + 60 * number) for number in range(5)]
    Path("reports/mine").mkdir()
    prune(folders[-1], 2)
    left = {each.name for each in Path("reports").iterdir()}
    assert left == {folders[3].path.name, folders[4].path.name, "mine", ".gitignore"}
    assert Path("reports/.gitignore").read_text() == "*\n"
    chosen = prepare_folder(tmp_path / "reports" / "20010101-000000-abcd")
    prune(chosen, 1)
    assert folders[3].path.exists(), "a folder that the user chose prunes nothing"
