"""HTTP servers for ASGI applications."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from runs_conformance.emulator.http_protocol import BoundedH11Protocol
from runs_conformance.errors import TargetError

_STARTUP_TIMEOUT_S = 30.0
_KEEP_ALIVE_S = 75
"""Seconds that an idle connection stays open, as with usual web servers: a client that pauses may use it again."""


def serve(
    app: ASGIApp,
    host: str,
    port: int,
    ready: Callable[[str], None],
    *,
    watch_stdin: bool = False,
    certificate: tuple[str, str] | None = None,
    is_fast: bool = False,
) -> None:
    """Serve until interrupted. Calls `ready` with the origin once connections are accepted. Port 0 selects a free port.

    With `watch_stdin` the server stops when standard input is closed, so that it never outlives its parent process.
    `certificate` has the paths of a certificate and of its key, to serve by TLS. With `is_fast` the server uses uvloop
    and httptools if they are installed; otherwise it is the same in every environment.
    """
    listener = _listen(host, port)
    options: dict[str, Any] = {"loop": "auto", "http": fast_protocol()} if is_fast else {}
    if certificate is not None:
        options |= {"ssl_certfile": certificate[0], "ssl_keyfile": certificate[1]}
    server = uvicorn.Server(_config(app, lifespan="off", **options))
    if watch_stdin:
        threading.Thread(target=_stop_with_stdin, args=(server,), daemon=True).start()
    ready(_origin(listener, "https" if certificate else "http"))
    server.run(sockets=[listener])


@contextmanager
def serve_in_thread(app: ASGIApp, *, lifespan: str = "auto", log_level: str = "warning") -> Iterator[str]:
    """Serve an application from a thread of this process on a free loopback port; yields its origin.

    Raises TargetError if the application does not start.
    """
    listener = _listen("127.0.0.1", 0)
    server = uvicorn.Server(_config(app, lifespan=lifespan, log_level=log_level))

    def run() -> None:
        # If the application does not start, uvicorn raises SystemExit; it must end only this thread.
        with suppress(SystemExit):
            server.run(sockets=[listener])

    thread = threading.Thread(target=run, name="serve_in_thread", daemon=True)
    thread.start()
    try:
        deadline = time.monotonic() + _STARTUP_TIMEOUT_S
        while not server.started:
            if not thread.is_alive() or time.monotonic() > deadline:
                raise TargetError("the application did not start; see its log")
            time.sleep(0.002)
        yield _origin(listener)
    finally:
        server.should_exit = True
        thread.join(5)
        listener.close()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio disables Nagle's algorithm (40 ms per response) only for sockets with an explicit protocol.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    # Listening before the event loop runs lets clients connect at once.
    listener.listen(512)
    return listener


def _origin(listener: socket.socket, scheme: str = "http") -> str:
    host, port = listener.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if listener.family is socket.AF_INET6 else f"{scheme}://{host}:{port}"


def _config(app: ASGIApp, *, lifespan: Any, log_level: str = "warning", **options: Any) -> uvicorn.Config:
    choices: dict[str, Any] = {"loop": "asyncio", "http": BoundedH11Protocol, **options}
    return uvicorn.Config(
        app,
        log_level=log_level,
        access_log=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=1,
        lifespan=lifespan,
        ws="none",
        interface="asgi3",
        **choices,
    )


def fast_protocol() -> Any:
    """The class of connections with httptools if it is installed, which is several times as fast."""
    if not find_spec("httptools"):
        return BoundedH11Protocol
    from runs_conformance.emulator.fast_http_protocol import BoundedHttpToolsProtocol

    return BoundedHttpToolsProtocol


def _stop_with_stdin(server: uvicorn.Server) -> None:
    # Not by `sys.stdin.buffer`: its lock, held by this thread, would abort an interpreter that ends otherwise.
    while os.read(sys.stdin.fileno(), 4096):
        pass
    server.should_exit = True
