"""Messages that runs write, and the lists that must show them once the run has ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from runs_conformance.contract.lifecycle import TERMINAL
from runs_conformance.evidence.complete_list import complete_lists_of, may_end_early
from runs_conformance.evidence.message_content import message_content
from runs_conformance.evidence.observation import Observation, message_observations
from runs_conformance.evidence.page import Page
from runs_conformance.evidence.request_expectation import is_interpretable
from runs_conformance.evidence.run_timeline import RunTimeline, runs
from runs_conformance.evidence.sent_messages import messages_sent_to
from runs_conformance.model.history import History


def messages_of_run(run: RunTimeline) -> Iterator[Observation]:
    """The messages that a run wrote, except those that were sent.

    Those supplied with the run are recognized by their content, other user messages of the thread by it or by their id.
    """
    if run.creation is not None and not is_interpretable(run.creation):
        return
    additional = run.creation_body.get("additional_messages")
    supplied = [message_content(each) for each in (additional if isinstance(additional, list) else ())]
    sent_ids = {
        message.id
        for message in message_observations(run.history)
        if message.exchange.operation == "create_message" and message.exchange.path.get("thread_id") == run.thread_id
    }
    for message in message_observations(run.history):
        content = message_content(message.value)
        if message.text("run_id") == run.id and message.id not in sent_ids and content not in supplied:
            is_user = message.text("role") == "user"
            if not is_user or content not in messages_sent_to(run.history, run.thread_id, message.exchange):
                yield message


@dataclass(frozen=True, eq=False)
class ListAfterRun:
    """A complete list of a thread's messages that was requested after a run of the thread had ended.

    `late` are the messages of the run that it lacks, although a later list shows them. `repeats_earlier_list` is true
    if the same request was sent before the end of the run, and none since then that can have changed the thread, so
    that a server may have kept its response; or if the run never showed that it was at work.
    """

    page: Page
    run: RunTimeline
    late: tuple[str, ...]
    repeats_earlier_list: bool


@lru_cache(maxsize=16)
def lists_after_runs(history: History) -> tuple[ListAfterRun, ...]:
    """The complete lists of messages after runs that wrote messages, except revived runs."""
    found: list[ListAfterRun] = []
    for run in runs(history):
        lists = list(complete_lists_of(history, "list_messages", thread_id=run.thread_id)) if run.thread_id else []
        later = [page for page in lists if run.had_ended_before(page.exchange) and not page.lacks_ids]
        if not later or any(run.reopened_after_end(each) for each in run.observations):
            continue
        written = dict.fromkeys(message.id for message in messages_of_run(run) if message.text("role") == "assistant")
        for page in later if written else ():
            shown_later = {id_ for other in later if page.exchange.happened_before(other.exchange) for id_ in other.ids}
            late = [id_ for id_ in written if id_ in shown_later and id_ not in {item.id for item in page.shown}]
            if not may_end_early(page):
                found.append(ListAfterRun(page, run, tuple(late), _repeats_earlier_list(run, page, lists)))
    return tuple(found)


def _repeats_earlier_list(run: RunTimeline, page: Page, lists: list[Page]) -> bool:
    if run.observations[0].status in TERMINAL:
        return True
    creation = run.creation
    earlier = [
        other
        for other in lists
        if other.exchange.request.query == page.exchange.request.query
        and creation is not None
        and creation.started < other.exchange.started
        and not run.had_ended_before(other.exchange)
    ]
    return bool(earlier) and not any(
        each.request.method != "GET"
        and each is not creation
        and each.ended > earlier[-1].exchange.started
        and each.started < page.exchange.ended
        and run.thread_id in each.path.values()
        for each in run.history
    )
