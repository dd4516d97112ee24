"""The emulator as a target of measurements: `python -m benchmarks.target_server`.

Its runs may take long, and it may limit the rate of requests. It prints its URL as one line of JSON and stops when its
standard input is closed; then it prints how many requests it received and how many runs it started.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from benchmarks.emulator import cpu_seconds
from runs_conformance.emulator.app import BASE, build
from runs_conformance.emulator.server import serve
from runs_conformance.emulator.server_options import EmulatorOptions
from runs_conformance.targets import Target, remote_target

BURST = 10
"""Requests that the limit on the rate allows at once."""

KEYS = ("sk-benchmark-first-tenant", "sk-benchmark-second-tenant")
FAILING_MODEL = "failing-model"

_BODY = json.dumps({"error": {"message": "Rate limit reached.", "type": "requests", "param": None, "code": None}})
# The variant's pause lasts two seconds if a step takes ten milliseconds.
_STEP_MS_PER_SECOND, _SLOW_RUNS = 5, "thinks_for_two_seconds"


class CountingApp:
    """An application that counts its requests and the runs that it starts."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.requests = self.runs = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        self.requests += 1
        starts_run = scope["method"] == "POST" and scope["path"].endswith("/runs")

        async def count(message: MutableMapping[str, Any]) -> None:
            if starts_run and message["type"] == "http.response.start" and message["status"] < 300:
                self.runs += 1
            await send(message)

        await self._app(scope, receive, count)


class RateLimitedApp:
    """An application that refuses requests with 429 beyond this number a second."""

    def __init__(self, app: ASGIApp, rate: float) -> None:
        self._app, self._rate = app, rate
        self._allowed, self._last = float(BURST), time.monotonic()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve or refuse one request."""
        now = time.monotonic()
        self._allowed = min(BURST, self._allowed + (now - self._last) * self._rate)
        self._last = now
        if self._allowed >= 1:
            self._allowed -= 1
            await self._app(scope, receive, send)
            return
        wait = max(1, round((1 - self._allowed) / self._rate))
        headers = [(b"content-type", b"application/json"), (b"retry-after", b"%d" % wait)]
        headers.append((b"content-length", b"%d" % len(_BODY)))
        await send({"type": "http.response.start", "status": 429, "headers": headers})
        await send({"type": "http.response.body", "body": _BODY.encode()})


@dataclass(slots=True)
class ServedTarget:
    """A target, and after it has stopped what it did: its requests, started runs and seconds of CPU."""

    target: Target
    requests: int = 0
    runs: int = 0
    cpu: float = 0.0


@contextmanager
def serve_target(
    run_seconds: float = 0.0, per_minute: float = 0.0, variants: tuple[str, ...] = (), mutant: str = ""
) -> Iterator[ServedTarget]:
    """A new server in a process of its own, as a target whose objects are deleted afterwards."""
    arguments = [f"--run-seconds={run_seconds}", f"--per-minute={per_minute}"]
    arguments += [f"--variant={name}" for name in variants]
    arguments += [f"--mutant={mutant}"] if mutant else []
    command = [sys.executable, "-m", "benchmarks.target_server", *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        served = ServedTarget(remote_target(url, api_key=KEYS[0], second_api_key=KEYS[1], failing_model=FAILING_MODEL))
        start_up = cpu_seconds(process.pid)
        try:
            yield served
        finally:
            served.cpu = cpu_seconds(process.pid) - start_up
            process.stdin.close()
            counts = json.loads(process.stdout.readline() or "{}")
            served.requests, served.runs = counts.get("requests", 0), counts.get("runs", 0)
            process.wait(5)


def main() -> None:
    """Serve until standard input is closed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run-seconds", type=float, default=0.0)
    parser.add_argument("--per-minute", type=float, default=0.0)
    parser.add_argument("--variant", action="append", default=[])
    parser.add_argument("--mutant", action="append", default=[])
    arguments = parser.parse_args()
    step_ms = _STEP_MS_PER_SECOND * arguments.run_seconds or EmulatorOptions().step_ms
    variants = [*arguments.variant, *([_SLOW_RUNS] if arguments.run_seconds else [])]
    options = EmulatorOptions(keys=KEYS, failing_model=FAILING_MODEL, step_ms=step_ms)
    app = CountingApp(build(options, arguments.mutant, variants))
    outer: ASGIApp = RateLimitedApp(app, arguments.per_minute / 60) if arguments.per_minute else app
    serve(outer, "127.0.0.1", 0, _print_url, watch_stdin=True, is_fast=True)
    print(json.dumps({"requests": app.requests, "runs": app.runs}), flush=True)


def _print_url(origin: str) -> None:
    print(json.dumps({"url": origin + BASE}), flush=True)


if __name__ == "__main__":
    main()
