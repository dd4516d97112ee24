"""Work that is waited for, and left behind when the waiting is interrupted."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")


def awaited(work: Callable[[], _T], name: str = "work") -> _T:
    """What the work gives or raises. It is done by a thread of its own, so that an interruption from the keyboard ends
    the waiting at once and never strikes in the middle of an exchange.
    """
    came: list[_T] = []
    raised: list[BaseException] = []

    def through() -> None:
        try:
            came.append(work())
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=through, name=name, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(0.2)
    if raised:
        raise raised[0]
    return came[0]
