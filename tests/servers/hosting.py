"""Serves a server in a process of its own, and judges it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runs_conformance.app import run
from runs_conformance.app.options import RunOptions
from runs_conformance.reporting.folder import prepare_folder
from runs_conformance.reporting.progress import SilentProgress
from runs_conformance.reporting.report import Report
from runs_conformance.targets import remote_target
from tests.servers.rewriting import KEY

ROOT = Path(__file__).parents[2]


@contextmanager
def hosted(name: str) -> Iterator[str]:
    """Serve a server of the catalogue; yields its base URL."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.servers", name],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # servers that raise say so
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()


def judge(name: str, profile: str = "quick") -> Report:
    """Run the suite against a server of the catalogue; returns its report."""
    options = RunOptions(profile=profile)
    with hosted(name) as url, tempfile.TemporaryDirectory(prefix="runs-conformance-") as scratch:
        target = remote_target(url, api_key=KEY)
        folder = prepare_folder(Path(scratch) / "report")
        return run.judge(target, options, run.plan_run(target, options), folder, SilentProgress())
