"""Serving an application on a socket."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp


def serve(app: ASGIApp, host: str, port: int, ready: Callable[[str], None], *, watch_stdin: bool = False) -> None:
    """Serve until interrupted. `ready` is called with the base URL once connections are taken; port 0 takes a free
    one.

    With `watch_stdin` the server ends when standard input does, so that it never outlives the process that holds the
    other end.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio only turns Nagle's delay off (40 ms an answer) for sockets whose protocol is spelled out.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    # The backlog is open before the loop runs, so whoever is told may connect at once.
    bound.listen(512)
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=1, lifespan="off")
    server = uvicorn.Server(config)
    if watch_stdin:
        threading.Thread(target=_end_with_stdin, args=(server,), daemon=True).start()
    shown = f"[{host}]" if family is socket.AF_INET6 else host
    ready(f"http://{shown}:{bound.getsockname()[1]}")
    server.run(sockets=[bound])


def _end_with_stdin(server: uvicorn.Server) -> None:
    while sys.stdin.buffer.read(4096):
        pass
    server.should_exit = True
