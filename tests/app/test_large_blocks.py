"""Memory of large responses goes back to the system when it is freed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
import sys
from pathlib import Path
from runs_conformance.app.large_blocks import LARGE_BLOCK, return_large_blocks

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1])

if sys.argv[1] == "returned":
    return_large_blocks()
size = 16 * LARGE_BLOCK
for _ in range(2):
    del _
    block = bytes(size)
    del block
blocks, small = [], []
for _ in range(8):
    blocks.append(b"x" * size)
    small.append([object() for _ in range(20_000)])
before = resident()
del blocks
print(before - resident())
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the system does not show the memory of a process")
def test_large_blocks_are_returned_when_they_are_freed() -> None:
    def freed_pages(choice: str) -> int:
        done = subprocess.run([sys.executable, "-c", CODE, choice], capture_output=True, text=True, check=True)
        return int(done.stdout)

    assert freed_pages("returned") > 7 * 16 * 64
