"""The hostile table: the command against servers that misbehave; outcome, exit code, time and memory of each.

`python -m tests.quality.hostile` runs `runs-conformance run` as a process against each and writes
`reports/reference/hostile.json` and `.md`. A behaviour replaces every response, some responses, or every response from
a certain request on. With `--seeds` it runs generated servers, and writes `hostile-seeds.json` and the page.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace

from tests.fakes import closed_port_url
from tests.quality import hostile_contents
from tests.quality.crashing_server import crashing_server
from tests.quality.emulator_host import serve_emulators
from tests.quality.hostile_behaviours import HostileBehaviour, behaviours
from tests.quality.hostile_mutations import mutation
from tests.quality.hostile_runs import (
    MAX_MEGABYTES,
    MAX_PROMPT_SECONDS,
    MAX_SECONDS,
    Cost,
    HostileCase,
    HostileRow,
    run_case,
)
from tests.quality.hostile_server import RequestedPauses, hostile_server, other_host
from tests.quality.tables import read_rows, write_rows, write_text
from tests.quality.untrusted_certificates import CERTIFICATES, untrusted_server

INTERVAL = 23
FIRST_LATE_REQUEST = 300
ALWAYS, SOMETIMES, LATE = "always", "every 23rd request", "from the 300th request on"
OFTEN = "every second request"
_LATE = ("silent", "reset", "too_many", "too_many_today", "broken", "html", "redirect_elsewhere", "denies", "changes")
_OFTEN = ("too_many_at_once", "too_many", "too_many_since_long", "unavailable_at_once")
_WAITING = (
    *("silent", "drips", "continues", "endless_body", "endless_header", "endless_stream", "stream_without_newline"),
    *("too_many_today", "too_many_at_once", "too_many_since_long", "unavailable_at_once"),
)
"""Behaviours that let requests wait, so that their number decides how long a test run takes."""
MAX_TIME_S = 10
_TIMED = {"silent": 5, "drips": 5, "too_many_at_once": 2, "too_many": 2, "unavailable_at_once": 2}
"""Behaviours against which a limit of time is set, and one of how many requests meets them."""
FEW_FILES = (8, 9)
"""Fewer than the connections of all workers need; with more the command completes."""

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
        if each.name in _OFTEN:
            result.append(_case(each, OFTEN, lambda number: number % 2 == 0, CONCLUDED | UNREACHABLE))
        if each.name in _TIMED:
            result.append(_timed_case(each, _TIMED[each.name]))
    broken = next(each for each in behaviours() if each.name == "broken")
    result.append(_case(broken, "every third request", lambda number: number % 3 == 0, CUT_SHORT))
    result.append(HostileCase("refuses", "refuses connections", ALWAYS, UNREACHABLE, _closed_port))
    for files in FEW_FILES:
        text = f"is correct, but the command may open {files} files"
        result.append(HostileCase(f"files_{files}", text, ALWAYS, frozenset({2, 3, 5}), _unchanged, max_files=files))
    text = "crashes and restarts after two seconds"
    result.append(HostileCase("dies", text, "at the 150th request", CONCLUDED, crashing_server, MAX_SECONDS))
    for name, text in CERTIFICATES.items():
        result.append(
            HostileCase(name, text, ALWAYS, UNREACHABLE, lambda emulator, name=name: untrusted_server(name))  # type: ignore[misc]
        )
    return result


def _case(
    behaviour: HostileBehaviour, when: str, is_hostile: Callable[[int], bool], exit_codes: frozenset[int]
) -> HostileCase:
    pauses = RequestedPauses()

    def serve(emulator: str) -> Iterator[str]:
        with ExitStack() as stack:
            other = stack.enter_context(other_host())
            url, _ = stack.enter_context(
                hostile_server(emulator, behaviour.respond, is_hostile, behaviour.closes, other.url, pauses)
            )
            yield url
            if other.received:
                raise AssertionError("a request was sent to another host")

    max_seconds = MAX_SECONDS if behaviour.name in _WAITING else MAX_PROMPT_SECONDS
    return HostileCase(behaviour.name, behaviour.text, when, exit_codes, serve, max_seconds, pauses=pauses)


def _timed_case(behaviour: HostileBehaviour, every: int) -> HostileCase:
    """A limit of time holds but for one request, cleanup and the start of the command."""
    when = f"one of {every} requests, --max-time {MAX_TIME_S}s"
    case = _case(behaviour, when, lambda number: number % every == 0, CUT_SHORT | UNREACHABLE)
    return replace(
        case, max_seconds=MAX_TIME_S + 2 + 10 + 3, arguments=("--max-time", f"{MAX_TIME_S}s"), pauses=RequestedPauses()
    )


def _unchanged(emulator: str) -> Iterator[str]:
    yield emulator


def _closed_port(emulator: str) -> Iterator[str]:
    with closed_port_url() as url:
        yield url


@dataclass(frozen=True, slots=True)
class GeneratedServerRow:
    """One generated server: what it does, and what the test run came to."""

    seed: int
    text: str
    exit_code: int
    seconds: float
    megabytes: int
    problems: str


def render_page(rows: Sequence[HostileRow], seeds: Sequence[GeneratedServerRow]) -> str:
    """The Markdown page."""
    lines = [
        "# Hostile servers",
        "",
        "Written by `python -m tests.quality.hostile`: `runs-conformance run --profile quick --timeout 2` as a process",
        f"against each. Requirements: at most {MAX_MEGABYTES} MB, at most {MAX_PROMPT_SECONDS:.0f} s if the server",
        f"responds at once and {MAX_SECONDS:.0f} s otherwise, besides the pauses that it asks for, a report, a",
        "permitted exit code, no stack trace, no key written, and no request to another host.",
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
    if seeds:
        lines += ["", "## Generated servers", "", f"Seeds {seeds[0].seed} to {seeds[-1].seed}. {_summary(seeds)}.", ""]
        lines += [
            "| the server, in some of its responses | test runs | exit codes | most memory | longest | problems |"
        ]
        lines += ["| --- | --- | --- | --- | --- | --- |"]
        for kind in dict.fromkeys(row.text.partition(",")[0] for row in seeds):
            lines.append(_seed_line(kind, [row for row in seeds if row.text.partition(",")[0] == kind]))
    return "\n".join(lines) + "\n"


def _seed_line(kind: str, rows: Sequence[GeneratedServerRow]) -> str:
    codes = ", ".join(str(code) for code in sorted({row.exit_code for row in rows}))
    memory, longest = max(row.megabytes for row in rows), max(row.seconds for row in rows)
    return (
        f"| {kind} | {len(rows)} | {codes} | {memory} MB | {longest:g} s | {sum(bool(row.problems) for row in rows)} |"
    )


def _summary(seeds: Sequence[GeneratedServerRow]) -> str:
    failing = sum(bool(row.problems) for row in seeds)
    memory, longest = max(row.megabytes for row in seeds), max(row.seconds for row in seeds)
    return f"{len(seeds)} generated servers, {failing} with problems; at most {memory} MB and {longest:g} s"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all cases, or those named, and update their rows; returns 1 if one has a problem."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="run only these behaviours; the other rows remain")
    parser.add_argument("--seeds", type=int, metavar="N", help="run N generated servers instead")
    parser.add_argument("--first", type=int, default=0, metavar="SEED", help="the first of them; other rows remain")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="test runs at once (default: %(default)s)")
    options = parser.parse_args(arguments)
    if options.seeds:
        return _run_seeds(range(options.first, options.first + options.seeds), options.jobs)
    every = cases()
    rows = {(row.behaviour, row.when): row for row in read()} if options.names else {}
    chosen = [case for case in every if not options.names or case.name in options.names]
    with serve_emulators({"plain": ((), ())}, 10) as emulators, ThreadPoolExecutor(options.jobs) as pool:
        for case, (row, cost) in zip(
            chosen, pool.map(lambda case: run_case(case, emulators["plain"]), chosen), strict=True
        ):
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


def _run_seeds(seeds: Sequence[int], jobs: int) -> int:
    """Run the servers of these seeds; returns 1 if one has a problem."""
    rows = {row.seed: row for row in read_seeds()} if seeds[0] else {}

    def run(seed: int) -> GeneratedServerRow:
        generated = mutation(seed)
        case = _case(generated.behaviour(), generated.text, generated.applies, CONCLUDED | UNREACHABLE)
        row, cost = run_case(case, emulators["plain"])
        return GeneratedServerRow(seed, generated.text, row.exit_code, cost.seconds, cost.megabytes, row.problems)

    with serve_emulators({"plain": ((), ())}, 10) as emulators, ThreadPoolExecutor(jobs) as pool:
        for row in pool.map(run, seeds):
            rows[row.seed] = row
            cost = Cost(row.seconds, row.megabytes)
            problems = f"  PROBLEMS: {row.problems}" if row.problems else ""
            print(f"seed {row.seed}, {row.text}: exit {row.exit_code}, {cost}{problems}", flush=True)
            write_rows("hostile-seeds", (asdict(rows[seed]) for seed in sorted(rows)))
    done = [rows[seed] for seed in seeds]
    write(read())
    print(_summary(done))
    return 1 if any(row.problems for row in done) else 0


def read() -> list[HostileRow]:
    """The committed rows."""
    return [HostileRow(**row) for row in read_rows("hostile")]


def read_seeds() -> list[GeneratedServerRow]:
    """The committed rows of generated servers."""
    return [GeneratedServerRow(**row) for row in read_rows("hostile-seeds")]


def write(rows: Sequence[HostileRow]) -> None:
    """Write the rows and the page."""
    write_rows("hostile", map(asdict, rows))
    write_text("hostile.md", render_page(rows, read_seeds()))


if __name__ == "__main__":
    sys.exit(main())
