"""Lists that were seen as a whole, and threads that were at rest when they were."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from runs_conformance.evidence.observation import observations_in
from runs_conformance.evidence.page import Page, pages
from runs_conformance.evidence.run_action import may_have_taken_effect
from runs_conformance.evidence.timeline import find_run, runs_of_thread, timelines
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History

_MUTATING = ("POST", "DELETE")


@lru_cache(maxsize=16)
def complete_lists(history: History) -> tuple[Page, ...]:
    """Every page that shows the whole of its list: asked for without a cursor, and answered with no more to come."""
    return tuple(
        page
        for page in pages(history)
        if "after" not in page.query and "before" not in page.query and page.exchange.member("has_more") is False
    )


def complete_lists_of(history: History, operation: str, **path: str) -> Iterator[Page]:
    """The whole lists of one operation whose path holds these ids, without filters such as `run_id`."""
    for page in complete_lists(history):
        wanted = page.exchange.operation == operation and "run_id" not in page.query
        if wanted and all(page.exchange.path.get(name) == id_ for name, id_ in path.items()):
            yield page


def steps_after_run_end(history: History, run_id: str) -> Page | None:
    """The first whole list of a run's steps that was asked for when the run had surely ended."""
    run = find_run(history, run_id)
    for page in complete_lists_of(history, "list_run_steps", run_id=run_id):
        if run is not None and run.had_ended_before(page.exchange):
            return page
    return None


def thread_creation(history: History, thread_id: str) -> Exchange | None:
    """The accepted request that created a thread, if it was recorded."""
    for exchange in history:
        if not exchange.accepted:
            continue
        if exchange.operation == "create_thread" and exchange.member("id") == thread_id:
            return exchange
        if exchange.operation == "create_thread_and_run" and _thread_of_run(exchange) == thread_id:
            return exchange
    return None


def _thread_of_run(exchange: Exchange) -> object:
    return next((seen.text("thread_id") for seen in observations_in(exchange) if seen.kind == "run"), None)


def run_creations(history: History, thread_id: str) -> Iterator[Exchange]:
    """The requests that have, or may have, created a run on a thread."""
    for exchange in history:
        if exchange.operation == "create_run":
            upon: object = exchange.path.get("thread_id")
        elif exchange.operation == "create_thread_and_run":
            upon = _thread_of_run(exchange)
        else:
            continue
        if upon == thread_id and may_have_taken_effect(exchange):
            yield exchange


def is_quiescent(history: History, thread_id: str, exchange: Exchange) -> bool:
    """Whether nothing can have changed a thread while an exchange went on.

    It was created here, every run that may have been created on it before is known and had surely ended, and nothing
    that changes anything was under way.
    """
    if thread_creation(history, thread_id) is None:
        return False
    started = [each for each in run_creations(history, thread_id) if each.started < exchange.ended]
    known = {run.creation.id: run for run in runs_of_thread(history, thread_id) if run.creation is not None}
    ended = all(each.id in known and known[each.id].had_ended_before(exchange) for each in started)
    disturbed = any(
        other is not exchange
        and other.request.method in _MUTATING
        and other.ended > exchange.started
        and other.started < exchange.ended
        for other in history
    )
    return ended and not disturbed


_DELETIONS = {"delete_thread": "thread_id", "delete_message": "message_id"}


def message_certainly_exists(history: History, exchange: Exchange) -> bool:
    """Whether the message that a path names certainly is in the thread that it names, and no run holds the lock."""
    thread_id, message_id = exchange.path.get("thread_id", ""), exchange.path.get("message_id", "")
    line = next((line for line in timelines("message", history) if line.id == message_id), None)
    seen = line.latest_before(exchange) if line is not None else None
    if seen is None or seen.text("thread_id") != thread_id or not is_quiescent(history, thread_id, exchange):
        return False
    return not any(
        other is not exchange
        and other.operation in _DELETIONS
        and may_have_taken_effect(other)
        and other.started < exchange.ended
        and exchange.path.get(_DELETIONS[other.operation]) == other.path.get(_DELETIONS[other.operation])
        for other in history
    )
