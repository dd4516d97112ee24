"""The examples in docs/how-to/test-with-hypothesis.md pass against the server that it shows, and find its defects."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.repository.pages import ROOT, blocks

PAGE = ROOT / "docs" / "how-to" / "test-with-hypothesis.md"
SERVER, BODIES, SEQUENCES = blocks(PAGE, "python")
ARGUMENTS = ("-p", "no:schemathesis", "-p", "no:cacheprovider", "-q", "-W", "error")


def run_tests(folder: Path, server: str) -> subprocess.CompletedProcess[str]:
    files = {"server.py": server, "test_bodies.py": BODIES, "test_sequences.py": SEQUENCES}
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT / "conformance"), str(folder)))}
    command = [sys.executable, "-m", "pytest", *ARGUMENTS, "--rootdir", str(folder), str(folder)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder, timeout=120)


@pytest.mark.slow
def test_tests_on_the_page_pass(tmp_path: Path) -> None:
    done = run_tests(tmp_path, SERVER)
    assert done.returncode == 0, done.stdout
    assert re.search(r"^3 passed", done.stdout, flags=re.M), done.stdout


@pytest.mark.slow
def test_shown_tests_find_defects(tmp_path: Path) -> None:
    lenient = SERVER.replace("len(value) > 512", "len(value) > 600")
    lenient = lenient.replace('new["metadata"] = body.get("metadata") or {}', 'new["metadata"] = {}')
    done = run_tests(tmp_path, lenient)
    assert done.returncode == 1, done.stdout
    assert "modify_message.metadata{}.maxLength is violated at" in done.stdout
    assert "RequirementViolated" in done.stdout
