"""Writes to a thread, with the run that holds or held its lock."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from runs_conformance.evidence.complete_list import run_creations, thread_creation
from runs_conformance.evidence.refusal_reason import named_places, parameter_named_by_id
from runs_conformance.evidence.request_effect import may_have_taken_effect
from runs_conformance.evidence.request_expectation import must_be_accepted
from runs_conformance.evidence.run_action import may_be_cancelled_between
from runs_conformance.evidence.run_timeline import RunTimeline, runs, runs_of_thread
from runs_conformance.evidence.thread_lock import WORKING, lock_holder, says_locked
from runs_conformance.evidence.working_operation import operation_works
from runs_conformance.model.case import Role
from runs_conformance.model.error_message import refusal_text
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, at, is_object, json_equal
from runs_conformance.model.text import contains_word

_WRITES = ("create_message", "create_run")
_DELETIONS = ("delete_thread", "delete_message")
_NOT_FOUND = (404, 410)
_UNKNOWN_RUN_ID = re.compile(r"(?<![\w-])run_(?=[A-Za-z_-]{0,63}\d)[\w-]{7,63}\w")
"""The id of a run that the history does not show; without a digit it may be the name of a member or class."""
_MIN_NUMERIC_ID_LENGTH = 6


@dataclass(frozen=True, eq=False)
class ThreadWrite:
    """One request to add a message to a thread or to create a run on it."""

    exchange: Exchange
    history: History

    @property
    def thread_id(self) -> str:
        """The id of the thread."""
        return self.exchange.path.get("thread_id", "")

    @property
    def lock_holder(self) -> RunTimeline | None:
        """The run that was certainly active throughout the request."""
        return lock_holder(self.history, self.exchange)

    @property
    def displaced_run(self) -> RunTimeline | None:
        """A run that was working before the request and is cancelled after it, without any request to cancel it.

        None for recorded traffic, where the request to cancel it may be missing.
        """
        if exchange_is_recorded(self.exchange):
            return None
        for run in runs_of_thread(self.history, self.thread_id):
            before, after = run.latest_before(self.exchange), run.earliest_after(self.exchange)
            if run.creation is None or run.creation is self.exchange or before is None or after is None:
                continue
            is_stopped = before.status in WORKING and after.status in ("cancelling", "cancelled")
            if is_stopped and not may_be_cancelled_between(run, run.observations[0], after):
                return run
        return None

    @property
    def foreign_run(self) -> str | None:
        """A run that the refusal names although the thread is not known to have it; None if it names none or its own.

        A lock for all threads names a run of another thread, perhaps of another client.
        """
        if not self.exchange.refused or self.names_own_run:
            return None
        known = (run.id for run in runs(self.history) if run.thread_id != self.thread_id and self.names(run))
        return next(known, None) or next(iter(_UNKNOWN_RUN_ID.findall(refusal_text(self.exchange))), None)

    @property
    def names_own_run(self) -> bool:
        """Whether the refusal names a run of this thread, so that no other thread's run is the reason."""
        return self.exchange.refused and any(map(self.names, runs_of_thread(self.history, self.thread_id)))

    def names(self, run: RunTimeline) -> bool:
        """Whether a refusal contains the id of a run, of whatever form, unless a short number may mean anything."""
        is_short_number = run.id.isdecimal() and len(run.id) < _MIN_NUMERIC_ID_LENGTH
        return not is_short_number and contains_word(refusal_text(self.exchange), run.id)

    @property
    def last_ended_run(self) -> RunTimeline | None:
        """The last run of the thread, if all its runs had certainly ended."""
        ended = self._ended_runs
        return ended[-1] if ended else None

    @property
    def is_free(self) -> bool:
        """Whether all runs of the thread had certainly ended, if it had any."""
        return self._ended_runs is not None

    @property
    def active_run_on_other_thread(self) -> RunTimeline | None:
        """A run of another thread that was certainly active throughout, if all runs of this one had certainly ended."""
        if self._ended_runs is None:
            return None
        others = (run for run in runs(self.history) if run.thread_id != self.thread_id)
        return next((run for run in others if run.was_active_throughout(self.exchange)), None)

    @property
    def refused_run(self) -> Exchange | None:
        """The last refused request to create a run on the thread, if no run of the thread can hold the lock.

        The thread never had a run, or all its runs had certainly ended before. The refusal of this write may then be
        due to the lock of an ended run, unless the thread took a message between the end of the runs and that request.
        """
        ended = self._ended_runs
        if ended is None:
            return None
        attempts = (
            other
            for other in self.history.in_thread(self.thread_id, "create_run")
            if other.refused
            and other.happened_before(self.exchange)
            and all(run.had_ended_before(other) for run in ended)
            and (not ended or self.exchange.accepted or self._was_free_between(ended, other))
        )
        return max(attempts, key=lambda other: other.ended, default=None)

    def _was_free_between(self, ended: Iterable[RunTimeline], attempt: Exchange) -> bool:
        """Whether the thread certainly took a message after these runs had ended and before an attempt."""
        return any(
            other.accepted and other.happened_before(attempt) and all(run.had_ended_before(other) for run in ended)
            for other in self.history.in_thread(self.thread_id, "create_message")
        )

    @property
    def _ended_runs(self) -> list[RunTimeline] | None:
        """The earlier runs of the thread, if all of them are known and had certainly ended; None otherwise."""
        started = [e for e in run_creations(self.history, self.thread_id) if e is not self.exchange]
        thread_runs = [run for run in runs_of_thread(self.history, self.thread_id) if run.creation is not self.exchange]
        known = {run.creation.id for run in thread_runs if run.creation is not None}
        has_unknown_run = any(e.id not in known for e in started if e.started < self.exchange.ended)
        ended = [run for run in thread_runs if run.had_ended_before(self.exchange)]
        later = [run for run in thread_runs if run.creation is not None and self.exchange.ended <= run.creation.started]
        return ended if not has_unknown_run and len(ended) + len(later) == len(thread_runs) else None

    def is_refused_for_lock(self, holder: RunTimeline) -> bool:
        """Whether the refusal of the request can only be due to the lock that a run holds.

        The refusal names no member of the request, and says so, or a request with the same members was accepted. If
        it says that something was not found, that may be true.
        """
        exchange, body = self.exchange, self.exchange.request.body
        members = set(body) - {"stream"} if is_object(body) else set()
        if self.names_a_member:
            return False
        if says_locked(exchange) or self.names(holder):
            return True
        return exchange.status not in _NOT_FOUND and any(
            other.accepted and members <= set(other.request.body)
            for other in self.history.select(exchange.operation or "")
            if is_object(other.request.body)
        )

    def is_refused_in_stream(self, holder: RunTimeline) -> bool:
        """Whether the response is a stream with nothing but an error, which says that a run holds the lock."""
        response = self.exchange.response
        is_error = response is not None and response.is_error_stream
        return is_error and (says_locked(self.exchange) or self.names(holder))

    @property
    def names_a_member(self) -> bool:
        """Whether the response names a member of the request, so that its value is the reason of a refusal."""
        body = self.exchange.request.body
        members = set(body) - {"stream"} if is_object(body) else set()
        return any(name.partition(".")[0].partition("[")[0] in members for name in named_places(self.exchange))

    @property
    def must_be_accepted_if_unlocked(self) -> bool:
        """Whether only the lock is a reason to refuse the request: it is simple, or its body was accepted before.

        A refusal that names a member of the request has another reason.
        """
        body = self.exchange.request.body
        if (
            not is_object(body)
            or self.names_a_member
            or not must_be_accepted(self.exchange)
            or self.target_may_be_deleted
            or thread_creation(self.history, self.thread_id) is None
            or not (exchange_is_recorded(self.exchange) or operation_works(self.history, self.exchange))
        ):
            return False
        if self.exchange.operation == "create_message":
            content = body.get("content")
            is_short = isinstance(content, str) and 0 < len(content.strip()) <= 1000
            return body.keys() <= {"role", "content"} and body.get("role") == "user" and is_short
        was_accepted_before = any(
            other.accepted
            and other.happened_before(self.exchange)
            and other.path == self.exchange.path
            and other.request.body is not ABSENT
            and json_equal(_body_without_stream(other.request.body), _body_without_stream(body))
            for other in self.history.select("create_run")
        )
        return was_accepted_before or body.keys() <= {"assistant_id", "stream", "max_prompt_tokens"}

    @property
    def target_may_be_lost(self) -> bool:
        """Whether the request got 404 and the target may have lost the thread or assistant, so that this is true.

        The thread was not lost if it is shown afterwards, or takes another message or run, and the assistant if it is.
        It does not matter if the refusal names the thread.
        """
        exchange, body = self.exchange, self.exchange.request.body
        if exchange.status not in _NOT_FOUND:
            return False
        later = [each for each in self.history if each.accepted and exchange.happened_before(each)]
        has_thread = any(
            each.path.get("thread_id") == self.thread_id
            and (each.operation in _WRITES or each.member("id") == self.thread_id)
            for each in later
        )
        assistant = body.get("assistant_id") if is_object(body) else None
        if assistant is None or parameter_named_by_id(exchange) == "thread_id":
            return not has_thread
        has_assistant = any(
            each.path.get("assistant_id") == assistant or at(each.request.body, "/assistant_id") == assistant
            for each in later
        )
        return not (has_thread and has_assistant)

    @property
    def target_may_be_deleted(self) -> bool:
        """Whether the thread, one of its messages or the assistant may have been deleted before."""
        body = self.exchange.request.body
        assistant = body.get("assistant_id") if is_object(body) else None
        return any(
            may_have_taken_effect(other)
            and other.started <= self.exchange.ended
            and (
                (other.operation in _DELETIONS and other.path.get("thread_id") == self.thread_id)
                or (other.operation == "delete_assistant" and other.path.get("assistant_id") == assistant)
            )
            for other in self.history.select(*_DELETIONS, "delete_assistant")
        )


def exchange_is_recorded(exchange: Exchange) -> bool:
    """Whether an exchange is traffic of another client."""
    return exchange.step is None


def _body_without_stream(body: object) -> dict[str, object]:
    return {name: member for name, member in body.items() if name != "stream"} if is_object(body) else {}


def _writes(history: History, operation: str) -> tuple[ThreadWrite, ...]:
    return tuple(
        ThreadWrite(exchange, history)
        for exchange in history.select(operation)
        if exchange.step is None or exchange.step.role is not Role.NEGATIVE
    )


@lru_cache(maxsize=16)
def message_writes(history: History) -> tuple[ThreadWrite, ...]:
    """Every request to add a message to a thread, except deliberately invalid ones."""
    return _writes(history, "create_message")


@lru_cache(maxsize=16)
def run_writes(history: History) -> tuple[ThreadWrite, ...]:
    """Every request to create a run on a thread, except deliberately invalid ones."""
    return _writes(history, "create_run")


def thread_writes(history: History) -> tuple[ThreadWrite, ...]:
    """Every request to add a message or to create a run, except deliberately invalid ones."""
    return (*message_writes(history), *run_writes(history))
