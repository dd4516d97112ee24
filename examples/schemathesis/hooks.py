"""Replaces generated ids with existing ones, since requests that return 404 test nothing else."""

import json
import os
import urllib.request
from functools import cache

import schemathesis

BASE_URL = os.environ.get("OPENAI_BASE_URL", "http://127.0.0.1:8080/v1")
MODEL = os.environ.get("OPENAI_MODEL", "gpt-4o")


def post(path, body):
    """Create an object and return it."""
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
    """The id of an assistant for runs."""
    return post("/assistants", {"model": MODEL})["id"]


def nullable(schema, *names):
    """Allow null for these members."""
    for name in names:
        schema["properties"][name] = {"anyOf": [schema["properties"][name], {"type": "null"}]}


def optional(schema, *names):
    """Allow these members to be missing."""
    schema["required"] = [name for name in schema["required"] if name not in names]


def without_formats(value):
    """Remove every `format`: it is an annotation in OpenAPI 3.1, and no source says that servers check it."""
    if isinstance(value, dict):
        if isinstance(value.get("format"), str):
            del value["format"]
        value = list(value.values())
    for member in value if isinstance(value, list) else ():
        without_formats(member)


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """Excuse the known deviations of the real service, named as in docs/departures.md.

    Without this hook, the document is taken literally.
    """
    without_formats(raw_schema)
    for path in raw_schema["paths"].values():
        for operation in path.values():
            # The schemas of events are in `x-event`, which Schemathesis does not support.
            operation["responses"]["200"]["content"].get("text/event-stream", {}).pop("schema", None)
    components = raw_schema["components"]["schemas"]
    # V-01 and D-01: messages outside streams lack these.
    optional(components["Message"], "status", "incomplete_details", "completed_at", "incomplete_at", "attachments")
    # V-02: run steps lack these.
    optional(components["RunStep"], "expired_at", "metadata")
    # V-03: instructions are null if neither run nor assistant has any.
    nullable(components["Run"], "instructions")
    # V-05: an empty page has no first or last id.
    for name in ("AssistantList", "MessageList", "RunList", "RunStepList"):
        nullable(components[name], "first_id", "last_id")


@schemathesis.hook
def before_call(context, case, kwargs):
    """Replace generated ids with those of objects created for this request."""
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
    # Cursors are ids as well, and there is no page to take them from.
    case.query = {name: value for name, value in query.items() if name not in ("after", "before", "run_id")}
    if isinstance(case.body, dict):
        known = {"assistant_id": assistant, "model": lambda: MODEL}
        filled = {name: value() for name, value in known.items() if isinstance(case.body.get(name), str)}
        case.body = {**case.body, **filled}
