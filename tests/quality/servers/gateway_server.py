"""A gateway in front of an assistants server: own keys, own log ids, and the members that its client library knew.

The first argument is the upstream's base URL, the second the upstream's key.
"""

import json
import socket
import sys
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

UPSTREAM, UPSTREAM_KEY = sys.argv[1], sys.argv[2]
KEYS = {"sk-test-123456789012"}
TIME_TO_LIVE = 30.0

ASSISTANT = ["model", "name", "description", "instructions", "tools", "tool_resources", "metadata"]
ASSISTANT += ["temperature", "top_p", "response_format"]
MESSAGE = ["role", "content", "attachments", "metadata"]
THREAD = ["messages", "metadata", "tool_resources"]
RUN = ["assistant_id", "model", "instructions", "additional_instructions", "tools", "metadata", "stream"]
RUN += ["temperature", "tool_choice"]
SHOWN_RUN = ["id", "object", "created_at", "thread_id", "assistant_id", "status", "required_action", "last_error"]
SHOWN_RUN += ["expires_at", "started_at", "cancelled_at", "failed_at", "completed_at", "model", "instructions", "tools"]
SHOWN_RUN += ["metadata", "usage", "temperature", "tool_choice"]

client = httpx.AsyncClient(
    base_url=UPSTREAM,
    headers={"Authorization": f"Bearer {UPSTREAM_KEY}", "OpenAI-Beta": "assistants=v2"},
    timeout=30,
)
cache: dict[str, tuple[float, Any]] = {}


def error(status: int, message: str, kind: str) -> JSONResponse:
    return JSONResponse({"error": {"message": message, "type": kind, "param": None, "code": status}}, status)


class UnauthorizedError(Exception):
    pass


def check_key(request: Request) -> None:
    key = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
    if key not in KEYS:
        raise UnauthorizedError


def pick(body: Any, names: list[str]) -> Any:
    if not isinstance(body, dict):
        return {}
    return {name: body[name] for name in names if name in body}


def pick_run(value: Any) -> Any:
    if isinstance(value, dict) and value.get("object") == "thread.run":
        return pick(value, SHOWN_RUN)
    if isinstance(value, dict) and value.get("object") == "list":
        return {**value, "data": [pick_run(item) for item in value["data"]]}
    return value


def traced(body: dict[str, Any]) -> dict[str, Any]:
    metadata = body.get("metadata")
    if metadata is None or isinstance(metadata, dict):
        body["metadata"] = {**(metadata or {}), "gateway_request_id": uuid.uuid4().hex}
    return body


async def read(request: Request) -> Any:
    try:
        return json.loads(await request.body() or b"{}")
    except ValueError:
        return {}


async def forward(request: Request, path: str, body: Any = None) -> Response:
    query = {name: request.query_params[name] for name in ("limit", "order") if name in request.query_params}
    answer = await client.request(request.method, path, params=query, json=body)
    if answer.status_code == 404:
        return error(500, f"Upstream error: {answer.json()['error']['message']}", "upstream_error")
    if answer.status_code >= 400:
        return error(answer.status_code, answer.json()["error"]["message"], "upstream_error")
    return JSONResponse(pick_run(answer.json()))


async def stream(path: str, body: Any) -> Response:
    answer = await client.post(path, json=body)
    if answer.status_code >= 400:
        return error(500, "Upstream error", "upstream_error")

    async def events() -> AsyncIterator[str]:
        event = ""
        for line in answer.text.splitlines():
            if line.startswith("event: "):
                event = line.removeprefix("event: ")
            elif line.startswith("data: "):
                data = line.removeprefix("data: ")
                if data == "[DONE]":
                    yield "data: [DONE]\n\n"
                else:
                    yield f"data: {json.dumps({'event': event, 'data': json.loads(data)})}\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")


async def assistants(request: Request) -> Response:
    check_key(request)
    if request.method == "GET":
        return await forward(request, "/assistants")
    return await forward(request, "/assistants", traced(pick(await read(request), ASSISTANT)))


async def assistant(request: Request) -> Response:
    check_key(request)
    path = f"/assistants/{request.path_params['assistant_id']}"
    if request.method == "GET":
        kept = cache.get(path)
        if kept and time.monotonic() - kept[0] < TIME_TO_LIVE:
            return JSONResponse(kept[1])
        answer = await forward(request, path)
        if answer.status_code == 200:
            cache[path] = (time.monotonic(), json.loads(bytes(answer.body)))
        return answer
    if request.method == "DELETE":
        return await forward(request, path)
    return await forward(request, path, pick(await read(request), ASSISTANT))


async def threads(request: Request) -> Response:
    check_key(request)
    return await forward(request, "/threads", traced(pick(await read(request), THREAD)))


async def thread(request: Request) -> Response:
    check_key(request)
    path = f"/threads/{request.path_params['thread_id']}"
    if request.method == "POST":
        return await forward(request, path, pick(await read(request), ["metadata", "tool_resources"]))
    return await forward(request, path)


async def messages(request: Request) -> Response:
    check_key(request)
    path = f"/threads/{request.path_params['thread_id']}/messages"
    if request.method == "GET":
        return await forward(request, path)
    return await forward(request, path, pick(await read(request), MESSAGE))


async def message(request: Request) -> Response:
    check_key(request)
    path = f"/threads/{request.path_params['thread_id']}/messages/{request.path_params['message_id']}"
    if request.method == "POST":
        return await forward(request, path, pick(await read(request), ["metadata"]))
    return await forward(request, path)


async def runs(request: Request) -> Response:
    check_key(request)
    path = f"/threads/{request.path_params['thread_id']}/runs"
    if request.method == "GET":
        return await forward(request, path)
    body = traced(pick(await read(request), RUN))
    return await stream(path, body) if body.get("stream") else await forward(request, path, body)


async def thread_and_run(request: Request) -> Response:
    check_key(request)
    body = await read(request)
    created = await client.post("/threads", json=pick(body.get("thread"), ["messages"]))
    if created.status_code >= 400:
        return error(500, "Upstream error", "upstream_error")
    settings = traced(pick(body, RUN))
    path = f"/threads/{created.json()['id']}/runs"
    return await stream(path, settings) if settings.get("stream") else await forward(request, path, settings)


async def run(request: Request) -> Response:
    check_key(request)
    path = f"/threads/{request.path_params['thread_id']}/runs/{request.path_params['run_id']}"
    if request.method == "POST":
        return await forward(request, path, pick(await read(request), ["metadata"]))
    return await forward(request, path)


async def cancel(request: Request) -> Response:
    check_key(request)
    return await forward(request, request.url.path.removeprefix("/v1"))


async def submit(request: Request) -> Response:
    check_key(request)
    return await forward(request, request.url.path.removeprefix("/v1"), pick(await read(request), ["tool_outputs"]))


async def steps(request: Request) -> Response:
    check_key(request)
    return await forward(request, request.url.path.removeprefix("/v1"))


async def unauthorized(_: Request, __: Exception) -> Response:
    return error(401, "Invalid gateway key", "auth_error")


T, R = "/v1/threads/{thread_id}", "/v1/threads/{thread_id}/runs/{run_id}"
app = Starlette(
    routes=[
        Route("/v1/assistants", assistants, methods=["GET", "POST"]),
        Route("/v1/assistants/{assistant_id}", assistant, methods=["GET", "POST", "DELETE"]),
        Route("/v1/threads", threads, methods=["POST"]),
        Route("/v1/threads/runs", thread_and_run, methods=["POST"]),
        Route(T, thread, methods=["GET", "POST", "DELETE"]),
        Route(f"{T}/messages", messages, methods=["GET", "POST"]),
        Route(f"{T}/messages/{{message_id}}", message, methods=["GET", "POST"]),
        Route(f"{T}/runs", runs, methods=["GET", "POST"]),
        Route(R, run, methods=["GET", "POST"]),
        Route(f"{R}/cancel", cancel, methods=["POST"]),
        Route(f"{R}/submit_tool_outputs", submit, methods=["POST"]),
        Route(f"{R}/steps", steps, methods=["GET"]),
        Route(f"{R}/steps/{{step_id}}", steps, methods=["GET"]),
    ],
    exception_handlers={UnauthorizedError: unauthorized},
)

if __name__ == "__main__":
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listener.getsockname()[1]}/v1", flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])
