"""Servers on which not everything can be made: existing objects are worked with, and stay as they are."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from runs_conformance.cli import run_command
from tests.gateway import KEY, NO_ROUTE, Gateway, Refusal, Seen, gateway


@contextmanager
def made(gate: Gateway) -> Iterator[dict[str, str]]:
    """An assistant, a thread with two messages and a run that has ended; the gateway forgets how they were made."""
    headers = {"Authorization": f"Bearer {KEY}", "OpenAI-Beta": "assistants=v2"}
    with httpx.Client(base_url=gate.url, headers=headers) as client:

        def post(path: str, **body: Any) -> str:
            return str(client.post(path, json=body).json()["id"])

        assistant = post("/assistants", model="gpt-4o", name="Existing")
        thread = post("/threads", messages=[{"role": "user", "content": "Hello."}])
        run = post(f"/threads/{thread}/runs", assistant_id=assistant)
        while client.get(f"/threads/{thread}/runs/{run}").json()["status"] != "completed":
            time.sleep(0.02)
        before = [client.get(path).json() for path in (f"/assistants/{assistant}", f"/threads/{thread}")]
        gate.seen.clear()
        gate.made.clear()
        yield {"assistant": assistant, "thread": thread, "run": run}
        assert before == [client.get(path).json() for path in (f"/assistants/{assistant}", f"/threads/{thread}")]


def judged(gate: Gateway, use: dict[str, str], *arguments: str) -> tuple[int, dict[str, Any]]:
    given = [f"--use={kind}={id_}" for kind, id_ in use.items()]
    base = ["run", gate.url, "--api-key", KEY, "--report-dir", "out", "-q", "--no-database"]
    code = run_command([*base, *given, *arguments])
    report: dict[str, Any] = json.loads(Path("out/report.json").read_text())
    return code, report


def outcomes(report: dict[str, Any], outcome: str) -> set[str]:
    return {verdict["id"] for verdict in report["verdicts"] if verdict["outcome"] == outcome}


def failures(report: dict[str, Any]) -> set[str]:
    return {each["id"] for each in report["verdicts"] if each["outcome"] == "fail"}


def test_reading_alone_writes_nothing_and_judges_what_is_there() -> None:
    with gateway() as gate, made(gate) as use:
        code, report = judged(gate, use, "--read-only")
    assert {seen.method for seen in gate.seen[:-2]} == {"GET"}
    assert code == 0
    assert failures(report) == set()
    assert {"run.status.enum", "message.role.enum", "run_step.type.enum"} <= outcomes(report, "pass")
    assert "list_runs.order.enum" in outcomes(report, "pass")
    assert report["counts"]["runs_started"] == 0


def test_reading_alone_finds_what_is_wrong() -> None:
    with gateway() as gate, made(gate) as use:
        gate.refuses = lambda seen: (200, b'{"id": 7, "object": "thread.run"}') if seen.operation == "get_run" else None
        code, report = judged(gate, use, "--read-only")
    assert code == 1
    assert "run.id.type" in failures(report)


def test_reading_alone_without_anything_given() -> None:
    with gateway() as gate:
        _, report = judged(gate, {}, "--read-only")
    assert {seen.method for seen in gate.seen} == {"GET"}
    assert outcomes(report, "not_judged")


def without_assistants(seen: Seen) -> Refusal | None:
    return NO_ROUTE if seen.path.startswith("/assistants") else None


def without_neighbours(seen: Seen) -> Refusal | None:
    """A server of runs alone: no assistants, no threads to be made or deleted, no list of messages."""
    if seen.path.startswith("/assistants") or seen.operation.startswith("delete_"):
        return NO_ROUTE
    return NO_ROUTE if seen.operation in ("create_thread", "get_thread", "modify_thread", "list_messages") else None


@pytest.mark.slow
def test_a_server_without_assistants_is_judged_with_one_that_exists() -> None:
    with gateway() as gate, made(gate) as use:
        gate.refuses = without_assistants
        code, report = judged(gate, {"assistant": use["assistant"]}, "--profile", "quick")
        gate.refuses = lambda seen: None
    assert failures(report) == set()
    assert code == 0
    assert "create_run.max_prompt_tokens.minimum" in outcomes(report, "pass")
    assert "create_assistant" not in {seen.operation for seen in gate.seen}


@pytest.mark.slow
def test_a_server_of_runs_alone_is_judged_on_a_thread_that_exists() -> None:
    with gateway() as gate, made(gate) as use:
        gate.refuses = without_neighbours
        code, report = judged(gate, use, "--profile", "quick", "--timeout", "5")
        gate.refuses = lambda seen: None
    assert {verdict["id"] for verdict in report["verdicts"] if verdict["outcome"] == "fail"} == set()
    assert code == 0
    assert "create_run.max_prompt_tokens.minimum" in outcomes(report, "pass")


@pytest.mark.slow
def test_what_was_given_is_never_changed_or_deleted() -> None:
    with gateway() as gate, made(gate) as use:
        judged(gate, use, "--phase", "security", "--phase", "lifecycle", "--max-runs", "10")
        changes = [seen for seen in gate.seen if seen.operation.startswith(("delete_", "modify_"))]
    assert not [seen for seen in changes if seen.path.rpartition("/")[2] in use.values()]


def test_files_that_exist_make_their_constraints_judged() -> None:
    needs = "create_assistant.tool_resources.code_interpreter.file_ids[].type"
    with gateway() as gate:
        _, without = judged(gate, {}, "--select", "create_assistant.*", "--phase", "boundary")
        _, having = judged(gate, {"file": "file-abc123", "vector_store": "vs_abc123"}, "--select", "create_assistant.*")
    assert len(outcomes(having, "pass")) > len(outcomes(without, "pass"))
    assert needs not in outcomes(without, "pass") or needs in outcomes(having, "pass")


def test_a_wrong_id_is_said_to_be_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    with gateway() as gate:
        code = run_command(["run", gate.url, "--api-key", KEY, "--use", "thread=thread_none", "--read-only"])
        seen = len(gate.seen)
        assert code == 2
        assert seen <= 4
        assert "--use thread=thread_none: " in capsys.readouterr().err
        gate.refuses = lambda seen: NO_ROUTE if seen.operation == "list_runs" else None
        assert run_command(["run", gate.url, "--api-key", KEY, "--use", "thread=thread_none", "--read-only"]) == 3


@pytest.mark.parametrize("kind", ["assistant", "run"])
def test_an_id_that_the_server_does_not_know_ends_the_run_before_it_begins(
    kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with gateway() as gate, made(gate) as use:
        wrong = {**use, kind: f"{kind}_none"}
        arguments = [f"--use={each}={id_}" for each, id_ in wrong.items()]
        assert run_command(["run", gate.url, "--api-key", KEY, *arguments, "-q"]) == 2
        assert len(gate.seen) <= 6
        assert gate.made == set()
    said = capsys.readouterr().err
    assert f"--use {kind}={kind}_none: {gate.url} has no such {kind} (HTTP 404" in said
    assert len(said.strip().splitlines()) == 1


def test_a_wrong_id_of_the_file_is_blamed_on_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    with gateway() as gate:
        Path("conformance.toml").write_text(f'base_url = "{gate.url}"\n[use]\nassistant = "asst_none"')
        assert run_command(["run", "--api-key", KEY, "-q"]) == 2
        assert gate.made == set()
    assert "conformance.toml: use assistant=asst_none: " in capsys.readouterr().err
