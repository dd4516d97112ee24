"""A gate that lets one sender work alone while the others wait."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class Gate:
    """Admits any number of threads at once, or one alone."""

    _inside: int = 0
    _is_closed: bool = False
    _condition: threading.Condition = field(default_factory=threading.Condition)

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Wait until no thread is alone inside, and stay inside with others until the block ends."""
        with self._condition:
            while self._is_closed:
                self._condition.wait()
            self._inside += 1
        try:
            yield
        finally:
            with self._condition:
                self._inside -= 1
                self._condition.notify_all()

    @contextmanager
    def enter_alone(self, seconds: float) -> Iterator[bool]:
        """Keep others out until the block ends; yields False if those inside did not leave in time."""
        with self._condition:
            while self._is_closed:
                self._condition.wait()
            self._is_closed = True
            is_empty = self._condition.wait_for(lambda: not self._inside, seconds)
        try:
            yield is_empty
        finally:
            with self._condition:
                self._is_closed = False
                self._condition.notify_all()
