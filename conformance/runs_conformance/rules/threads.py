"""Threads: their initial messages, and nothing but the messages sent to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from runs_conformance.contract.validation import is_valid
from runs_conformance.evidence.complete_list import NOT_SHOWN_TO_ITS_END, complete_lists, unended_lists
from runs_conformance.evidence.creation import uses_key_of_creator
from runs_conformance.evidence.listed_objects import pass_if_shown
from runs_conformance.evidence.observation import (
    Observation,
    assistant_observations,
    observations_in,
    thread_observations,
)
from runs_conformance.evidence.page import Page
from runs_conformance.evidence.request_expectation import must_be_accepted, uses_default_auth
from runs_conformance.evidence.run_action import may_have_taken_effect
from runs_conformance.evidence.run_timeline import run_observations
from runs_conformance.evidence.sent_messages import all_messages_are_known, messages_sent_to
from runs_conformance.evidence.supplied_messages import (
    LISTED_LATER,
    SuppliedMessages,
    check_order,
    supplied_messages,
    unended_lists_of_supplied,
)
from runs_conformance.evidence.unsent_messages import unsent_messages
from runs_conformance.evidence.working_operation import operation_works, pass_if_working
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, JSON, Absent, at, contains, is_object
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, observed, schema
from runs_conformance.model.verdict import PASSED, Inconclusive, Result, Suspicion

_MESSAGES = schema("openai-openapi f85dbe2 openapi.yaml CreateThreadRequest.messages")
_THREAD_AND_RUN = schema("openai-openapi f85dbe2 openapi.yaml CreateThreadAndRunRequest.thread")
_RECORDED = observed("recorded traffic: openai-dotnet SessionRecords 2025-10-30, openllmetry 2026-03-31")


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
    if isinstance(supplied, Page):
        yield Inconclusive(NOT_SHOWN_TO_ITS_END)
        return
    if supplied.missing and (name := supplied.unrecognizable) is not None:
        yield Suspicion(f"listed messages have no `{name}`, which would tell what they are")
        return
    if supplied.missing and supplied.may_be_unlisted:
        yield Inconclusive("the list may have ended early, or shows them as those of another thread")
        return
    if supplied.is_late:
        yield Inconclusive(LISTED_LATER)
        return
    yield from supplied.losses("the thread's initial message of role {} is missing")
    if not supplied.missing:
        yield PASSED


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
)
def hold_only_what_was_sent(known_list: tuple[Page, History]) -> Iterator[Result]:
    """A thread contains no user message that was not sent to it; one created without messages starts empty.

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
        sent = messages_sent_to(history, page.exchange.path["thread_id"], page.exchange)
        yield pass_if_shown(history, page, sent[len(page.items) :])


def _threads_created_with_run(history: History) -> Iterable[tuple[Exchange, History]]:
    return ((e, history) for e in history if e.operation == "create_thread_and_run" and e.accepted)


@rule(
    units=_threads_created_with_run,
    level=Level.MUST,
    source=_THREAD_AND_RUN,
    capability="create_and_run",
    operation="create_thread_and_run",
    clauses=("thread-and-run-creates-messages",),
)
def run_gets_a_thread_of_its_own(created: tuple[Exchange, History]) -> Iterator[Result]:
    """A run that is created together with its thread names a new thread, and that thread can be read.

    Clients continue the conversation on this thread. The rule also applies to requests without `thread`: the new thread
    is then empty.

    Fix: Create and store a new thread for every `create_thread_and_run` request.
    """
    exchange, history = created
    run = next((observation for observation in observations_in(exchange) if observation.kind == "run"), None)
    thread_id = run.text("thread_id") if run is not None else ""
    if run is None or not thread_id:
        return  # A missing member is reported by its own constraint.
    earlier_requests = [e for e in history if e.happened_before(exchange) and e.path.get("thread_id") == thread_id]
    earlier_observations = [
        observation
        for observation in thread_observations(history)
        if observation.id == thread_id and observation.exchange.happened_before(exchange)
    ]
    earlier_runs = [
        observation
        for observation in run_observations(history)
        if observation.text("thread_id") == thread_id and observation.exchange.happened_before(exchange)
    ]
    is_new = not (earlier_requests or earlier_observations or earlier_runs)
    yield run.check(is_new, f"the run's thread {thread_id!r} already existed", "/thread_id", actual=thread_id)
    reads = [
        e
        for e in history
        if e.operation == "get_thread" and e.path.get("thread_id") == thread_id and uses_default_auth(e)
    ]
    for read in reads:
        if exchange.happened_before(read) and not _may_be_deleted(history, thread_id, read):
            if read.status == 404 and _is_other_thread_hidden(history, read):
                yield pass_if_working(read, works=False)
            elif read.status == 404:
                yield read.finding(f"the run's thread {thread_id!r} cannot be read", "", 200, 404)
            elif read.accepted:
                yield PASSED
            elif read.status is not None:
                yield Suspicion(f"the read of the run's thread got HTTP {read.status}")


def _is_other_thread_hidden(history: History, read: Exchange) -> bool:
    """Whether the read of a thread that was created without a run was refused, too, and no read was accepted."""
    refused = {
        each.path["thread_id"]
        for each in history.select("get_thread")
        if each.refused and uses_key_of_creator(history, each)
    }
    plain = {each.member("id") for each in history.select("create_thread") if each.accepted}
    return not operation_works(history, read) and not refused.isdisjoint(plain)


def _is_valid_body(body: JSON, edition: str) -> bool:
    return is_valid("requests/create_thread_and_run", "create_thread_and_run", edition)(body)


def _requests_without_thread(history: History) -> Iterable[tuple[Exchange, History]]:
    for exchange in history:
        body = exchange.request.body
        is_candidate = exchange.operation == "create_thread_and_run" and must_be_accepted(exchange)
        if is_candidate and is_object(body) and body.get("thread") is None and _is_valid_body(body, exchange.edition):
            yield exchange, history


def _has_instructions(exchange: Exchange, history: History) -> bool:
    """Whether the model has something to answer without a message. Otherwise an empty thread may be refused."""
    requested = at(exchange.request.body, "/instructions")
    if isinstance(requested, str):
        return bool(requested)
    return bool(_instructions(history, at(exchange.request.body, "/assistant_id"), exchange))


def _instructions(history: History, assistant_id: JSON | Absent, until: Exchange) -> str:
    observations = [
        observation
        for observation in assistant_observations(history)
        if observation.id == assistant_id and observation.exchange.happened_before(until)
    ]
    return observations[-1].text("instructions") if observations else ""


@rule(
    units=_requests_without_thread,
    level=Level.MUST,
    source=_THREAD_AND_RUN,
    capability="create_and_run",
    operation="create_thread_and_run",
    clauses=("thread-and-run-creates-messages",),
)
def run_needs_no_thread(request: tuple[Exchange, History]) -> Iterator[Result]:
    """`create_thread_and_run` accepts a request without `thread` and runs on a new, empty thread.

    The assistant's instructions are enough for the model to answer. A refusal counts only if the same request with a
    thread was accepted, or a request with no other members, if the assistant ran otherwise: nothing else explains it.

    Fix: Treat a missing or null `thread` as an empty thread.
    """
    exchange, history = request
    if exchange.accepted:
        yield PASSED
    elif exchange.status in (400, 422) and _has_instructions(exchange, history):
        if _only_thread_explains_refusal(exchange, history):
            yield exchange.finding("a run without a thread was refused", "", 200, exchange.status)
        else:
            yield Inconclusive("the request may have been refused for another reason than the missing thread")


def _only_thread_explains_refusal(exchange: Exchange, history: History) -> bool:
    """Whether a request was accepted that differs by its thread alone, or in nothing that could be refused."""
    runs = [e for e in history if e.operation in ("create_run", "create_thread_and_run") and e.accepted]
    wanted = _without_thread(exchange)
    same_assistant = (e for e in runs if at(e.request.body, "/assistant_id") == wanted.get("assistant_id"))
    if wanted.keys() <= {"assistant_id", "instructions"}:
        return any(True for _ in same_assistant)
    return any(e.operation == exchange.operation and _without_thread(e) == wanted for e in same_assistant)


def _without_thread(exchange: Exchange) -> dict[str, JSON]:
    body = exchange.request.body
    return {name: value for name, value in body.items() if name != "thread"} if is_object(body) else {}


def _may_be_deleted(history: History, thread_id: str, until: Exchange) -> bool:
    return any(
        e.operation == "delete_thread"
        and e.path.get("thread_id") == thread_id
        and may_have_taken_effect(e)
        and e.started <= until.ended
        for e in history
    )


def _threads_with_tool_resources(history: History) -> Iterable[Observation]:
    return (
        observation
        for observation in thread_observations(history)
        if observation.exchange.operation in ("create_thread", "modify_thread")
    )


@rule(units=_threads_with_tool_resources, level=Level.SHOULD, source=_RECORDED, capability="core")
def show_their_tool_resources(thread: Observation) -> Iterator[Result]:
    """A thread shows the files and vector stores that its request assigned to tools.

    A tool without its files finds nothing and reports no error.

    Fix: Store `tool_resources` when a thread is created or modified, and return them.
    """
    requested, shown = at(thread.exchange.request.body, "/tool_resources"), thread.get("tool_resources")
    if is_object(requested) and shown is not ABSENT:
        for name in ("code_interpreter/file_ids", "file_search/vector_store_ids"):
            expected, actual = at(requested, f"/{name}"), at(shown, f"/{name}")
            if expected:
                pointer = f"/tool_resources/{name}"
                yield thread.check(
                    expected is not ABSENT and contains(actual, expected),
                    "the tool resources differ from the request",
                    pointer,
                    expected,
                    actual,
                )
