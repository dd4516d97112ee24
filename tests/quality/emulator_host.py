"""A process that serves many emulators, each below a path of its own.

`python -m tests.quality.emulator_host` reads what to serve as one line of JSON from standard input.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from runs_conformance.emulator.app import BASE, build_many
from runs_conformance.emulator.server import serve
from runs_conformance.emulator.server_options import EmulatorOptions
from tests.quality.server_faults import register_faults

KEYS = ("sk-quality-own", "sk-quality-second")

Emulators = Mapping[str, tuple[Sequence[str], Sequence[str]]]
"""Names of mutants and of variants by name of the emulator."""


@contextmanager
def serve_emulators(emulators: Emulators, step_ms: float) -> Iterator[Mapping[str, str]]:
    """Serve emulators until the block ends; yields their base URLs by name."""
    by_prefix = {f"e{index}": alterations for index, alterations in enumerate(emulators.values())}
    with subprocess.Popen(
        [sys.executable, "-m", "tests.quality.emulator_host"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # combined mutants may make the emulator raise
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps({"emulators": by_prefix, "step_ms": step_ms}) + "\n")
            process.stdin.flush()
            origin = process.stdout.readline().strip()
            if not origin:
                raise RuntimeError("the emulators did not start")
            yield {name: f"{origin}/{prefix}{BASE}" for name, prefix in zip(emulators, by_prefix, strict=True)}
        finally:
            process.stdin.close()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()


def main() -> None:
    """Serve until standard input is closed."""
    config = json.loads(sys.stdin.readline())
    register_faults()
    app = build_many(EmulatorOptions(step_ms=config["step_ms"], keys=KEYS), config["emulators"])
    serve(app, "127.0.0.1", 0, lambda origin: print(origin, flush=True), watch_stdin=True)


if __name__ == "__main__":
    main()
