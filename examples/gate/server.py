"""A tiny server of the Runs surface, in memory, with three mistakes. `MISTAKES` in the environment says which are left.

pairs        a run takes any number of metadata pairs (16 are allowed)
prompt       a run takes any `max_prompt_tokens` (256 is the least)
temperature  a run takes any temperature (2 is the most)
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


class Refused(Exception):  # noqa: N818
    """A request that is answered by an error."""

    def __init__(self, http_status: int, message: str, param: str | None = None) -> None:
        self.http_status, self.message, self.param = http_status, message, param


def made(prefix: str, kind: str, **members: Any) -> dict[str, Any]:
    """A new object, kept under its id."""
    id_ = f"{prefix}_{next(NUMBERS):024d}"
    STORE[id_] = {"id": id_, "object": kind, "created_at": int(time.time()), **members}
    return STORE[id_]


def found(id_: str) -> dict[str, Any]:
    """The object with this id."""
    if id_ not in STORE:
        raise Refused(404, f"No object found with id '{id_}'.")
    return STORE[id_]


def metadata(body: dict[str, Any], most: float = 16) -> dict[str, str]:
    """The metadata of a request, checked."""
    given = body.get("metadata")
    if given is None:
        return {}
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        raise Refused(400, "'metadata' is an object of texts.", "metadata")
    if len(given) > most:
        raise Refused(400, f"'metadata' has at most {most} pairs.", "metadata")
    if any(len(name) > 64 or len(value) > 512 for name, value in given.items()):
        raise Refused(400, "A name in 'metadata' has at most 64 characters, a value at most 512.", "metadata")
    return given


async def read(request: Request) -> dict[str, Any]:
    """The body of a request, which is an object."""
    try:
        body = json.loads(await request.body() or b"{}")
    except ValueError:
        raise Refused(400, "The body is not JSON.") from None
    if not isinstance(body, dict):
        raise Refused(400, "The body is not an object.")
    return body


def number(body: dict[str, Any], name: str, kinds: tuple[type, ...], least: float, most: float) -> Any:
    """A number of a request, checked."""
    given = body.get(name)
    if given is None:
        return None
    if not isinstance(given, kinds) or isinstance(given, bool) or not least <= given <= most:
        raise Refused(400, f"'{name}' is a number between {least} and {most}.", name)
    return given


async def create_assistant(request: Request) -> dict[str, Any]:
    """POST /assistants."""
    body = await read(request)
    texts = {name: body.get(name) for name in ("name", "description", "instructions")}
    shown = {"model": body["model"], "tools": body.get("tools", []), "metadata": metadata(body), **texts}
    return made("asst", "assistant", **shown, temperature=1.0, top_p=1.0, response_format="auto")


async def create_thread(request: Request) -> dict[str, Any]:
    """POST /threads."""
    body = await read(request)
    thread = made("thread", "thread", metadata=metadata(body), tool_resources={})
    for message in body.get("messages", []):
        add_message(thread["id"], message)
    return thread


def add_message(thread_id: str, body: dict[str, Any]) -> dict[str, Any]:
    """A message, added to a thread."""
    content = [{"type": "text", "text": {"value": str(body["content"]), "annotations": []}}]
    belongs = {"thread_id": thread_id, "assistant_id": None, "run_id": None, "attachments": []}
    return made("msg", "thread.message", role=body["role"], content=content, metadata=metadata(body), **belongs)


async def create_message(request: Request) -> dict[str, Any]:
    """POST /threads/{thread}/messages."""
    return add_message(found(request.path_params["thread"])["id"], await read(request))


async def create_run(request: Request) -> dict[str, Any]:
    """POST /threads/{thread}/runs: a run that is completed at once."""
    body, thread = await read(request), found(request.path_params["thread"])
    assistant = found(str(body.get("assistant_id")))
    pairs = metadata(body, most=float("inf") if "pairs" in MISTAKES else 16)
    least = float("-inf") if "prompt" in MISTAKES else 256
    prompt = number(body, "max_prompt_tokens", (int,), least, float("inf"))
    most = float("inf") if "temperature" in MISTAKES else 2
    temperature = number(body, "temperature", (int, float), 0, most)
    now = int(time.time())
    times = {"started_at": now, "completed_at": now, "expires_at": None}
    ends = {"cancelled_at": None, "failed_at": None, "last_error": None, "incomplete_details": None}
    used = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    limits = {"required_action": None, "max_prompt_tokens": prompt, "max_completion_tokens": None, "usage": used}
    copied = {name: assistant[name] for name in ("model", "tools")}
    return made(
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
    return found(request.path_params["id"])


async def delete(request: Request) -> dict[str, Any]:
    """DELETE of one object."""
    gone = found(request.path_params["id"])
    del STORE[gone["id"]]
    return {"id": gone["id"], "object": f"{gone['object']}.deleted", "deleted": True}


async def refused(request: Request, error: Exception) -> JSONResponse:
    """An error, as the API says it."""
    assert isinstance(error, Refused)
    said = {"message": error.message, "type": "invalid_request_error", "param": error.param, "code": None}
    return JSONResponse({"error": said}, error.http_status)


def route(path: str, method: str, operation: Any) -> Route:
    """A route to an operation, whose answer is sent as JSON."""

    async def answer(request: Request) -> JSONResponse:
        return JSONResponse(await operation(request))

    return Route(f"/v1{path}", answer, methods=[method])


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
    exception_handlers={Refused: refused},
)

if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ.get("PORT", "8000")), log_level="warning")
