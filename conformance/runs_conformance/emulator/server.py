"""Serving an application on a socket."""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from runs_conformance.errors import TargetError

_PATIENCE = 30.0
"""Seconds that an application gets to start up."""


def serve(app: ASGIApp, host: str, port: int, ready: Callable[[str], None], *, watch_stdin: bool = False) -> None:
    """Serve until interrupted. `ready` is called with the base URL once connections are taken; port 0 takes a free
    one.

    With `watch_stdin` the server ends when standard input does, so that it never outlives the process that holds the
    other end.
    """
    bound = _bound(host, port)
    server = uvicorn.Server(_config(app, lifespan="off"))
    if watch_stdin:
        threading.Thread(target=_end_with_stdin, args=(server,), daemon=True).start()
    ready(_origin(bound))
    server.run(sockets=[bound])


@contextmanager
def hosted(app: ASGIApp, *, lifespan: str = "auto", log_level: str = "warning") -> Iterator[str]:
    """The origin at which an application is served, by a thread of this process and on a free port of the loopback
    interface, as long as the block lasts.

    Raises TargetError where the application does not start up.
    """
    bound = _bound("127.0.0.1", 0)
    server = uvicorn.Server(_config(app, lifespan=lifespan, log_level=log_level))

    def run() -> None:
        # An application that does not start up makes the server exit, which ends no more than this thread.
        with suppress(SystemExit):
            server.run(sockets=[bound])

    thread = threading.Thread(target=run, name="hosted", daemon=True)
    thread.start()
    try:
        ends = time.monotonic() + _PATIENCE
        while not server.started:
            if not thread.is_alive() or time.monotonic() > ends:
                raise TargetError("the application does not start up; its log says why")
            time.sleep(0.002)
        yield _origin(bound)
    finally:
        server.should_exit = True
        thread.join(5)
        bound.close()


def _bound(host: str, port: int) -> socket.socket:
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
    return bound


def _origin(bound: socket.socket) -> str:
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if bound.family is socket.AF_INET6 else f"http://{host}:{port}"


def _config(app: ASGIApp, *, lifespan: Any, log_level: str = "warning") -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_level=log_level,
        access_log=False,
        timeout_graceful_shutdown=1,
        lifespan=lifespan,
        ws="none",
        interface="asgi3",
    )


def _end_with_stdin(server: uvicorn.Server) -> None:
    while sys.stdin.buffer.read(4096):
        pass
    server.should_exit = True
