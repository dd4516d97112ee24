"""The examples of client tests: one scenario file drives all of them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from runs_conformance.testing.scenario import load_scenario
from runs_conformance.testing.scriptable_emulator import make_control

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples" / "client-tests"
LANGUAGES = ("python", "node", "go", "java", "dotnet")


def run(*command: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "RUNS_CONFORMANCE_COMMAND": f"{sys.executable} -m runs_conformance", **variables}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=180, check=False)


def test_scenario_is_valid_and_used_by_every_example() -> None:
    control = make_control()
    control.apply(load_scenario(EXAMPLES / "scenario.json"))
    assert len(control.unused()) == 2
    for language in LANGUAGES:
        texts = [path.read_text(encoding="utf-8") for path in (EXAMPLES / language).iterdir() if path.is_file()]
        assert any("scenario.json" in text for text in texts), language


def test_python_example() -> None:
    done = run(
        *(sys.executable, "-m", "pytest", "-q", "-p", "runs_conformance.plugin", "-p", "no:schemathesis"),
        *("-p", "no:cacheprovider", "--rootdir", str(EXAMPLES), str(EXAMPLES / "python")),
        cwd=EXAMPLES,
        PYTHONPATH=str(ROOT / "conformance"),
    )
    assert done.returncode == 0, done.stdout
    assert re.search(r"^1 passed", done.stdout, flags=re.M), done.stdout


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("java") is None, reason="java is not installed")
def test_java_example() -> None:
    done = run("java", "java/WeatherTest.java", cwd=EXAMPLES)
    assert (done.returncode, done.stdout) == (0, "1 passed, 0 failed\n"), done.stderr


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("go") is None, reason="go is not installed")
def test_go_example(tmp_path: Path) -> None:
    done = run("go", "test", "./...", cwd=EXAMPLES / "go", GOCACHE=str(tmp_path), GOFLAGS="-count=1")
    assert (done.returncode, done.stdout[:3]) == (0, "ok "), done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
def test_node_example(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "clients" / "node", tmp_path / "clients" / "node")
    folder = tmp_path / "examples" / "client-tests"
    shutil.copytree(EXAMPLES, folder, ignore=shutil.ignore_patterns("node_modules"))
    node = folder / "node"
    installed = run("npm", "install", "--no-audit", "--no-fund", "--prefer-offline", cwd=node)
    if installed.returncode != 0:
        pytest.skip(f"npm cannot install the official client: {installed.stderr.strip().splitlines()[-1:]}")
    done = run("npm", "test", cwd=node)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"Tests\s+1 passed", re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)), done.stdout
    assert json.loads((node / "node_modules" / "openai" / "package.json").read_text())["version"]
