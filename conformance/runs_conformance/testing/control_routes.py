"""The routes that control an emulator by HTTP, below `/_emulator` on the port of the API."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Callable, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from runs_conformance.config import require_known
from runs_conformance.emulator.app import BASE, build_for_state
from runs_conformance.errors import UsageError
from runs_conformance.testing.control import Control, request_document
from runs_conformance.testing.control_openapi import openapi_document
from runs_conformance.testing.key_session import ALL_KEYS
from runs_conformance.testing.scenario import parse_strict_json

PREFIX = "/_emulator"
TOKEN_VARIABLE = "RUNS_EMULATOR_CONTROL_TOKEN"
_EXPOSED_HEADERS = ("x-request-id", "openai-version", "openai-processing-ms", "retry-after")
_MAX_BODY = 4 * 1024 * 1024


def build_controlled(
    control: Control, *, has_routes: bool = True, token: str | None = None, cors_origins: Sequence[str] = ()
) -> ASGIApp:
    """The application of a controlled emulator: the API, `/healthz`, and optionally the control routes.

    The control routes accept only loopback clients, or every client with the token if there is one. Web pages of
    `cors_origins` (`*` for all) may call the API, but never the control routes.
    """
    api = build_for_state(control.server)
    if cors_origins:
        api = CORSMiddleware(
            api, allow_origins=cors_origins, allow_methods=["*"], allow_headers=["*"], expose_headers=_EXPOSED_HEADERS
        )
    routes: list[Route | Mount] = [Route("/healthz", _respond_health)]
    if has_routes:
        routes += control_routes(control, token)
    rest = Starlette(routes=routes, exception_handlers={HTTPException: _respond_http_error})

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        # A router and its middleware would take as long as the emulator itself.
        await (api if scope.get("path", "").startswith(f"{BASE}/") else rest)(scope, receive, send)

    return dispatch


async def _respond_health(request: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _respond_http_error(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    path = request.scope["path"]
    if path.startswith(PREFIX):
        return JSONResponse({"error": f"there is no {request.method} {path}"}, status)
    message = f"Invalid URL ({request.method} {path})"
    envelope = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    return JSONResponse({"error": envelope}, status)


def control_routes(control: Control, token: str | None) -> list[Mount]:
    """The control routes, below their prefix."""

    def route(path: str, method: str, act: Callable[[Any, str | None], Any]) -> Route:
        async def handle(request: Request) -> Response:
            problem = _find_problem(request, token)
            if problem is not None:
                return JSONResponse({"error": problem}, 403)
            try:
                key = _session_key(request, control)
                document = await _read_document(request)
                return JSONResponse(act(document, key))
            except UsageError as error:
                return JSONResponse({"error": " ".join(str(error).split())}, 400)
            except ClientDisconnect:
                return Response(status_code=400)

        return Route(path, handle, methods=[method])

    def apply(scenario: Any, key: str | None) -> Any:
        control.apply(scenario, key or ALL_KEYS)
        return control.state(key)

    def add_turns(turns: Any, key: str | None) -> Any:
        return apply({"script": turns}, key)

    def add_faults(faults: Any, key: str | None) -> Any:
        return apply({"faults": faults}, key)

    def advance(document: Any, key: str | None) -> Any:
        if not isinstance(document, dict) or document.keys() != {"advance"}:
            raise UsageError('the clock takes {"advance": SECONDS}')
        return apply(document, key)

    def reset(document: Any, key: str | None) -> Any:
        if document != {}:
            raise UsageError("a reset takes no document; the query ?key=KEY limits it to one API key")
        control.reset(key)
        return control.state(key)

    routes = [
        route("/scenario", "POST", apply),
        route("/script", "POST", add_turns),
        route("/faults", "POST", add_faults),
        route("/clock", "POST", advance),
        route("/reset", "POST", reset),
        route("/requests", "GET", lambda _, key: [request_document(one) for one in control.requests(key)]),
        route("/state", "GET", lambda _, key: control.state(key)),
        route("/unused", "GET", lambda _, key: control.unused(key)),
        route("/openapi.json", "GET", lambda _, key: openapi_document(PREFIX)),
    ]
    return [Mount(PREFIX, routes=routes)]


def _find_problem(request: Request, token: str | None) -> str | None:
    """The reason to refuse a request, if there is one.

    Without a token, a web page must not reach the routes either: not by its own requests, which have an origin, nor by
    a host name that it resolves to a loopback address.
    """
    if token is not None:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        is_right = hmac.compare_digest(given.encode(), token.encode())
        return None if is_right else f"the control routes need the header 'Authorization: Bearer ${TOKEN_VARIABLE}'"
    client = request.client.host if request.client else ""
    if not _is_loopback(client) or not _is_loopback(request.url.hostname or ""):
        return f"the control routes accept only loopback clients; set {TOKEN_VARIABLE} and send it as bearer token"
    if "origin" in request.headers:
        return "the control routes do not accept web pages"
    return None


def _session_key(request: Request, control: Control) -> str | None:
    """The API key to which a call is limited, if there is one. Raises UsageError for one that no request can have."""
    for name in request.query_params:
        require_known(name, ("key",), "query parameter")
    keys = request.query_params.getlist("key")
    if not keys:
        return None
    if len(keys) > 1 or not keys[0]:
        raise UsageError("the query parameter key is one API key")
    accepted = control.server.options.keys
    if accepted and keys[0] not in accepted:
        raise UsageError("the server does not accept this API key, so no request can have it")
    return keys[0]


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


async def _read_document(request: Request) -> Any:
    if request.method == "GET":
        return None
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > _MAX_BODY:
            raise UsageError(f"the document is larger than {_MAX_BODY // 2**20} MB")
    return parse_strict_json(bytes(raw)) if raw else {}
