"""The command `runs-conformance`, also as `python -m runs_conformance`."""

from __future__ import annotations

# Not `signal`, which imports other modules: until the handler is installed, an interruption shows a stack trace.
import _signal as signal  # type: ignore[import-not-found]
import gc
import os
import sys
from types import FrameType

_INTERRUPTED = 130
_GC_THRESHOLDS = (20_000, 20, 100)
"""The garbage collector runs less often than by default: nearly all that a test run allocates has no cycles."""


def main() -> None:
    """Run the command line. An interruption while it is loaded ends the process in one line."""
    if sys.flags.optimize >= 2:
        _start_again_with_docstrings()
    gc.set_threshold(*_GC_THRESHOLDS)
    before = signal.getsignal(signal.SIGINT)
    is_ignored = before == signal.SIG_IGN
    if not is_ignored:
        signal.signal(signal.SIGINT, _end)
    from runs_conformance.cli import main as run

    if not is_ignored:
        signal.signal(signal.SIGINT, before)
    try:
        run()
    except KeyboardInterrupt:
        _end(signal.SIGINT, None)


def _start_again_with_docstrings() -> None:
    """Replace this process: the statements of the rules are docstrings, which `-OO` removes."""
    os.environ["PYTHONOPTIMIZE"] = "1"
    os.execv(sys.executable, [sys.executable, "-m", "runs_conformance", *sys.argv[1:]])


def _end(number: int, frame: FrameType | None) -> None:
    os.write(2, b"runs-conformance: interrupted\n")
    os._exit(_INTERRUPTED)


if __name__ == "__main__":
    main()
