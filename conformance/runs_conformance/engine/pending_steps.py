"""The steps that wait for their response, so that a long wait of a test run can be explained."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from runs_conformance.engine.program_runner import Sender
from runs_conformance.model.case import Step
from runs_conformance.model.exchange import Exchange


@dataclass(slots=True)
class PendingSteps:
    """Sends steps, and knows which of them have no complete response yet. Thread-safe."""

    sender: Sender
    now: Callable[[], float] = time.monotonic
    _pending: dict[int, tuple[float, str]] = field(default_factory=dict)

    def send(self, step: Step, program: str, exchanges_by_step: MutableMapping[str, Exchange]) -> Exchange:
        """Send a step."""
        with self._waiting(step, program):
            return self.sender.send(step, program, exchanges_by_step)

    def send_concurrently(
        self, steps: Sequence[Step], program: str, exchanges_by_step: MutableMapping[str, Exchange]
    ) -> tuple[Exchange, ...]:
        """Send steps at the same moment."""
        with self._waiting(next((step for step in steps if step.stream), steps[0]), program):
            return self.sender.send_concurrently(steps, program, exchanges_by_step)

    def longest(self) -> tuple[str, float] | None:
        """The response that is waited for longest, and the seconds since its request; None if there is none."""
        since, awaited = min(list(self._pending.values()), default=(0.0, ""))
        return (awaited, self.now() - since) if awaited else None

    @contextmanager
    def _waiting(self, step: Step, program: str) -> Iterator[None]:
        response = "the end of a stream of" if step.stream else "the response to"
        thread = threading.get_ident()
        self._pending[thread] = self.now(), f"{response} {step.operation} in {program}"
        try:
            yield
        finally:
            self._pending.pop(thread, None)
