"""The gate example from its first failure to its last, with its own CI script."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from runs_conformance.baseline import read

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "gate"
ONE_FIXED = "prompt temperature"

pytestmark = pytest.mark.slow


class Gate:
    """A copy of the example, and the port of its server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("reports", "__pycache__"))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]

    def __call__(self, *arguments: str, mistakes: str | None = None) -> int:
        variables: Mapping[str, str] = {} if mistakes is None else {"MISTAKES": mistakes}
        environment = {
            **{name: value for name, value in os.environ.items() if name != "OPENAI_BASE_URL"},
            "PORT": str(self.port),
            "PYTHON": sys.executable,
            "PYTHONPATH": str(ROOT / "conformance"),
            **variables,
        }
        done = subprocess.run(
            ["bash", "ci.sh", *arguments], cwd=self.folder, env=environment, capture_output=True, text=True, timeout=120
        )
        self.output = done.stdout + done.stderr
        return done.returncode

    @property
    def baseline(self) -> dict[str, Any]:
        """The baseline section of the last report."""
        found: dict[str, Any] = json.loads((self.folder / "reports" / "report.json").read_text("utf-8"))["baseline"]
        return found


def test_gate_from_first_failure_to_last(tmp_path: Path) -> None:
    gate = Gate(tmp_path / "gate")
    settings = gate.folder / "conformance.toml"
    shipped = settings.read_text("utf-8")

    settings.write_text(shipped.replace('[gate]\nbaseline = "baseline.toml"\n', ""), "utf-8")
    assert gate() == 1, gate.output
    assert "3 MUST requirements failed" in gate.output

    (gate.folder / "baseline.toml").unlink()
    settings.write_text(shipped, "utf-8")
    assert gate() == 2
    assert gate("--baseline-update") == 0, gate.output
    assert {entry.id for entry in read(gate.folder / "baseline.toml").entries} == {
        entry.id for entry in read(EXAMPLE / "baseline.toml").entries
    }
    assert gate() == 0, gate.output
    assert gate.baseline["counts"] == {"known": 3, "stale": 0, "expired": 0, "unseen": 0}

    assert gate(mistakes=ONE_FIXED) == 1
    assert "STALE    create_run.metadata.maxProperties" in gate.output
    assert gate("--baseline-prune", mistakes=ONE_FIXED) == 0, gate.output
    assert gate(mistakes=ONE_FIXED) == 0, gate.output
    assert gate.baseline["counts"]["known"] == 2

    assert gate() == 1
    assert gate.baseline["new"] == ["create_run.metadata.maxProperties"]


def test_the_shipped_example_passes(tmp_path: Path) -> None:
    gate = Gate(tmp_path / "gate")
    assert gate() == 0, gate.output
    listed = set(re.findall(r"^    (\w+) ", (EXAMPLE / "server.py").read_text("utf-8"), flags=re.M))
    assert gate(mistakes="") == 1
    assert gate.baseline["counts"]["stale"] == len(listed & {"pairs", "prompt", "temperature"}) == 3
