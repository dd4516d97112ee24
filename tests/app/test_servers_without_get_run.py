"""A server that responds with settled runs, and has no route to read one, gets its programs judged.

It deletes no threads either.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runs_conformance.app.live_run import LOCAL_WORKERS
from runs_conformance.app.merge import read_run, rebuild_report
from runs_conformance.cli import run_command
from runs_conformance.emulator.app import BASE, build
from runs_conformance.emulator.server import serve_in_thread
from runs_conformance.emulator.server_options import EmulatorOptions
from runs_conformance.engine.route_guard import MIN_RESPONSES

READING, THREAD = re.compile(r"/runs/run_\w+\Z"), re.compile(r"/threads/[\w-]+\Z")
CREATION = re.compile(r"/threads/[\w-]+/runs\Z")
ACTIVE = ("queued", "in_progress", "cancelling")


async def respond(app: ASGIApp, scope: Scope, content: bytes = b"") -> tuple[Message, bytes]:
    """Call an application; returns the start of its response, and the content."""
    sent: list[Message] = []
    unread = [content]

    async def receive() -> Message:
        if not unread:
            await asyncio.Event().wait()  # an application that streams waits for a disconnection
        unread.clear()
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await app({**scope}, receive, send)  # routing changes it
    return sent[0], b"".join(message.get("body", b"") for message in sent[1:])


async def read(receive: Receive) -> bytes:
    content, more = b"", True
    while more:
        message = await receive()
        content += message.get("body", b"")
        more = message.get("more_body", False)
    return content


async def settled(app: ASGIApp, scope: Scope, run: dict[str, Any]) -> bytes:
    """The run as a later request would read it, once it has ended or waits."""
    path = f"{scope['path']}/{run['id']}"
    reading = {**scope, "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b""}
    while True:
        _, content = await respond(app, reading)
        if json.loads(content)["status"] not in ACTIVE:
            return content
        await asyncio.sleep(0.002)


def settling(app: ASGIApp) -> ASGIApp:
    """The application without its route to read a run; creating one takes until the run ends or waits."""

    async def partial(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
        elif "/no-such-operation" in scope["path"] or (READING.search(scope["path"]) and scope["method"] == "GET"):
            await JSONResponse({"detail": "Not Found"}, 404)(scope, receive, send)
        elif THREAD.search(scope["path"]) and scope["method"] == "DELETE":
            await JSONResponse({"detail": "Method Not Allowed"}, 405)(scope, receive, send)
        elif CREATION.search(scope["path"]) and scope["method"] == "POST":
            start, content = await respond(app, scope, await read(receive))
            if start["status"] == 200 and content.startswith(b"{"):
                content = await settled(app, scope, json.loads(content))
                headers = [(name, value) for name, value in start["headers"] if name != b"content-length"]
                start = {**start, "headers": [*headers, (b"content-length", str(len(content)).encode())]}
            await send(start)
            await send({"type": "http.response.body", "body": content})
        else:
            await app(scope, receive, send)

    return partial


@contextmanager
def serve_without_get_run() -> Iterator[str]:
    with serve_in_thread(settling(build(EmulatorOptions(step_ms=1)))) as origin:
        yield origin + BASE


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("settled")
    with serve_without_get_run() as url:
        flags = ["--api-key", "sk-1234567890", "--profile", "quick", "--no-database", "--report-dir", str(folder), "-q"]
        run_command(["run", url, *flags])
    return folder


@pytest.fixture(scope="module")
def report(folder: Path) -> Any:
    return json.loads((folder / "report.json").read_text())


def test_its_programs_run_to_their_end(report: Any) -> None:
    programs = report["programs"]
    early = {end["program"]: end for end in programs["early_ends"]}
    assert "DELETE /threads/{thread_id}" in early.pop("lifecycle.deleted_thread")["cause"]
    assert len(early) <= 2, early
    assert not [note for note in report["approach"].get("notes", ()) if "runs" in note or "threads" in note]


def test_function_calls_are_judged(report: Any) -> None:
    outcomes = {verdict["id"]: verdict["outcome"] for verdict in report["verdicts"]}
    assert outcomes["tools.right_outputs_are_taken"] == "pass"
    assert outcomes["acceptance.assistants_threads_and_runs_can_be_read"] == "fail"


def test_operations_that_it_lacks_are_named(folder: Path, report: Any) -> None:
    assert report["target"]["not_offered"]["operations"] == ["delete_thread", "get_run"]
    outcomes = {verdict["id"]: verdict["outcome"] for verdict in report["verdicts"]}
    about_deleted = ("thread_deleted.", "deletion.deleted_thread_")
    assert {outcome for id_, outcome in outcomes.items() if id_.startswith(about_deleted)} == {"not_applicable"}
    rebuilt = rebuild_report([read_run(folder / "history.jsonl")])
    assert rebuilt.target.operations_not_offered == ("delete_thread", "get_run")


def test_operations_that_it_lacks_are_hardly_called(folder: Path) -> None:
    lines = [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]
    called = Counter(line.get("operation") for line in lines)
    # Several programs may learn of it at the same time.
    most = MIN_RESPONSES + LOCAL_WORKERS
    assert called["delete_thread"] <= most
    assert called["create_thread"] > most
