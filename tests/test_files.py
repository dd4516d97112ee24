"""Files that the user names: only regular ones are read."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from runs_conformance.files import read_bytes, read_text


def test_a_regular_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("é")
    assert read_text(path) == "é"
    with pytest.raises(OSError, match="larger than 0 MB"):
        read_bytes(path, 1)


def test_pipes_devices_and_folders_are_refused(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, Path("/dev/zero"), tmp_path):
        with pytest.raises(OSError, match=r"not a regular file|folder"):
            read_bytes(path)


@pytest.mark.parametrize(
    "arguments",
    [
        ["judge", "FILE"],
        ["report", "FILE"],
        ["replay", "FILE"],
        ["cleanup", "FILE"],
        ["diff", "FILE", "FILE"],
        ["merge", "FILE", "FILE"],
        ["run", "http://127.0.0.1:9/v1", "--api-key", "@FILE"],
        ["run", "--config", "FILE"],
        ["run", "--baseline", "FILE"],
    ],
)
@pytest.mark.parametrize("device", [True, False])
def test_no_command_reads_a_device_or_a_pipe(arguments: list[str], device: bool, tmp_path: Path) -> None:
    path = "/dev/zero"
    if not device:
        path = str(tmp_path / "pipe")
        os.mkfifo(path)
    command = [sys.executable, "-m", "runs_conformance", *(each.replace("FILE", path) for each in arguments)]
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, stdin=subprocess.DEVNULL, timeout=60)
    assert result.returncode == 2, result.stderr
    assert len(result.stderr.splitlines()) == 1
