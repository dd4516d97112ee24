"""A closed reader of the output does not change the exit code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run_with(arguments: str, redirection: str) -> tuple[int, str]:
    """Run a command with a shell redirection; return its exit code and the output that remains."""
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {sys.executable} -m runs_conformance {arguments} {redirection}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "redirection", "code"),
    [
        ("list", "| head -1", 0),
        ("list", ">&-", 0),
        ("list", "2>&-", 0),
        ("list --level nonsense", "2>/dev/full", 2),
        ("list --level nonsense", "2>&-", 2),
        ("list", ">/dev/full", 2),
    ],
)
def test_a_closed_stream_does_not_change_the_exit_code(arguments: str, redirection: str, code: int) -> None:
    actual, output = run_with(arguments, redirection)
    assert actual == code, output
    assert "Traceback" not in output
    assert "internal error" not in output


def test_a_run_completes_without_a_reader(tmp_path: Path) -> None:
    run = f"run --profile quick --select lifecycle.* --no-database --report-dir {tmp_path}"
    code, output = run_with(run, "2>&1 >/dev/null | head -1")
    assert code == 0, output
    assert (tmp_path / "report.json").is_file()
