"""Stops sending a kind of request that crashes or hangs the target, so that the rest can be judged.

If the target terminated and was restarted, the requests that it had just responded to are sent again, each alone: one
of them may have ended it later, and those that were in flight then are not the cause.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass, field, replace

from runs_conformance.engine.program_runner import Sender
from runs_conformance.engine.shared_lock import SharedLock
from runs_conformance.engine.survival import Survival, SurvivalTrials
from runs_conformance.engine.unsent import unsent_exchange
from runs_conformance.generation.adaptation import adapt_step, requests_stream, tests_streaming
from runs_conformance.model.case import Role, Step
from runs_conformance.model.exchange import Completion, Exchange
from runs_conformance.model.hazard import Hazard
from runs_conformance.model.program import ProgramContext

MAX_LOSSES = 2
"""How often a kind of request may lose its connection before it is no longer sent."""

RESET_SECONDS = 5.0
"""A connection that is lost sooner was reset. An ordinary request that takes longer may be slow, not dangerous."""

ALONE_SECONDS = 10.0
"""How long to wait for the requests in flight, before a suspect is sent alone."""

STREAM_KIND = "stream: true"
_RESTARTED = "the target was restarted"
_REASON = "the target does not survive it, or streams were declared not offered"


@dataclass(frozen=True, slots=True)
class _Loss:
    """A request that got no response; `recoveries` is how often the target had been started again before."""

    exchange: Exchange
    recoveries: int


@dataclass(slots=True)
class HazardGuard:
    """Sends steps, except those of kinds that the target does not survive.

    A kind is withheld if two of its requests were lost and none ever got a response while other requests did, or if the
    target terminated after responding to one. With `trials`, a suspect is sent alone before it is counted as the cause
    of an end of the target. With `shares_target`, other processes send requests at the same time, so that no request
    with a response counts as the cause. Without `context.streams`, no request for an event stream is sent either.
    Thread-safe.
    """

    sender: Sender
    context: ProgramContext
    trials: SurvivalTrials | None = None
    shares_target: bool = False
    _answered: Counter[str] = field(default_factory=Counter)
    _lost: dict[str, list[_Loss]] = field(default_factory=dict)
    _responses_at_first_loss: dict[str, int] = field(default_factory=dict)
    _hazards: dict[str, Hazard] = field(default_factory=dict)
    _survived: set[str] = field(default_factory=set)
    _explained: set[int] = field(default_factory=set)
    _examined: int = 0
    _sending: SharedLock = field(default_factory=SharedLock)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def hazards(self) -> tuple[Hazard, ...]:
        """The kinds that are no longer sent."""
        return tuple(self._hazards.values())

    @property
    def _recoveries(self) -> int:
        return self.trials.budget.recoveries if self.trials is not None else 0

    def send(self, step: Step, program: str, exchanges_by_step: MutableMapping[str, Exchange]) -> Exchange:
        """Send a step unless it is dangerous; a dangerous stream is requested as an ordinary response."""
        recoveries = self._recoveries
        with self._sending.hold_shared():
            if self._recoveries != recoveries:
                return unsent_exchange(step, program, _RESTARTED)
            safe = self._make_safe(step)
            if safe is None:
                return unsent_exchange(step, program, _REASON)
            exchange = self.sender.send(safe, program, exchanges_by_step)
            self._learn_from(safe, exchange, recoveries)
        if exchange.response is None:
            self._examine_end(exchange)
            self._withhold_if_cause(safe)
        return exchange

    def send_concurrently(
        self, steps: Sequence[Step], program: str, exchanges_by_step: MutableMapping[str, Exchange]
    ) -> tuple[Exchange, ...]:
        """Send steps at the same moment, or none of them if one is dangerous."""
        recoveries = self._recoveries
        with self._sending.hold_shared():
            if self._recoveries != recoveries:
                return tuple(unsent_exchange(step, program, _RESTARTED) for step in steps)
            safe = [self._make_safe(step) for step in steps]
            sendable = [step for step in safe if step is not None]
            if len(sendable) < len(steps):
                return tuple(unsent_exchange(step, program, _REASON) for step in steps)
            exchanges = self.sender.send_concurrently(sendable, program, exchanges_by_step)
            for step, exchange in zip(sendable, exchanges, strict=True):
                # Which of them the target did not survive is unknown.
                if exchange.response is not None:
                    self._learn_from(step, exchange, recoveries)
        for exchange in exchanges:
            if exchange.response is None:
                self._examine_end(exchange)
        return exchanges

    def _make_safe(self, step: Step) -> Step | None:
        """The step without its dangerous part; None if the step exists to send that part."""
        kind = request_kind(step)
        if kind == STREAM_KIND and not self.context.streams:
            return _without_stream(step, self.context)
        with self._lock:
            hazard = self._hazards.get(kind)
            if hazard is None:
                return step
            self._hazards[kind] = hazard.with_one_more()
        return _without_stream(step, self.context) if kind == STREAM_KIND else None

    def _learn_from(self, step: Step, exchange: Exchange, recoveries: int) -> None:
        kind = request_kind(step)
        with self._lock:
            if exchange.response is not None:
                self._answered[kind] += 1
                is_odd = kind not in (step.operation, STREAM_KIND)
                if self.trials is not None and is_odd and kind not in self._survived:
                    self.trials.remember(step, exchange)
                return
            if exchange.completion is not Completion.UNKNOWN or not _counts_as_loss(step, kind, exchange):
                return
            self._lost.setdefault(kind, []).append(_Loss(exchange, recoveries))
            self._responses_at_first_loss.setdefault(kind, self._answered.total())

    def _examine_end(self, lost: Exchange) -> None:
        """Resend the suspects alone to find the one after which the target terminated.

        Does nothing without trials, or unless the target was restarted since the last search.
        """
        trials = self.trials
        if trials is None or self.shares_target:
            return
        with self._lock:
            if self._recoveries <= self._examined:
                return
            recoveries, self._examined = self._examined, self._recoveries
            suspects = trials.take_suspects(lost.ended)
        with self._sending.hold_exclusively(ALONE_SECONDS) as is_alone:
            for suspect in suspects if is_alone else ():
                kind = request_kind(suspect.step)
                if kind in self._survived or kind in self._hazards:
                    continue
                survival = trials.send_alone(suspect.step, lost.ended - suspect.exchange.ended)
                self._examined = self._recoveries
                if survival is Survival.SURVIVED:
                    self._survived.add(kind)
                elif survival is Survival.ENDED:
                    with self._lock:
                        self._explained.update(range(recoveries, self._recoveries))
                        self._hazards[kind] = Hazard(
                            kind=kind,
                            lost=2,
                            exchange=trials.last_probe,
                            is_odd=bool(suspect.step.anomaly) or suspect.step.role is Role.NEGATIVE,
                            answered=True,
                        )
                    break

    def _withhold_if_cause(self, step: Step) -> None:
        """Withhold the kind of a lost request from now on if it is the cause of its losses."""
        kind = request_kind(step)
        with self._lock:
            losses = [loss for loss in self._lost.get(kind, ()) if loss.recoveries not in self._explained]
            answered_since = self._answered.total() > self._responses_at_first_loss.get(kind, 0)
            if len(losses) < MAX_LOSSES or self._answered[kind] or not answered_since or kind in self._hazards:
                return
        if self.trials is not None and self._recoveries and self._survives_alone(step, self.trials):
            return
        with self._lock:
            first = losses[0].exchange.id
            self._hazards.setdefault(
                kind, Hazard(kind=kind, lost=len(losses), exchange=first, is_odd=bool(step.anomaly))
            )

    def _survives_alone(self, step: Step, trials: SurvivalTrials) -> bool:
        """Whether the target responds to a request and survives it, with nothing else in flight."""
        kind = request_kind(step)
        with self._sending.hold_exclusively(ALONE_SECONDS) as is_alone:
            if not is_alone or trials.send_alone(step) is not Survival.SURVIVED:
                self._examined = self._recoveries
                return False
        with self._lock:
            self._answered[kind] += 1
        return True


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
