"""Many emulators in one process, each below a path of its own: `python -m tests.quality.host`, told what to serve by
JSON on stdin.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from runs_conformance.emulator.app import BASE, many
from runs_conformance.emulator.options import Options
from runs_conformance.emulator.server import serve

KEYS = ("sk-quality-own", "sk-quality-second")

Emulators = Mapping[str, tuple[Sequence[str], Sequence[str]]]


@contextmanager
def hosted(emulators: Emulators, step_ms: float) -> Iterator[Mapping[str, str]]:
    """The base URLs of these emulators, by name; they end with the block. A value names mutants and variants."""
    served = {f"e{index}": chosen for index, chosen in enumerate(emulators.values())}
    with subprocess.Popen(
        [sys.executable, "-m", "tests.quality.host"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps({"emulators": served, "step_ms": step_ms}) + "\n")
            process.stdin.flush()
            origin = process.stdout.readline().strip()
            if not origin:
                raise RuntimeError("the emulators did not start")
            yield {name: f"{origin}/{prefix}{BASE}" for name, prefix in zip(emulators, served, strict=True)}
        finally:
            process.stdin.close()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()


def main() -> None:
    """Serve until standard input ends."""
    asked = json.loads(sys.stdin.readline())
    app = many(Options(step_ms=asked["step_ms"], keys=KEYS), asked["emulators"])
    serve(app, "127.0.0.1", 0, lambda origin: print(origin, flush=True), watch_stdin=True)


if __name__ == "__main__":
    main()
