"""Sessions of this suite and of Schemathesis on the same kind of server, each as a command in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.target_server import FAILING_MODEL, KEYS, serve_target

SEED = "0"
SCHEMATHESIS_EXAMPLES = "10"
"""Examples per operation: with the default of 100, a session takes ten times as long."""


@dataclass(frozen=True, slots=True)
class CommandUsage:
    """The usage of a command: seconds, seconds of CPU, and its largest resident memory in MB."""

    seconds: float
    cpu: float
    memory: float


@dataclass(frozen=True, slots=True)
class ToolSession:
    """A session on a server: what it took there and here, when it sent its first request, and what it found.

    `findings` identifies each failure that the tool reports.
    """

    usage: CommandUsage
    server_cpu: float
    requests: int
    runs: int
    findings: frozenset[str]
    first_request: float = 0.0


def run_command(command: Sequence[str], folder: Path | None = None) -> CommandUsage:
    """Run a command to its end and measure it with its child processes, whatever its exit code."""
    environment = {**os.environ, "OPENAI_API_KEY": KEYS[0], "CONFORMANCE_SECOND_API_KEY": KEYS[1]}
    with tempfile.TemporaryDirectory() as scratch:
        figures = Path(scratch) / "figures.json"
        launcher = [sys.executable, str(Path(__file__).with_name("launch.py")), str(figures)]
        subprocess.run(
            [*launcher, *command],
            check=True,
            cwd=folder,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        return CommandUsage(*json.loads(figures.read_text("utf-8")))


def suite_command(*arguments: str) -> list[str]:
    """The command of this suite with these arguments."""
    return [sys.executable, "-m", "runs_conformance", *arguments]


def run_suite(profile: str, *, workers: int = 5, run_seconds: float = 0.0, mutant: str = "") -> ToolSession:
    """Judge a new server by a profile."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "report"
        with serve_target(run_seconds, mutant=mutant) as served:
            options = ["--profile", profile, "--workers", str(workers), "--seed", SEED]
            options += ["--failing-model", FAILING_MODEL, "--no-database", "--no-config", "--quiet"]
            command = suite_command("run", served.target.address.url, *options, "--report-dir", str(folder))
            began = time.time()
            usage = run_command(command)
        report = json.loads((folder / "report.json").read_text("utf-8"))
        failed = frozenset(each["id"] for each in report["verdicts"] if each["outcome"] == "fail")
        with (folder / "history.jsonl").open(encoding="utf-8") as lines:
            first = next(data for line in lines if (data := json.loads(line))["type"] == "exchange")
        return ToolSession(usage, served.cpu, served.requests, served.runs, failed, first["wall"] - began)


def run_schemathesis(*, workers: int = 1, run_seconds: float = 0.0, mutant: str = "") -> ToolSession:
    """Test a new server by our OpenAPI document with Schemathesis."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        document = subprocess.run(suite_command("openapi"), check=True, capture_output=True).stdout
        (folder / "openapi.json").write_bytes(document)
        with serve_target(run_seconds, mutant=mutant) as served:
            headers = ["-H", f"Authorization: Bearer {KEYS[0]}", "-H", "OpenAI-Beta: assistants=v2"]
            options = ["--seed", SEED, "--max-examples", SCHEMATHESIS_EXAMPLES, "--workers", str(workers)]
            options += ["--report", "json", "--report-json-path", "report.json"]
            program = str(Path(sys.executable).parent / "st")
            command = [program, "run", "openapi.json", "--url", served.target.address.url, *headers, *options]
            usage = run_command(command, folder)
        report = json.loads((folder / "report.json").read_text("utf-8"))
        failed = frozenset(f"{each['code']} {name}" for each in report["failures"] for name in each["operations"])
        return ToolSession(usage, served.cpu, served.requests, served.runs, failed)
