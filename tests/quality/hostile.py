"""The hostile table: the command against servers that misbehave; outcome, exit code, time and memory of each.

`python -m tests.quality.hostile` runs `runs-conformance run` as a process against each and writes
`reports/reference/hostile.json` and `.md`. A behaviour replaces every answer, some answers, or every answer from a
certain request on.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.fakes import closed_port_url
from tests.leaks import leaks
from tests.quality import hostile_contents
from tests.quality.crashing_server import crashing_server
from tests.quality.emulator_host import KEYS, serve_emulators
from tests.quality.hostile_behaviours import HostileBehaviour, behaviours, hostile_server, other_host
from tests.quality.hostile_mutations import mutation
from tests.quality.tables import read_rows, write_rows, write_text
from tests.quality.untrusted_certificates import CERTIFICATES, untrusted_server

ROOT = Path(__file__).resolve().parents[2]
MAX_MEGABYTES = 300
MAX_SECONDS = 150.0
MAX_SEED_SECONDS = 60.0
"""Most seconds against a generated server, none of which is silent."""
INTERVAL = 23
FIRST_LATE_REQUEST = 150
ALWAYS, SOMETIMES, LATE = "always", "every 23rd request", "from the 150th request on"
_LATE = ("silent", "reset", "too_many", "too_many_today", "broken", "html", "redirect_elsewhere", "denies")

UNREACHABLE, CONCLUDED, CUT_SHORT = frozenset({3}), frozenset({0, 1, 5}), frozenset({1, 5})
HARMLESS = frozenset({0})

_ALWAYS = {"cookies": HARMLESS, "odd_ids": frozenset({0, 1})}
_SOMETIMES = {"cookies": HARMLESS, "too_many": frozenset({0, 5}), "odd_ids": frozenset({0, 1})}
_TESTABLE = frozenset(
    {
        *("invalid_utf8", "nan", "duplicate_keys", "long_numbers", "deep_nesting", "gzip_bomb", "huge_json", "broken"),
        *("terminal", "length_too_long", "length_too_short", "reset", "endless_body", "endless_stream", "drips"),
        "stream_without_newline",
        *hostile_contents.TESTABLE,
    }
)
"""Behaviours that, even for every request, may count as failures of the server rather than as an unreachable one."""


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
    """A server to run the command against, and the permitted exit codes."""

    name: str
    text: str
    when: str
    exit_codes: frozenset[int]
    serve: Callable[[str], Iterator[str]]


def cases() -> list[HostileCase]:
    """All cases."""
    result = []
    for each in behaviours():
        always = CONCLUDED | UNREACHABLE if each.name in _TESTABLE else UNREACHABLE
        result.append(_case(each, ALWAYS, lambda number: True, _ALWAYS.get(each.name, always)))
        sometimes = _SOMETIMES.get(each.name, CONCLUDED)
        result.append(_case(each, SOMETIMES, lambda number: number % INTERVAL == 0, sometimes))
    for each in behaviours():
        if each.name in _LATE:
            result.append(_case(each, LATE, lambda number: number >= FIRST_LATE_REQUEST, CUT_SHORT))
        if each.name == "too_many_at_once":
            result.append(_case(each, "every second request", lambda number: number % 2 == 0, CONCLUDED))
    broken = next(each for each in behaviours() if each.name == "broken")
    result.append(_case(broken, "every third request", lambda number: number % 3 == 0, CUT_SHORT))
    result.append(HostileCase("refuses", "refuses connections", ALWAYS, UNREACHABLE, _closed_port))
    text = "crashes and restarts after two seconds"
    result.append(HostileCase("dies", text, "at the 150th request", CONCLUDED, crashing_server))
    for name, text in CERTIFICATES.items():
        result.append(
            HostileCase(name, text, ALWAYS, UNREACHABLE, lambda emulator, name=name: untrusted_server(name))  # type: ignore[misc]
        )
    return result


def _case(
    behaviour: HostileBehaviour, when: str, is_hostile: Callable[[int], bool], exit_codes: frozenset[int]
) -> HostileCase:
    def serve(emulator: str) -> Iterator[str]:
        with ExitStack() as stack:
            other = stack.enter_context(other_host())
            url, _ = stack.enter_context(
                hostile_server(emulator, behaviour.respond, is_hostile, behaviour.closes, other.url)
            )
            yield url
            if other.received:
                raise AssertionError("a request was sent to another host")

    return HostileCase(behaviour.name, behaviour.text, when, exit_codes, serve)


def _closed_port(emulator: str) -> Iterator[str]:
    with closed_port_url() as url:
        yield url


def run_case(case: HostileCase, emulator: str, max_seconds: float = MAX_SECONDS) -> tuple[HostileRow, str]:
    """Run the command on one server; returns the row, and the time and memory used."""
    with tempfile.TemporaryDirectory(prefix="hostile-") as scratch:
        folder = Path(scratch) / "report"
        with contextmanager(case.serve)(emulator) as url:
            code, output, seconds, megabytes = _run(url, folder)
        report = folder / "report.json"
        data = json.loads(report.read_text(encoding="utf-8")) if report.is_file() else {}
        problems = [
            text
            for text, applies in (
                (f"exit code {code}", code not in case.exit_codes),
                ("stack trace", "Traceback" in output),
                (f"{megabytes} MB", megabytes > MAX_MEGABYTES),
                (f"{seconds:.0f} s", seconds > max_seconds),
                ("no report", not data and code != 3),
                ("another exit code in the report", bool(data) and data["exit_code"] != code),
                ("key written", any(leaks(text, KEYS[0]) for text in (output, *_texts(folder)))),
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
        return row, f"{seconds:.1f} s, {megabytes} MB"


def _reason(output: str, url: str) -> str:
    """The line of the output that states the result, without ports."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    results = [line for line in lines if line.startswith("runs-conformance:") or "(exit " in line]
    reason = (results or lines or [""])[-1].removeprefix("runs-conformance: ")
    return re.sub(r"127\.0\.0\.1:\d+", "OTHER", reason.replace(url.partition("//")[2].partition("/")[0], "HOST"))


def _run(url: str, folder: Path) -> tuple[int, str, float, int]:
    command = [sys.executable, "-m", "runs_conformance", "run", url, "--profile", "quick", "--timeout", "2"]
    command += ["--no-database", "--report-dir", str(folder)]
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


def render_page(rows: Sequence[HostileRow]) -> str:
    """The Markdown page."""
    lines = [
        "# Hostile servers",
        "",
        "Written by `python -m tests.quality.hostile`: `runs-conformance run --profile quick --timeout 2` as a process",
        f"against each. Requirements: at most {MAX_MEGABYTES} MB and {MAX_SECONDS:.0f} s, a report, a permitted exit",
        "code, no stack trace, no key written, and no request to another host.",
        "",
        f"{len(rows)} cases, {sum(bool(row.problems) for row in rows)} with problems.",
        "",
        "| the server | when | exit | reason |",
        "| --- | --- | --- | --- |",
    ]
    for row in rows:
        problems = f" **{row.problems}**" if row.problems else ""
        reason = row.reason.replace("|", "\\|")
        reason = reason if len(reason) <= 110 else reason[:109] + "…"
        lines.append(f"| {row.text} | {row.when} | {row.exit_code}{problems} | {reason} |")
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all cases, or those named, and update their rows; returns 1 if one has a problem."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="run only these behaviours; the other rows remain")
    parser.add_argument("--seeds", type=int, metavar="N", help="run N generated servers instead; no file is written")
    options = parser.parse_args(arguments)
    if options.seeds:
        return _run_seeds(options.seeds)
    every = cases()
    rows = {(row.behaviour, row.when): row for row in read()} if options.names else {}
    with serve_emulators({"plain": ((), ())}, 10) as emulators:
        for case in every:
            if options.names and case.name not in options.names:
                continue
            row, cost = run_case(case, emulators["plain"])
            rows[case.name, case.when] = row
            print(
                f"{row.behaviour}, {row.when}: exit {row.exit_code}, {cost}, {row.reason}"
                f"{'  PROBLEMS: ' + row.problems if row.problems else ''}",
                flush=True,
            )
            write([rows[case.name, case.when] for case in every if (case.name, case.when) in rows])
    failing = sum(bool(row.problems) for row in rows.values())
    print(f"{len(rows)} cases, {failing} with problems")
    return 1 if failing else 0


def _run_seeds(count: int) -> int:
    """Run the servers of the first seeds; returns 1 if one has a problem."""
    failing = 0
    with serve_emulators({"plain": ((), ())}, 10) as emulators:
        for seed in range(count):
            generated = mutation(seed)
            case = _case(generated.behaviour(), generated.text, generated.applies, CONCLUDED | UNREACHABLE)
            row, cost = run_case(case, emulators["plain"], MAX_SEED_SECONDS)
            failing += bool(row.problems)
            problems = f"  PROBLEMS: {row.problems}" if row.problems else ""
            print(f"seed {seed}, {generated.text}: exit {row.exit_code}, {cost}{problems}", flush=True)
    print(f"{count} seeds, {failing} with problems")
    return 1 if failing else 0


def read() -> list[HostileRow]:
    """The committed rows."""
    return [HostileRow(**row) for row in read_rows("hostile")]


def write(rows: Sequence[HostileRow]) -> None:
    """Write the rows and the page."""
    write_rows("hostile", map(asdict, rows))
    write_text("hostile.md", render_page(rows))


if __name__ == "__main__":
    sys.exit(main())
