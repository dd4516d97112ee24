"""Runs the command as a process against one hostile server, and measures it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.find_leaked_keys import find_leaks
from tests.quality.emulator_host import KEYS
from tests.quality.hostile_server import RequestedPauses

ROOT = Path(__file__).resolve().parents[2]
MAX_MEGABYTES = 300
MAX_SECONDS = 150.0
"""Most seconds against a server that lets requests wait for their response."""
MAX_PROMPT_SECONDS = 60.0
"""Most seconds against a server that responds at once, as all generated ones do, besides the pauses it asks for."""


@dataclass(frozen=True, slots=True)
class HostileRow:
    """One test run: its exit code with the reason, and its problems; none if it is as it should be."""

    behaviour: str
    text: str
    when: str
    exit_code: int
    reason: str
    problems: str


@dataclass(frozen=True, slots=True)
class HostileCase:
    """A server to run the command against, and the permitted exit codes.

    `max_seconds` are those besides the pauses that the server asks for. `max_files` limits the open files of the
    command; `arguments` are further ones of the command.
    """

    name: str
    text: str
    when: str
    exit_codes: frozenset[int]
    serve: Callable[[str], Iterator[str]]
    max_seconds: float = MAX_PROMPT_SECONDS
    max_files: int | None = None
    arguments: tuple[str, ...] = ()
    pauses: RequestedPauses = field(default_factory=RequestedPauses)


@dataclass(frozen=True, slots=True)
class Cost:
    """Wall-clock time and peak memory of one test run."""

    seconds: float
    megabytes: int

    def __str__(self) -> str:
        return f"{self.seconds:.1f} s, {self.megabytes} MB"


def run_case(case: HostileCase, emulator: str) -> tuple[HostileRow, Cost]:
    """Run the command on one server."""
    with tempfile.TemporaryDirectory(prefix="hostile-") as scratch:
        folder = Path(scratch) / "report"
        with contextmanager(case.serve)(emulator) as url:
            code, output, seconds, megabytes = _run(url, folder, case)
        report = folder / "report.json"
        data = json.loads(report.read_text(encoding="utf-8")) if report.is_file() else {}
        problems = [
            text
            for text, applies in (
                (f"exit code {code}", code not in case.exit_codes),
                ("stack trace", "Traceback" in output),
                (f"{megabytes} MB", megabytes > MAX_MEGABYTES),
                (f"{seconds:.0f} s", seconds > case.max_seconds + case.pauses.seconds),
                ("no report", not data and code not in (2, 3)),
                ("another exit code in the report", bool(data) and data["exit_code"] != code),
                ("key written", any(find_leaks(text, KEYS[0]) for text in (output, *_texts(folder)))),
                ("control characters", "\x1b" in output or "\x07" in output),
            )
            if applies
        ]
        row = HostileRow(
            behaviour=case.name,
            text=case.text,
            when=case.when,
            exit_code=code,
            reason=_reason(output, url),
            problems=", ".join(problems),
        )
        return row, Cost(round(seconds, 1), megabytes)


def _reason(output: str, url: str) -> str:
    """The line of the output that states the result, without ports."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    results = [line for line in lines if line.startswith("runs-conformance:") or "(exit " in line]
    reason = (results or lines or [""])[-1].removeprefix("runs-conformance: ")
    return re.sub(r"127\.0\.0\.1:\d+", "OTHER", reason.replace(url.partition("//")[2].partition("/")[0], "HOST"))


def _run(url: str, folder: Path, case: HostileCase) -> tuple[int, str, float, int]:
    command = [sys.executable, "-m", "runs_conformance", "run", url, "--profile", "quick", "--timeout", "2"]
    command += ["--no-database", "--report-dir", str(folder), *case.arguments]
    if case.max_files is not None:
        command = ["sh", "-c", 'ulimit -n "$0" && exec "$@"', str(case.max_files), *command]
    environment = {**os.environ, "OPENAI_API_KEY": KEYS[0], "PYTHONPATH": str(ROOT / "conformance")}
    started = time.monotonic()
    with tempfile.TemporaryFile() as output_file:
        with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output_file, stderr=output_file) as process:
            peak = 0
            while process.poll() is None:
                peak = max(peak, _peak_memory(process.pid))
                time.sleep(0.02)
        output_file.seek(0)
        output = output_file.read().decode("utf-8", "replace")
    return process.returncode, output, time.monotonic() - started, peak // 1024


def _peak_memory(pid: int) -> int:
    """The peak memory of a process in KB; unlike that of `wait4`, it does not include its parent's."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)


def _texts(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.read_text(encoding="utf-8", errors="replace")
