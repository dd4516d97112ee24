"""Serves the proxy on a loopback port."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from runs_conformance.errors import UsageError

_STARTUP_TIMEOUT_S = 10.0


@contextmanager
def serve_on_loopback(app: ASGIApp, port: int) -> Iterator[str]:
    """Serve an application from a thread of this process; yields its origin. Port 0 selects a free port.

    Raises UsageError if the port is taken.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen(512)
    except OSError as error:
        listener.close()
        raise UsageError(f"--port {port}: {error.strerror or error}") from None
    config = uvicorn.Config(
        app, log_level="critical", access_log=False, lifespan="on", ws="none", interface="asgi3",
        timeout_graceful_shutdown=1, server_header=False, date_header=False,
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="proxy", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(_STARTUP_TIMEOUT_S)
        listener.close()
