"""Shares the result of judging a target among the processes of one pytest session."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

_FOLDER = pytest.StashKey[Path]()
_RESULTS = pytest.StashKey[dict[str, "JudgingResult"]]()
_HEARTBEAT_INTERVAL, _MAX_HEARTBEAT_AGE = 1.0, 30.0
"""Seconds between heartbeats of the judging process, and without one until it is considered dead."""


@dataclass(frozen=True, slots=True)
class ItemOutcome:
    """The outcome of one rule or constraint as a test, with its text.

    `outcome` is `pass`, `fail`, `skip`, or `accepted` for a violation that does not fail the session.
    """

    outcome: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class JudgingResult:
    """The result of judging a target. `problem` explains why there is no conclusion, or is None."""

    verdicts: dict[str, ItemOutcome] = field(default_factory=dict)
    problem: str | None = None
    judged: bool = True
    summary: tuple[str, ...] = ()


def judge_once(config: pytest.Config, path: Path, judge: Callable[[], JudgingResult]) -> JudgingResult:
    """The result for a conformance file; one process of the session judges, the others wait for it."""
    results = config.stash.setdefault(_RESULTS, {})
    name = str(path)
    if name not in results:
        folder = shared_folder(config)
        results[name] = judge() if folder is None else _judge_in_one_process(folder / _key(path), path, judge)
    return results[name]


def shared_folder(config: pytest.Config) -> Path | None:
    """The folder that the processes of a session share; None if there is only one process.

    The controlling process creates it.
    """
    folder_name = getattr(config, "workerinput", {}).get("conformance_folder")
    if folder_name:
        return Path(folder_name)
    if not _is_distributed(config):
        return None
    if _FOLDER not in config.stash:
        config.stash[_FOLDER] = Path(tempfile.mkdtemp(prefix="runs-conformance-"))
    return config.stash[_FOLDER]


def session_results(config: pytest.Config) -> Iterator[tuple[str, JudgingResult]]:
    """Yield the results of this session by file name; a worker process yields nothing."""
    if hasattr(config, "workerinput"):
        return
    yield from ((Path(name).name, result) for name, result in config.stash.get(_RESULTS, {}).items())
    folder = config.stash.get(_FOLDER, None)
    for path in sorted(folder.glob("*/result.json")) if folder else ():
        name, result = _read(path)
        yield name, result


def remove_shared_folder(config: pytest.Config) -> None:
    """Remove the folder, in the process that created it."""
    folder = config.stash.get(_FOLDER, None)
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)


def _is_distributed(config: pytest.Config) -> bool:
    return bool(getattr(config.option, "numprocesses", None) or getattr(config.option, "tx", None))


def _key(path: Path) -> str:
    return sha256(str(path).encode()).hexdigest()[:16]


def _judge_in_one_process(folder: Path, path: Path, judge: Callable[[], JudgingResult]) -> JudgingResult:
    """Judge in the first process that gets here, which writes the result for the others."""
    try:
        folder.mkdir()
    except FileExistsError:
        return _wait_for_result(folder, path)
    over = threading.Event()
    threading.Thread(target=_write_heartbeats, args=(folder / "alive", over), daemon=True).start()
    try:
        result = judge()
    except BaseException as error:
        _write(folder, path, JudgingResult(problem=f"judging {path.name} failed: {error!r}", judged=False))
        raise
    finally:
        over.set()
    _write(folder, path, result)
    return result


def _wait_for_result(folder: Path, path: Path) -> JudgingResult:
    since = time.monotonic()
    while not (folder / "result.json").exists():
        age = _age(folder / "alive")
        if (time.monotonic() - since if age is None else age) > _MAX_HEARTBEAT_AGE:
            return JudgingResult(problem=f"the process that judged {path.name} died", judged=False)
        time.sleep(0.05)
    return _read(folder / "result.json")[1]


def _age(path: Path) -> float | None:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return None


def _write_heartbeats(path: Path, over: threading.Event) -> None:
    while not over.is_set():
        with suppress(OSError):  # The session may have removed the folder meanwhile.
            path.touch()
        over.wait(_HEARTBEAT_INTERVAL)


def _write(folder: Path, path: Path, result: JudgingResult) -> None:
    temporary = folder / "result.part"
    temporary.write_text(json.dumps({"name": path.name, **asdict(result)}), encoding="utf-8")
    os.replace(temporary, folder / "result.json")


def _read(path: Path) -> tuple[str, JudgingResult]:
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    verdicts = {id_: ItemOutcome(**outcome) for id_, outcome in data["verdicts"].items()}
    return data["name"], JudgingResult(verdicts, data["problem"], data["judged"], tuple(data["summary"]))
