"""`--use`: existing objects are used, and stay unchanged."""

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
from tests.gateway import KEY, NO_ROUTE, CannedResponse, Gateway, GatewayRequest, gateway


@contextmanager
def existing_objects(gate: Gateway) -> Iterator[dict[str, str]]:
    """Create an assistant, a thread with two messages and a completed run, unseen by the gateway."""
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
        gate.requests.clear()
        gate.live_objects.clear()
        yield {"assistant": assistant, "thread": thread, "run": run}
        assert before == [client.get(path).json() for path in (f"/assistants/{assistant}", f"/threads/{thread}")]


def judged(gate: Gateway, use: dict[str, str], *arguments: str) -> tuple[int, dict[str, Any]]:
    flags = [f"--use={kind}={id_}" for kind, id_ in use.items()]
    base = ["run", gate.url, "--api-key", KEY, "--report-dir", "out", "-q", "--no-database"]
    code = run_command([*base, *flags, *arguments])
    report: dict[str, Any] = json.loads(Path("out/report.json").read_text())
    return code, report


def outcomes(report: dict[str, Any], outcome: str) -> set[str]:
    return {verdict["id"] for verdict in report["verdicts"] if verdict["outcome"] == outcome}


def failures(report: dict[str, Any]) -> set[str]:
    return {each["id"] for each in report["verdicts"] if each["outcome"] == "fail"}


def test_read_only_sends_only_gets_and_judges_existing_objects() -> None:
    with gateway() as gate, existing_objects(gate) as use:
        code, report = judged(gate, use, "--read-only")
    assert {seen.method for seen in gate.requests[:-2]} == {"GET"}
    assert code == 0
    assert failures(report) == set()
    assert {"run.status.enum", "message.role.enum", "run_step.type.enum"} <= outcomes(report, "pass")
    assert "list_runs.order.enum" in outcomes(report, "pass")
    assert report["counts"]["runs_started"] == 0


def test_read_only_finds_violations() -> None:
    with gateway() as gate, existing_objects(gate) as use:
        gate.refuse = lambda seen: (200, b'{"id": 7, "object": "thread.run"}') if seen.operation == "get_run" else None
        code, report = judged(gate, use, "--read-only")
    assert code == 1
    assert "run.id.type" in failures(report)


def test_read_only_without_objects_judges_nothing() -> None:
    with gateway() as gate:
        _, report = judged(gate, {}, "--read-only")
    assert {seen.method for seen in gate.requests} == {"GET"}
    assert outcomes(report, "not_judged")


def without_assistants(seen: GatewayRequest) -> CannedResponse | None:
    return NO_ROUTE if seen.path.startswith("/assistants") else None


def with_runs_only(seen: GatewayRequest) -> CannedResponse | None:
    """Refuse everything but runs: assistants, creation and deletion of threads, the list of messages."""
    if seen.path.startswith("/assistants") or seen.operation.startswith("delete_"):
        return NO_ROUTE
    return NO_ROUTE if seen.operation in ("create_thread", "get_thread", "modify_thread", "list_messages") else None


@pytest.mark.slow
def test_a_server_without_assistants_is_judged_with_an_existing_one() -> None:
    with gateway() as gate, existing_objects(gate) as use:
        gate.refuse = without_assistants
        code, report = judged(gate, {"assistant": use["assistant"]}, "--profile", "quick")
        gate.refuse = lambda seen: None
    assert failures(report) == set()
    assert code == 0
    assert "cancel.is_carried_out" in outcomes(report, "pass")
    assert not any(seen.operation == "create_assistant" and b"gpt-4o" in seen.body for seen in gate.requests)


@pytest.mark.slow
def test_a_server_with_runs_only_is_judged_on_an_existing_thread() -> None:
    with gateway() as gate, existing_objects(gate) as use:
        gate.refuse = with_runs_only
        code, report = judged(gate, use, "--profile", "quick", "--timeout", "5")
        gate.refuse = lambda seen: None
    assert {verdict["id"] for verdict in report["verdicts"] if verdict["outcome"] == "fail"} == set()
    assert code == 0
    assert "cancel.is_carried_out" in outcomes(report, "pass")


@pytest.mark.slow
def test_used_objects_are_never_modified_or_deleted() -> None:
    with gateway() as gate, existing_objects(gate) as use:
        judged(gate, use, "--phase", "security", "--phase", "lifecycle", "--max-runs", "10")
        changes = [seen for seen in gate.requests if seen.operation.startswith(("delete_", "modify_"))]
    assert not [seen for seen in changes if seen.path.rpartition("/")[2] in use.values()]


def test_existing_files_make_their_constraints_judged() -> None:
    needs = "create_assistant.tool_resources.code_interpreter.file_ids[].type"
    with gateway() as gate:
        _, without = judged(gate, {}, "--select", "create_assistant.*", "--phase", "boundary")
        _, having = judged(gate, {"file": "file-abc123", "vector_store": "vs_abc123"}, "--select", "create_assistant.*")
    assert len(outcomes(having, "pass")) > len(outcomes(without, "pass"))
    assert needs not in outcomes(without, "pass") or needs in outcomes(having, "pass")


def test_an_unknown_thread_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with gateway() as gate:
        code = run_command(["run", gate.url, "--api-key", KEY, "--use", "thread=thread_none", "--read-only"])
        seen = len(gate.requests)
        assert code == 2
        assert seen <= 4
        assert "--use thread=thread_none: " in capsys.readouterr().err
        gate.refuse = lambda seen: NO_ROUTE if seen.operation == "list_runs" else None
        assert run_command(["run", gate.url, "--api-key", KEY, "--use", "thread=thread_none", "--read-only"]) == 3


@pytest.mark.parametrize("kind", ["assistant", "run"])
def test_an_unknown_id_ends_the_run_before_it_starts(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    with gateway() as gate, existing_objects(gate) as use:
        wrong = {**use, kind: f"{kind}_none"}
        arguments = [f"--use={each}={id_}" for each, id_ in wrong.items()]
        assert run_command(["run", gate.url, "--api-key", KEY, *arguments, "-q"]) == 2
        assert len(gate.requests) <= 6
        assert gate.live_objects == set()
    error = capsys.readouterr().err
    assert f"--use {kind}={kind}_none: {gate.url} has no such {kind} (HTTP 404" in error
    assert len(error.strip().splitlines()) == 1


def test_an_unknown_id_of_the_file_names_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    with gateway() as gate:
        Path("conformance.toml").write_text(f'base_url = "{gate.url}"\n[use]\nassistant = "asst_none"')
        assert run_command(["run", "--api-key", KEY, "-q"]) == 2
        assert gate.live_objects == set()
    assert "conformance.toml: use assistant=asst_none: " in capsys.readouterr().err
