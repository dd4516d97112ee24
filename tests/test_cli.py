"""The command line as a user sees it: exit codes, one-line errors, and no API key in any output."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from runs_conformance import __version__
from runs_conformance.cli import run_command
from runs_conformance.contract.schema import load_document
from tests import fakes

KEY = "sk-secret-of-the-user-1234567890"
REFUSAL = b'{"error": {"message": "no", "type": "invalid_request_error", "param": null, "code": null}}'


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run each command in a folder of its own and without API keys in the environment."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "CONFORMANCE_SECOND_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def output_of(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    return captured.out + captured.err


@pytest.mark.parametrize(
    ("server", "message"),
    [
        (fakes.fixed_response_server(200, "text/html", b"<html><title>Welcome</title></html>"), "web page ('Welcome')"),
        (fakes.fixed_response_server(401, "application/json", REFUSAL), "refuses the API key"),
        (fakes.fixed_response_server(403, "application/json", REFUSAL), "refuses the API key"),
        (fakes.fixed_response_server(404, "application/json", REFUSAL), "retired the Assistants API on 2026-08-26"),
        (fakes.fixed_response_server(404, "text/plain", b"404 page not found"), "no Runs API"),
        (
            fakes.fixed_response_server(308, "text/plain", b"", {"Location": "https://example.org/v1"}),
            "redirects to https://example",
        ),
        (fakes.fixed_response_server(503, "text/plain", b"busy"), "not available"),
        (fakes.silent_server(), "does not respond"),
        (fakes.closed_port_url(), "cannot be reached"),
    ],
    ids=["html", "401", "403", "404", "404 text", "redirect", "503", "silent", "refused"],
)
def test_an_untestable_target_ends_the_run_with_one_line(
    server: AbstractContextManager[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    began = time.monotonic()
    with server as url:
        code = run_command(["run", url, "--api-key", KEY, "--timeout", "1", "-q"])
    text = output_of(capsys)
    assert code == 3
    assert message in text
    assert len(text.strip().splitlines()) == 1
    assert time.monotonic() - began < 30


def report_of(folder: Path) -> dict[str, object]:
    report: dict[str, object] = json.loads((folder / "report.json").read_text())
    Draft202012Validator(load_document("report.schema")).validate(report)
    return report


def test_a_target_that_always_answers_an_empty_object_fails(tmp_path: Path) -> None:
    with fakes.fixed_response_server(200, "application/json", b"{}") as url:
        assert run_command(["run", url, "--api-key", KEY, "--report-dir", "out", "-q"]) == 1
    outcomes = {each["id"]: each["outcome"] for each in report_of(tmp_path / "out")["verdicts"]}  # type: ignore[attr-defined]
    assert outcomes["thread.id.required"] == "fail"


def test_a_target_that_refuses_everything_fails_and_passes_no_negative(tmp_path: Path) -> None:
    with fakes.fixed_response_server(400, "application/json", REFUSAL) as url:
        assert run_command(["run", url, "--api-key", KEY, "--report-dir", "out", "-q"]) == 1
    verdicts = report_of(tmp_path / "out")["verdicts"]
    negatives = [each for each in verdicts if each["kind"] == "constraint" and each["operation"]]  # type: ignore[attr-defined]
    assert negatives
    assert "pass" not in {each["outcome"] for each in negatives}
    assert "inconclusive" in {each["outcome"] for each in negatives}


def test_no_key_appears_in_any_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    echo = json.dumps({"error": {"message": f"you sent {KEY}", "type": "x", "param": None, "code": KEY}}).encode()
    with fakes.fixed_response_server(400, "application/json", echo, {"x-key": KEY}) as url:
        run_command(["run", url, "--api-key", KEY, "--profile", "quick", "--report-dir", "out", "-v"])
    written = "".join(path.read_text() for path in (tmp_path / "out").iterdir())
    assert KEY not in output_of(capsys) + written
    assert "$OPENAI_API_KEY" in written


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rnu"], "did you mean run"),
        (["run", "nonsense"], "write it like http(s)://"),
        (["run", "--edition", "yesterday"], "--edition 'yesterday' is not one of"),
        (["run", "--profile", "fast"], "quick"),
        (["run", "--phase", "lifecycel"], "did you mean lifecycle? there are lifecycle, "),
        (["run", "--capability", "zzz"], "there are "),
        (["run", "--use", "asistant=asst_1"], "there are assistant, "),
        (["run", "--prompt", "zzz=Hello"], "call_one"),
        (["run", "--edition", "2024-13-45"], "--edition '2024-13-45' is not one of"),
        (["run", "--report", ","], "--report names no view; choose from json, "),
        (["run", "--rate-limit", "1e-320/h"], "less than one request a day"),
        (["run", "http://exa mple/v1"], "not a valid host name"),
        (["run", "http://127.0.0.1:9/v1", "--header", "Host: x"], "leave it out"),
        (["run", "http://127.0.0.1:9/v1", "--key-header", "Content-Length"], "can carry a key"),
        (["replay", ".", "--timeout", "nan"], "not a duration"),
        (["run", "--select", "create_rnu.max_prompt_tokens.minimum"], "did you mean create_run.max_prompt_tokens"),
        (["run", "http://127.0.0.1:9/v1", "--dialect", "azure"], "azure-openai"),
        (["run", "--header", "no colon"], "Name: value"),
        (["run", "--api-key", "env:NO_SUCH_VARIABLE"], "NO_SUCH_VARIABLE"),
        (["run", "--api-key", "@no-such-file"], "no-such-file"),
        (["run", "--nonsense"], "--nonsense"),
        (["judge", "no-such-file"], "no-such-file"),
        (["judge"], "FILES"),
        (["explain", "lifecycle.terminal_status_is_finl"], "did you mean lifecycle.terminal_status_is_final"),
        (["list", "zzz.*"], "nothing matches"),
        (["init", "http://[::1/v1"], "not a URL"),
        (["serve", "--expires-s", "inf"], "--expires-s"),
        (["serve", "--step-ms", "nan"], "not a finite number"),
        (["serve", "--mutant", "no_such_mutant"], "no mutant"),
    ],
)
def test_a_usage_error_is_one_clear_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(arguments) == 2
    text = output_of(capsys)
    assert message in text
    assert len(text.strip().splitlines()) == 1


def test_a_file_that_is_not_a_recording_is_a_usage_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.txt").write_text("nothing of the kind")
    assert run_command(["judge", "notes.txt"]) == 2
    assert "notes.txt" in output_of(capsys)


def test_an_unwritable_report_folder_is_a_usage_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "taken").write_text("a file")
    with fakes.fixed_response_server(200, "application/json", b"{}") as url:
        assert run_command(["run", url, "--report-dir", "taken/inside"]) == 2
    assert "taken" in output_of(capsys)


def test_the_version_is_printed_quickly() -> None:
    best = 9.9
    for _ in range(3):
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "runs_conformance", "--version"],
            capture_output=True,
            text=True,
            check=True,
            cwd=Path(__file__).parent.parent,
        )
        best = min(best, time.monotonic() - began)
    assert done.stdout.strip() == f"runs-conformance {__version__}"
    assert best < 0.5


def test_list_and_explain_need_no_server(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["list", "create_run.max_*", "--level", "must"]) == 0
    assert "create_run.max_prompt_tokens.minimum" in output_of(capsys)
    assert run_command(["explain", "create_run.max_prompt_tokens.minimum"]) == 0
    explanation = output_of(capsys)
    assert "\nlevel must; request constraint; capability validation; operation create_run\n" in explanation
    assert "at least 256" in explanation


def test_list_prints_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["list", "create_run.max_prompt_tokens.minimum", "--json"]) == 0
    (entry,) = json.loads(output_of(capsys))
    assert (entry["id"], entry["kind"], entry["level"]) == (
        "create_run.max_prompt_tokens.minimum",
        "constraint",
        "must",
    )
    assert "256" in entry["statement"]


@pytest.mark.parametrize(
    ("flag", "name"), [("--list-mutants", "reopens_ended_runs"), ("--list-variants", "answers_slowly")]
)
def test_serve_lists_mutants_and_variants(flag: str, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["serve", flag]) == 0
    lines = output_of(capsys).splitlines()
    assert [line.split()[0] for line in lines].count(name) == 1
    assert all(len(line.split()) > 1 for line in lines)


def test_control_characters_of_an_untestable_target_are_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    body = json.dumps({"error": {"message": "go away\x1b[2J\x07", "type": "x", "param": None, "code": None}}).encode()
    with fakes.fixed_response_server(401, "application/json", body) as url:
        assert run_command(["run", url, "--report-dir", "out"]) == 3
        text = output_of(capsys)
    assert "go away\\u001b[2J\\u0007" in text
    assert "\x1b" not in text


def test_control_characters_of_skipped_entries_are_escaped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    request = {"method": "GE\x1b[2JT", "url": "http://x/v1/threads/t", "headers": []}
    entry = {"request": request, "response": {"status": 200, "headers": [], "content": {}}}
    (tmp_path / "x.har").write_text(json.dumps({"log": {"entries": [entry]}}))
    run_command(["judge", "x.har"])
    text = output_of(capsys)
    assert "skipped 1 entry" in text
    assert "\x1b" not in text


def test_a_report_is_written_from_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_command(["run", "--max-requests", "5", "-q", "--report-dir", "out"])
    assert run_command(["report", "out", "--report", "junit", "-q"]) == 5
    assert (tmp_path / "out" / "junit.xml").exists()
    assert run_command(["report", "."]) == 2
    assert "history.jsonl" in output_of(capsys)


@pytest.mark.parametrize("url", ["", " "])
def test_an_empty_url_does_not_test_the_bundled_emulator(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["run", url]) == 2
    assert "the URL is empty" in output_of(capsys)


def test_a_secret_in_a_url_is_not_repeated(capsys: pytest.CaptureFixture[str]) -> None:
    for url in ("http://[bad/v1?api_key=sk-secretsecret", "http://user:sk-secret/more@h/v1"):
        for command in (["run", url], ["init", url], ["diff", url, "emulator"]):
            assert run_command(command) == 2
    assert "secret" not in output_of(capsys)
