"""The example for clusters gives the report of one process, also if a worker dies."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from benchmarks.recordings import write_recording
from runs_conformance import RunOptions, judge_job, render_report
from runs_conformance.app.judge_recording import judge

distributed = pytest.importorskip("distributed")
cloudpickle = pytest.importorskip("cloudpickle")

EXAMPLE = Path(__file__).parents[2] / "examples" / "distributed" / "judge_folder.py"

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("judge_folder", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recordings")
    write_recording(path / "a.har", 450)
    write_recording(path / "b.har", 250)
    broken = (path / "b.har").read_text().replace(r"\"object\":\"thread.run\"", r"\"object\":\"run\"")
    (path / "b.har").write_text(broken)
    return path


@pytest.fixture(scope="module", autouse=True)
def _by_value() -> Iterator[None]:
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    yield
    cloudpickle.unregister_pickle_by_value(sys.modules[__name__])


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    cluster = distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, processes=True)
    with distributed.Client(cluster) as connected:
        yield connected
    cluster.close()


def _dying(flag: str) -> Callable[..., Any]:
    """A `judge_job` whose first call kills its process. It is pickled by value, since workers do not import tests."""

    def judge_or_die(job: Any, options: Any) -> Any:
        import os
        import signal

        from runs_conformance import judge_job

        try:
            os.close(os.open(flag, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return judge_job(job, options)
        os.kill(os.getpid(), signal.SIGKILL)
        return None

    return judge_or_die


def test_report_is_that_of_one_process_though_a_worker_is_killed(
    example: ModuleType, folder: Path, client: Any, tmp_path: Path
) -> None:
    urls = [path.as_uri() for path in sorted(folder.glob("*.har"))]
    alone = judge(urls, RunOptions()).report
    expected = {view: render_report(alone, view) for view in ("json", "markdown")}
    flag = tmp_path / "killed"
    for function in (judge_job, _dying(str(flag))):
        example.judge_job = function  # type: ignore[attr-defined]
        report = example.judge(urls, client, RunOptions())
        assert report.exit_code == 1
        assert {view: render_report(report, view) for view in expected} == expected
    assert flag.exists()
