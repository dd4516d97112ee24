"""Failures are replayed from the report alone: they recur on the defective server and pass on a correct one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from runs_conformance.app import run
from runs_conformance.app.options import RunOptions
from runs_conformance.app.replay import ReplayResult, merge_attempts
from runs_conformance.app.report_file import ReportedFailure
from runs_conformance.cli import run_command
from runs_conformance.emulator.catalogue import standard_mutants
from runs_conformance.model.verdict import Outcome
from runs_conformance.reporting.folder import prepare_folder
from runs_conformance.reporting.progress import SilentProgress
from tests import fakes
from tests.quality.emulator_host import KEYS, serve_emulators
from tests.quality.judging import STEP_MS, target_at
from tests.quality.replays import PLAIN, replay_mutants

MUTANT, PROGRAM, ID = "accepts_any_role", "boundary.create_message", "create_message.role.enum"


@pytest.mark.parametrize(
    ("mutant", "program"),
    [
        (MUTANT, PROGRAM),
        ("counts_what_is_left", "lifecycle.pages_of_runs"),
        ("skips_created", "lifecycle.stream_to_completion"),
        ("answers_late_cancels", "lifecycle.complete_by_polling"),
        ("breaks_on_length", "robustness.long_values"),
        ("finds_runs_in_any_thread", "security.references"),
    ],
)
def test_failures_recur_on_the_mutant_and_pass_on_the_correct_emulator(mutant: str, program: str) -> None:
    (chosen,) = (each for each in standard_mutants() if each.name == mutant)
    found = list(replay_mutants([chosen], [program]))
    assert found
    assert [row for row in found if not row.is_reproduced] == []


@pytest.fixture(scope="module")
def served() -> Iterator[Mapping[str, str]]:
    """A mutant and the correct emulator."""
    with serve_emulators({PLAIN: ((), ()), MUTANT: ((MUTANT,), ())}, STEP_MS) as urls:
        yield urls


@pytest.fixture(scope="module")
def report(served: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a report on the mutant."""
    here = prepare_folder(tmp_path_factory.mktemp("replay"))
    target = target_at(served[MUTANT])
    options = RunOptions(select=(PROGRAM,))
    here.write(run.judge(target, options, run.plan_run(target, options), here, SilentProgress()))
    return here.path


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEYS[0])
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.delenv("CONFORMANCE_SECOND_API_KEY", raising=False)


def test_each_failure_is_one_line_and_the_exit_code_is_1_if_any_recurs(
    served: Mapping[str, str], report: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["replay", str(report)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert f"still fails   must    {ID}  accepted role" in "\n".join(lines)
    assert len(lines) == sum(
        verdict["outcome"] == "fail" for verdict in json.loads((report / "report.json").read_text())["verdicts"]
    )
    assert run_command(["replay", str(report), ID, served[PLAIN]]) == 0
    assert capsys.readouterr().out.strip() == f"passes now    must    {ID}"


def test_a_failure_is_replayed_as_often_as_asked(
    served: Mapping[str, str], report: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["replay", str(report), ID, "--repeat", "3"]) == 1
    assert "failed 3 of 3 times" in capsys.readouterr().out
    assert run_command(["replay", str(report), ID, served[PLAIN], "--repeat", "2"]) == 0
    assert "failed 0 of 2 times" in capsys.readouterr().out


def test_one_failure_among_several_attempts_still_fails() -> None:
    failure = ReportedFailure(id=ID, kind="", level="must", statement="")
    attempts = [
        ReplayResult(failure=failure, outcome=Outcome.PASS, reason="", requests=2),
        ReplayResult(failure=failure, outcome=Outcome.FAIL, reason="accepted", requests=3),
        ReplayResult(failure=failure, outcome=Outcome.INCONCLUSIVE, reason="no answer", requests=1),
    ]
    merged = merge_attempts(attempts)
    assert (merged.outcome, merged.requests) == (Outcome.FAIL, 6)
    assert merged.reason == "failed 1 of 3 times, inconclusive 1 time: accepted"
    assert merge_attempts(attempts[:1]) is attempts[0]
    assert merge_attempts(attempts[::2]).outcome is Outcome.INCONCLUSIVE


def test_a_history_is_judged_before_the_replay(
    served: Mapping[str, str], report: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["replay", str(report / "history.jsonl"), "create_message.*"]) == 1
    assert f"still fails   must    {ID}" in capsys.readouterr().out
    assert run_command(["replay", str(report / "history.jsonl"), served[PLAIN]]) == 0


def test_a_different_response_is_inconclusive(report: Path, capsys: pytest.CaptureFixture[str]) -> None:
    refusal = b'{"error": {"message": "no", "type": "invalid_request_error", "param": null, "code": null}}'
    with fakes.fixed_response_server(400, "application/json", refusal) as url:
        assert run_command(["replay", str(report), ID, url]) == 5
    assert "inconclusive" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no-such-report.json"], "no-such-report.json"),
        ([__file__], "neither a report.json nor the history.jsonl"),
        (["{report}", "create_message.role.enmu"], "did you mean create_message.role.enum"),
        (["{report}", "a", "b"], "at most one ID"),
        (["{report}", "http://127.0.0.1:1/v1"], "cannot be reached"),
    ],
)
def test_a_usage_error_is_one_line(
    report: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run_command(["replay", *(argument.format(report=report) for argument in arguments)])
    captured = capsys.readouterr()
    assert code in (2, 3)
    assert message in captured.err
    assert len((captured.out + captured.err).strip().splitlines()) == 1
