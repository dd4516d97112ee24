"""Runs work in a thread that Ctrl+C can abandon."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")


STOP_TIMEOUT = 10.0
"""Seconds that an exchange may take to finish after an interrupt."""


def run_interruptible(
    work: Callable[[], _T],
    name: str = "work",
    stop: Callable[[], None] | None = None,
    stop_timeout: float | None = None,
) -> _T:
    """Execute `work` in a thread of its own; returns or raises its outcome.

    A keyboard interrupt ends the wait at once and never interrupts an exchange. If `stop` is given, it is called and
    the work gets `stop_timeout` seconds (STOP_TIMEOUT) to finish its exchange, whose response shows which objects to
    delete.
    """
    results: list[_T] = []
    errors: list[BaseException] = []
    # Wait for an event, not the thread: an interrupted join() marks the thread as ended.
    done = threading.Event()

    def execute() -> None:
        try:
            results.append(work())
        except BaseException as error:
            errors.append(error)
        finally:
            done.set()

    thread = threading.Thread(target=execute, name=name, daemon=True)
    try:
        # On a busy machine the work may have sent requests before start() returns.
        thread.start()
        while not done.wait(0.2):
            pass
    except KeyboardInterrupt:
        if stop is not None:
            stop()
            if thread.ident is not None:
                done.wait(STOP_TIMEOUT if stop_timeout is None else stop_timeout)
        raise
    if errors:
        raise errors[0]
    return results[0]
