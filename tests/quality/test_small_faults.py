"""Test runs find small faults that real servers had."""

from __future__ import annotations

from pathlib import Path

import pytest

from runs_conformance.app import run
from runs_conformance.app.options import RunOptions
from runs_conformance.emulator.server import serve_in_thread
from runs_conformance.reporting.folder import prepare_folder
from runs_conformance.reporting.progress import SilentProgress
from runs_conformance.targets import remote_target
from tests.servers.rewriting import KEY
from tests.servers.small_faults import FAULTS, Fault, build


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_the_fault_fails_a_must(fault: Fault, tmp_path: Path) -> None:
    options = RunOptions(select=FAULTS[fault])
    with serve_in_thread(build(fault)) as origin:
        target = remote_target(f"{origin}/v1", api_key=KEY)
        folder = prepare_folder(tmp_path / "report")
        report = run.judge(target, options, run.plan_run(target, options), folder, SilentProgress())
    assert FAULTS[fault][0] in {verdict.id for verdict in report.failures("must")}
