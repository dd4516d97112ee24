from __future__ import annotations

import signal
import threading
import time

import pytest

from runs_conformance.engine.interruptible import run_interruptible
from runs_conformance.errors import TargetError


def test_what_the_work_gives_is_given() -> None:
    assert run_interruptible(lambda: 7) == 7


def test_what_the_work_raises_is_raised() -> None:
    def work() -> None:
        raise TargetError("gone")

    with pytest.raises(TargetError, match="gone"):
        run_interruptible(work)


def interrupted_after(seconds: float) -> threading.Timer:
    """Ctrl-C in the main thread, in a while."""
    main = threading.main_thread().ident
    assert main is not None
    timer = threading.Timer(seconds, signal.pthread_kill, (main, signal.SIGINT))
    timer.start()
    return timer


def test_an_interruption_leaves_the_work_behind() -> None:
    hangs = threading.Event()
    began = time.monotonic()
    interrupted_after(0.3)
    with pytest.raises(KeyboardInterrupt):
        run_interruptible(lambda: hangs.wait(30))
    assert time.monotonic() - began < 15
    hangs.set()


def test_work_that_can_be_told_to_stop_comes_to_an_end() -> None:
    told, ended = threading.Event(), threading.Event()

    def work() -> None:
        told.wait(30)
        time.sleep(0.5)
        ended.set()

    interrupted_after(0.3)
    with pytest.raises(KeyboardInterrupt):
        run_interruptible(work, stop=told.set)
    assert ended.is_set()
