"""A server as a first draft in a web framework: it stores and echoes what it receives and validates nothing."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Collection
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.contract.operation import Operation, find_operation
from runs_conformance.emulator.request_validation import Schemas

Object = dict[str, Any]
_IDS = itertools.count(1)
_RUN: Object = {
    "required_action": None, "last_error": None, "expires_at": None, "started_at": None, "cancelled_at": None,
    "failed_at": None, "completed_at": None, "incomplete_details": None, "usage": None,
}  # fmt: skip


class NotFoundError(Exception):
    """No object has this id."""


class NaiveStore:
    """The objects of the server by id."""

    def __init__(self) -> None:
        """Start without objects."""
        self.objects: dict[str, Object] = {}

    def add(self, prefix: str, kind: str, members: Object) -> Object:
        """Store a new object and return it."""
        id_ = f"{prefix}_{next(_IDS):024d}"
        self.objects[id_] = {"id": id_, "object": kind, "created_at": int(time.time()), "metadata": {}, **members}
        return self.objects[id_]

    def get(self, id_: str) -> Object:
        """An object. Raises NotFoundError."""
        if id_ not in self.objects:
            raise NotFoundError(id_)
        return self.objects[id_]

    def of(self, kind: str, thread: str) -> list[Object]:
        """The objects of a kind in a thread, newest first."""
        self.get(thread)
        return [each for each in self.objects.values() if each["object"] == kind and each["thread_id"] == thread][::-1]


def error(status: int, message: str) -> Response:
    """An error in the form that the API documents."""
    body = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    return JSONResponse({"error": body}, status)


def build(fixed: Collection[str] = ()) -> Starlette:
    """The application. `fixed` may name `validation`, which makes it refuse what violates a schema."""
    return Starlette(routes=[Route("/v1/{path:path}", _Api(fixed).respond, methods=["GET", "POST", "DELETE"])])


class _Api:
    def __init__(self, fixed: Collection[str]) -> None:
        self.store = NaiveStore()
        self.schemas = Schemas(DEFAULT_EDITION)
        self.fixed = fixed

    async def respond(self, request: Request) -> Response:
        """Dispatch a request to the handler of its operation."""
        found = find_operation(request.method, "/" + request.path_params["path"])
        handler = getattr(self, found[0].name, None) if found else None
        if found is None or handler is None:
            return error(404, "No such route.")
        raw = await request.body()
        if "validation" in self.fixed and (problem := self._problem(found[0], raw)):
            return error(400, problem)
        body = json.loads(raw) if raw else {}
        try:
            return JSONResponse(handler(body, **dict(found[1])))
        except NotFoundError as missing:
            return error(404, f"No object found with id '{missing}'.")

    def _problem(self, operation: Operation, raw: bytes) -> str:
        """Why a body violates its schema; empty if it does not."""
        if operation.body is None:
            return ""
        try:
            body = json.loads(raw) if raw else {}
            json.dumps(body, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            return "The body has half a surrogate pair."
        except (ValueError, RecursionError):
            return "The body is not JSON, or nested too deep."
        violations = self.schemas.find_violations(self.schemas.body(operation.name), body)
        return f"Invalid value at '{violations[0].pointer}'." if violations else ""

    def create_assistant(self, body: Object) -> Object:
        """Store an assistant."""
        defaults: Object = {"name": None, "description": None, "instructions": None, "tools": [], "tool_resources": {}}
        settings = {"top_p": 1.0, "temperature": 1.0, "response_format": "auto", "reasoning_effort": None}
        return self.store.add("asst", "assistant", {**defaults, **settings, **body})

    def get_assistant(self, body: Object, assistant_id: str) -> Object:
        """An assistant."""
        return self.store.get(assistant_id)

    def modify_assistant(self, body: Object, assistant_id: str) -> Object:
        """Change an assistant."""
        return self._change(assistant_id, body)

    def delete_assistant(self, body: Object, assistant_id: str) -> Object:
        """Delete an assistant."""
        return self._delete(assistant_id, "assistant.deleted")

    def list_assistants(self, body: Object) -> Object:
        """All assistants."""
        return self._list([each for each in self.store.objects.values() if each["object"] == "assistant"][::-1])

    def create_thread(self, body: Object) -> Object:
        """Store a thread and its messages."""
        thread = self.store.add("thread", "thread", {"tool_resources": {}, "metadata": body.get("metadata") or {}})
        for message in body.get("messages") or []:
            self.create_message(message, thread["id"])
        return thread

    def get_thread(self, body: Object, thread_id: str) -> Object:
        """A thread."""
        return self.store.get(thread_id)

    def modify_thread(self, body: Object, thread_id: str) -> Object:
        """Change a thread."""
        return self._change(thread_id, body)

    def delete_thread(self, body: Object, thread_id: str) -> Object:
        """Delete a thread."""
        return self._delete(thread_id, "thread.deleted")

    def create_message(self, body: Object, thread_id: str) -> Object:
        """Store a message."""
        self.store.get(thread_id)
        content = body["content"]
        parts = content if isinstance(content, list) else [{"type": "text", "text": content}]
        for part in parts:
            if part["type"] == "text":
                part["text"] = {"value": part["text"], "annotations": []}
        members = {
            **body, "thread_id": thread_id, "content": parts, "assistant_id": None, "run_id": None,
            "attachments": body.get("attachments") or [],
        }  # fmt: skip
        return self.store.add("msg", "thread.message", members)

    def get_message(self, body: Object, thread_id: str, message_id: str) -> Object:
        """A message."""
        return self.store.get(message_id)

    def modify_message(self, body: Object, thread_id: str, message_id: str) -> Object:
        """Change a message."""
        return self._change(message_id, body)

    def delete_message(self, body: Object, thread_id: str, message_id: str) -> Object:
        """Delete a message."""
        return self._delete(message_id, "thread.message.deleted")

    def list_messages(self, body: Object, thread_id: str) -> Object:
        """The messages of a thread."""
        return self._list(self.store.of("thread.message", thread_id))

    def create_run(self, body: Object, thread_id: str) -> Object:
        """Start a run, which ends when it is next read."""
        self.store.get(thread_id)
        assistant = self.store.get(body["assistant_id"])
        settings = {name: assistant[name] for name in ("model", "instructions", "tools", "top_p", "temperature")}
        defaults = {
            "max_prompt_tokens": None, "max_completion_tokens": None, "truncation_strategy": {"type": "auto"},
            "response_format": "auto", "tool_choice": "auto", "parallel_tool_calls": True, "tool_resources": {},
        }  # fmt: skip
        given = {name: value for name, value in body.items() if name not in ("stream", "additional_messages")}
        for message in body.get("additional_messages") or []:
            self.create_message(message, thread_id)
        run = {**_RUN, **settings, **defaults, **given, "thread_id": thread_id, "status": "queued"}
        run["instructions"] = run["instructions"] or ""
        return dict(self.store.add("run", "thread.run", run))

    def create_thread_and_run(self, body: Object) -> Object:
        """Create a thread and start a run on it."""
        thread = self.create_thread(body.get("thread") or {})
        return self.create_run({name: value for name, value in body.items() if name != "thread"}, thread["id"])

    def get_run(self, body: Object, thread_id: str, run_id: str) -> Object:
        """A run."""
        run = self.store.get(run_id)
        if run["status"] == "queued":
            usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
            now = int(time.time())
            run.update(status="completed", started_at=now, completed_at=now, usage=usage)
            message = self.create_message({"role": "assistant", "content": "Hello."}, thread_id)
            message.update(run_id=run_id, assistant_id=run["assistant_id"])
        return run

    def list_runs(self, body: Object, thread_id: str) -> Object:
        """The runs of a thread."""
        return self._list(self.store.of("thread.run", thread_id))

    def modify_run(self, body: Object, thread_id: str, run_id: str) -> Object:
        """Change a run."""
        return self._change(run_id, body)

    def cancel_run(self, body: Object, thread_id: str, run_id: str) -> Object:
        """Cancel a run at once, whatever its status."""
        run = self.store.get(run_id)
        run.update(status="cancelled", cancelled_at=int(time.time()))
        return run

    def list_run_steps(self, body: Object, thread_id: str, run_id: str) -> Object:
        """An empty list."""
        self.store.get(run_id)
        return self._list([])

    def _change(self, id_: str, body: Object) -> Object:
        changed = self.store.get(id_)
        changed.update(body)
        return changed

    def _delete(self, id_: str, kind: str) -> Object:
        self.store.get(id_)
        del self.store.objects[id_]
        return {"id": id_, "object": kind, "deleted": True}

    def _list(self, objects: list[Object]) -> Object:
        first, last = (objects[0]["id"], objects[-1]["id"]) if objects else (None, None)
        return {"object": "list", "data": objects, "first_id": first, "last_id": last, "has_more": False}
