"""Compares the duration of a session on a slow target with the least that the target allows.

    python -m benchmarks.slow_targets --workers 4
    python -m benchmarks.slow_targets --workers 8 --remote
    python -m benchmarks.slow_targets --profile quick --run-seconds 10 --per-minute 60

The target is an emulator whose runs take `--run-seconds`. With `--remote` it is polled like a target on another
machine, and each response takes 30 milliseconds. With `--per-minute` it refuses requests beyond this rate.

The least duration is the duration of all runs divided by the number of workers, as if each lasted that long, or the
requests that a session on a fast target sends, at the rate that is allowed, whichever is longer. `idle` is the share of
the workers' time in which they executed no program, although some had not ended.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from benchmarks.target_server import serve_target
from runs_conformance.app import run
from runs_conformance.app.options import RunOptions
from runs_conformance.engine import form_search, polling, preflight
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.exchange_decoding import exchange_from_json
from runs_conformance.reporting.folder import prepare_folder
from runs_conformance.reporting.progress import SilentProgress
from runs_conformance.targets import Target

MAX_RATIO, MAX_LIMITED_RATIO = 1.15, 1.3
"""The highest ratio of the duration to the least possible one, on a slow target and on one that limits the rate."""


@dataclass(frozen=True, slots=True)
class SlowSession:
    """A session on a slow target: what it took, and the least that it could have taken, with the reason."""

    requests: int
    runs: int
    seconds: float
    least: float
    bound: str
    idle: float
    exit_code: int

    @property
    def ratio(self) -> float:
        """How many times as long as necessary the session took."""
        return self.seconds / self.least


def measure(
    profile: str, workers: int, run_seconds: float, per_minute: float = 0.0, *, is_remote: bool = False
) -> SlowSession:
    """Judge the slow target once, and a fast one before if the rate is limited."""
    options = RunOptions(profile=profile, workers=workers)
    bounds: dict[str, float] = {}
    if per_minute:
        with serve_target() as fast:
            requests = len(_exchanges_of(fast.target, options)[0])
        bounds["the rate"] = requests * 60 / per_minute
    variants = ("answers_slowly",) if is_remote else ()
    schedule = polling.remote_schedule if is_remote else polling.loopback_schedule
    with (
        serve_target(run_seconds, per_minute, variants) as served,
        patch.object(polling, "loopback_schedule", schedule),
    ):
        exchanges, exit_code = _exchanges_of(served.target, options)
    seconds, idle = _idle_share(exchanges, workers)
    runs = sum(each.accepted and each.operation in ("create_run", "create_thread_and_run") for each in exchanges)
    bounds["its runs"] = runs * run_seconds / workers
    bound = max(bounds, key=bounds.__getitem__)
    return SlowSession(len(exchanges), runs, seconds, bounds[bound], bound, idle, exit_code)


def _exchanges_of(target: Target, options: RunOptions) -> tuple[list[Exchange], int]:
    """The exchanges of a session, and its exit code."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = prepare_folder(Path(scratch) / "report")
        report = run.judge(target, options, run.plan_run(target, options), folder, SilentProgress())
        return list(_read(folder.history)), report.exit_code


def _read(history: Path) -> Iterator[Exchange]:
    with history.open(encoding="utf-8") as lines:
        for line in lines:
            data = json.loads(line)
            if data["type"] == "exchange":
                yield exchange_from_json(data)


def _idle_share(exchanges: Iterable[Exchange], workers: int) -> tuple[float, float]:
    """The duration of the programs in seconds, and the share of the workers' time in which they had none."""
    by_program: defaultdict[str, list[Exchange]] = defaultdict(list)
    for each in exchanges:
        program = each.program.partition("/")[0]
        if program not in (preflight.PROGRAM, form_search.PROGRAM):
            by_program[program].append(each)
    spans = [(min(each.started for each in own), max(each.ended for each in own)) for own in by_program.values()]
    seconds = max(end for _, end in spans) - min(start for start, _ in spans)
    return seconds, 1 - sum(end - start for start, end in spans) / (workers * seconds)


def main() -> int:
    """Measure, and print the ratio; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--profile", default="standard")
    parser.add_argument("--run-seconds", type=float, default=2.0)
    parser.add_argument("--per-minute", type=float, default=0.0)
    parser.add_argument("--remote", action="store_true", help="behave as with a target on another machine")
    arguments = parser.parse_args()
    session = measure(
        arguments.profile,
        arguments.workers,
        arguments.run_seconds,
        arguments.per_minute,
        is_remote=arguments.remote,
    )
    limit = MAX_LIMITED_RATIO if arguments.per_minute else MAX_RATIO
    print(
        f"{arguments.profile}, {arguments.workers} workers: {session.requests:,} requests, {session.runs} runs, "
        f"{session.seconds:.1f} s; least {session.least:.1f} s for {session.bound}; "
        f"ratio {session.ratio:.2f} (at most {limit}); workers idle {session.idle:.0%}; exit {session.exit_code}"
    )
    return 0 if session.ratio <= limit else 1


if __name__ == "__main__":
    sys.exit(main())
