"""The messages of a thread: its initial ones, and nothing but those sent to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from runs_conformance.evidence.complete_list import (
    NOT_SHOWN_TO_ITS_END,
    complete_lists,
    thread_creation,
    unended_lists,
)
from runs_conformance.evidence.listed_objects import pass_if_lists_work
from runs_conformance.evidence.page import Page
from runs_conformance.evidence.sent_messages import all_messages_are_known, messages_in_request, messages_sent_to
from runs_conformance.evidence.supplied_messages import (
    SuppliedMessages,
    check_all_listed,
    check_order,
    supplied_messages,
    unended_lists_of_supplied,
)
from runs_conformance.evidence.unsent_messages import unsent_messages
from runs_conformance.model.history import History
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, schema
from runs_conformance.model.verdict import Inconclusive, Result, Suspicion, with_part

_MESSAGES = schema("openai-openapi f85dbe2 openapi.yaml CreateThreadRequest.messages")
_THREAD_AND_RUN = schema("openai-openapi f85dbe2 openapi.yaml CreateThreadAndRunRequest.thread")

_EMPTY = "the list of a thread that create_thread_and_run created without messages"
"""The part of the evidence that shows whether a server adds a message of its own for a run that would have none."""


def _initial_messages(history: History) -> Iterable[SuppliedMessages | Page]:
    """Initial messages with a complete list, and lists read after others that were not shown to their end."""
    yield from (supplied for supplied in supplied_messages(history) if not supplied.is_additional)
    yield from unended_lists_of_supplied(history, "create_thread", "create_thread_and_run")


@rule(
    units=_initial_messages,
    level=Level.MUST,
    source=_MESSAGES,
    capability="messages",
    clauses=("thread-and-run-creates-messages",),
    needs_complete_history=True,
)
def begin_with_the_messages_given(supplied: SuppliedMessages | Page) -> Iterator[Result]:
    """A thread that is created with messages contains each of them, with its role and content.

    If one is lost, the first run answers an incomplete or empty thread.

    Fix: Store every entry of `messages`, including those with role `assistant`, when the thread is created.
    """
    yield from check_all_listed(supplied, "the thread's initial message of role {} is missing")


@rule(
    units=_initial_messages,
    level=Level.SHOULD,
    source=_MESSAGES,
    capability="messages",
    clauses=("ascending-reverses-descending", "thread-and-run-creates-messages"),
)
def keep_the_order_of_their_messages(supplied: SuppliedMessages | Page) -> Iterator[Result]:
    """The messages that a thread is created with keep the order of the request.

    They form a conversation, and timestamps in whole seconds cannot preserve its order.

    Fix: Give each message an increasing sequence number, and sort by it within the same second.
    """
    if isinstance(supplied, Page):
        yield Inconclusive(NOT_SHOWN_TO_ITS_END)
    elif not supplied.missing:
        yield check_order(supplied, "the thread's messages are not in the order of the request")


def _fully_known_lists(history: History) -> Iterable[tuple[Page, History]]:
    """Complete and unended lists of all messages of a thread, if everything that was sent to the thread is known."""
    for page in (*complete_lists(history), *unended_lists(history)):
        thread_id = page.exchange.path.get("thread_id", "")
        is_whole_thread = page.exchange.operation == "list_messages" and "run_id" not in page.query
        if is_whole_thread and all_messages_are_known(history, thread_id, page.exchange):
            yield page, history


@rule(
    units=_fully_known_lists,
    level=Level.MUST,
    source=_THREAD_AND_RUN,
    capability="messages",
    clauses=("thread-and-run-creates-messages",),
    needs_complete_history=True,
    occasions=3,
    needs_parts=((_EMPTY, "create_thread_and_run", "list_messages"),),
)
def hold_only_what_was_sent(known_list: tuple[Page, History]) -> Iterator[Result]:
    """Every user message in a thread was sent to it, and a thread that is created without messages starts empty.

    A message from elsewhere changes what the run answers, or discloses another conversation. Judged only if everything
    sent to the thread was recorded; refused messages are covered by `traces.refused_message_is_not_added`.

    Fix: Store messages only on the thread that the request names, and add none of the server's own.
    """
    page, history = known_list
    if page.exchange.member("has_more") is True:
        yield Inconclusive(NOT_SHOWN_TO_ITS_END)
        return
    unsent = unsent_messages(history, page)
    if unsent.certain:
        number = len(unsent.certain)
        yield page.exchange.finding(f"{number} user messages in the thread were never sent to it", "/data")
    elif unsent.doubt:
        yield Suspicion(unsent.doubt)
    else:
        thread_id = page.exchange.path["thread_id"]
        sent = messages_sent_to(history, thread_id, page.exchange)
        yield with_part(pass_if_lists_work(history, page, sent[len(page.items) :]), _part(history, thread_id))


def _part(history: History, thread_id: str) -> str:
    """The part of the evidence that a list of a thread's messages provides, if any."""
    creation = thread_creation(history, thread_id)
    is_with_run = creation is not None and creation.operation == "create_thread_and_run"
    return _EMPTY if creation is not None and is_with_run and not messages_in_request(creation) else ""
