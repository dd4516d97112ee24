"""Measures how long `judge` takes for recordings of several sizes, and the memory it needs.

    python -m benchmarks.recordings 1000 10000 100000

Each size runs in a process of its own. The recordings repeat clean traffic with the emulator under new ids.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path
from resource import RUSAGE_SELF, getrusage

from tests.recordings.traffic import FLOWS, clean_entries

_ID = re.compile(r"\b(thread|run|msg|asst|step|call)_([A-Za-z0-9]{8,})")
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
    """Load and judge a recording in this process; returns seconds of CPU and peak memory in MB."""
    from runs_conformance.app.judge_recording import judge
    from runs_conformance.app.options import RunOptions
    from runs_conformance.recordings.load import load_traffic

    started = time.process_time()
    load_traffic(path)
    loaded = time.process_time()
    report = judge([path], RunOptions()).report
    assert report.exit_code == 0, report.reason
    return {
        "load": loaded - started,
        "judge": time.process_time() - loaded,
        "megabytes": getrusage(RUSAGE_SELF).ru_maxrss / 1024,
    }


def main(sizes: list[str]) -> None:
    """Print a table for these sizes."""
    print(
        "| exchanges | file, MB | load, s of CPU | load and judge, s of CPU | exchanges per second | peak memory, MB |"
    )
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            path = Path(folder) / f"{size}.har"
            count = write_recording(path, int(size))
            command = [sys.executable, "-m", "benchmarks.recordings", "--measure", str(path)]
            found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            row = (count, path.stat().st_size // 2**20, found["load"], found["judge"], count / found["judge"])
            print("| {} | {} | {:.1f} | {:.1f} | {:.0f} | {:.0f} |".format(*row, found["megabytes"]), flush=True)
            path.unlink()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        print(json.dumps(measure(Path(sys.argv[2]))))
    else:
        main(sys.argv[1:])
