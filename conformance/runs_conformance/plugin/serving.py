"""An application of the user's, served while it is judged."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from runs_conformance.errors import UsageError
from runs_conformance.targets import hosted


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """The origin at which an ASGI or WSGI application is served as long as the block lasts.

    Raises UsageError where it is neither, TargetError where it does not start up.
    """
    if not callable(app):
        raise UsageError(
            f"pytest_runs_conformance_app gave a {type(app).__name__}, which is no ASGI or WSGI application"
        )
    with hosted(app if is_asgi(app) else _bridged(app)) as origin:
        yield origin


def is_asgi(app: Any) -> bool:
    """Whether an application takes `scope, receive, send`; one that takes `environ, start_response` does not."""
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


def _bridged(app: Any) -> Any:
    try:
        from a2wsgi import WSGIMiddleware
    except ImportError:
        raise UsageError("to judge a WSGI application: pip install 'runs-conformance[pytest]'") from None
    return WSGIMiddleware(app, workers=32)
