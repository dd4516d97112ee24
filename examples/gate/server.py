"""A minimal in-memory server of the Runs API with three defects. The variable `MISTAKES` selects them.

pairs        a run accepts any number of metadata pairs (the limit is 16)
prompt       a run accepts any `max_prompt_tokens` (the minimum is 256)
temperature  a run accepts any temperature (the maximum is 2)
"""

from __future__ import annotations

import itertools
import json
import os
import time
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

MISTAKES = set(os.environ.get("MISTAKES", "pairs prompt temperature").split())
NUMBERS = itertools.count(1)
STORE: dict[str, dict[str, Any]] = {}

TOOL_CHOICE = {"top_p": 1.0, "tool_choice": "auto", "parallel_tool_calls": True}
TRUNCATION = {"truncation_strategy": {"type": "auto", "last_messages": None}, "response_format": "auto"}


class ApiError(Exception):
    """An error response."""

    def __init__(self, http_status: int, message: str, param: str | None = None) -> None:
        self.http_status, self.message, self.param = http_status, message, param


def create(prefix: str, kind: str, **members: Any) -> dict[str, Any]:
    """Create an object and store it."""
    id_ = f"{prefix}_{next(NUMBERS):024d}"
    STORE[id_] = {"id": id_, "object": kind, "created_at": int(time.time()), **members}
    return STORE[id_]


def lookup(id_: str) -> dict[str, Any]:
    """The object with this id."""
    if id_ not in STORE:
        raise ApiError(404, f"No object found with id '{id_}'.")
    return STORE[id_]


def metadata(body: dict[str, Any], limit: float = 16) -> dict[str, str]:
    """Validate and return the metadata of a request."""
    given = body.get("metadata")
    if given is None:
        return {}
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        raise ApiError(400, "'metadata' must be an object of strings.", "metadata")
    if len(given) > limit:
        raise ApiError(400, f"'metadata' must have at most {limit} pairs.", "metadata")
    if any(len(name) > 64 or len(value) > 512 for name, value in given.items()):
        raise ApiError(400, "In 'metadata', keys are limited to 64 characters and values to 512.", "metadata")
    return given


async def read(request: Request) -> dict[str, Any]:
    """Parse the body of a request, which must be an object."""
    try:
        body = json.loads(await request.body() or b"{}")
    except ValueError:
        raise ApiError(400, "The body is not JSON.") from None
    if not isinstance(body, dict):
        raise ApiError(400, "The body is not an object.")
    return body


def number(body: dict[str, Any], name: str, kinds: tuple[type, ...], minimum: float, maximum: float) -> Any:
    """Validate and return a number of a request."""
    given = body.get(name)
    if given is None:
        return None
    if not isinstance(given, kinds) or isinstance(given, bool) or not minimum <= given <= maximum:
        raise ApiError(400, f"'{name}' must be between {minimum} and {maximum}.", name)
    return given


async def create_assistant(request: Request) -> dict[str, Any]:
    """POST /assistants."""
    body = await read(request)
    texts = {name: body.get(name) for name in ("name", "description", "instructions")}
    settings = {"model": body["model"], "tools": body.get("tools", []), "metadata": metadata(body), **texts}
    return create("asst", "assistant", **settings, temperature=1.0, top_p=1.0, response_format="auto")


async def create_thread(request: Request) -> dict[str, Any]:
    """POST /threads."""
    body = await read(request)
    thread = create("thread", "thread", metadata=metadata(body), tool_resources={})
    for message in body.get("messages", []):
        add_message(thread["id"], message)
    return thread


def add_message(thread_id: str, body: dict[str, Any]) -> dict[str, Any]:
    """Add a message to a thread."""
    content = [{"type": "text", "text": {"value": str(body["content"]), "annotations": []}}]
    references = {"thread_id": thread_id, "assistant_id": None, "run_id": None, "attachments": []}
    return create("msg", "thread.message", role=body["role"], content=content, metadata=metadata(body), **references)


async def create_message(request: Request) -> dict[str, Any]:
    """POST /threads/{thread}/messages."""
    return add_message(lookup(request.path_params["thread"])["id"], await read(request))


async def create_run(request: Request) -> dict[str, Any]:
    """POST /threads/{thread}/runs: the run completes immediately."""
    body, thread = await read(request), lookup(request.path_params["thread"])
    assistant = lookup(str(body.get("assistant_id")))
    pairs = metadata(body, limit=float("inf") if "pairs" in MISTAKES else 16)
    minimum = float("-inf") if "prompt" in MISTAKES else 256
    prompt = number(body, "max_prompt_tokens", (int,), minimum, float("inf"))
    maximum = float("inf") if "temperature" in MISTAKES else 2
    temperature = number(body, "temperature", (int, float), 0, maximum)
    now = int(time.time())
    times = {"started_at": now, "completed_at": now, "expires_at": None}
    ends = {"cancelled_at": None, "failed_at": None, "last_error": None, "incomplete_details": None}
    used = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    limits = {"required_action": None, "max_prompt_tokens": prompt, "max_completion_tokens": None, "usage": used}
    copied = {name: assistant[name] for name in ("model", "tools")}
    return create(
        "run",
        "thread.run",
        thread_id=thread["id"],
        assistant_id=assistant["id"],
        status="completed",
        instructions=assistant["instructions"] or "",
        metadata=pairs,
        temperature=1.0 if temperature is None else temperature,
        **{**copied, **times, **ends, **limits, **TOOL_CHOICE, **TRUNCATION},
    )


async def get(request: Request) -> dict[str, Any]:
    """GET of one object."""
    return lookup(request.path_params["id"])


async def delete(request: Request) -> dict[str, Any]:
    """DELETE of one object."""
    deleted = lookup(request.path_params["id"])
    del STORE[deleted["id"]]
    return {"id": deleted["id"], "object": f"{deleted['object']}.deleted", "deleted": True}


async def error_response(request: Request, error: Exception) -> JSONResponse:
    """Convert an error to a response."""
    assert isinstance(error, ApiError)
    body = {"message": error.message, "type": "invalid_request_error", "param": error.param, "code": None}
    return JSONResponse({"error": body}, error.http_status)


def route(path: str, method: str, operation: Any) -> Route:
    """Create a route that returns the operation's result as JSON."""

    async def respond(request: Request) -> JSONResponse:
        return JSONResponse(await operation(request))

    return Route(f"/v1{path}", respond, methods=[method])


app = Starlette(
    routes=[
        route("/assistants", "POST", create_assistant),
        route("/assistants/{id}", "GET", get),
        route("/assistants/{id}", "DELETE", delete),
        route("/threads", "POST", create_thread),
        route("/threads/{id}", "GET", get),
        route("/threads/{id}", "DELETE", delete),
        route("/threads/{thread}/messages", "POST", create_message),
        route("/threads/{thread}/messages/{id}", "GET", get),
        route("/threads/{thread}/runs", "POST", create_run),
        route("/threads/{thread}/runs/{id}", "GET", get),
    ],
    exception_handlers={ApiError: error_response},
)

if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ.get("PORT", "8000")), log_level="warning")
