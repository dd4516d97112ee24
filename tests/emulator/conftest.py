"""Emulators served over real sockets, in threads of the test process."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from conformance.emulator.app import build
from conformance.emulator.options import Options
from conformance.emulator.server import serve


@dataclass(frozen=True, slots=True)
class Served:
    """An emulator on a socket, and a client of it."""

    origin: str
    http: httpx.Client

    @property
    def url(self) -> str:
        return f"{self.origin}/v1"

    def advance(self, seconds: float) -> None:
        assert httpx.post(f"{self.origin}/_emulator/clock", json={"advance": seconds}).status_code == 200

    def post(self, path: str, body: Any = None, **rest: Any) -> Any:
        return self.ask("POST", path, body, **rest)

    def get(self, path: str, **rest: Any) -> Any:
        return self.ask("GET", path, **rest)

    def ask(self, method: str, path: str, body: Any = None, status: int = 200, **rest: Any) -> Any:
        answer = self.http.request(method, path, json=body, **rest)
        assert answer.status_code == status, answer.text
        return answer.json()

    def assistant(self, **members: Any) -> str:
        made: str = self.post("/assistants", {"model": "gpt-4o", **members})["id"]
        return made

    def thread(self, *texts: str) -> str:
        messages = [{"role": "user", "content": text} for text in texts]
        made: str = self.post("/threads", {"messages": messages})["id"]
        return made

    def run_to(self, thread: str, run: str, *statuses: str) -> Any:
        """Move the clock until the run is in one of the statuses."""
        for _ in range(200):
            shown = self.get(f"/threads/{thread}/runs/{run}")
            if shown["status"] in statuses:
                return shown
            self.advance(0.01)
        raise AssertionError(f"still {shown['status']}")


Serve = Callable[..., Served]


@pytest.fixture(scope="session")
def serve_emulator() -> Iterator[Serve]:
    """Serves an emulator with the options and mutants that are given; it lives as long as the tests."""
    with ExitStack() as stack:

        def start(options: Options | None = None, mutants: Sequence[str] = (), variants: Sequence[str] = ()) -> Served:
            origin = served(build(options or Options(), mutants, variants))
            headers = {"authorization": "Bearer sk-test", "openai-beta": "assistants=v2"}
            return Served(origin, stack.enter_context(httpx.Client(base_url=f"{origin}/v1", headers=headers)))

        yield start


def served(app: Any) -> str:
    """Serve an application in a thread; the answer is its origin."""
    origins: queue.Queue[str] = queue.Queue()
    threading.Thread(target=serve, args=(app, "127.0.0.1", 0, origins.put), daemon=True).start()
    return origins.get(timeout=10)


@pytest.fixture(scope="session")
def emulator(serve_emulator: Serve) -> Served:
    """The plain emulator; its runs do not move unless the clock does."""
    return serve_emulator(Options(step_ms=1000))


@pytest.fixture(scope="session")
def quick(serve_emulator: Serve) -> Served:
    """The plain emulator with hardly a pause between beats."""
    return serve_emulator(Options(step_ms=1))
