"""The emulator as a server elsewhere: what is left on it stays, and can be counted."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import Mount

from runs_conformance.emulator.app import BASE
from runs_conformance.emulator.asgi import Surface
from runs_conformance.emulator.catalogue import alter
from runs_conformance.emulator.clock import Clock
from runs_conformance.emulator.context import World
from runs_conformance.emulator.hooks import plain
from runs_conformance.emulator.options import Options
from runs_conformance.emulator.server import serve

ROOT = Path(__file__).parents[2]
KEY = "sk-serving-0123456789"


@dataclass(frozen=True)
class Served:
    """A server and what it holds."""

    url: str
    world: World

    @property
    def held(self) -> list[str]:
        """The ids of the threads and assistants that are there."""
        return [id_ for store in self.world.stores.values() for id_ in (*store.threads, *store.assistants)]

    @property
    def tags(self) -> set[str]:
        """What its assistants are tagged with."""
        assistants = (each for store in self.world.stores.values() for each in store.assistants.values())
        return {tag for each in assistants if (tag := (each.members.get("metadata") or {}).get("runs-conformance"))}


@contextmanager
def served(step_ms: float = 2, mutant: str | None = None) -> Iterator[Served]:
    """The emulator on a free port of this machine, wrong in one way if need be."""
    behaviour = plain(Options().edition)
    options = alter(behaviour, Options(step_ms=step_ms), [mutant] if mutant else [], [])
    world = World(options, behaviour, Clock())
    app = Starlette(routes=[Mount(BASE, app=Surface(world, BASE))])
    ready = threading.Event()
    origins: list[str] = []

    def tell(origin: str) -> None:
        origins.append(origin)
        ready.set()

    threading.Thread(target=serve, args=(app, "127.0.0.1", 0, tell), daemon=True).start()
    assert ready.wait(10)
    yield Served(origins[0] + BASE, world)


@contextmanager
def running(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The command in a process of its own, killed with the block."""
    environment = {
        **os.environ,
        "OPENAI_API_KEY": KEY,
        "PYTHONPATH": str(ROOT / "conformance"),
        "RUNS_CONFORMANCE_DATABASE": "",
    }
    with subprocess.Popen(
        [sys.executable, "-m", "runs_conformance", *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def grown(path: Path, size: int, seconds: float = 20.0) -> None:
    """Wait until a file has so many bytes."""
    deadline = time.monotonic() + seconds
    while not (path.exists() and path.stat().st_size > size):
        assert time.monotonic() < deadline, f"{path} did not grow to {size} bytes"
        time.sleep(0.01)
