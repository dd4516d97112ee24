"""Measures how much longer a request takes through the proxy than a direct call.

    python -m benchmarks.proxy 1000

The emulator and the proxy run in processes of their own. One client alternates between both, on connections that stay
open, with this number of requests of each kind. The table in reports/reference/proxy.md is written.
"""

from __future__ import annotations

import contextlib
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx

_TABLE = Path(__file__).parent.parent / "reports" / "reference" / "proxy.md"
_HEADERS = {"Authorization": "Bearer sk-benchmark-0123456789", "OpenAI-Beta": "assistants=v2"}
_WARM_UP = 50
_PER_THREAD = 25
"""Requests on one thread, after which another one is created."""
_LONGEST_END_S = 300
"""Until then the proxy has judged everything."""
Call = Callable[[httpx.Client, str], httpx.Response]


def _create_message(client: httpx.Client, thread: str) -> httpx.Response:
    return client.post(f"/threads/{thread}/messages", json={"role": "user", "content": "Hello"})


_CALLS: dict[str, Call] = {
    "get_thread": lambda client, thread: client.get(f"/threads/{thread}"),
    "list_messages": lambda client, thread: client.get(f"/threads/{thread}/messages"),
    "create_message": _create_message,
}


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def _serving(port: int, *arguments: str) -> Iterator[None]:
    """Run a subcommand that serves this port until the end of the block."""
    command = [sys.executable, "-m", "runs_conformance", *arguments, "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.1)
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(_LONGEST_END_S)


def measure(count: int) -> dict[str, tuple[list[float], list[float]]]:
    """The milliseconds of each direct call, and of each through the proxy, by operation."""
    upstream, port = _free_port(), _free_port()
    times: dict[str, tuple[list[float], list[float]]] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        _serving(upstream, "serve"),
        _serving(port, "proxy", f"http://127.0.0.1:{upstream}/v1", "--report-dir", str(Path(folder) / "report")),
        httpx.Client(base_url=f"http://127.0.0.1:{upstream}/v1", headers=_HEADERS) as direct,
        httpx.Client(base_url=f"http://127.0.0.1:{port}/v1", headers=_HEADERS) as proxied,
    ):
        for name, call in _CALLS.items():
            times[name] = ([], [])
            for number in range(_WARM_UP + count):
                if number % _PER_THREAD == 0:
                    thread = direct.post("/threads", json={}).json()["id"]
                for client, measured in zip((direct, proxied), times[name], strict=True):
                    began = time.perf_counter()
                    call(client, thread).raise_for_status()
                    measured.append((time.perf_counter() - began) * 1000)
    return {name: (direct[_WARM_UP:], proxied[_WARM_UP:]) for name, (direct, proxied) in times.items()}


def main(count: int) -> None:
    """Print the table, and write it."""
    rows = ["| request | direct, ms | through the proxy, ms | longer by, ms |", "| --- | ---: | ---: | ---: |"]
    for name, (direct, proxied) in measure(count).items():
        medians = (statistics.median(direct), statistics.median(proxied))
        rows.append(f"| {name} | {medians[0]:.2f} | {medians[1]:.2f} | {medians[1] - medians[0]:.2f} |")
    print("\n".join(rows))
    _TABLE.write_text(
        "# Overhead of the proxy\n\n"
        f"Written by `python -m benchmarks.proxy {count}`: medians of {count:,} requests each, direct ones and those "
        "through the proxy in turn, on a machine that may have been busy with other work. The proxy writes and judges "
        "what it passes on meanwhile.\n\n" + "\n".join(rows) + "\n"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 1000)
