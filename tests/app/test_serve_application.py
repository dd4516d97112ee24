"""ASGI and WSGI applications are served as long as they are judged."""

from __future__ import annotations

import functools
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from runs_conformance.app.serve_application import is_asgi, serve_application
from runs_conformance.errors import TargetError, UsageError


async def spoken(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


async def still(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "lifespan.startup.failed", "message": "no database"})


def called(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]


class Spoken:
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await spoken(scope, receive, send)


class Called:
    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        return called(environ, start_response)


def wrapped(scope: Any, receive: Any, send: Any) -> Any:
    return spoken(scope, receive, send)


ASGI = [spoken, Spoken(), wrapped, functools.partial(spoken)]
WSGI = [called, Called(), functools.partial(called)]


@pytest.mark.parametrize(("app", "asgi"), [*((app, True) for app in ASGI), *((app, False) for app in WSGI)])
def test_asgi_and_wsgi_are_detected_and_served(app: Any, asgi: bool) -> None:
    assert is_asgi(app) is asgi
    with serve_application(app) as origin, urllib.request.urlopen(origin, timeout=5) as answer:
        assert answer.read() == b"ok"


def test_application_is_served_during_the_block() -> None:
    with serve_application(spoken) as origin:
        pass
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(origin, timeout=5)


def test_other_objects_are_usage_errors() -> None:
    with pytest.raises(UsageError, match="a str is not an ASGI or WSGI application"), serve_application("app"):
        pass


def test_failing_startup_is_a_target_error() -> None:
    with pytest.raises(TargetError, match="did not start"), serve_application(still):
        pass
