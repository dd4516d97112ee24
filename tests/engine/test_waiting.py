from __future__ import annotations

import threading
import time

import pytest

from conformance.engine.waiting import awaited
from conformance.errors import TargetError


def test_what_the_work_gives_is_given() -> None:
    assert awaited(lambda: 7) == 7


def test_what_the_work_raises_is_raised() -> None:
    def work() -> None:
        raise TargetError("gone")

    with pytest.raises(TargetError, match="gone"):
        awaited(work)


def test_an_interruption_leaves_the_work_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    hangs = threading.Event()

    def interrupted(thread: threading.Thread, timeout: float | None = None) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "join", interrupted)
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        awaited(lambda: hangs.wait(30))
    assert time.monotonic() - began < 15
    hangs.set()
