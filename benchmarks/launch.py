"""Runs a command and writes what it took as JSON: `python benchmarks/launch.py FILE COMMAND...`.

A process of its own, because the peak memory of a command begins with that of the process that starts it.
"""

from __future__ import annotations

import json
import os
import sys
import time


def main() -> None:
    """Run the command; write the seconds, the seconds of CPU and the peak memory in MB, with its child processes."""
    started = time.monotonic()
    pid = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
    _, _, used = os.wait4(pid, 0)
    # On macOS the memory is in bytes, elsewhere in kilobytes.
    unit = 2**20 if sys.platform == "darwin" else 2**10
    figures = (time.monotonic() - started, used.ru_utime + used.ru_stime, used.ru_maxrss / unit)
    with open(sys.argv[1], "w", encoding="utf-8") as out:
        json.dump(figures, out)


if __name__ == "__main__":
    main()
