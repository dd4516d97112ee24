"""Serve an emulator with `python -m runs_conformance.emulator`; prints its URL as one line of JSON."""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys

from runs_conformance.contract.edition import is_edition
from runs_conformance.emulator.app import BASE, build
from runs_conformance.emulator.server import serve
from runs_conformance.emulator.server_options import EmulatorOptions
from runs_conformance.errors import UsageError

_GC_THRESHOLDS = (20_000, 20, 100)
"""The garbage collector runs less often than by default: the objects of an emulator live until it ends."""


def main(arguments: list[str] | None = None) -> int:
    """Serve until interrupted."""
    defaults = EmulatorOptions()
    parser = argparse.ArgumentParser(prog="python -m runs_conformance.emulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 selects a free port")
    parser.add_argument(
        "--step-ms", type=float, default=defaults.step_ms, help="pause between two actions of a run in milliseconds"
    )
    parser.add_argument("--expires-s", type=float, default=defaults.expires_s, help="lifetime of a run in seconds")
    parser.add_argument("--failing-model", default=defaults.failing_model, help="runs of this model end failed")
    parser.add_argument("--edition", default=defaults.edition, help="edition to serve")
    parser.add_argument(
        "--mutant", action="append", default=[], metavar="NAME", help="introduce this defect; repeatable"
    )
    parser.add_argument(
        "--variant", action="append", default=[], metavar="NAME", help="make this permitted choice; repeatable"
    )
    parser.add_argument("--watch-stdin", action="store_true", help="stop when standard input is closed")
    args = parser.parse_args(arguments)
    options = EmulatorOptions(
        step_ms=args.step_ms,
        expires_s=args.expires_s,
        keys=tuple(key for key in os.environ.get("RUNS_EMULATOR_KEYS", "").split(",") if key),
        failing_model=args.failing_model,
        edition=args.edition,
    )
    try:
        if not is_edition(options.edition):
            raise UsageError(
                f"edition {options.edition!r} is not a date of the second beta, such as {defaults.edition}"
            )
        app = build(options, args.mutant, args.variant)
    except UsageError as error:
        print(error, file=sys.stderr)
        return 2
    gc.set_threshold(*_GC_THRESHOLDS)
    serve(app, args.host, args.port, _print_url, watch_stdin=args.watch_stdin, is_fast=True)
    return 0


def _print_url(origin: str) -> None:
    print(json.dumps({"url": origin + BASE}), flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
