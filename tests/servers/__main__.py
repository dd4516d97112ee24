"""Serves one server on a free port until standard input is closed: `python -m tests.servers NAME`."""

from __future__ import annotations

import sys
import threading

from runs_conformance.emulator.server import serve
from tests.servers.catalogue import SERVERS


def _print_url(origin: str) -> None:
    print(f"{origin}/v1", flush=True)


if __name__ == "__main__":
    arguments = (SERVERS[sys.argv[1]](), "127.0.0.1", 0, _print_url)
    threading.Thread(target=serve, args=arguments, daemon=True).start()
    sys.stdin.read()
