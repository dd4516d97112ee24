"""The whole command against servers that behave badly: outcome, exit code, seconds and memory of each.

`python -m tests.quality.hostile` runs `runs-conformance run` as a process against each and writes
`reports/reference/hostile.json` and `.md`. A behaviour stands in for every answer, for an answer now and then, or for
every answer from some moment on.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.quality.behaviours import Behaviour, behaviours, elsewhere, standing_in
from tests.quality.dying import dying
from tests.quality.host import KEYS, hosted
from tests.quality.untrusted import CERTIFICATES, untrusted

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "reports" / "reference"
MEGABYTES = 300
SECONDS = 150.0
NOW_AND_THEN = 23
FROM = 150
ALWAYS, SOMETIMES, LATER = "always", "now and then", "from the 150th request on"

UNREACHABLE, CONCLUDED, CUT = frozenset({3}), frozenset({0, 1, 5}), frozenset({1, 5})
HARMLESS = frozenset({0})

_ALWAYS = {"cookies": HARMLESS, "odd_ids": frozenset({0, 1})}
_SOMETIMES = {"cookies": HARMLESS, "too_many": frozenset({0, 5}), "odd_ids": frozenset({0, 1})}
_BARELY_ANSWERS = frozenset(
    {
        *("invalid_utf8", "nan", "duplicate_keys", "long_numbers", "deep_nesting", "gzip_bomb", "huge_json", "broken"),
        *("terminal", "length_too_long", "length_too_short", "reset", "endless_body", "endless_stream", "drips"),
        "stream_without_newline",
    }
)
"""What answers in some way even if it always does so, and therefore fails rather than cannot be tested."""


@dataclass(frozen=True, slots=True)
class Row:
    """How one run ended. `wrong` says what it should not have done; empty where all is well."""

    behaviour: str
    text: str
    when: str
    exit_code: int
    said: str
    seconds: float
    megabytes: int
    wrong: str


@dataclass(frozen=True, slots=True)
class Case:
    """A server to run the command against, and the exit codes that are right."""

    name: str
    text: str
    when: str
    codes: frozenset[int]
    serve: Callable[[str], Iterator[str]]


def cases() -> list[Case]:
    """Every case."""
    found = []
    for each in behaviours():
        always = CONCLUDED | UNREACHABLE if each.name in _BARELY_ANSWERS else UNREACHABLE
        found.append(_case(each, ALWAYS, lambda number: True, _ALWAYS.get(each.name, always)))
        sometimes = _SOMETIMES.get(each.name, CONCLUDED)
        found.append(_case(each, SOMETIMES, lambda number: number % NOW_AND_THEN == 0, sometimes))
    for each in behaviours():
        if each.name in ("silent", "reset", "too_many", "too_many_today", "broken", "html", "redirect_elsewhere"):
            found.append(_case(each, LATER, lambda number: number >= FROM, CUT))
    third = next(each for each in behaviours() if each.name == "broken")
    found.append(_case(third, "on every third request", lambda number: number % 3 == 0, CUT))
    found.append(Case("refuses", "refuses connections", ALWAYS, UNREACHABLE, _refusing))
    found.append(Case("dies", "dies half way and comes back after two seconds", "once", CONCLUDED, dying))
    for name, text in CERTIFICATES.items():
        found.append(Case(name, text, ALWAYS, UNREACHABLE, lambda emulator, name=name: untrusted(name)))  # type: ignore[misc]
    return found


def _case(each: Behaviour, when: str, chosen: Callable[[int], bool], codes: frozenset[int]) -> Case:
    def serve(emulator: str) -> Iterator[str]:
        with ExitStack() as stack:
            other = stack.enter_context(elsewhere())
            url, _ = stack.enter_context(standing_in(emulator, each.behave, chosen, each.closes, other.url))
            yield url
            if other.came:
                raise AssertionError("a request was sent to another host")

    return Case(each.name, each.text, when, codes, serve)


def _refusing(emulator: str) -> Iterator[str]:
    from tests.fakes import refusing

    with refusing() as url:
        yield url


def row(case: Case, emulator: str) -> Row:
    """Run the command on one server."""
    with tempfile.TemporaryDirectory(prefix="hostile-") as scratch:
        folder = Path(scratch) / "report"
        with contextmanager(case.serve)(emulator) as url:
            code, output, seconds, megabytes = _run(url, folder)
        report = folder / "report.json"
        data = json.loads(report.read_text(encoding="utf-8")) if report.is_file() else {}
        wrong = [
            text
            for text, so in (
                (f"exit code {code}", code not in case.codes),
                ("stack trace", "Traceback" in output),
                (f"{megabytes} MB", megabytes > MEGABYTES),
                (f"{seconds:.0f} s", seconds > SECONDS),
                ("no report", not data and code != 3),
                ("another exit code in the report", bool(data) and data["exit_code"] != code),
                ("key written", any(KEYS[0] in text for text in (output, *_texts(folder)))),
                ("control characters", "\x1b" in output or "\x07" in output),
            )
            if so
        ]
        return Row(
            behaviour=case.name,
            text=case.text,
            when=case.when,
            exit_code=code,
            said=_said(output).replace(url.partition("//")[2].partition("/")[0], "HOST"),
            seconds=round(seconds, 1),
            megabytes=megabytes,
            wrong=", ".join(wrong),
        )


def _said(output: str) -> str:
    """The line that says what it comes to."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    verdict = [line for line in lines if line.startswith("runs-conformance:") or "(exit " in line]
    return (verdict or lines or [""])[-1].removeprefix("runs-conformance: ")


def _run(url: str, folder: Path) -> tuple[int, str, float, int]:
    command = [sys.executable, "-m", "runs_conformance", "run", url, "--profile", "quick", "--timeout", "2"]
    command += ["--no-database", "--report-dir", str(folder)]
    environment = {**os.environ, "OPENAI_API_KEY": KEYS[0], "PYTHONPATH": str(ROOT / "conformance")}
    began = time.monotonic()
    with tempfile.TemporaryFile() as said:
        with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=said, stderr=said) as process:
            peak = 0
            while process.poll() is None:
                peak = max(peak, _peak(process.pid))
                time.sleep(0.02)
        said.seek(0)
        output = said.read().decode("utf-8", "replace")
    return process.returncode, output, time.monotonic() - began, peak // 1024


def _peak(pid: int) -> int:
    """The most memory that a process has had so far, in KB; unlike what `wait4` tells, without that of its parent."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)


def _texts(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.read_text(encoding="utf-8", errors="replace")


def page(rows: Sequence[Row]) -> str:
    """The table for people."""
    lines = [
        "# Hostile servers",
        "",
        "Written by `python -m tests.quality.hostile`: `runs-conformance run --profile quick --timeout 2` as a process",
        f"against each. Bounds: {MEGABYTES} MB, {SECONDS:.0f} s, a report, the right exit code, no stack trace, no key",
        "written, nothing sent to another host.",
        "",
        f"{len(rows)} cases, {sum(bool(each.wrong) for each in rows)} out of bounds; at most "
        f"{max(each.megabytes for each in rows)} MB and {max(each.seconds for each in rows):.0f} s.",
        "",
        "| the server | when | exit | because | seconds | MB |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for each in rows:
        wrong = f" **{each.wrong}**" if each.wrong else ""
        because = each.said.replace("|", "\\|")
        because = because if len(because) <= 110 else because[:109] + "…"
        lines.append(
            f"| {each.text} | {each.when} | {each.exit_code}{wrong} | {because} | {each.seconds} | {each.megabytes} |"
        )
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run every case, or those named, and put their rows into the files; exit 1 where one is out of bounds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="only these behaviours; the rows of the others stay")
    given = parser.parse_args(arguments)
    every = cases()
    rows = {} if not given.names else _written()
    with hosted({"honest": ((), ())}, 10) as emulators:
        for case in every:
            if given.names and case.name not in given.names:
                continue
            last = rows[case.name, case.when] = row(case, emulators["honest"])
            print(
                f"{last.behaviour}, {last.when}: exit {last.exit_code}, {last.seconds} s, {last.megabytes} MB, "
                f"{last.said}{'  WRONG: ' + last.wrong if last.wrong else ''}",
                flush=True,
            )
            _write([rows[case.name, case.when] for case in every if (case.name, case.when) in rows])
    wrong = sum(bool(each.wrong) for each in rows.values())
    print(f"{len(rows)} cases, {wrong} out of bounds")
    return 1 if wrong else 0


def _written() -> dict[tuple[str, str], Row]:
    """The rows that the file has."""
    path = FOLDER / "hostile.json"
    data = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    return {(each["behaviour"], each["when"]): Row(**each) for each in data}


def _write(rows: Sequence[Row]) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "hostile.json").write_text(json.dumps([asdict(each) for each in rows], indent=1) + "\n", "utf-8")
    (FOLDER / "hostile.md").write_text(page(rows), "utf-8")


if __name__ == "__main__":
    sys.exit(main())
