"""A lock that many threads hold together, or one thread alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class SharedLock:
    """A lock that any number of threads share, or that one thread holds exclusively."""

    _sharers: int = 0
    _is_exclusive: bool = False
    _condition: threading.Condition = field(default_factory=threading.Condition)

    @contextmanager
    def hold_shared(self) -> Iterator[None]:
        """Wait until no thread holds the lock exclusively, and share it until the block ends."""
        with self._condition:
            while self._is_exclusive:
                self._condition.wait()
            self._sharers += 1
        try:
            yield
        finally:
            with self._condition:
                self._sharers -= 1
                self._condition.notify_all()

    @contextmanager
    def hold_exclusively(self, seconds: float) -> Iterator[bool]:
        """Keep other threads out until the block ends; yields False if those that share it do not release it."""
        with self._condition:
            while self._is_exclusive:
                self._condition.wait()
            self._is_exclusive = True
            is_alone = self._condition.wait_for(lambda: not self._sharers, seconds)
        try:
            yield is_alone
        finally:
            with self._condition:
                self._is_exclusive = False
                self._condition.notify_all()
