"""Shell completion of ids, mutants and variants, in each shell."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CALL = "import sys; from runs_conformance.cli import run_command; sys.exit(run_command([]))"


def complete(shell: str, *words: str) -> str:
    """The output of the command when a shell asks it to complete the last word."""
    line = " ".join(["runs-conformance", *words])
    index = words[-1] if shell == "fish" else str(len(words))
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT / "conformance"),
        "_RUNS_CONFORMANCE_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": line,
        "COMP_CWORD": index,
    }
    done = subprocess.run([sys.executable, "-c", CALL], env=environment, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize(
    ("words", "name"),
    [
        (("run", "--select", "cancel."), "cancel.is_carried_out"),
        (("run", "--exclude", "cancel."), "cancel.is_carried_out"),
        (("explain", "cancel."), "cancel.is_carried_out"),
        (("serve", "--mutant", "reopens_"), "reopens_ended_runs"),
        (("serve", "--variant", "answers_"), "answers_slowly"),
    ],
)
def test_names_are_completed(shell: str, words: tuple[str, ...], name: str) -> None:
    lines = [part for line in complete(shell, *words).splitlines() for part in line.split(",")]
    assert name in lines
    assert not [part for part in lines if "." in part and not part.startswith(words[-1])]
