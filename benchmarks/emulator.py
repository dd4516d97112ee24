"""Memory and throughput of a served emulator.

`python -m benchmarks.emulator` sends 50,000 requests over 200 connections to `serve --max-objects 2000` and prints the
memory after each fifth; it exits with 1 if the last is more than a tenth above the second. `--get-run` measures the
throughput of `get_run` on one core instead, beside that of an application that does nothing on the same server.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from starlette.types import Receive, Scope, Send

from runs_conformance.emulator.server import serve

_GROWTH = 1.1
_GOAL, _ROUNDS = 3000, 5
_HEADERS = "host: {host}\r\nauthorization: Bearer sk-{key}\r\nopenai-beta: assistants=v2\r\n"


class KeepAliveConnection:
    """A keep-alive connection that costs little to use, so that the server is the bottleneck."""

    def __init__(self, url: str, key: int) -> None:
        place = urlsplit(url)
        self._base = place.path
        self._socket = socket.create_connection((place.hostname or "", place.port or 80), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._headers = _HEADERS.format(host=place.netloc, key=key)

    def encode(self, method: str, path: str, body: object = None) -> bytes:
        """A request as bytes."""
        content = b"" if body is None else json.dumps(body).encode()
        head = f"{method} {self._base}{path} HTTP/1.1\r\n{self._headers}content-length: {len(content)}\r\n"
        return (head + "content-type: application/json\r\n\r\n").encode() + content

    def exchange(self, request: bytes) -> bytes:
        """Send a request; returns the body of the answer, which must have the HTTP status 200."""
        self._socket.sendall(request)
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._receive()
        head, _, content = received.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(received[:300].decode("utf-8", "replace"))
        size = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        while len(content) < size:
            content += self._receive()
        return content

    def ask(self, method: str, path: str, body: object = None) -> dict[str, str]:
        """Send JSON; returns the object of the answer."""
        answer: dict[str, str] = json.loads(self.exchange(self.encode(method, path, body)))
        return answer

    def _receive(self) -> bytes:
        data = self._socket.recv(65536)
        if not data:
            raise RuntimeError("the server closed the connection")
        return data


@contextmanager
def served(*arguments: str, bare_answer: str | None = None) -> Iterator[tuple[int, str]]:
    """The process id and base URL of a new emulator, or of the bare application."""
    emulator = ["-m", "runs_conformance", *arguments]
    bare = ["-c", "import sys; from benchmarks.emulator import serve_bare; serve_bare(sys.argv[1])", bare_answer or ""]
    process = subprocess.Popen([sys.executable, *(emulator if bare_answer is None else bare)], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        yield process.pid, json.loads(process.stdout.readline())["url"]
    finally:
        process.terminate()
        process.wait(10)


def resident_mb(pid: int) -> float:
    """The resident memory of a process, from /proc."""
    pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def cpu_seconds(pid: int) -> float:
    """The CPU time that a process has used, from /proc."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def converse(connection: KeepAliveConnection) -> int:
    """A conversation with one run; returns its number of requests."""
    assistant = connection.ask("POST", "/assistants", {"model": "gpt-4o"})["id"]
    thread = connection.ask("POST", "/threads", {"messages": [{"role": "user", "content": "Hello " * 50}]})["id"]
    run = connection.ask("POST", f"/threads/{thread}/runs", {"assistant_id": assistant})["id"]
    for path in (f"/runs/{run}", "/messages", f"/runs/{run}/steps", f"/runs/{run}", ""):
        connection.ask("GET", f"/threads/{thread}{path}")
    return 8


def send_conversations(url: str, requests: int, clients: int) -> None:
    """Send conversations over a number of connections."""
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            connection = KeepAliveConnection(url, number)
            sent = 0
            while sent < requests / clients:
                sent += converse(connection)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def measure_memory(requests: int, clients: int, max_objects: int, *arguments: str) -> int:
    """Print the memory after each fifth of the requests; returns the exit code."""
    limit = ("--step-ms", "0", "--max-objects", str(max_objects))
    with served("serve", "--port", "0", "--json", *limit, *arguments) as (pid, url):
        print(f"at the start: {resident_mb(pid):.0f} MB")
        seen = []
        for fifth in range(1, 6):
            began = time.monotonic()
            sender = multiprocessing.Process(target=send_conversations, args=(url, requests // 5, clients))
            sender.start()
            sender.join()
            if sender.exitcode:
                return 1
            rate = requests / 5 / (time.monotonic() - began)
            seen.append(resident_mb(pid))
            print(f"after {requests * fifth // 5} requests: {seen[-1]:.0f} MB ({rate:.0f} requests a second)")
    return 0 if seen[-1] <= seen[1] * _GROWTH else 1


def measure_get_run(requests: int, *arguments: str) -> int:
    """Print the throughput of `get_run`, beside that of a bare application; returns the exit code.

    Both are measured in turns, by the server's CPU time, so that the ratio depends little on the machine and its load.
    """
    with served("serve", "--port", "0", "--json", "--step-ms", "0", *arguments) as (pid, url):
        first = KeepAliveConnection(url, 0)
        assistant = first.ask("POST", "/assistants", {"model": "gpt-4o", "instructions": "Be brief."})["id"]
        run = first.ask("POST", "/threads/runs", {"assistant_id": assistant})
        path = f"/threads/{run['thread_id']}/runs/{run['id']}"
        answer = json.dumps(first.ask("GET", path), separators=(",", ":"))
        with served(bare_answer=answer) as (bare_pid, bare_url):
            rates: dict[str, list[float]] = {"get_run": [], "bare": []}
            for _ in range(_ROUNDS):
                rates["get_run"].append(measure_rate(pid, url, path, requests // _ROUNDS))
                rates["bare"].append(measure_rate(bare_pid, bare_url, path, requests // _ROUNDS))
    emulator, bare = (statistics.median(rates[name]) for name in ("get_run", "bare"))
    print(f"get_run: {emulator:.0f} requests a second of the server's CPU time; at least {_GOAL} wanted")
    print(f"a bare application with the same answer: {bare:.0f}; ratio {emulator / bare:.2f}")
    return 0 if emulator >= _GOAL else 1


def measure_rate(pid: int, url: str, path: str, requests: int) -> float:
    """The requests per second of a server's CPU time, over eight connections."""
    before = cpu_seconds(pid)
    senders = [multiprocessing.Process(target=_poll, args=(url, path, requests // 8)) for _ in range(8)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    if any(sender.exitcode for sender in senders):
        raise RuntimeError("a sender failed")
    return requests / (cpu_seconds(pid) - before)


def serve_bare(answer: str) -> None:
    """Serve an application that does nothing but answer, by the server that `serve` uses."""
    raw = answer.encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(raw)).encode())]

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": raw})

    serve(app, "127.0.0.1", 0, lambda origin: print(json.dumps({"url": f"{origin}/v1"}), flush=True), is_fast=True)


def _poll(url: str, path: str, requests: int) -> None:
    connection = KeepAliveConnection(url, 0)
    request = connection.encode("GET", path)
    for _ in range(requests):
        connection.exchange(request)


def main() -> int:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--get-run", action="store_true", help="measure the throughput of get_run instead")
    parser.add_argument("--requests", type=int, default=50_000)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--max-objects", type=int, default=2_000)
    parser.add_argument("serve", nargs="*", help="further arguments of `serve`, after --")
    options = parser.parse_args()
    if options.get_run:
        return measure_get_run(options.requests, *options.serve)
    return measure_memory(options.requests, options.clients, options.max_objects, *options.serve)


if __name__ == "__main__":
    sys.exit(main())
