"""Writes reports/reference/benchmarks.md: this suite beside Schemathesis, and its parts beside what they build on.

    python -m benchmarks.table
    python -m benchmarks.table --mutants 20

All figures are taken in one run on one machine, which may be busy with other work: compare the rows of a table, not
figures of several runs.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.rates import client_rates, judging_rate
from benchmarks.sessions import (
    SCHEMATHESIS_EXAMPLES,
    ToolSession,
    run_command,
    run_schemathesis,
    run_suite,
    suite_command,
)
from benchmarks.slow_targets import measure
from runs_conformance.app import run
from runs_conformance.app.options import RunOptions
from runs_conformance.emulator.catalogue import handwritten_mutants
from runs_conformance.reporting.folder import prepare_folder
from runs_conformance.reporting.progress import SilentProgress
from runs_conformance.targets import emulator_target

TABLE = Path(__file__).parent.parent / "reports" / "reference" / "benchmarks.md"
SLOW_RUN_SECONDS, SLOW_WORKERS = 2.0, 4

_TOOLS: tuple[tuple[str, Callable[..., ToolSession]], ...] = (
    ("quick", lambda **values: run_suite("quick", **values)),
    ("standard", lambda **values: run_suite("standard", **values)),
    ("Schemathesis", run_schemathesis),
)
_SESSION_HEAD = "| | requests | runs | seconds | CPU, s | CPU of the server, s | requests/s | peak memory, MB |"


def main() -> None:
    """Measure everything, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutants", type=int, default=5, help="number of mutants that each tool judges")
    arguments = parser.parse_args()
    sessions = [(name, run_tool()) for name, run_tool in _TOOLS]
    sections = [
        _sessions("On the emulator", sessions),
        _slow_sessions(),
        _found_mutants(sessions, arguments.mutants),
        _slow_targets(),
        _start_up(sessions[0][1]),
        _rates(),
    ]
    TABLE.write_text(
        "# Benchmarks\n\n"
        "Written by `python -m benchmarks.table` (`tox -e bench`) in one run, on a machine that may have been busy "
        "with other work: compare the rows of a table, not figures of several runs. `quick` and `standard` are "
        "profiles of this suite. Schemathesis reads the document that `runs-conformance openapi` prints, with "
        f"{SCHEMATHESIS_EXAMPLES} examples for each operation and one worker unless stated otherwise; this suite has "
        "five workers. The server counts the requests and the runs; those of this suite include the deletion of what "
        "it created.\n\n" + "\n\n".join(sections) + "\n",
        "utf-8",
    )


def _table(head: str, rows: Sequence[Sequence[object]]) -> str:
    rule = "| --- |" + " ---: |" * (head.count("|") - 2)
    return "\n".join([head, rule, *(f"| {' | '.join(map(str, row))} |" for row in rows)])


def _sessions(title: str, sessions: Sequence[tuple[str, ToolSession]]) -> str:
    rows = [
        (
            name,
            f"{each.requests:,}",
            each.runs,
            f"{each.usage.seconds:.1f}",
            f"{each.usage.cpu:.1f}",
            f"{each.server_cpu:.1f}",
            f"{each.requests / each.usage.seconds:,.0f}",
            f"{each.usage.memory:.0f}",
        )
        for name, each in sessions
    ]
    return f"## {title}\n\n{_table(_SESSION_HEAD, rows)}"


def _slow_sessions() -> str:
    values = {"workers": SLOW_WORKERS, "run_seconds": SLOW_RUN_SECONDS}
    sessions = [(name, run_tool(**values)) for name, run_tool in _TOOLS]
    return _sessions(f"On a target whose runs take {SLOW_RUN_SECONDS:g} s, {SLOW_WORKERS} workers", sessions)


def _found_mutants(reference: Sequence[tuple[str, ToolSession]], count: int) -> str:
    """How many mutants each tool finds: on how many of them it reports what it does not on the emulator."""
    mutants = sorted(each.name for each in handwritten_mutants() if each.written_from_spec)
    chosen = [mutants[index * len(mutants) // count] for index in range(count)]
    rows = []
    for (name, run_tool), (_, on_emulator) in zip(_TOOLS, reference, strict=True):
        sessions = [run_tool(mutant=mutant) for mutant in chosen]
        found = sum(bool(each.findings - on_emulator.findings) for each in sessions)
        requests = sum(each.requests for each in sessions)
        rows.append((name, found, count, f"{requests:,}", f"{1000 * found / requests:.2f}", len(on_emulator.findings)))
    head = "| | found | mutants | requests | found per 1,000 requests | reported on the emulator |"
    return (
        "## Mutants\n\nAn even sample of the handwritten mutants that were written from the contract alone. One is "
        f"found if something is reported that is not on the emulator itself.\n\n{_table(head, rows)}"
    )


def _slow_targets() -> str:
    rows = []
    for workers in (4, 8):
        session = measure("standard", workers, SLOW_RUN_SECONDS)
        command = f"`python -m benchmarks.slow_targets --workers {workers}`"
        rows.append((command, session.runs, f"{session.least:.1f}", f"{session.ratio:.2f}", f"{session.idle:.0%}"))
    head = "| | runs | least, s | duration ÷ least | workers idle |"
    return (
        "## Workers on slow targets\n\nThe least duration is two seconds for each run, divided by the number of "
        "workers; runs that are cancelled take less. Workers are idle once no further program can be started.\n\n"
        + _table(head, rows)
    )


def _start_up(quick: ToolSession) -> str:
    rows = []
    for arguments in (("--version",), ("list",)):
        fastest = min((run_command(suite_command(*arguments)) for _ in range(3)), key=lambda usage: usage.seconds)
        command = f"`runs-conformance {' '.join(arguments)}`"
        rows.append((command, f"{fastest.seconds:.2f}", f"{fastest.cpu:.2f}", f"{fastest.memory:.0f}"))
    rows.append(("first request of `runs-conformance run`", f"{quick.first_request:.2f}", "", ""))
    return f"## Start-up\n\n{_table('| | seconds | CPU, s | peak memory, MB |', rows)}"


def _rates() -> str:
    with tempfile.TemporaryDirectory() as scratch, emulator_target() as target:
        ours, bare = client_rates(Path(scratch))
        folder = prepare_folder(Path(scratch) / "report")
        options = RunOptions()
        run.judge(target, options, run.plan_run(target, options), folder, SilentProgress())
        history = Path(scratch) / "history.jsonl"
        shutil.copy(folder.history, history)
        judged = judging_rate(history)
    rows = [
        ("requests sent, redacted and recorded", f"{ours:,.0f}", f"{ours / bare:.2f}"),
        ("requests by bare `httpx`", f"{bare:,.0f}", "1.00"),
        ("exchanges read and judged, `runs-conformance judge`", f"{judged:,.0f}", f"{judged / bare:.2f}"),
    ]
    head = "| per second of CPU | | ÷ bare `httpx` |"
    return f"## Rates\n\nOf one thread.\n\n{_table(head, rows)}"


if __name__ == "__main__":
    main()
