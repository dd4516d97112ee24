"""Clean recordings: what clients exchange with the emulator, as a HAR."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any

import httpx

from runs_conformance.emulator.app import build
from runs_conformance.emulator.server_options import EmulatorOptions

BASE_URL = "https://api.openai.com/v1"
FUNCTION = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {}}}}
_OVER = ("completed", "failed", "cancelled", "expired", "incomplete")

Entry = dict[str, Any]


class RecordingClient:
    """Sends requests to an emulator in this process and records them as HAR entries."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.entries: list[Entry] = []

    async def send(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request; returns the JSON body, or the text of a stream."""
        content = b"" if body is None else json.dumps(body).encode()
        headers = {"OpenAI-Beta": "assistants=v2", "Authorization": "Bearer sk-recorded"}
        headers |= {"Content-Type": "application/json"} if content else {}
        wall, clock = time.time(), time.perf_counter()
        response = await self.client.request(method, path, content=content, headers=headers)
        seconds = time.perf_counter() - clock
        self.entries.append(_entry(response, content, wall, seconds))
        await asyncio.sleep(0.003)
        is_stream = response.headers["content-type"].startswith("text/event-stream")
        return response.text if is_stream else response.json()

    async def wait(self, thread: str, run: str, *statuses: str) -> Any:
        """Poll a run until it has one of these statuses."""
        while True:
            seen = await self.send("GET", f"/threads/{thread}/runs/{run}")
            if seen["status"] in statuses:
                return seen
            await asyncio.sleep(0.005)


def _entry(response: httpx.Response, content: bytes, wall: float, seconds: float) -> Entry:
    request = response.request
    began = datetime.fromtimestamp(wall, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    sent: dict[str, Any] = {
        "method": request.method,
        "url": str(request.url),
        "headers": [{"name": name, "value": value} for name, value in request.headers.items()],
        "bodySize": len(content),
    }
    if content:
        sent["postData"] = {"mimeType": "application/json", "text": content.decode()}
    return {
        "startedDateTime": began,
        "time": seconds * 1000,
        "request": sent,
        "response": {
            "status": response.status_code,
            "headers": [{"name": name, "value": value} for name, value in response.headers.items()],
            "bodySize": len(response.content),
            "content": {
                "size": len(response.content),
                "mimeType": response.headers["content-type"],
                "text": response.text,
            },
        },
    }


async def conversation(client: RecordingClient) -> None:
    """Messages, two runs, pages, modifications and deletions."""
    assistant = (await client.send("POST", "/assistants", {"model": "gpt-4o", "name": "Clerk"}))["id"]
    thread = (await client.send("POST", "/threads", {"messages": [{"role": "user", "content": "Hello"}]}))["id"]
    for text in ("How are you?", "What now?"):
        message = await client.send("POST", f"/threads/{thread}/messages", {"role": "user", "content": text})
        run = await client.send("POST", f"/threads/{thread}/runs", {"assistant_id": assistant})
        await client.wait(thread, run["id"], *_OVER)
        await client.send("GET", f"/threads/{thread}/messages")
    first = await client.send("GET", f"/threads/{thread}/messages?limit=2&order=asc")
    await client.send("GET", f"/threads/{thread}/messages?limit=3&order=asc&after={first['last_id']}")
    steps = await client.send("GET", f"/threads/{thread}/runs/{run['id']}/steps")
    await client.send("GET", f"/threads/{thread}/runs/{run['id']}/steps/{steps['data'][0]['id']}")
    await client.send("GET", f"/threads/{thread}/runs")
    await client.send("POST", f"/threads/{thread}/messages/{message['id']}", {"metadata": {"seen": "yes"}})
    await client.send("GET", f"/threads/{thread}/messages/{message['id']}")
    await client.send("POST", f"/threads/{thread}", {"metadata": {"topic": "greetings"}})
    await client.send("GET", f"/threads/{thread}")
    await client.send("DELETE", f"/threads/{thread}/messages/{message['id']}")
    await client.send("GET", f"/threads/{thread}/messages")
    await client.send("DELETE", f"/threads/{thread}")
    await client.send("GET", f"/threads/{thread}")
    await client.send("DELETE", f"/assistants/{assistant}")


async def tools(client: RecordingClient) -> None:
    """A run that calls a function, with its outputs."""
    created = {"model": "gpt-4o", "tools": [FUNCTION], "instructions": "Be brief."}
    assistant = (await client.send("POST", "/assistants", created))["id"]
    await client.send("POST", f"/assistants/{assistant}", {"name": "Forecaster"})
    thread = (await client.send("POST", "/threads", {}))["id"]
    await client.send("POST", f"/threads/{thread}/messages", {"role": "user", "content": "The weather?"})
    body = {"assistant_id": assistant, "tool_choice": "required"}
    run = (await client.send("POST", f"/threads/{thread}/runs", body))["id"]
    seen = await client.wait(thread, run, "requires_action")
    calls = seen["required_action"]["submit_tool_outputs"]["tool_calls"]
    outputs = [{"tool_call_id": call["id"], "output": "sunny"} for call in calls]
    await client.send("GET", f"/threads/{thread}/runs/{run}/steps")
    await client.send("POST", f"/threads/{thread}/runs/{run}/submit_tool_outputs", {"tool_outputs": outputs})
    await client.wait(thread, run, *_OVER)
    await client.send("GET", f"/threads/{thread}/runs/{run}/steps?order=asc")
    await client.send("GET", f"/threads/{thread}/messages?order=asc")
    await client.send("GET", f"/assistants/{assistant}")


async def streams(client: RecordingClient) -> None:
    """Streamed runs, one with tools, and what lists show of them."""
    assistant = (await client.send("POST", "/assistants", {"model": "gpt-4o", "tools": [FUNCTION]}))["id"]
    thread = (await client.send("POST", "/threads", {"messages": [{"role": "user", "content": "Say hello"}]}))["id"]
    body = {"assistant_id": assistant, "stream": True, "tool_choice": "none"}
    await client.send("POST", f"/threads/{thread}/runs", body)
    await client.send("GET", f"/threads/{thread}/messages")
    both = {"assistant_id": assistant, "stream": True, "tool_choice": "required"}
    text = await client.send(
        "POST", "/threads/runs", {**both, "thread": {"messages": [{"role": "user", "content": "?"}]}}
    )
    events = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: {")]
    run = next(each for each in reversed(events) if each["object"] == "thread.run")
    calls = run["required_action"]["submit_tool_outputs"]["tool_calls"]
    outputs = [{"tool_call_id": call["id"], "output": "rain"} for call in calls]
    path = f"/threads/{run['thread_id']}/runs/{run['id']}"
    await client.send("POST", f"{path}/submit_tool_outputs", {"tool_outputs": outputs, "stream": True})
    await client.send("GET", path)
    await client.send("GET", f"{path}/steps")
    await client.send("GET", f"/threads/{run['thread_id']}/messages")


async def cancellation(client: RecordingClient) -> None:
    """A run that is cancelled, with refusals while it holds the thread, and other errors."""
    assistant = (await client.send("POST", "/assistants", {"model": "gpt-4o", "tools": [FUNCTION]}))["id"]
    thread = (await client.send("POST", "/threads", {"metadata": {"a": "b"}}))["id"]
    await client.send("POST", f"/threads/{thread}/messages", {"role": "user", "content": "The weather?"})
    body = {"assistant_id": assistant, "tool_choice": "required", "metadata": {"k": "v"}}
    run = (await client.send("POST", f"/threads/{thread}/runs", body))["id"]
    await client.wait(thread, run, "requires_action")
    await client.send("POST", f"/threads/{thread}/runs", {"assistant_id": assistant})
    await client.send("POST", f"/threads/{thread}/messages", {"role": "user", "content": "Too late"})
    await client.send("POST", f"/threads/{thread}/runs/{run}/cancel")
    await client.wait(thread, run, *_OVER)
    await client.send("POST", f"/threads/{thread}/runs/{run}", {"metadata": {"k": "w"}})
    await client.send("GET", f"/threads/{thread}/runs/{run}")
    await client.send("GET", f"/threads/{thread}/runs/run_000000000000000000000001")
    await client.send("POST", f"/threads/{thread}/messages", {"role": "nobody", "content": "x"})
    await client.send("GET", f"/threads/{thread}/messages")
    await client.send("DELETE", f"/threads/{thread}")


FLOWS: tuple[Callable[[RecordingClient], Awaitable[None]], ...] = (conversation, tools, streams, cancellation)


def record(*flows: Callable[[RecordingClient], Awaitable[None]]) -> list[Entry]:
    """The HAR entries of some flows, one after the other."""

    async def run_flows() -> list[Entry]:
        transport = httpx.ASGITransport(app=build(EmulatorOptions(step_ms=2)))
        async with httpx.AsyncClient(transport=transport, base_url=BASE_URL) as client:
            recorder = RecordingClient(client)
            for flow in flows:
                await flow(recorder)
            return recorder.entries

    return asyncio.run(run_flows())


def clean_entries(flow: str) -> str:
    """The HAR entries of the flow of this name, as JSON."""
    return _clean_flows()[flow]


@cache
def _clean_flows() -> dict[str, str]:
    """The entries of each flow. All are recorded in turn, so that their times do not depend on the tests that run."""
    return {flow.__name__: json.dumps(record(flow)) for flow in FLOWS}
