"""One process of a session judges a target; the others get its result, or the reason why there is none."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from runs_conformance.plugin import xdist_cache
from runs_conformance.plugin.xdist_cache import ItemOutcome, JudgingResult, judge_once, session_results

PATH = Path("conformance.toml")
RESULT = JudgingResult({"run.id": ItemOutcome("fail", "wrong id")}, None, True, ("1 failed",))


def _process(folder: Path | None) -> Any:
    """The configuration of a process of a session; alone if there is no shared folder."""
    config = SimpleNamespace(stash=pytest.Stash(), option=SimpleNamespace())
    if folder is not None:
        config.workerinput = {"conformance_folder": str(folder)}
    return config


def _judge_nothing() -> JudgingResult:
    raise AssertionError("another process judges")


@pytest.mark.parametrize("is_shared", [False, True])
def test_a_process_judges_a_file_once(is_shared: bool, tmp_path: Path) -> None:
    process = _process(tmp_path if is_shared else None)
    assert judge_once(process, PATH, lambda: RESULT) == RESULT
    assert judge_once(process, PATH, _judge_nothing) == RESULT


def test_other_processes_wait_for_the_result(tmp_path: Path) -> None:
    begun, found = threading.Event(), list[JudgingResult]()

    def judge() -> JudgingResult:
        begun.set()
        other.join(0.2)
        return RESULT

    def wait() -> None:
        begun.wait(10)
        found.append(judge_once(_process(tmp_path), PATH, _judge_nothing))

    other = threading.Thread(target=wait)
    other.start()
    assert judge_once(_process(tmp_path), PATH, judge) == RESULT
    other.join(10)
    assert found == [RESULT]


def test_an_error_while_judging_reaches_the_other_processes(tmp_path: Path) -> None:
    def fail() -> JudgingResult:
        raise OSError("no network")

    with pytest.raises(OSError, match="no network"):
        judge_once(_process(tmp_path), PATH, fail)
    result = judge_once(_process(tmp_path), PATH, _judge_nothing)
    assert (result.judged, result.problem) == (False, "judging conformance.toml failed: OSError('no network')")


@pytest.mark.parametrize("wrote_heartbeats", [False, True])
def test_a_process_that_died_is_not_waited_for(
    wrote_heartbeats: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xdist_cache, "_MAX_HEARTBEAT_AGE", 0.1)
    folder = tmp_path / xdist_cache._key(PATH)
    folder.mkdir()
    if wrote_heartbeats:
        (folder / "alive").touch()
    result = judge_once(_process(tmp_path), PATH, _judge_nothing)
    assert (result.judged, result.problem) == (False, "the process that judged conformance.toml died")


def test_the_controlling_process_reads_the_results_of_its_workers() -> None:
    controller = SimpleNamespace(stash=pytest.Stash(), option=SimpleNamespace(numprocesses=2))
    config: Any = controller
    folder = xdist_cache.shared_folder(config)
    assert folder is not None
    assert xdist_cache.shared_folder(config) == folder
    worker = _process(folder)
    judge_once(worker, PATH, lambda: RESULT)
    assert list(session_results(worker)) == []
    assert list(session_results(config)) == [("conformance.toml", RESULT)]
    xdist_cache.remove_shared_folder(config)
    assert not folder.exists()
