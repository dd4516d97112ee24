"""Serves the emulator as a persistent server whose objects can be counted."""

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
from runs_conformance.emulator.asgi import AsgiApp
from runs_conformance.emulator.catalogue import apply_by_name
from runs_conformance.emulator.clock import Clock
from runs_conformance.emulator.context import ServerState
from runs_conformance.emulator.default import default_hooks
from runs_conformance.emulator.server import serve
from runs_conformance.emulator.server_options import EmulatorOptions

ROOT = Path(__file__).parents[2]
KEY = "sk-serving-0123456789"


@dataclass(frozen=True)
class ServedEmulator:
    """A server and its state."""

    url: str
    server: ServerState

    @property
    def held(self) -> list[str]:
        """The ids of the existing threads and assistants."""
        return [id_ for store in self.server.stores.values() for id_ in (*store.threads, *store.assistants)]

    @property
    def tags(self) -> set[str]:
        """The tags of its assistants."""
        assistants = (each for store in self.server.stores.values() for each in store.assistants.values())
        return {tag for each in assistants if (tag := (each.members.get("metadata") or {}).get("runs-conformance"))}


@contextmanager
def serve_emulator(step_ms: float = 2, mutant: str | None = None) -> Iterator[ServedEmulator]:
    """Serve the emulator on a free port, with a mutant if one is named."""
    hooks = default_hooks(EmulatorOptions().edition)
    options = apply_by_name(hooks, EmulatorOptions(step_ms=step_ms), [mutant] if mutant else [], [])
    server = ServerState(options, hooks, Clock())
    app = Starlette(routes=[Mount(BASE, app=AsgiApp(server, BASE))])
    ready = threading.Event()
    origins: list[str] = []

    def on_ready(origin: str) -> None:
        origins.append(origin)
        ready.set()

    threading.Thread(target=serve, args=(app, "127.0.0.1", 0, on_ready), daemon=True).start()
    assert ready.wait(10)
    yield ServedEmulator(origins[0] + BASE, server)


@contextmanager
def start_command(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run the command in a process of its own, which is killed at the end of the block."""
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


def wait_for_size(path: Path, size: int, seconds: float = 20.0) -> None:
    """Wait until a file is larger than `size` bytes."""
    deadline = time.monotonic() + seconds
    while not (path.exists() and path.stat().st_size > size):
        assert time.monotonic() < deadline, f"{path} did not grow to {size} bytes"
        time.sleep(0.01)
