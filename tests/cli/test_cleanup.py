"""`cleanup` on a server with unusual conventions, configured in conformance.toml."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runs_conformance.cli import run_command
from tests.gateway import KEY, error_response, gateway


def test_cleanup_addresses_the_server_like_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_KEY", KEY)
    with gateway(mount="/llm", key_header="x-key", query={"tenant": "blue"}) as gate:
        Path("conformance.toml").write_text(
            f"""
            base_url = "{gate.url}"
            profile = "quick"
            [auth]
            api_key = "env:GATEWAY_KEY"
            key_header = "X-Key"
            [query]
            tenant = "blue"
            [report]
            dir = "out"
            """
        )
        gate.refuse = lambda seen: error_response(500, "not now") if seen.operation.startswith("delete_") else None
        assert run_command(["run", "-q", "--max-requests", "60"]) == 5
        left = len(gate.live_objects)
        assert left
        gate.refuse = lambda seen: None
        assert run_command(["cleanup", "out"]) == 0
        assert gate.live_objects == set()
    assert KEY not in Path("out/history.jsonl").read_text()
    assert json.loads(Path("out/history.jsonl").read_text().splitlines()[0])["key_header"] == "X-Key"
