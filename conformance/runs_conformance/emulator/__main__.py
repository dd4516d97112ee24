"""`python -m runs_conformance.emulator`: serve an emulator, and say where in one line of JSON."""

from __future__ import annotations

import argparse
import json
import os
import sys

from runs_conformance.contract.edition import is_edition
from runs_conformance.emulator.app import BASE, build
from runs_conformance.emulator.options import Options
from runs_conformance.emulator.server import serve
from runs_conformance.errors import UsageError


def main(arguments: list[str] | None = None) -> int:
    """Serve until interrupted."""
    usual = Options()
    parser = argparse.ArgumentParser(prog="python -m runs_conformance.emulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--step-ms", type=float, default=usual.step_ms, help="pause between two beats of a run")
    parser.add_argument("--expires-s", type=float, default=usual.expires_s, help="lifetime of a run")
    parser.add_argument("--failing-model", default=usual.failing_model, help="runs of this model end failed")
    parser.add_argument("--edition", default=usual.edition, help="the edition that is served")
    parser.add_argument(
        "--mutant", action="append", default=[], metavar="NAME", help="do this one thing wrong; repeatable"
    )
    parser.add_argument("--variant", action="append", default=[], metavar="NAME", help="choose differently; repeatable")
    parser.add_argument("--watch-stdin", action="store_true", help="end when standard input does")
    chosen = parser.parse_args(arguments)
    options = Options(
        step_ms=chosen.step_ms,
        expires_s=chosen.expires_s,
        keys=tuple(key for key in os.environ.get("RUNS_EMULATOR_KEYS", "").split(",") if key),
        failing_model=chosen.failing_model,
        edition=chosen.edition,
    )
    try:
        if not is_edition(options.edition):
            raise UsageError(f"edition {options.edition!r} is no date of the second beta, such as {usual.edition}")
        app = build(options, chosen.mutant, chosen.variant)
    except UsageError as error:
        print(error, file=sys.stderr)
        return 2
    serve(app, chosen.host, chosen.port, _say, watch_stdin=chosen.watch_stdin)
    return 0


def _say(origin: str) -> None:
    print(json.dumps({"url": origin + BASE}), flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
