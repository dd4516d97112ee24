"""An assistants server with Starlette and no models, written with care from the guide and in a hurry from the rest."""

import asyncio
import json
import secrets
import socket
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

KEYS = {"sk-test-123456789012"}
TERMINAL = {"completed", "failed", "cancelled", "incomplete", "expired"}
Object = dict[str, Any]


class ApiError(Exception):
    def __init__(self, status: int, message: str, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"message": message, "type": "invalid_request_error", "param": param, "code": code}


class Store:
    def __init__(self) -> None:
        self.assistants: dict[str, Object] = {}
        self.threads: dict[str, Object] = {}
        self.messages: dict[str, list[Object]] = {}
        self.runs: dict[str, list[Object]] = {}
        self.steps: dict[str, list[Object]] = {}
        self.active: dict[str, str] = {}
        self.tasks: set[asyncio.Task[None]] = set()


store = Store()


def identifier(prefix: str) -> str:
    return f"{prefix}_{secrets.token_urlsafe(18)}"


def now() -> int:
    return int(time.time())


# Validation

STRING, NUMBER, INTEGER, BOOLEAN, ARRAY, OBJECT = "string", "number", "integer", "boolean", "array", "object"
TYPES: Mapping[str, Any] = {STRING: str, NUMBER: (int, float), INTEGER: int, BOOLEAN: bool, ARRAY: list, OBJECT: dict}


def check(body: Object, name: str, kind: str, low: float | None = None, high: float | None = None) -> None:
    value = body.get(name)
    if value is None:
        return
    wrong = not isinstance(value, TYPES[kind]) or (kind in (NUMBER, INTEGER) and isinstance(value, bool))
    if wrong:
        raise ApiError(400, f"Invalid type for '{name}': expected {kind}.", name, "invalid_type")
    size = len(value) if isinstance(value, str | list) else value
    if low is not None and size < low:
        raise ApiError(400, f"Invalid '{name}': {value} is below the minimum {low}.", name, "below_min_value")
    if high is not None and size > high:
        raise ApiError(400, f"Invalid '{name}': above the maximum {high}.", name, "above_max_value")


def check_known(body: Object, known: set[str]) -> None:
    for name in body:
        if name not in known:
            raise ApiError(400, f"Unknown parameter: '{name}'.", name, "unknown_parameter")


def check_metadata(body: Object) -> None:
    check(body, "metadata", OBJECT)
    metadata = body.get("metadata") or {}
    if len(metadata) > 16:
        raise ApiError(400, "Invalid 'metadata': too many properties.", "metadata", "object_above_max_properties")
    for key, value in metadata.items():
        if len(key) > 64:
            raise ApiError(400, f"Invalid key in 'metadata': {key!r} is too long.", "metadata")
        if not isinstance(value, str):
            raise ApiError(400, f"Invalid type for 'metadata.{key}': expected a string.", f"metadata.{key}")
        if len(value) > 512:
            raise ApiError(400, f"Invalid 'metadata.{key}': string too long.", f"metadata.{key}")


def check_tools(body: Object, most: int) -> None:
    check(body, "tools", ARRAY, 0, most)
    for index, tool in enumerate(body.get("tools") or []):
        place = f"tools[{index}]"
        if not isinstance(tool, dict) or tool.get("type") not in ("code_interpreter", "file_search", "function"):
            raise ApiError(400, f"Invalid value for '{place}.type'.", f"{place}.type", "invalid_value")
        if tool["type"] == "function":
            name = tool.get("function", {}).get("name")
            if not isinstance(name, str) or not name or len(name) > 64:
                raise ApiError(400, f"Invalid '{place}.function.name'.", f"{place}.function.name")


def check_message(body: Object) -> None:
    check_known(body, {"role", "content", "attachments", "metadata"})
    if body.get("role") not in ("user", "assistant"):
        raise ApiError(400, "Invalid value for 'role': supported are 'user' and 'assistant'.", "role")
    content = body.get("content")
    if content is None or not isinstance(content, str | list) or content == []:
        raise ApiError(400, "Missing or invalid 'content'.", "content")
    check(body, "attachments", ARRAY)
    check_metadata(body)


RUN = {
    "assistant_id", "model", "instructions", "tools", "metadata", "temperature", "top_p", "stream",
    "max_prompt_tokens", "max_completion_tokens", "truncation_strategy", "tool_choice", "parallel_tool_calls",
    "response_format",
}  # fmt: skip


def check_run(body: Object, more: set[str]) -> None:
    check_known(body, RUN | more)
    if not isinstance(body.get("assistant_id"), str):
        raise ApiError(400, "Missing required parameter: 'assistant_id'.", "assistant_id")
    for name in ("model", "instructions", "additional_instructions", "reasoning_effort"):
        check(body, name, STRING)
    check(body, "temperature", NUMBER, 0, 2)
    check(body, "top_p", NUMBER, 0, 1)
    check(body, "max_prompt_tokens", INTEGER, 256)
    check(body, "max_completion_tokens", INTEGER, 256)
    check(body, "stream", BOOLEAN)
    check(body, "parallel_tool_calls", BOOLEAN)
    check(body, "additional_messages", ARRAY)
    for message in body.get("additional_messages") or []:
        check_message(message)
    check_tools(body, 20)
    check_metadata(body)
    choice = body.get("tool_choice")
    if isinstance(choice, str) and choice not in ("none", "auto", "required"):
        raise ApiError(400, "Invalid value for 'tool_choice'.", "tool_choice", "invalid_value")


async def body_of(request: Request) -> Object:
    raw = await request.body()
    if not raw:
        return {}
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise ApiError(400, "We could not parse the JSON body of your request.") from error
    if not isinstance(body, dict):
        raise ApiError(400, "The body must be a JSON object.")
    return body


# Lists


def paged(request: Request, items: list[Object]) -> JSONResponse:
    try:
        limit = int(request.query_params.get("limit", 20))
    except ValueError as error:
        raise ApiError(400, "Invalid 'limit'.", "limit") from error
    if not 1 <= limit <= 100:
        raise ApiError(400, "Invalid 'limit': must be between 1 and 100.", "limit")
    order = request.query_params.get("order", "desc")
    if order not in ("asc", "desc"):
        raise ApiError(400, "Invalid 'order'.", "order")
    ascending = order == "asc"
    rows = sorted(items, key=lambda item: item["created_at"], reverse=not ascending)
    after, before = request.query_params.get("after"), request.query_params.get("before")
    times = {item["id"]: item["created_at"] for item in items}
    if after in times:
        rows = [r for r in rows if (r["created_at"] > times[after]) == ascending and r["created_at"] != times[after]]
    if before in times:
        rows = [r for r in rows if (r["created_at"] < times[before]) == ascending and r["created_at"] != times[before]]
    data = rows[:limit]
    return JSONResponse(
        {
            "object": "list",
            "data": data,
            "first_id": data[0]["id"] if data else None,
            "last_id": data[-1]["id"] if data else None,
            "has_more": len(rows) > limit,
        }
    )


def lookup(items: Mapping[str, Object], key: str, what: str) -> Object:
    if key not in items:
        raise ApiError(404, f"No {what} found with id '{key}'.")
    return items[key]


def thread_of(request: Request) -> Object:
    return lookup(store.threads, request.path_params["thread_id"], "thread")


def run_of(request: Request) -> Object:
    thread = thread_of(request)
    runs = {run["id"]: run for run in store.runs[thread["id"]]}
    return lookup(runs, request.path_params["run_id"], "run")


def message_of(request: Request) -> Object:
    thread = thread_of(request)
    found = {message["id"]: message for message in store.messages[thread["id"]]}
    return lookup(found, request.path_params["message_id"], "message")


# Assistants

ASSISTANT = {
    "model", "name", "description", "instructions", "tools", "tool_resources", "metadata", "temperature", "top_p",
    "response_format", "reasoning_effort",
}  # fmt: skip


def check_assistant(body: Object) -> None:
    check_known(body, ASSISTANT)
    check(body, "model", STRING)
    check(body, "name", STRING, 0, 256)
    check(body, "description", STRING, 0, 512)
    check(body, "instructions", STRING, 0, 256000)
    check(body, "temperature", NUMBER, 0, 2)
    check(body, "top_p", NUMBER, 0, 1)
    check_tools(body, 128)
    check_metadata(body)


async def list_assistants(request: Request) -> Response:
    return paged(request, list(store.assistants.values()))


async def create_assistant(request: Request) -> Response:
    body = await body_of(request)
    check_assistant(body)
    if "model" not in body:
        raise ApiError(400, "Missing required parameter: 'model'.", "model")
    assistant = {
        "id": identifier("asst"),
        "object": "assistant",
        "created_at": now(),
        "name": None,
        "description": None,
        "instructions": None,
        "tools": [],
        "tool_resources": {},
        "metadata": {},
        "temperature": 1.0,
        "top_p": 1.0,
        "response_format": "auto",
    }
    assistant.update({name: value for name, value in body.items() if value is not None})
    store.assistants[assistant["id"]] = assistant
    return JSONResponse(assistant)


async def get_assistant(request: Request) -> Response:
    return JSONResponse(lookup(store.assistants, request.path_params["assistant_id"], "assistant"))


async def modify_assistant(request: Request) -> Response:
    assistant = lookup(store.assistants, request.path_params["assistant_id"], "assistant")
    body = await body_of(request)
    check_assistant(body)
    assistant.update(body)
    return JSONResponse(assistant)


async def delete_assistant(request: Request) -> Response:
    key = request.path_params["assistant_id"]
    lookup(store.assistants, key, "assistant")
    del store.assistants[key]
    return JSONResponse({"id": key, "object": "assistant.deleted", "deleted": True})


# Threads and messages


def add_message(thread_id: str, body: Object) -> Object:
    content = body["content"]
    if isinstance(content, str):
        content = [{"type": "text", "text": {"value": content, "annotations": []}}]
    message = {
        "id": identifier("msg"),
        "object": "thread.message",
        "created_at": now(),
        "thread_id": thread_id,
        "role": body["role"],
        "content": content,
        "assistant_id": None,
        "run_id": None,
        "attachments": body.get("attachments") or [],
        "metadata": body.get("metadata") or {},
    }
    store.messages[thread_id].append(message)
    return message


def add_thread(body: Object) -> Object:
    check_known(body, {"messages", "tool_resources", "metadata"})
    check(body, "messages", ARRAY)
    check_metadata(body)
    for message in body.get("messages") or []:
        check_message(message)
    thread = {
        "id": identifier("thread"),
        "object": "thread",
        "created_at": now(),
        "metadata": body.get("metadata") or {},
        "tool_resources": body.get("tool_resources") or {},
    }
    store.threads[thread["id"]] = thread
    store.messages[thread["id"]], store.runs[thread["id"]] = [], []
    for message in body.get("messages") or []:
        add_message(thread["id"], message)
    return thread


async def create_thread(request: Request) -> Response:
    return JSONResponse(add_thread(await body_of(request)))


async def get_thread(request: Request) -> Response:
    return JSONResponse(thread_of(request))


async def modify_thread(request: Request) -> Response:
    thread = thread_of(request)
    body = await body_of(request)
    check_known(body, {"metadata", "tool_resources"})
    check_metadata(body)
    thread["metadata"].update(body["metadata"])
    return JSONResponse(thread)


async def delete_thread(request: Request) -> Response:
    thread = thread_of(request)
    del store.threads[thread["id"]]
    return JSONResponse({"id": thread["id"], "object": "thread.deleted", "deleted": True})


async def list_messages(request: Request) -> Response:
    thread = thread_of(request)
    run_id = request.query_params.get("run_id")
    found = [m for m in store.messages[thread["id"]] if run_id is None or m["run_id"] == run_id]
    return paged(request, found)


async def create_message(request: Request) -> Response:
    thread = thread_of(request)
    body = await body_of(request)
    check_message(body)
    if thread["id"] in store.active:
        active = store.active[thread["id"]]
        raise ApiError(409, f"Can't add messages to {thread['id']} while a run {active} is active.")
    return JSONResponse(add_message(thread["id"], body))


async def get_message(request: Request) -> Response:
    return JSONResponse(message_of(request))


async def modify_message(request: Request) -> Response:
    message = message_of(request)
    body = await body_of(request)
    check_known(body, {"metadata"})
    check_metadata(body)
    message["metadata"].update(body["metadata"])
    return JSONResponse(message)


async def delete_message(request: Request) -> Response:
    message = message_of(request)
    store.messages[message["thread_id"]].remove(message)
    return JSONResponse({"id": message["id"], "object": "thread.message", "deleted": True})


# Runs


def add_run(thread_id: str, body: Object) -> Object:
    assistant = lookup(store.assistants, body["assistant_id"], "assistant")
    if thread_id in store.active:
        raise ApiError(409, f"Thread {thread_id} already has an active run {store.active[thread_id]}.")
    for message in body.get("additional_messages") or []:
        add_message(thread_id, message)
    instructions = body["instructions"] if body.get("instructions") is not None else assistant["instructions"] or ""
    if body.get("additional_instructions"):
        instructions = f"{instructions} {body['additional_instructions']}".strip()

    def setting(name: str, default: Any) -> Any:
        if body.get(name) is not None:
            return body[name]
        return default if assistant.get(name) is None else assistant[name]

    run = {
        "id": identifier("run"),
        "object": "thread.run",
        "created_at": now(),
        "thread_id": thread_id,
        "assistant_id": assistant["id"],
        "status": "queued",
        "required_action": None,
        "last_error": None,
        "expires_at": now() + 600,
        "started_at": None,
        "cancelled_at": None,
        "failed_at": None,
        "completed_at": None,
        "incomplete_details": None,
        "model": setting("model", None),
        "instructions": instructions,
        "tools": setting("tools", []),
        "metadata": body.get("metadata") or {},
        "usage": None,
        "temperature": setting("temperature", 1.0),
        "top_p": setting("top_p", 1.0),
        "max_prompt_tokens": body.get("max_prompt_tokens"),
        "max_completion_tokens": body.get("max_completion_tokens"),
        "truncation_strategy": body.get("truncation_strategy") or {"type": "auto", "last_messages": None},
        "tool_choice": body.get("tool_choice") or "auto",
        "parallel_tool_calls": body.get("parallel_tool_calls") is not False,
        "response_format": setting("response_format", "auto"),
    }
    store.runs[thread_id].append(run)
    store.steps[run["id"]] = []
    store.active[thread_id] = run["id"]
    return run


def wanted_calls(run: Object) -> list[Object]:
    functions = [tool["function"]["name"] for tool in run["tools"] if tool["type"] == "function"]
    choice = run["tool_choice"]
    if isinstance(choice, dict):
        return [name for name in functions if name == choice.get("function", {}).get("name")]
    if choice == "required":
        return functions
    users = [m for m in store.messages[run["thread_id"]] if m["role"] == "user"]
    said = json.dumps(users[-1]["content"]) if users else ""
    return [name for name in functions if name in said]


def add_step(run: Object, kind: str, details: Object) -> Object:
    step = {
        "id": identifier("step"),
        "object": "thread.run.step",
        "created_at": now(),
        "assistant_id": run["assistant_id"],
        "thread_id": run["thread_id"],
        "run_id": run["id"],
        "type": kind,
        "status": "in_progress",
        "step_details": {"type": kind, **details},
        "last_error": None,
        "expires_at": run["expires_at"],
        "cancelled_at": None,
        "failed_at": None,
        "completed_at": None,
        "usage": None,
    }
    store.steps[run["id"]].append(step)
    return step


async def work(run: Object, resumed: bool = False) -> AsyncIterator[tuple[str, Object]]:
    if not resumed:
        yield "thread.run.created", run
    yield "thread.run.queued", run
    await asyncio.sleep(0.02)
    if run["status"] == "cancelling":
        yield "thread.run.cancelling", run
        run.update(status="cancelled", cancelled_at=now())
        yield "thread.run.cancelled", run
        return
    run.update(status="in_progress", started_at=now())
    yield "thread.run.in_progress", run
    await asyncio.sleep(0.05)
    names = [] if resumed else wanted_calls(run)
    if run["status"] == "cancelling":
        run.update(status="cancelled", cancelled_at=now(), completed_at=now())
        yield "thread.run.cancelled", run
        return
    if names:
        calls = [
            {"id": identifier("call"), "type": "function", "function": {"name": name, "arguments": "{}"}}
            for name in names
        ]
        shown = [{**call, "function": {**call["function"], "output": None}} for call in calls]
        step = add_step(run, "tool_calls", {"tool_calls": shown})
        yield "thread.run.step.created", step
        yield "thread.run.step.in_progress", step
        run["required_action"] = {"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": calls}}
        run["status"] = "requires_action"
        yield "thread.run.requires_action", run
        return
    text = " It depends, but most of the time the answer is yes. "
    message = add_message(run["thread_id"], {"role": "assistant", "content": ""})
    message.update(assistant_id=run["assistant_id"], run_id=run["id"], content=[])
    step = add_step(run, "message_creation", {"message_creation": {"message_id": message["id"]}})
    yield "thread.run.step.created", step
    yield "thread.run.step.in_progress", step
    yield "thread.message.created", message
    yield "thread.message.in_progress", message
    for start in range(0, len(text), 12):
        piece = {"index": 0, "type": "text", "text": {"value": text[start : start + 12], "annotations": []}}
        delta = {"id": message["id"], "object": "thread.message.delta", "delta": {"content": [piece]}}
        yield "thread.message.delta", delta
    message["content"] = [{"type": "text", "text": {"value": text.strip(), "annotations": []}}]
    yield "thread.message.completed", message
    usage = {"prompt_tokens": 31, "completion_tokens": 12, "total_tokens": 31}
    step.update(status="completed", completed_at=now(), usage=usage)
    yield "thread.run.step.completed", step
    run.update(status="completed", completed_at=now(), usage=usage)
    store.active.pop(run["thread_id"], None)
    yield "thread.run.completed", run


async def consume(run: Object, resumed: bool) -> None:
    async for _ in work(run, resumed):
        pass


def start(run: Object, stream: bool, resumed: bool = False) -> Response:
    if not stream:
        shown = dict(run)
        task = asyncio.create_task(consume(run, resumed))
        store.tasks.add(task)
        task.add_done_callback(store.tasks.discard)
        return JSONResponse(shown)

    async def events() -> AsyncIterator[str]:
        async for event, data in work(run, resumed):
            yield f"event: {event}\ndata: {json.dumps(data)}\n\n"
        yield "event: done\ndata: [DONE]\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")


async def list_runs(request: Request) -> Response:
    return paged(request, store.runs[thread_of(request)["id"]])


async def create_run(request: Request) -> Response:
    thread = thread_of(request)
    body = await body_of(request)
    check_run(body, {"additional_instructions", "additional_messages", "reasoning_effort"})
    return start(add_run(thread["id"], body), body.get("stream") or False)


async def create_thread_and_run(request: Request) -> Response:
    body = await body_of(request)
    check_run(body, {"thread", "tool_resources"})
    lookup(store.assistants, body["assistant_id"], "assistant")
    thread = add_thread(body.get("thread") or {})
    return start(add_run(thread["id"], body), body.get("stream") or False)


async def get_run(request: Request) -> Response:
    return JSONResponse(run_of(request))


async def modify_run(request: Request) -> Response:
    run = run_of(request)
    body = await body_of(request)
    check_known(body, {"metadata"})
    check_metadata(body)
    run["metadata"].update(body["metadata"])
    return JSONResponse(run)


async def cancel_run(request: Request) -> Response:
    run = run_of(request)
    if run["status"] in TERMINAL:
        raise ApiError(400, f"Cannot cancel run with status '{run['status']}'.")
    run["status"] = "cancelling"
    return JSONResponse(run)


async def submit_tool_outputs(request: Request) -> Response:
    run = run_of(request)
    body = await body_of(request)
    check_known(body, {"tool_outputs", "stream"})
    check(body, "stream", BOOLEAN)
    if not isinstance(body.get("tool_outputs"), list):
        raise ApiError(400, "Missing required parameter: 'tool_outputs'.", "tool_outputs")
    if run["status"] != "requires_action":
        raise ApiError(400, f'Runs in status "{run["status"]}" do not accept tool outputs.')
    outputs = {item["tool_call_id"]: item.get("output") for item in body["tool_outputs"]}
    calls = [call["id"] for call in run["required_action"]["submit_tool_outputs"]["tool_calls"]]
    if set(calls) != set(outputs):
        raise ApiError(400, f"Expected tool outputs for call_ids {calls}, got {list(outputs)}.", "tool_outputs")
    for step in store.steps[run["id"]]:
        for call in step["step_details"].get("tool_calls", []):
            call["function"]["output"] = outputs.get(call["id"])
    run["status"] = "queued"
    return start(run, False, resumed=True)


async def list_steps(request: Request) -> Response:
    return paged(request, store.steps[run_of(request)["id"]])


async def get_step(request: Request) -> Response:
    run = run_of(request)
    steps = {step["id"]: step for step in store.steps[run["id"]]}
    return JSONResponse(lookup(steps, request.path_params["step_id"], "run step"))


async def show_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return JSONResponse({"error": error.body}, error.status)


class Authentication(BaseHTTPMiddleware):
    async def dispatch(self, request: Request, call_next: Any) -> Response:
        key = request.headers.get("authorization", "").removeprefix("Bearer ")
        if key not in KEYS:
            return JSONResponse({"error": "unauthorized"}, 401)
        answer: Response = await call_next(request)
        return answer


THREAD, RUN_PATH = "/v1/threads/{thread_id}", "/v1/threads/{thread_id}/runs/{run_id}"
routes = [
    Route("/v1/assistants", list_assistants, methods=["GET"]),
    Route("/v1/assistants", create_assistant, methods=["POST"]),
    Route("/v1/assistants/{assistant_id}", get_assistant, methods=["GET"]),
    Route("/v1/assistants/{assistant_id}", modify_assistant, methods=["POST"]),
    Route("/v1/assistants/{assistant_id}", delete_assistant, methods=["DELETE"]),
    Route("/v1/threads", create_thread, methods=["POST"]),
    Route("/v1/threads/runs", create_thread_and_run, methods=["POST"]),
    Route(THREAD, get_thread, methods=["GET"]),
    Route(THREAD, modify_thread, methods=["POST"]),
    Route(THREAD, delete_thread, methods=["DELETE"]),
    Route(f"{THREAD}/messages", list_messages, methods=["GET"]),
    Route(f"{THREAD}/messages", create_message, methods=["POST"]),
    Route(f"{THREAD}/messages/{{message_id}}", get_message, methods=["GET"]),
    Route(f"{THREAD}/messages/{{message_id}}", modify_message, methods=["POST"]),
    Route(f"{THREAD}/messages/{{message_id}}", delete_message, methods=["DELETE"]),
    Route(f"{THREAD}/runs", list_runs, methods=["GET"]),
    Route(f"{THREAD}/runs", create_run, methods=["POST"]),
    Route(RUN_PATH, get_run, methods=["GET"]),
    Route(RUN_PATH, modify_run, methods=["POST"]),
    Route(f"{RUN_PATH}/cancel", cancel_run, methods=["POST"]),
    Route(f"{RUN_PATH}/submit_tool_outputs", submit_tool_outputs, methods=["POST"]),
    Route(f"{RUN_PATH}/steps", list_steps, methods=["GET"]),
    Route(f"{RUN_PATH}/steps/{{step_id}}", get_step, methods=["GET"]),
]
app = Starlette(routes=routes, exception_handlers={ApiError: show_error}, middleware=[Middleware(Authentication)])

if __name__ == "__main__":
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listener.getsockname()[1]}/v1", flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])
