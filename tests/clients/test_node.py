"""The npm package scripts an emulator from Node, and its words are those of the suite."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from runs_conformance.testing.control_words import ACTS, FAULTS

PACKAGE = Path(__file__).resolve().parents[2] / "clients" / "node"
NODE = shutil.which("node")


def node_version() -> int:
    if NODE is None:
        return 0
    output = subprocess.run([NODE, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v(\d+)", output)
    return int(found[1]) if found else 0


def test_every_word_is_exported() -> None:
    text = (PACKAGE / "words.js").read_text(encoding="utf-8")
    for name, words in (("ACTS", ACTS), ("FAULTS", FAULTS)):
        found = re.search(rf"export const {name} = (\[.*\]);", text)
        assert found is not None
        assert json.loads(found[1]) == [*words]


def test_published_files_exist() -> None:
    published = json.loads((PACKAGE / "package.json").read_text(encoding="utf-8"))["files"]
    assert [name for name in published if not (PACKAGE / name).is_file()] == []


@pytest.mark.skipif(node_version() < 20, reason="Node 20 is not installed")
def test_own_tests_pass() -> None:
    environment = {**os.environ, "RUNS_CONFORMANCE_COMMAND": json.dumps([sys.executable, "-m", "runs_conformance"])}
    done = subprocess.run(
        [str(NODE), "--test", "test/emulator.test.js"],
        cwd=PACKAGE,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5_000:]
    assert re.search(r"^# pass [1-9]|pass [1-9]", done.stdout, flags=re.M), done.stdout
