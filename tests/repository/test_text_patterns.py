"""Regular expressions take linear time, whatever text a target, a recording or a user supplies."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.repository.text_patterns import inline_patterns, module_patterns

ROOT = Path(__file__).resolve().parents[2]


def _slow(*patterns: str) -> list[str]:
    command = [sys.executable, "-m", "tests.repository.text_patterns", *patterns]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()


def test_no_pattern_backtracks() -> None:
    assert len([*module_patterns()]) > 40
    assert len([*inline_patterns()]) > 20
    assert _slow() == []


def test_patterns_that_backtrack_are_found() -> None:
    slow = [r"[\w.-]*/", r"\n\s+at"]
    assert _slow(*slow) == slow
