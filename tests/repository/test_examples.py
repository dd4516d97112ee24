"""The Schemathesis example works as documented."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from runs_conformance.cli import run_command
from runs_conformance.generation.schemathesis import unavailable_reason
from tests.quality.emulator_host import KEYS, serve_emulators
from tests.quality.judging import STEP_MS

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "schemathesis"


def test_every_disabled_check_has_a_reason() -> None:
    text = (FOLDER / "schemathesis.toml").read_text(encoding="utf-8")
    off = [name for name, value in tomllib.loads(text)["checks"].items() if value == {"enabled": False}]
    assert off
    for name in off:
        paragraph = next(part for part in text.split("\n\n") if f"{name}.enabled" in part)
        assert any(line.startswith("# ") for line in paragraph.splitlines()), name


@pytest.mark.slow
@pytest.mark.skipif(unavailable_reason() is not None, reason="Schemathesis is not installed")
def test_schemathesis_finds_nothing_on_an_emulator_that_checks_keys(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["openapi"]) == 0
    here = shutil.copytree(FOLDER, tmp_path / "here")
    document = here / "openapi.json"
    document.write_text(capsys.readouterr().out)
    with serve_emulators({"plain": ((), ())}, STEP_MS) as urls:
        environment = {**os.environ, "OPENAI_BASE_URL": urls["plain"], "OPENAI_API_KEY": KEYS[0]}
        command = [str(Path(sys.executable).parent / "schemathesis"), "run", str(document)]
        done = subprocess.run(
            [*command, "--max-examples", "2", "--seed", "1", "--phases", "fuzzing"],
            capture_output=True,
            text=True,
            cwd=here,
            env=environment,
            check=False,
            timeout=300,
        )
    assert done.returncode == 0, done.stdout[-3_000:]
