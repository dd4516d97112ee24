"""Measures how long `judge` takes for recordings of several sizes, and the memory it needs.

    python -m benchmarks.recordings 1000 10000 100000 1000000

Each size runs in a process of its own, which uses one core. The recordings repeat clean traffic with the emulator under
new ids. With several sizes, the table in reports/reference/recordings.md is written.
"""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from resource import RUSAGE_SELF, getrusage

from tests.recordings.traffic import FLOWS, clean_entries

_ID = re.compile(r"\b(thread|run|msg|asst|step|call)_([A-Za-z0-9]{8,})")
MAX_JUDGED = 50_000
"""Exchanges of a recording that are judged; the rate does not depend on the size of the recording."""

_BEGIN = datetime(2026, 6, 1)


def write_recording(path: Path, size: int) -> int:
    """Write a HAR with at least this number of exchanges; returns their number."""
    count = 0
    texts = [clean_entries(flow.__name__) for flow in FLOWS]
    with path.open("w") as out:
        out.write('{"log": {"version": "1.2", "entries": [')
        for number in range(size):
            entries = json.loads(_ID.sub(rf"\g<1>_\g<2>{number:07d}", texts[number % len(texts)]))
            shift = _BEGIN + timedelta(seconds=number) - _time(entries[0])
            for entry in entries:
                entry["startedDateTime"] = (_time(entry) + shift).isoformat(timespec="microseconds") + "Z"
                out.write((",\n" if count else "\n") + json.dumps(entry))
                count += 1
            if count >= size:
                break
        out.write("\n]}}\n")
    return count


def _time(entry: dict[str, str]) -> datetime:
    return datetime.fromisoformat(entry["startedDateTime"].removesuffix("Z"))


def measure(path: Path) -> dict[str, float]:
    """Read and judge a recording in this process; returns seconds of CPU and peak memory in MB.

    `read` is the time in which its entries are read, put in order and divided into partitions.
    """
    from runs_conformance.app.judge_partition import AnyJob, judge_jobs
    from runs_conformance.app.judge_recording import cut_recording, merge_verdicts
    from runs_conformance.app.options import RunOptions

    started = time.process_time()
    recording = cut_recording(path)
    jobs = iter(recording.jobs)
    first = next(jobs)
    read = time.process_time()
    judged = 0

    def chosen() -> Iterator[AnyJob]:
        nonlocal judged
        for job in itertools.chain([first], jobs):
            if judged < MAX_JUDGED:
                judged += len(job)
                yield job

    review = merge_verdicts([recording], judge_jobs(chosen(), RunOptions()), RunOptions())
    assert review.report.exit_code == 0, review.report.reason
    return {
        "read": read - started,
        "judge": time.process_time() - read,
        "judged": judged,
        "megabytes": getrusage(RUSAGE_SELF).ru_maxrss / 1024,
    }


_HEAD = (
    "| exchanges | file, MB | read, s of CPU | judged | judge, s of CPU | read, exchanges/s | judged, exchanges/s | "
    "peak memory, MB |\n"
    "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
)
_TABLE = Path(__file__).parent.parent / "reports" / "reference" / "recordings.md"


def main(sizes: list[str]) -> None:
    """Print a table for these sizes, and write it if there are several."""
    print(_HEAD)
    rows: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            path = Path(folder) / f"{size}.har"
            count = write_recording(path, int(size))
            command = [sys.executable, "-m", "benchmarks.recordings", "--measure", str(path)]
            found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            rates = (count / found["read"], found["judged"] / found["judge"])
            row = (
                f"{count:,}",
                f"{path.stat().st_size // 2**20:,}",
                f"{found['read']:.1f}",
                f"{found['judged']:,}",
                f"{found['judge']:.1f}",
                *(f"{rate:,.0f}" for rate in rates),
                f"{found['megabytes']:.0f}",
            )
            rows.append(f"| {' | '.join(row)} |")
            print(rows[-1], flush=True)
            path.unlink()
    if len(rows) > 1:
        _TABLE.write_text(
            "# Judging recordings\n\n"
            f"Written by `python -m benchmarks.recordings {' '.join(sizes)}`, one process on a machine that "
            "may have been busy with other work. Reading includes putting the entries in order and dividing them into "
            "partitions; judging includes reading each partition again. Of larger recordings, partitions of "
            f"{MAX_JUDGED:,} exchanges are judged; all are put in order and divided.\n\n"
            + "\n".join([_HEAD, *rows])
            + "\n"
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        print(json.dumps(measure(Path(sys.argv[2]))))
    else:
        main(sys.argv[1:])
