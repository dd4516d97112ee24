"""Serves a user's application while it is judged."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from runs_conformance.errors import UsageError
from runs_conformance.targets import serve_app


@contextmanager
def serve_application(app: Any) -> Iterator[str]:
    """Serve an ASGI or WSGI application on a free loopback port during the block; yields its origin.

    Raises UsageError if it is neither, TargetError if it does not start.
    """
    if not callable(app):
        raise UsageError(f"a {type(app).__name__} is not an ASGI or WSGI application")
    with serve_app(app if is_asgi(app) else _bridge_wsgi(app)) as origin:
        yield origin


def is_asgi(app: Any) -> bool:
    """Whether an application takes `scope, receive, send` (ASGI) and not `environ, start_response` (WSGI)."""
    if inspect.iscoroutinefunction(app) or inspect.iscoroutinefunction(getattr(app, "__call__", None)):  # noqa: B004
        return True
    try:
        parameters = inspect.signature(app).parameters.values()
    except (TypeError, ValueError):
        return False
    needed = [
        one
        for one in parameters
        if one.default is one.empty and one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)
    ]
    return len(needed) == 3


def _bridge_wsgi(app: Any) -> Any:
    try:
        from a2wsgi import WSGIMiddleware
    except ImportError:
        raise UsageError("judging a WSGI application needs a2wsgi: pip install a2wsgi") from None
    return WSGIMiddleware(app, workers=32)
