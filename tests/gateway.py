"""The emulator behind a gateway: under another path, with other headers, with missing operations.

Every request is recorded.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runs_conformance.contract.operation import find_operation
from runs_conformance.emulator.app import build
from runs_conformance.emulator.server_options import EmulatorOptions
from tests.fakes import drop_connection

KEY = "sk-secret-of-the-gateway-1234567890"
SECOND_KEY = "sk-secret-of-another-tenant-1234567"


@dataclass(frozen=True, slots=True)
class GatewayRequest:
    """A request received by the gateway."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def operation(self) -> str:
        """The requested operation; empty if there is none."""
        found = find_operation(self.method, self.path)
        return found[0].name if found else ""


CannedResponse = tuple[int, bytes]
NO_ROUTE: CannedResponse = (404, b'{"detail":"Not Found"}')


DROPPED: CannedResponse = (0, b"")
"""Instead of a response, the connection is closed."""


def error_response(status: int, message: str) -> CannedResponse:
    """Build an error response of the API."""
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    return status, json.dumps({"error": error}).encode()


@dataclass
class Gateway:
    """Forwards requests below `mount` to the emulator and responds with 404 to all others.

    A response returned by `refuse` replaces the emulator's. `key_header` carries the key, bare unless it is
    Authorization. Every request needs the parameters of `query`. `ignored_parameters` are not forwarded.
    """

    app: ASGIApp
    mount: str = "/v1"
    key_header: str = "authorization"
    query: Mapping[str, str] = field(default_factory=dict)
    ignored_parameters: Sequence[str] = ()
    refuse: Callable[[GatewayRequest], CannedResponse | None] = lambda seen: None
    requests: list[GatewayRequest] = field(default_factory=list)
    live_objects: set[str] = field(default_factory=set)
    started_runs: int = 0
    url: str = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
        inside = scope["path"].startswith(f"{self.mount}/")
        path = scope["path"].removeprefix(self.mount)
        seen = GatewayRequest(scope["method"], path, query, headers, body)
        self.requests.append(seen)
        answer = self._find_response(seen) if inside else NO_ROUTE
        if answer is DROPPED:
            await drop_connection(receive)
            return
        if answer is not None:
            await _answer(send, *answer)
            return
        await self.app(self._forwarded_scope(scope, seen), _replay(body, receive), self._observe(seen, send))

    def _observe(self, seen: GatewayRequest, send: Send) -> Send:
        """Track the existing assistants and threads, and count the runs."""
        accepted, head = False, b""

        async def send_and_observe(message: Message) -> None:
            nonlocal accepted, head
            accepted = accepted or message.get("status") == 200
            head += message.get("body", b"")
            if accepted and message["type"] == "http.response.body" and not message.get("more_body"):
                self._track(seen, head)
            await send(message)

        return send_and_observe

    def _track(self, seen: GatewayRequest, body: bytes) -> None:
        operation = seen.operation
        ids = re.findall(rb'"((?:thread|asst)_[A-Za-z0-9]{20,})"', body)
        if operation in ("create_run", "create_thread_and_run"):
            self.started_runs += 1
        if operation in ("create_assistant", "create_thread"):
            self.live_objects.add(ids[0].decode())
        elif operation == "create_thread_and_run":
            self.live_objects.add(next(id_.decode() for id_ in ids if id_.startswith(b"thread_")))
        elif operation in ("delete_assistant", "delete_thread"):
            self.live_objects.discard(seen.path.rpartition("/")[2])

    def _find_response(self, seen: GatewayRequest) -> CannedResponse | None:
        if any(seen.query.get(name) != value for name, value in self.query.items()):
            return error_response(404, "Resource not found")
        return self.refuse(seen) if seen.operation else NO_ROUTE

    def _forwarded_scope(self, scope: Scope, seen: GatewayRequest) -> Scope:
        # A gateway that checks keys itself adds one for the emulator.
        key = seen.headers.get(self.key_header) if self.key_header else f"Bearer {KEY}"
        headers = [pair for pair in scope["headers"] if pair[0] not in (b"authorization", self.key_header.encode())]
        if key is not None:
            bearer = key if self.key_header in ("authorization", "") else f"Bearer {key}"
            headers.append((b"authorization", bearer.encode("latin-1")))
        path = f"/v1{seen.path}"
        rest = b"&".join(
            part
            for part in scope["query_string"].split(b"&")
            if part.partition(b"=")[0].decode("latin-1") not in (*self.query, *self.ignored_parameters)
        )
        return {**scope, "path": path, "raw_path": path.encode(), "headers": headers, "query_string": rest}


@contextmanager
def gateway(
    *,
    keys: Sequence[str] = (KEY, SECOND_KEY),
    mount: str = "/v1",
    key_header: str = "authorization",
    query: Mapping[str, str] | None = None,
    ignored_parameters: Sequence[str] = (),
    refuse: Callable[[GatewayRequest], CannedResponse | None] = lambda seen: None,
    variants: Sequence[str] = (),
    mutants: Sequence[str] = (),
) -> Iterator[Gateway]:
    """Serve an emulator behind a gateway on a free port of this machine."""
    app = build(EmulatorOptions(keys=tuple(keys), failing_model="failing-model"), mutants, variants)
    gate = Gateway(app, mount, key_header, query or {}, ignored_parameters, refuse)
    server = uvicorn.Server(
        uvicorn.Config(gate, port=0, log_level="error", lifespan="off", timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    gate.url = f"http://127.0.0.1:{port}{mount}"
    try:
        yield gate
    finally:
        server.should_exit = True
        thread.join(5)


async def _answer(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _replay(body: bytes, receive: Receive) -> Receive:
    sent = False

    async def receive_once() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_once
