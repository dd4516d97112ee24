"""Attempts to add to a thread, beside the run that holds or held its lock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from runs_conformance.contract.lifecycle import ACTIVE
from runs_conformance.evidence.complete_list import run_creations, thread_creation
from runs_conformance.evidence.request_expectation import must_be_accepted
from runs_conformance.evidence.run_action import may_be_cancelled_between, may_be_resumed_between, may_have_taken_effect
from runs_conformance.evidence.timeline import RunTimeline, runs, runs_of_thread
from runs_conformance.model.case import Role
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, is_object, json_equal

WORKING = frozenset({"in_progress", "requires_action"})
_DELETIONS = ("delete_thread", "delete_message")


def lock_holder(history: History, exchange: Exchange) -> RunTimeline | None:
    """A run of the exchange's thread that was certainly active all the while; the exchange did not create it."""
    thread = exchange.path.get("thread_id", "")
    for run in runs_of_thread(history, thread) if thread else ():
        revived = any(run.reopened_after_end(seen) for seen in run.observations)
        if run.creation is not exchange and run.was_active_throughout(exchange) and not revived:
            return run
    return None


def was_working_throughout(run: RunTimeline, exchange: Exchange) -> bool:
    """Whether a run was certainly in progress or waiting for tool outputs all through an exchange."""
    before, after = run.latest_before(exchange), run.earliest_after(exchange)
    return (
        before is not None
        and after is not None
        and {before.status, after.status} <= WORKING
        and not may_be_resumed_between(run, before, after)
        and not may_be_cancelled_between(run, before, after)
    )


@dataclass(frozen=True, eq=False)
class ThreadWrite:
    """One request to add a message to a thread or to start a run on it."""

    exchange: Exchange
    history: History

    @property
    def thread_id(self) -> str:
        """The thread it was sent to."""
        return self.exchange.path["thread_id"]

    @property
    def lock_holder(self) -> RunTimeline | None:
        """The run that certainly was active all the while."""
        return lock_holder(self.history, self.exchange)

    @property
    def displaced_run(self) -> RunTimeline | None:
        """A run that was at work before and is cancelled since, though nobody cancelled it."""
        for run in runs_of_thread(self.history, self.thread_id):
            before, after = run.latest_before(self.exchange), run.earliest_after(self.exchange)
            if run.creation is None or run.creation is self.exchange or before is None or after is None:
                continue
            stopped = before.status in WORKING and after.status in ("cancelling", "cancelled")
            if stopped and not may_be_cancelled_between(run, run.observations[0], after):
                return run
        return None

    @property
    def last_ended_run(self) -> RunTimeline | None:
        """The last run of the thread, where all that were ever started there had certainly ended."""
        ended = self._ended_runs
        return ended[-1] if ended else None

    @property
    def active_run_on_other_thread(self) -> RunTimeline | None:
        """A run of another thread that certainly was active all the while, where no run of this thread was."""
        if self._ended_runs is None:
            return None
        others = (run for run in runs(self.history) if run.thread_id != self.thread_id)
        return next((run for run in others if run.was_active_throughout(self.exchange)), None)

    @property
    def rejected_run(self) -> Exchange | None:
        """The last refused request to start a run on the thread, where none was ever started there."""
        if self._ended_runs != []:
            return None
        tried = (
            other
            for other in self.history
            if other.operation == "create_run"
            and other.refused
            and other.path.get("thread_id") == self.thread_id
            and other.happened_before(self.exchange)
        )
        return max(tried, key=lambda other: other.ended, default=None)

    @property
    def _ended_runs(self) -> list[RunTimeline] | None:
        """The runs that were ever started on the thread, if all of them had certainly ended."""
        started = [e for e in run_creations(self.history, self.thread_id) if e is not self.exchange]
        mine = [run for run in runs_of_thread(self.history, self.thread_id) if run.creation is not self.exchange]
        known = {run.creation.id for run in mine if run.creation is not None}
        unknown = any(e.id not in known for e in started if e.started < self.exchange.ended)
        ended = [run for run in mine if run.had_ended_before(self.exchange)]
        later = [run for run in mine if run.creation is not None and self.exchange.ended <= run.creation.started]
        return ended if not unknown and len(ended) + len(later) == len(mine) else None

    @property
    def must_be_accepted_if_unlocked(self) -> bool:
        """Whether a correct server has no other reason to refuse it: it is short and simple, or was taken before."""
        body = self.exchange.request.body
        if (
            not is_object(body)
            or not must_be_accepted(self.exchange)
            or self.target_may_be_deleted
            or thread_creation(self.history, self.thread_id) is None
        ):
            return False
        if self.exchange.operation == "create_message":
            content = body.get("content")
            short = isinstance(content, str) and 0 < len(content.strip()) <= 1000
            return body.keys() <= {"role", "content"} and body.get("role") == "user" and short
        taken = any(
            other.accepted
            and other.operation == "create_run"
            and other.happened_before(self.exchange)
            and other.path == self.exchange.path
            and other.request.body is not ABSENT
            and json_equal(_body_without_stream(other.request.body), _body_without_stream(body))
            for other in self.history
        )
        return taken or body.keys() <= {"assistant_id", "stream", "max_prompt_tokens"}

    @property
    def target_may_be_deleted(self) -> bool:
        """Whether the thread, some of its messages or the assistant may have been deleted before."""
        body = self.exchange.request.body
        assistant = body.get("assistant_id") if is_object(body) else None
        return any(
            may_have_taken_effect(other)
            and other.started <= self.exchange.ended
            and (
                (other.operation in _DELETIONS and other.path.get("thread_id") == self.thread_id)
                or (other.operation == "delete_assistant" and other.path.get("assistant_id") == assistant)
            )
            for other in self.history
        )


def _body_without_stream(body: object) -> dict[str, object]:
    return {name: member for name, member in body.items() if name != "stream"} if is_object(body) else {}


def _writes(history: History, operation: str) -> tuple[ThreadWrite, ...]:
    return tuple(
        ThreadWrite(exchange, history)
        for exchange in history
        if exchange.operation == operation and (exchange.step is None or exchange.step.role is not Role.NEGATIVE)
    )


@lru_cache(maxsize=16)
def message_writes(history: History) -> tuple[ThreadWrite, ...]:
    """Every attempt to add a message to a thread, except with what no server may take."""
    return _writes(history, "create_message")


@lru_cache(maxsize=16)
def run_writes(history: History) -> tuple[ThreadWrite, ...]:
    """Every attempt to start a run on a thread, except with what no server may take."""
    return _writes(history, "create_run")


def thread_writes(history: History) -> tuple[ThreadWrite, ...]:
    """Every attempt to add a message or to start a run."""
    return (*message_writes(history), *run_writes(history))


@dataclass(frozen=True, eq=False)
class RequestWhileLocked:
    """One request upon a thread whose run certainly was active all the while."""

    exchange: Exchange
    run: RunTimeline


@lru_cache(maxsize=16)
def requests_while_locked(history: History) -> Iterable[RequestWhileLocked]:
    """Every request upon a thread that an active run certainly held."""
    if not any(seen.status in ACTIVE for run in runs(history) for seen in run.observations):
        return ()
    return tuple(
        RequestWhileLocked(exchange, run) for exchange in history if (run := lock_holder(history, exchange)) is not None
    )
