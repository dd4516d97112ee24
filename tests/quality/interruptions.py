"""Test runs that are interrupted at random moments, or whose disk gets full: nothing recorded is lost, nothing is left.

`python -m tests.quality.interruptions` runs `runs-conformance run` as a process against an emulator, ends it by each
signal, at a random moment, and calls `cleanup`. It writes `reports/reference/interruptions.json` and `.md`.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.app.serving import ServedEmulator, serve_emulator, start_command
from tests.quality.tables import write_rows, write_text

STEP_MS = 10
MAX_MOMENT_S = 9.0
"""A test run of the quick profile on an emulator takes about as long."""
MAX_SECONDS_TO_END = 20.0
MAX_FILE_BYTES = 3_000_000
"""About the size of the history of such a test run."""
IN_FLIGHT = 8
"""Most requests that are in flight at once; the responses to these may come when nothing is recorded any more."""

_FULL = "full disk"
_ENDINGS: dict[str, tuple[signal.Signals, ...]] = {
    "SIGINT": (signal.SIGINT,),
    "SIGTERM": (signal.SIGTERM,),
    "SIGHUP": (signal.SIGHUP,),
    "SIGINT twice": (signal.SIGINT, signal.SIGINT),
    "SIGKILL": (signal.SIGKILL,),
    _FULL: (),
}
_EXIT_CODES = {"SIGKILL": (-9,), _FULL: (2, 5)}
"""With a full disk the history is truncated; the report may be small enough to be written."""
_LOSES_IN_FLIGHT = ("SIGINT twice", "SIGKILL")
"""Endings after which an object may be left whose creation was in flight, for no response stated its id."""


@dataclass(frozen=True, slots=True)
class InterruptedRun:
    """One interrupted test run: when it was ended, and how; its problems, which are empty if it is as it should be."""

    ending: str
    number: int
    moment: float
    exit_code: int
    seconds_to_end: float
    exchanges: int
    in_flight: int
    problems: str


def interrupt(ending: str, number: int) -> InterruptedRun:
    """Run the command, end it at the moment that the number determines, and clean up."""
    rng = random.Random(f"{ending} {number}")
    with tempfile.TemporaryDirectory(prefix="interrupted-") as scratch, serve_emulator(STEP_MS) as target:
        folder = Path(scratch) / "report"
        moment = rng.uniform(0, MAX_MOMENT_S)
        arguments = ("--profile", "quick", "--no-database", "--report-dir", str(folder))
        with start_command("run", target.url, *arguments) as process:
            sent = _end(process, ending, moment, rng)
            started = time.monotonic()
            try:
                output, _ = process.communicate(timeout=90)
            except subprocess.TimeoutExpired:
                process.kill()
                output, _ = process.communicate()
                output += "\ndoes not end"
            seconds = time.monotonic() - started
        left = len(target.held)
        exchanges, found = _problems_of_files(folder)
        found += _problems_of_process(process.returncode, output, ending, sent, seconds)
        if left and ending not in _LOSES_IN_FLIGHT and ending != _FULL:
            found.append(f"left {left} objects")
        in_flight = _clean_up(folder, target)
        if in_flight > (IN_FLIGHT if ending in _LOSES_IN_FLIGHT else 0):
            found.append(f"{in_flight} objects are left after cleanup")
        return InterruptedRun(
            ending,
            number,
            round(moment, 2),
            process.returncode,
            round(seconds, 1),
            exchanges,
            in_flight,
            ", ".join(found),
        )


def _end(process: subprocess.Popen[str], ending: str, moment: float, rng: random.Random) -> bool:
    """End the process; returns whether it was still running."""
    if ending == _FULL:
        size = int(MAX_FILE_BYTES * moment / MAX_MOMENT_S)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size, size))
        return True
    with suppress(subprocess.TimeoutExpired):
        process.wait(moment)
        return False
    first, *more = _ENDINGS[ending]
    process.send_signal(first)
    for each in more:
        time.sleep(rng.uniform(0, 0.3))
        if process.poll() is None:
            process.send_signal(each)
    return True


def _problems_of_process(code: int, output: str, ending: str, sent: bool, seconds: float) -> list[str]:
    permitted = (*_EXIT_CODES.get(ending, (130,)), *((0,) if not sent or ending == _FULL else ()))
    found = []
    # Before the first line of the command runs, Python itself ends by the signal.
    if code not in permitted and code != -_first_signal(ending):
        found.append(f"exit code {code}")
    # Python itself shows one if it is interrupted before it has loaded the command.
    if "Traceback" in output and "/runs_conformance/" in output:
        found.append("stack trace")
    if "does not end" in output or (seconds > MAX_SECONDS_TO_END and ending != _FULL):
        found.append(f"took {seconds:.0f} s to end")
    return found


def _first_signal(ending: str) -> int:
    return int(_ENDINGS[ending][0]) if _ENDINGS[ending] else 0


def _problems_of_files(folder: Path) -> tuple[int, list[str]]:
    """The number of recorded exchanges, and what is wrong with the files."""
    history = folder / "history.jsonl"
    if not history.is_file():
        return 0, []
    found = []
    lines = history.read_bytes().split(b"\n")
    entries = [json.loads(line) for line in lines[:-1]]
    exchanges = sum(entry["type"] == "exchange" for entry in entries)
    if lines[-1]:
        found.append("the last line is cut")
    if entries and entries[-1]["type"] == "end" and entries[-1]["exchanges"] != exchanges:
        found.append(f"{exchanges} exchanges of {entries[-1]['exchanges']}")
    found += [f"{path.name} is left" for path in folder.glob(".*")]
    report = folder / "report.json"
    if report.is_file() and "verdicts" not in json.loads(report.read_text(encoding="utf-8")):
        found.append("a report without verdicts")
    return exchanges, found


def _clean_up(folder: Path, target: ServedEmulator) -> int:
    """Clean up; returns the number of objects that are left."""
    if (folder / "history.jsonl").is_file():
        with start_command("cleanup", str(folder), "--base-url", target.url) as process:
            process.communicate(timeout=60)
    return len(target.held)


def attempts(count: int, endings: Sequence[str]) -> Iterator[tuple[str, int]]:
    """The endings with numbers from 0."""
    return ((ending, number) for ending in endings for number in range(count))


def render_page(rows: Sequence[InterruptedRun]) -> str:
    """The Markdown page."""
    lines = [
        "# Interruptions",
        "",
        "Written by `python -m tests.quality.interruptions`: `runs-conformance run --profile quick` as a process that",
        f"is ended at a random moment of its first {MAX_MOMENT_S:g} seconds, or whose disk is full at a random size,",
        "and `runs-conformance cleanup` after it. Requirements: every line of the history is whole and the footer",
        "counts them, the exit code, no stack trace, no partial file, and nothing is left on the target. Objects whose",
        "creation was in flight when the process was killed are in no history.",
        "",
        "| ended by | test runs | exit codes | longest end | exchanges kept | objects in flight left | problems |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for ending in dict.fromkeys(row.ending for row in rows):
        of_ending = [row for row in rows if row.ending == ending]
        codes = ", ".join(str(code) for code in sorted({row.exit_code for row in of_ending}))
        exchanges = [row.exchanges for row in of_ending]
        lines.append(
            f"| {ending} | {len(of_ending)} | {codes} | {max(row.seconds_to_end for row in of_ending):g} s "
            f"| {min(exchanges)} to {max(exchanges)} | {sum(row.in_flight for row in of_ending)} "
            f"| {sum(bool(row.problems) for row in of_ending)} |"
        )
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Interrupt test runs by every ending, or by those named; returns 1 if one has a problem."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("endings", nargs="*", help=f"{', '.join(_ENDINGS)}; default: all, and the page is written")
    parser.add_argument("--count", type=int, default=20, help="test runs for each ending (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=2, help="test runs at once (default: %(default)s)")
    options = parser.parse_args(arguments)
    chosen = options.endings or list(_ENDINGS)
    rows = []
    with ThreadPoolExecutor(options.jobs) as pool:
        for row in pool.map(_unpack(interrupt), attempts(options.count, chosen)):
            rows.append(row)
            print(json.dumps(asdict(row)), flush=True)
    if not options.endings:
        write_rows("interruptions", map(asdict, rows))
        write_text("interruptions.md", render_page(rows))
    failing = sum(bool(row.problems) for row in rows)
    print(f"{len(rows)} test runs, {failing} with problems")
    return 1 if failing else 0


def _unpack(function: Callable[[str, int], InterruptedRun]) -> Callable[[tuple[str, int]], InterruptedRun]:
    return lambda pair: function(*pair)


if __name__ == "__main__":
    sys.exit(main())
