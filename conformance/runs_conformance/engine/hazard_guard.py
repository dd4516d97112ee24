"""Stops sending a kind of request that crashes or hangs the target, so that the rest can be judged."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass, field, replace

from runs_conformance.engine.program_runner import Sender
from runs_conformance.engine.unsent import unsent_exchange
from runs_conformance.generation.adaptation import adapt_step, requests_stream, tests_streaming
from runs_conformance.model.case import Step
from runs_conformance.model.exchange import Completion, Exchange
from runs_conformance.model.hazard import Hazard
from runs_conformance.model.program import ProgramContext

MAX_LOSSES = 2
"""How often a kind of request may lose its connection before it is no longer sent."""

RESET_SECONDS = 5.0
"""A connection that is lost sooner was reset. An ordinary request that takes longer may be slow, not dangerous."""

STREAM_KIND = "stream: true"
_REASON = "the target does not survive it, or streams were declared unsupported"


@dataclass(slots=True)
class HazardGuard:
    """Sends steps, except those of kinds that were lost twice and never answered while other requests were answered.

    Without `context.streams`, it sends no request for an event stream either. Thread-safe.
    """

    sender: Sender
    context: ProgramContext
    _answered: Counter[str] = field(default_factory=Counter)
    _lost: dict[str, list[Exchange]] = field(default_factory=dict)
    _answers_at_first_loss: dict[str, int] = field(default_factory=dict)
    _hazards: dict[str, Hazard] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def hazards(self) -> tuple[Hazard, ...]:
        """The kinds that are no longer sent."""
        return tuple(self._hazards.values())

    def send(self, step: Step, program: str, exchanges_by_step: MutableMapping[str, Exchange]) -> Exchange:
        """Send a step unless it is dangerous; a dangerous stream is requested as an ordinary response."""
        safe = self._make_safe(step)
        if safe is None:
            return unsent_exchange(step, program, _REASON)
        exchange = self.sender.send(safe, program, exchanges_by_step)
        self._learn_from(safe, exchange)
        return exchange

    def send_concurrently(
        self, steps: Sequence[Step], program: str, exchanges_by_step: MutableMapping[str, Exchange]
    ) -> tuple[Exchange, ...]:
        """Send steps at the same moment, or none of them if one is dangerous."""
        safe = [self._make_safe(step) for step in steps]
        sendable = [step for step in safe if step is not None]
        if len(sendable) < len(steps):
            return tuple(unsent_exchange(step, program, _REASON) for step in steps)
        exchanges = self.sender.send_concurrently(sendable, program, exchanges_by_step)
        for step, exchange in zip(sendable, exchanges, strict=True):
            # Which of them the target did not survive is unknown.
            if exchange.response is not None:
                self._learn_from(step, exchange)
        return exchanges

    def _make_safe(self, step: Step) -> Step | None:
        """The step without what makes it dangerous; None if that is what it is sent for."""
        kind = request_kind(step)
        if kind == STREAM_KIND and not self.context.streams:
            return _without_stream(step, self.context)
        with self._lock:
            hazard = self._hazards.get(kind)
            if hazard is None:
                return step
            self._hazards[kind] = hazard.with_one_more()
        return _without_stream(step, self.context) if kind == STREAM_KIND else None

    def _learn_from(self, step: Step, exchange: Exchange) -> None:
        kind = request_kind(step)
        with self._lock:
            if exchange.response is not None:
                self._answered[kind] += 1
                return
            if exchange.completion is not Completion.UNKNOWN or not _counts_as_loss(step, kind, exchange):
                return
            lost = self._lost.setdefault(kind, [])
            lost.append(exchange)
            answered_before = self._answers_at_first_loss.setdefault(kind, self._answered.total())
            if len(lost) >= MAX_LOSSES and not self._answered[kind] and self._answered.total() > answered_before:
                hazard = Hazard(kind=kind, lost=len(lost), exchange=lost[0].id, is_odd=bool(step.anomaly))
                self._hazards.setdefault(kind, hazard)


def request_kind(step: Step) -> str:
    """The feature that distinguishes a request from others of its operation: a stream, an anomaly or a mutation."""
    if requests_stream(step):
        return STREAM_KIND
    if step.anomaly:
        return f"{step.operation} with {step.anomaly}"
    if step.mutation is not None:
        return f"{step.operation} with {step.mutation.place} {step.mutation.pointer} ({step.mutation.keyword})"
    return step.operation


def _counts_as_loss(step: Step, kind: str, exchange: Exchange) -> bool:
    return kind != step.operation or exchange.ended - exchange.started < RESET_SECONDS


def _without_stream(step: Step, context: ProgramContext) -> Step | None:
    return None if tests_streaming(step) else adapt_step(step, replace(context, streams=False))
