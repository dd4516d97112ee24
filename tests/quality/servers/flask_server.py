"""An assistants server with Flask: runs are executed while the client waits, everything is kept in SQLite."""

import json
import sqlite3
import threading
import time
import uuid
from typing import Any

from flask import Flask, Response, abort, jsonify, request
from werkzeug.serving import make_server

app = Flask(__name__)
MODEL = "gpt-4o-mini"
API_KEY = "sk-test-123456789012"
lock = threading.Lock()
db = sqlite3.connect(":memory:", check_same_thread=False)
db.execute("CREATE TABLE objects (seq INTEGER PRIMARY KEY, id TEXT, kind TEXT, parent TEXT, body TEXT)")


def save(kind: str, parent: str, body: dict[str, Any]) -> dict[str, Any]:
    with lock:
        db.execute(
            "INSERT INTO objects (id, kind, parent, body) VALUES (?, ?, ?, ?)",
            (body["id"], kind, parent, json.dumps(body)),
        )
    return body


def update(body: dict[str, Any]) -> dict[str, Any]:
    with lock:
        db.execute("UPDATE objects SET body = ? WHERE id = ?", (json.dumps(body), body["id"]))
    return body


def load(kind: str, key: str) -> dict[str, Any]:
    with lock:
        row = db.execute("SELECT body FROM objects WHERE kind = ? AND id = ?", (kind, key)).fetchone()
    if row is None:
        abort(404)
    return json.loads(row[0])


def load_all(kind: str, parent: str) -> list[dict[str, Any]]:
    with lock:
        rows = db.execute("SELECT body FROM objects WHERE kind = ? AND parent = ? ORDER BY seq", (kind, parent))
        return [json.loads(row[0]) for row in rows.fetchall()]


def remove(key: str) -> None:
    with lock:
        db.execute("DELETE FROM objects WHERE id = ?", (key,))


def listing(rows: list[dict[str, Any]]) -> Response:
    limit = int(request.args.get("limit", 10))
    if request.args.get("order", "asc") == "desc":
        rows = rows[::-1]
    after = request.args.get("after")
    if after:
        ids = [row["id"] for row in rows]
        rows = rows[ids.index(after) + 1 :]
    return jsonify({"object": "list", "data": rows[:limit], "has_more": False})


def metadata_of(body: dict[str, Any]) -> dict[str, str]:
    metadata = body.get("metadata") or {}
    if len(metadata) > 16:
        abort(400, "metadata: at most 16 pairs")
    result = {}
    for key, value in metadata.items():
        text = value if isinstance(value, str) else str(value)
        if len(key.encode()) > 64 or len(text.encode()) > 512:
            abort(400, "metadata: key or value too long")
        result[key] = text
    return result


def make_id(prefix: str) -> str:
    return f"{prefix}_{uuid.uuid4()}"


@app.before_request
def check_key() -> None:
    if request.headers.get("Authorization") != f"Bearer {API_KEY}":
        abort(401)


# Assistants


@app.get("/v1/assistants")
def list_assistants() -> Response:
    return listing(load_all("assistant", ""))


@app.post("/v1/assistants")
def create_assistant() -> tuple[Response, int]:
    body = request.get_json()
    assistant = {
        "id": make_id("asst"),
        "object": "assistant",
        "created_at": int(time.time()),
        "name": body.get("name"),
        "description": body.get("description"),
        "model": body["model"],
        "instructions": body.get("instructions"),
        "tools": body.get("tools") or [],
        "metadata": metadata_of(body),
        "temperature": body.get("temperature", 1.0),
        "top_p": body.get("top_p", 1.0),
        "response_format": body.get("response_format", "auto"),
    }
    return jsonify(save("assistant", "", assistant)), 201


@app.get("/v1/assistants/<assistant_id>")
def get_assistant(assistant_id: str) -> Response:
    return jsonify(load("assistant", assistant_id))


@app.post("/v1/assistants/<assistant_id>")
def modify_assistant(assistant_id: str) -> Response:
    assistant = load("assistant", assistant_id)
    body = request.get_json()
    for name in ("name", "description", "model", "instructions", "tools", "temperature", "top_p", "response_format"):
        if name in body:
            assistant[name] = body[name]
    if "metadata" in body:
        assistant["metadata"] = metadata_of(body)
    return jsonify(update(assistant))


@app.delete("/v1/assistants/<assistant_id>")
def delete_assistant(assistant_id: str) -> tuple[str, int]:
    load("assistant", assistant_id)
    remove(assistant_id)
    return "", 204


# Threads


def make_message(thread_id: str, role: str, content: Any, metadata: dict[str, str]) -> dict[str, Any]:
    if isinstance(content, list):
        content = "\n".join(part["text"] for part in content if part["type"] == "text")
    message = {
        "id": make_id("msg"),
        "object": "thread.message",
        "created_at": int(time.time()),
        "thread_id": thread_id,
        "role": role,
        "content": [{"type": "text", "text": {"value": content, "annotations": []}}],
        "assistant_id": None,
        "run_id": None,
        "attachments": [],
        "metadata": metadata,
    }
    return save("message", thread_id, message)


def make_thread(body: dict[str, Any]) -> dict[str, Any]:
    thread = {
        "id": make_id("thread"),
        "object": "thread",
        "created_at": int(time.time()),
        "metadata": metadata_of(body),
        "tool_resources": {},
    }
    save("thread", "", thread)
    for message in body.get("messages", []):
        make_message(thread["id"], message["role"], message["content"], metadata_of(message))
    return thread


@app.post("/v1/threads")
def create_thread() -> tuple[Response, int]:
    return jsonify(make_thread(request.get_json())), 201


@app.get("/v1/threads/<thread_id>")
def get_thread(thread_id: str) -> Response:
    return jsonify(load("thread", thread_id))


@app.post("/v1/threads/<thread_id>")
def modify_thread(thread_id: str) -> Response:
    thread = load("thread", thread_id)
    thread["metadata"] = metadata_of(request.get_json())
    return jsonify(update(thread))


@app.delete("/v1/threads/<thread_id>")
def delete_thread(thread_id: str) -> tuple[str, int]:
    load("thread", thread_id)
    remove(thread_id)
    return "", 204


# Messages


@app.get("/v1/threads/<thread_id>/messages")
def list_messages(thread_id: str) -> Response:
    load("thread", thread_id)
    return listing(load_all("message", thread_id))


@app.post("/v1/threads/<thread_id>/messages")
def create_message(thread_id: str) -> tuple[Response, int]:
    load("thread", thread_id)
    body = request.get_json()
    if body["role"] != "user":
        abort(400, "role: only 'user' is allowed")
    return jsonify(make_message(thread_id, body["role"], body["content"], metadata_of(body))), 201


def message_in(thread_id: str, message_id: str) -> dict[str, Any]:
    message = load("message", message_id)
    if message["thread_id"] != thread_id:
        abort(404)
    return message


@app.get("/v1/threads/<thread_id>/messages/<message_id>")
def get_message(thread_id: str, message_id: str) -> Response:
    return jsonify(message_in(thread_id, message_id))


@app.post("/v1/threads/<thread_id>/messages/<message_id>")
def modify_message(thread_id: str, message_id: str) -> Response:
    message = message_in(thread_id, message_id)
    message["metadata"] = metadata_of(request.get_json())
    return jsonify(update(message))


@app.delete("/v1/threads/<thread_id>/messages/<message_id>")
def delete_message(thread_id: str, message_id: str) -> tuple[str, int]:
    message_in(thread_id, message_id)
    remove(message_id)
    return "", 204


# Runs


def make_run(thread_id: str, body: dict[str, Any]) -> dict[str, Any]:
    assistant = load("assistant", body["assistant_id"])
    for message in body.get("additional_messages") or []:
        make_message(thread_id, message["role"], message["content"], metadata_of(message))
    instructions = body.get("instructions") or assistant["instructions"] or ""
    if body.get("additional_instructions"):
        instructions += "\n" + body["additional_instructions"]
    if not 0 <= (body.get("temperature") or 0) <= 2:
        abort(400, "temperature must be between 0 and 2")
    if not 0 <= (body.get("top_p") or 0) <= 1:
        abort(400, "top_p must be between 0 and 1")
    run = {
        "id": make_id("run"),
        "object": "thread.run",
        "created_at": int(time.time()),
        "thread_id": thread_id,
        "assistant_id": assistant["id"],
        "status": "in_progress",
        "required_action": None,
        "last_error": None,
        "expires_at": int(time.time()) + 600,
        "started_at": int(time.time()),
        "cancelled_at": None,
        "failed_at": None,
        "completed_at": None,
        "incomplete_details": None,
        "model": MODEL,
        "instructions": instructions,
        "tools": body["tools"] if body.get("tools") is not None else assistant["tools"],
        "metadata": metadata_of(body),
        "usage": None,
        "temperature": body.get("temperature", assistant["temperature"]),
        "max_prompt_tokens": body.get("max_prompt_tokens"),
        "max_completion_tokens": body.get("max_completion_tokens"),
        "truncation_strategy": body.get("truncation_strategy"),
        "tool_choice": body.get("tool_choice", "auto"),
    }
    return save("run", thread_id, run)


def answer(run: dict[str, Any]) -> dict[str, Any]:
    message = make_message(run["thread_id"], "assistant", "I am a helpful assistant, ask me anything.", {})
    message["assistant_id"] = run["assistant_id"]
    message["run_id"] = run["id"]
    update(message)
    run["status"] = "completed"
    run["completed_at"] = int(time.time())
    update(run)
    return message


def respond(run: dict[str, Any], stream: bool) -> Any:
    if not stream:
        answer(run)
        return jsonify(run), 201

    def events() -> Any:
        yield f"event: thread.run.created\ndata: {json.dumps(run)}\n\n"
        yield f"event: thread.run.in_progress\ndata: {json.dumps(run)}\n\n"
        message = answer(run)
        delta = {
            "id": message["id"],
            "object": "thread.message.delta",
            "delta": {"content": [{"index": 0, "type": "text", "text": message["content"][0]["text"]}]},
        }
        yield f"event: thread.message.delta\ndata: {json.dumps(delta)}\n\n"
        yield f"event: thread.message.completed\ndata: {json.dumps(message)}\n\n"
        yield f"event: thread.run.completed\ndata: {json.dumps(run)}\n\n"

    return Response(events(), mimetype="text/event-stream")


@app.get("/v1/threads/<thread_id>/runs")
def list_runs(thread_id: str) -> Response:
    load("thread", thread_id)
    return listing(load_all("run", thread_id))


@app.post("/v1/threads/<thread_id>/runs")
def create_run(thread_id: str) -> Any:
    load("thread", thread_id)
    body = request.get_json()
    return respond(make_run(thread_id, body), body.get("stream", False))


@app.post("/v1/threads/runs")
def create_thread_and_run() -> Any:
    body = request.get_json()
    thread = make_thread(body.get("thread") or {})
    return respond(make_run(thread["id"], body), body.get("stream", False))


def run_in(thread_id: str, run_id: str) -> dict[str, Any]:
    run = load("run", run_id)
    if run["thread_id"] != thread_id:
        abort(404)
    return run


@app.get("/v1/threads/<thread_id>/runs/<run_id>")
def get_run(thread_id: str, run_id: str) -> Response:
    return jsonify(run_in(thread_id, run_id))


@app.post("/v1/threads/<thread_id>/runs/<run_id>")
def modify_run(thread_id: str, run_id: str) -> Response:
    run = run_in(thread_id, run_id)
    run["metadata"] = metadata_of(request.get_json())
    return jsonify(update(run))


@app.post("/v1/threads/<thread_id>/runs/<run_id>/cancel")
def cancel_run(thread_id: str, run_id: str) -> Response:
    run = run_in(thread_id, run_id)
    abort(400, f"Cannot cancel run with status '{run['status']}'.")


@app.post("/v1/threads/<thread_id>/runs/<run_id>/submit_tool_outputs")
def submit_tool_outputs(thread_id: str, run_id: str) -> Response:
    run = run_in(thread_id, run_id)
    abort(400, f"Runs in status '{run['status']}' do not accept tool outputs.")


if __name__ == "__main__":
    server = make_server("127.0.0.1", 0, app, threaded=True)
    print(f"http://127.0.0.1:{server.server_port}/v1", flush=True)
    server.serve_forever()
