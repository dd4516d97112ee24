"""Measures the ratio of a session's duration to the minimum that slow runs impose.

Run `python -m benchmarks.polling` in the root of the repository. The target is an emulator whose runs take two seconds;
the ideal duration is two seconds per run, divided by the number of workers. `--remote` polls it like a remote target,
and delays each response by 30 milliseconds.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

from runs_conformance.app import run
from runs_conformance.app.options import RunOptions
from runs_conformance.engine import polling
from runs_conformance.reporting.folder import prepare_folder
from runs_conformance.reporting.progress import SilentProgress
from runs_conformance.targets import emulator_target

SECONDS = 2.0
MAX_RATIO = 1.3


def main() -> None:
    """Measure and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--profile", default="standard")
    parser.add_argument("--remote", action="store_true", help="behave as with a remote target")
    arguments = parser.parse_args()
    variants = ["--variant", "thinks_for_two_seconds"]
    if arguments.remote:
        variants += ["--variant", "answers_slowly"]
        polling.loopback = polling.remote
    with emulator_target(*variants) as target, tempfile.TemporaryDirectory() as scratch:
        options = RunOptions(profile=arguments.profile, workers=arguments.workers)
        plan = run.plan_run(target, options)
        report = run.judge(
            replace(target, lasting=True), options, plan, prepare_folder(Path(scratch) / "r"), SilentProgress()
        )
    usage = report.usage
    ideal = usage.runs_started * SECONDS / arguments.workers
    print(
        f"{arguments.profile}, {arguments.workers} workers: {usage.requests:,} requests, {usage.runs_started} runs, "
        f"{usage.seconds:.1f} s; ideal {ideal:.1f} s; ratio {usage.seconds / ideal:.2f} (at most {MAX_RATIO}); "
        f"exit {report.exit_code}"
    )


if __name__ == "__main__":
    main()
