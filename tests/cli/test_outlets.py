"""Whoever does not read what is said changes nothing about how it comes out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def ended(arguments: str, outlets: str) -> tuple[int, str]:
    """The exit code of a command whose outlets a shell has arranged, and what it said on those that are left."""
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {sys.executable} -m runs_conformance {arguments} {outlets}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "outlets", "code"),
    [
        ("list", "| head -1", 0),
        ("list", ">&-", 0),
        ("list", "2>&-", 0),
        ("list --level nonsense", "2>/dev/full", 2),
        ("list --level nonsense", "2>&-", 2),
        ("list", ">/dev/full", 2),
    ],
)
def test_an_outlet_that_nobody_reads_changes_no_exit_code(arguments: str, outlets: str, code: int) -> None:
    ended_with, said = ended(arguments, outlets)
    assert ended_with == code, said
    assert "Traceback" not in said
    assert "at fault" not in said


def test_a_run_is_judged_to_its_end_though_nobody_listens(tmp_path: Path) -> None:
    run = f"run --profile quick --select lifecycle.* --no-database --report-dir {tmp_path}"
    code, said = ended(run, "2>&1 >/dev/null | head -1")
    assert code == 0, said
    assert (tmp_path / "report.json").is_file()
