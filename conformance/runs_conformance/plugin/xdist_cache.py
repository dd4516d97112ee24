"""What judging a target came to, shared by all processes of one pytest session."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

_FOLDER = pytest.StashKey[Path]()
_RESULTS = pytest.StashKey[dict[str, "Result"]]()
_BEAT, _SILENCE = 1.0, 30.0
"""Seconds between two signs of life of the process that judges, and those after which it is taken for dead."""


@dataclass(frozen=True, slots=True)
class Shown:
    """How one rule or constraint comes out as a test, and what is said of it.

    `outcome` is `pass`, `fail`, `skip`, or `accepted` where it is broken and that fails nothing.
    """

    outcome: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """What judging a target came to. `trouble` says why nothing can be concluded, where nothing can."""

    verdicts: dict[str, Shown] = field(default_factory=dict)
    trouble: str | None = None
    judged: bool = True
    summary: tuple[str, ...] = ()


def shared(config: pytest.Config, path: Path, judge: Callable[[], Result]) -> Result:
    """The result for a conformance file: of all processes of a session one judges, and the others wait for it."""
    results = config.stash.setdefault(_RESULTS, {})
    name = str(path)
    if name not in results:
        folder = folder_of(config)
        results[name] = judge() if folder is None else _by_one(folder / _key(path), path, judge)
    return results[name]


def folder_of(config: pytest.Config) -> Path | None:
    """The folder that the processes of a session share; None where there is one process only.

    The process that controls the others makes it.
    """
    given = getattr(config, "workerinput", {}).get("conformance_folder")
    if given:
        return Path(given)
    if not _distributed(config):
        return None
    if _FOLDER not in config.stash:
        config.stash[_FOLDER] = Path(tempfile.mkdtemp(prefix="runs-conformance-"))
    return config.stash[_FOLDER]


def results(config: pytest.Config) -> Iterator[tuple[str, Result]]:
    """What the targets of this session came to, by their files' names; nothing in a process that is controlled."""
    if hasattr(config, "workerinput"):
        return
    yield from ((Path(name).name, result) for name, result in config.stash.get(_RESULTS, {}).items())
    folder = config.stash.get(_FOLDER, None)
    for path in sorted(folder.glob("*/result.json")) if folder else ():
        name, result = _read(path)
        yield name, result


def forget(config: pytest.Config) -> None:
    """Remove the folder, in the process that made it."""
    folder = config.stash.get(_FOLDER, None)
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)


def _distributed(config: pytest.Config) -> bool:
    return bool(getattr(config.option, "numprocesses", None) or getattr(config.option, "tx", None))


def _key(path: Path) -> str:
    return sha256(str(path).encode()).hexdigest()[:16]


def _by_one(folder: Path, path: Path, judge: Callable[[], Result]) -> Result:
    """The result that one process writes down; the first to come is that one."""
    try:
        folder.mkdir()
    except FileExistsError:
        return _awaited(folder, path)
    over = threading.Event()
    threading.Thread(target=_beat, args=(folder / "alive", over), daemon=True).start()
    try:
        result = judge()
    except BaseException as error:
        _write(folder, path, Result(trouble=f"judging {path.name} ended early: {error!r}", judged=False))
        raise
    finally:
        over.set()
    _write(folder, path, result)
    return result


def _awaited(folder: Path, path: Path) -> Result:
    since = time.monotonic()
    while not (folder / "result.json").exists():
        beat = _age(folder / "alive")
        if (time.monotonic() - since if beat is None else beat) > _SILENCE:
            return Result(trouble=f"the process that judged {path.name} has ended", judged=False)
        time.sleep(0.05)
    return _read(folder / "result.json")[1]


def _age(path: Path) -> float | None:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return None


def _beat(path: Path, over: threading.Event) -> None:
    while not over.is_set():
        path.touch()
        over.wait(_BEAT)


def _write(folder: Path, path: Path, result: Result) -> None:
    beside = folder / "result.part"
    beside.write_text(json.dumps({"name": path.name, **asdict(result)}), encoding="utf-8")
    os.replace(beside, folder / "result.json")


def _read(path: Path) -> tuple[str, Result]:
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    verdicts = {id_: Shown(**shown) for id_, shown in data["verdicts"].items()}
    return data["name"], Result(verdicts, data["trouble"], data["judged"], tuple(data["summary"]))
