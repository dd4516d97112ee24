"""Fixtures: emulators served on real sockets by threads of the test process."""

from __future__ import annotations

import http.client
import json
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from runs_conformance.emulator.app import build
from runs_conformance.emulator.server import serve
from runs_conformance.emulator.server_options import EmulatorOptions

HEADERS = {
    "authorization": "Bearer sk-test",
    "openai-beta": "assistants=v2",
    "content-type": "application/json",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP response."""

    status: int
    headers: Mapping[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw)

    @property
    def events(self) -> list[tuple[str, Any]]:
        """The events of a stream, parsed in the exact format of the service."""
        events = []
        for block in self.raw.decode().split("\n\n")[:-1]:
            name, data = block.split("\n")
            text = data.removeprefix("data: ")
            events.append((name.removeprefix("event: "), text if text == "[DONE]" else json.loads(text)))
        return events


@dataclass(frozen=True, slots=True)
class EmulatorClient:
    """A client of an emulator on a socket."""

    origin: str

    @property
    def url(self) -> str:
        return f"{self.origin}/v1"

    def send(
        self,
        method: str,
        path: str,
        raw: bytes | None = None,
        headers: Mapping[str, str | None] | None = None,
        base: str = "/v1",
    ) -> Answer:
        """Send bytes; a header that is None is omitted."""
        sent_headers = {name: value for name, value in {**HEADERS, **(headers or {})}.items() if value is not None}
        connection = http.client.HTTPConnection(urlsplit(self.origin).netloc, timeout=10)
        try:
            connection.request(method, urlsplit(self.origin).path + base + path, raw, sent_headers)
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def advance(self, seconds: float) -> None:
        """Advance the emulator's clock."""
        response = self.send("POST", "/_emulator/clock", json.dumps({"advance": seconds}).encode(), base="")
        assert response.status == 200

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        status: int = 200,
        headers: Mapping[str, str | None] | None = None,
        **query: Any,
    ) -> Any:
        """Send JSON and return the JSON response. Fails the test for another HTTP status than `status`."""
        raw = None if body is None else json.dumps(body).encode()
        answer = self.send(method, f"{path}?{urlencode(query)}" if query else path, raw, headers)
        assert answer.status == status, answer.raw.decode()
        return answer.body

    def post(self, path: str, body: Any = None, **rest: Any) -> Any:
        return self.ask("POST", path, body, **rest)

    def get(self, path: str, **rest: Any) -> Any:
        return self.ask("GET", path, **rest)

    def stream(self, path: str, body: Any) -> list[tuple[str, Any]]:
        """Start a stream and return its events."""
        answer = self.send("POST", path, json.dumps({**body, "stream": True}).encode())
        assert answer.status == 200, answer.raw.decode()
        return answer.events

    def assistant(self, **members: Any) -> str:
        id_: str = self.post("/assistants", {"model": "gpt-4o", **members})["id"]
        return id_

    def thread(self, *texts: str) -> str:
        messages = [{"role": "user", "content": text} for text in texts]
        id_: str = self.post("/threads", {"messages": messages})["id"]
        return id_

    def run_to(self, thread: str, run: str, *statuses: str) -> Any:
        """Advance the clock until the run has one of the statuses."""
        for _ in range(200):
            current = self.get(f"/threads/{thread}/runs/{run}")
            if current["status"] in statuses:
                return current
            self.advance(0.5)
        raise AssertionError(f"the run is still {current['status']}")


Serve = Callable[..., EmulatorClient]


@pytest.fixture(scope="session")
def serve_emulator() -> Serve:
    """A function that serves an emulator until the end of the test session."""

    def start(
        options: EmulatorOptions | None = None, mutants: Sequence[str] = (), variants: Sequence[str] = ()
    ) -> EmulatorClient:
        return EmulatorClient(serve_app(build(options or EmulatorOptions(), mutants, variants)))

    return start


def serve_app(app: Any) -> str:
    """Serve an application in a thread; returns its origin."""
    origins: queue.Queue[str] = queue.Queue()
    threading.Thread(target=serve, args=(app, "127.0.0.1", 0, origins.put), daemon=True).start()
    return origins.get(timeout=10)


@pytest.fixture(scope="session")
def emulator(serve_emulator: Serve) -> EmulatorClient:
    """The plain emulator; its runs advance only with the clock."""
    return serve_emulator(EmulatorOptions(step_ms=1000))


@pytest.fixture(scope="session")
def quick(serve_emulator: Serve) -> EmulatorClient:
    """The plain emulator with short pauses between actions."""
    return serve_emulator(EmulatorOptions(step_ms=1))
