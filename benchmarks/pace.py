"""How near a run comes to the least time that slow runs allow.

Run `python -m benchmarks.pace` from the root of the repository. The target is the emulator with runs that take two
seconds; the ideal is all of them, two seconds each, shared out among the workers. `--elsewhere` judges it at the
pace of a target elsewhere, each answer taking 30 milliseconds.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

from runs_conformance.app import run
from runs_conformance.app.options import Choice
from runs_conformance.engine import polling
from runs_conformance.reporting.folder import folder
from runs_conformance.reporting.progress import Silent
from runs_conformance.targets import emulator

SECONDS = 2.0
MOST = 1.3


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--profile", default="standard")
    parser.add_argument("--elsewhere", action="store_true", help="at the pace of a target elsewhere")
    given = parser.parse_args()
    slow = ["--variant", "thinks_for_two_seconds"]
    if given.elsewhere:
        slow += ["--variant", "answers_slowly"]
        polling.loopback = polling.remote
    with emulator(*slow) as target, tempfile.TemporaryDirectory() as scratch:
        choice = Choice(profile=given.profile, workers=given.workers)
        chosen = run.plan_for(target, choice)
        report = run.judge(replace(target, lasting=True), choice, chosen, folder(Path(scratch) / "r"), Silent())
    counts = report.counts
    ideal = counts.runs_started * SECONDS / given.workers
    print(
        f"{given.profile}, {given.workers} workers: {counts.requests:,} requests, {counts.runs_started} runs, "
        f"{counts.seconds:.1f} s; ideal {ideal:.1f} s; ratio {counts.seconds / ideal:.2f} (at most {MOST}); "
        f"exit {report.exit_code}"
    )


if __name__ == "__main__":
    main()
