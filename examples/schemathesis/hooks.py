"""Fills in what only the server can give: Schemathesis makes up ids, and nothing is learned from 404s alone."""

import json
import os
import urllib.request
from functools import cache

import schemathesis

BASE_URL = os.environ.get("OPENAI_BASE_URL", "http://127.0.0.1:8080/v1")
MODEL = os.environ.get("OPENAI_MODEL", "gpt-4o")


def post(path, body):
    """Create something; gives the answer."""
    headers = {
        "Authorization": f"Bearer {os.environ['OPENAI_API_KEY']}",
        "OpenAI-Beta": "assistants=v2",
        "Content-Type": "application/json",
    }
    request = urllib.request.Request(BASE_URL + path, json.dumps(body).encode(), headers, method="POST")
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)


@cache
def assistant():
    """An assistant that runs can name."""
    return post("/assistants", {"model": MODEL})["id"]


def nullable(schema, *names):
    """Let members be null."""
    for name in names:
        schema["properties"][name] = {"anyOf": [schema["properties"][name], {"type": "null"}]}


def optional(schema, *names):
    """Let members be left out."""
    schema["required"] = [name for name in schema["required"] if name not in names]


def without_formats(value):
    """Drop every `format`: in OpenAPI 3.1 it is a remark, and no source says that servers check it."""
    if isinstance(value, dict):
        if isinstance(value.get("format"), str):
            del value["format"]
        value = list(value.values())
    for member in value if isinstance(value, list) else ():
        without_formats(member)


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """Excuse what the real service is recorded to have done against its document; the names are those of
    docs/departures.md. Leave this hook out to read the document literally.
    """
    without_formats(raw_schema)
    for path in raw_schema["paths"].values():
        for operation in path.values():
            # The shape of an event stands in `x-event`, for which Schemathesis has no place.
            operation["responses"]["200"]["content"].get("text/event-stream", {}).pop("schema", None)
    components = raw_schema["components"]["schemas"]
    # V-01 and D-01: messages in plain answers lack these.
    optional(components["Message"], "status", "incomplete_details", "completed_at", "incomplete_at", "attachments")
    # V-02: run steps lack these.
    optional(components["RunStep"], "expired_at", "metadata")
    # V-03: a run has no instructions where nobody gave any.
    nullable(components["Run"], "instructions")
    # V-05: an empty page has no first and no last item.
    for name in ("AssistantList", "MessageList", "RunList", "RunStepList"):
        nullable(components[name], "first_id", "last_id")


@schemathesis.hook
def before_call(context, case, kwargs):
    """Put objects that exist, made for this one request, in place of ids that are made up."""
    path, query = case.path_parameters or {}, case.query or {}
    live = {}
    if "assistant_id" in path:
        live["assistant_id"] = post("/assistants", {"model": MODEL})["id"]
    if "thread_id" in path:
        live["thread_id"] = thread = post("/threads", {})["id"]
        message = post(f"/threads/{thread}/messages", {"role": "user", "content": "Say hello."})["id"]
        if "message_id" in path:
            live["message_id"] = message
        if "run_id" in path:
            live["run_id"] = post(f"/threads/{thread}/runs", {"assistant_id": assistant()})["id"]
    case.path_parameters = {**path, **live}
    # Cursors of pages are ids, too, and there is no page to take one from.
    case.query = {name: value for name, value in query.items() if name not in ("after", "before", "run_id")}
    if isinstance(case.body, dict):
        known = {"assistant_id": assistant, "model": lambda: MODEL}
        filled = {name: value() for name, value in known.items() if isinstance(case.body.get(name), str)}
        case.body = {**case.body, **filled}
