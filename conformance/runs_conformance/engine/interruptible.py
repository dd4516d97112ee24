"""Work that is waited for, and left behind when the waiting is interrupted."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")


PARTING = 10.0
"""Seconds that an exchange may take to end after an interruption."""


def awaited(work: Callable[[], _T], name: str = "work", stop: Callable[[], None] | None = None) -> _T:
    """What the work gives or raises. It is done by a thread of its own, so that an interruption from the keyboard ends
    the waiting at once and never strikes in the middle of an exchange. Where the work can be told to `stop`, it is, and
    has some seconds to come to the end of that exchange, whose answer tells what there is to delete.
    """
    came: list[_T] = []
    raised: list[BaseException] = []
    # Not the thread itself is waited for: a join that is interrupted takes it for ended.
    done = threading.Event()

    def through() -> None:
        try:
            came.append(work())
        except BaseException as error:
            raised.append(error)
        finally:
            done.set()

    threading.Thread(target=through, name=name, daemon=True).start()
    try:
        while not done.wait(0.2):
            pass
    except KeyboardInterrupt:
        if stop is not None:
            stop()
            done.wait(PARTING)
        raise
    if raised:
        raise raised[0]
    return came[0]
