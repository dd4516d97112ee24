"""Helper functions that a generated script or test may need."""

from __future__ import annotations

HELPERS = {
    "send": '''
def send(method, path, body=None, content=None, query=(), headers=None, key=KEY):
    """Send one request with the default headers; a header that is None is omitted."""
    defaults = {BETA, **(CARRIER if key else {})}
    if body is not None or content is not None:
        defaults["Content-Type"] = "application/json"
        content = json.dumps(body).encode() if content is None else content
    changed = {name.lower() for name in headers or {}}
    merged = {name: value for name, value in defaults.items() if name.lower() not in changed}
    merged.update({name: value for name, value in (headers or {}).items() if value is not None})
    query = [(name, value if isinstance(value, str) else json.dumps(value)) for name, value in query]
    return httpx.request(method, BASE_URL + path, params=query, headers=merged, content=content, timeout=60)
''',
    "read_response": '''
def read_response(call):
    """Return the HTTP status and text of a response, whether it is a success or an error."""
    try:
        response = call()
    except Exception as error:
        if not hasattr(error, "response"):
            raise
        response = error.response
    return response if isinstance(response, tuple) else (response.status_code, response.text)
''',
    "read_stream": '''
def read_stream(events, leave_at=None):
    """Read a stream to its end, or close it at the first event whose name starts so."""
    lines = []
    for event in events:
        lines.append("data: " + event.data.to_json(indent=None))
        if leave_at and event.event.startswith(leave_at):
            events.close()
            break
    return 200, "\\n".join(lines)
''',
    "run_from_stream": '''
def run_from_stream(text):
    """Return the run in the last event of a stream that contains one."""
    values = [json.loads(line[5:]) for line in text.splitlines() if line.startswith("data:") and "{" in line]
    return [value for value in values if value.get("object") == "thread.run"][-1]
''',
    "poll_until": '''
def poll_until(get_run, statuses):
    """Poll a run until it has one of these statuses, or has ended."""
    terminal = ("completed", "failed", "cancelled", "incomplete", "expired")
    for _ in range(240):
        run = get_run()
        status = run["status"] if isinstance(run, dict) else run.status
        if status in statuses or status in terminal:
            break
        time.sleep(0.25)
    return run
''',
    "value_at": '''
def value_at(text, path):
    """Return the value at a path of keys and indexes in a JSON text; None if there is none."""
    value = json.loads(text)
    for key in path:
        if isinstance(value, list):
            value = value[int(key)] if int(key) < len(value) else None
        else:
            value = value.get(key) if isinstance(value, dict) else None
    return value
''',
}
"""The source of each function by its name. `BETA` and `CARRIER` stand for the default headers of a request."""
