"""The action, pipelines, image and hooks work, as far as can be checked without that CI."""

from __future__ import annotations

import json
import os
import re
import socket
import stat
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from runs_conformance.cli import run_command
from runs_conformance.emulator.app import build
from runs_conformance.emulator.server_options import EmulatorOptions
from tests.repository.pages import ROOT
from tests.test_end_to_end import serve_app

CI = ROOT / "examples" / "ci"
SELECT = "create_run.metadata.*"


def parsed(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def action() -> dict[str, Any]:
    made: dict[str, Any] = parsed(ROOT / "action.yml")
    return made


def judging() -> dict[str, Any]:
    """The step of the action that judges."""
    step: dict[str, Any] = next(step for step in action()["runs"]["steps"] if step.get("id") == "judge")
    return step


def test_action_inputs_are_passed_by_environment() -> None:
    steps = action()["runs"]["steps"]
    used = " ".join(json.dumps({"env": step.get("env"), "with": step.get("with")}) for step in steps)
    for name, given in action()["inputs"].items():
        assert f"inputs.{name} }}}}" in used, name
        assert given["description"]
        assert isinstance(given["default"], str)
    assert not any("${{" in step.get("run", "") for step in steps)


def test_action_outputs_are_written_by_the_judge_step() -> None:
    written = set(re.findall(r'print\(f"([a-z-]+)=', judging()["run"]))
    assert written == {"outcome", "exit-code", "failed", "report"}
    assert {f"${{{{ steps.judge.outputs.{name} }}}}" for name in written} == {
        output["value"] for output in action()["outputs"].values()
    }


@pytest.fixture
def runner(tmp_path: Path) -> Path:
    """A runner's folder for temporary files, in which the action's first steps have installed the suite."""
    bin_ = tmp_path / "runs-conformance" / "bin"
    bin_.mkdir(parents=True)
    for name, line in {"python": '"$@"', "runs-conformance": '-m runs_conformance "$@"'}.items():
        (bin_ / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {line}\n', encoding="utf-8")
        (bin_ / name).chmod(0o755)
    return tmp_path


def judged(runner: Path, **inputs: str) -> tuple[int, dict[str, str]]:
    """The exit code of the judging step and its outputs."""
    step, defaults = judging(), {name: given["default"] for name, given in action()["inputs"].items()}
    names = {variable: re.findall(r"inputs\.([\w-]+)", text)[0] for variable, text in step["env"].items()}
    given = {**defaults, **{name.replace("_", "-"): value for name, value in inputs.items()}}
    output = runner / "output"
    output.write_text("", encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OPENAI")} | {
        **{variable: given[name] for variable, name in names.items()},
        "PYTHONPATH": str(ROOT / "conformance"),
        "RUNNER_TEMP": str(runner),
        "GITHUB_OUTPUT": str(output),
    }
    script = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
    done = subprocess.run(script, cwd=runner, env=environment, capture_output=True, text=True, timeout=120)
    lines = output.read_text(encoding="utf-8").splitlines()
    return done.returncode, dict(line.split("=", 1) for line in lines)


@pytest.fixture(scope="module")
def wrong() -> Iterator[str]:
    with serve_app(build(EmulatorOptions(step_ms=1), ["relaxed:create_run.metadata.maxProperties"])) as url:
        yield url


@pytest.mark.slow
def test_action_judges_and_reports_the_outcome(runner: Path, wrong: str) -> None:
    common = {"base_url": wrong, "api_key": "sk-1234567890", "profile": "quick"}
    options = f"--select\n{SELECT}\n--no-database"
    code, outputs = judged(runner, options=options, **common)
    assert code == 1
    assert outputs == {"outcome": "fail", "exit-code": "1", "failed": "1", "report": "runs-conformance-report"}
    assert (runner / "runs-conformance-report" / "report.html").is_file()

    known = runner / "baseline.toml"
    known.write_text('[[known]]\nid = "create_run.metadata.maxProperties"\nreason = "known"\n', encoding="utf-8")
    code, outputs = judged(runner, options=options, baseline=str(known), report_dir="out", **common)
    assert (code, outputs["failed"], outputs["report"]) == (0, "0", "out")


def test_action_reports_usage_errors(runner: Path) -> None:
    code, outputs = judged(runner, config="none.toml")
    assert code == 2
    assert (outputs["outcome"], outputs["exit-code"], outputs["failed"]) == ("not_judged", "2", "0")


@pytest.mark.slow
def test_gate_script_starts_judges_and_stops_the_server(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT / "conformance"),
        "RUNS_CONFORMANCE": f"{sys.executable} -m runs_conformance",
        "OPENAI_API_KEY": "sk-1234567890",
    }
    script = ["bash", str(CI / "gate.sh"), f"http://127.0.0.1:{port}/v1"]
    server = ["--", sys.executable, "-m", "runs_conformance", "serve", "--port", port]
    options = ["--profile", "quick", "--select", SELECT, "--no-database", "-q"]

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*script, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
        )

    assert run(*options, *server).returncode == 0
    assert run(*options, *server, "--mutant", "relaxed:create_run.metadata.maxProperties").returncode == 1
    ended = run(*options, "--", "false")
    assert (ended.returncode, ended.stderr) == (3, "gate.sh: false ended before it responded\n")
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(port))) != 0


@pytest.mark.parametrize("path", sorted(CI.glob("*.yml")), ids=lambda path: path.name)
def test_each_command_in_a_pipeline_is_accepted(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each is called with --help after its own words, which are then parsed up to it."""
    monkeypatch.chdir(tmp_path)
    assert parsed(path)
    text = path.read_text(encoding="utf-8")
    lines = re.findall(r"^\s+- (?:run: )?runs-conformance (.*)$", text, flags=re.M)
    if "uses: ./.conformance-suite" in text:
        used = set(re.findall(r"^ {10}([a-z-]+): ", text, flags=re.M)) - {"name", "path", "repository"}
        assert used <= set(action()["inputs"])
        assert used
    else:
        assert lines
    for line in lines:
        name, *words = line.replace('"', "").split()
        assert run_command([name, *words, "--help"]) == 0
        assert "Usage" in capsys.readouterr().out


def test_image_is_slim_complete_and_not_root() -> None:
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    copied = {
        name for line in lines if line.startswith("COPY ") and "--from" not in line for name in line.split()[1:-1]
    }
    assert all((ROOT / name).exists() for name in copied)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    hatch = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {*hatch["packages"], *hatch["force-include"], project["project"]["readme"], "pyproject.toml"}
    needed |= set(project["project"]["license-files"])
    assert {name for name in needed if not any(Path(name).is_relative_to(folder) for folder in copied)} == set()
    assert [line for line in lines if line.startswith("USER ")][-1].split()[1] not in ("root", "0")
    assert all("-slim" in line for line in lines if line.startswith("FROM "))
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")}
    assert copied <= let_in


def test_foreign_actions_and_images_are_pinned_by_digest() -> None:
    for path in (ROOT / "action.yml", *CI.glob("*.yml")):
        used = re.findall(r"uses: (\S+)", path.read_text(encoding="utf-8"))
        assert [name for name in used if not re.fullmatch(r"\./.*|[\w/-]+@[0-9a-f]{40}", name)] == [], path
    images = re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(encoding="utf-8"), flags=re.M)
    assert all(re.fullmatch(r"python:[\w.-]+@sha256:[0-9a-f]{64}", image) for image in images)


def test_every_dependency_is_locked_with_hashes() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    every = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    for name, needed in (("runtime", project["dependencies"]), ("dev", every)):
        text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
        entries = re.split(r"^(?=\w)", text, flags=re.M)[1:]
        assert all("--hash=sha256:" in entry for entry in entries)
        locked = {re.split(r"[=\[]", entry)[0].lower() for entry in entries}
        assert {re.split(r"[^\w-]", each)[0].lower() for each in needed} <= locked


def test_pre_commit_hook_calls_an_existing_command() -> None:
    (hook,) = parsed(ROOT / ".pre-commit-hooks.yaml")
    script, *words = hook["entry"].split()
    assert script in tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    assert run_command([*words, "--help"]) == 0
    assert (hook["language"], hook["pass_filenames"]) == ("python", False)


@pytest.mark.parametrize("path", [CI / "gate.sh", ROOT / "examples" / "gate" / "ci.sh"], ids=lambda path: path.name)
def test_each_script_is_executable_and_parses(path: Path) -> None:
    assert path.stat().st_mode & stat.S_IXUSR
    assert subprocess.run(["bash", "-n", str(path)], check=False).returncode == 0
