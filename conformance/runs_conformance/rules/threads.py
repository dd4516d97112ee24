"""Threads: begun with what was given, and holding only what was said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from runs_conformance.contract.schema_violation import is_valid
from runs_conformance.evidence.complete_list import whole_lists
from runs_conformance.evidence.likeness import covers
from runs_conformance.evidence.message_content import is_in_order, missing, saying
from runs_conformance.evidence.observation import Sighting, assistants_seen, sightings_in, threads_seen
from runs_conformance.evidence.page import Page
from runs_conformance.evidence.request_expectation import plain, usual
from runs_conformance.evidence.residue import refused_sayings
from runs_conformance.evidence.run_action import took_effect
from runs_conformance.evidence.supplied_messages import Gift, all_sent_is_known, gifts, sent_to
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, JSON, at, is_object
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, observed, schema
from runs_conformance.model.verdict import HELD, Result, Undecided

_MESSAGES = schema("openai-openapi f85dbe2 openapi.yaml CreateThreadRequest.messages")
_BOTH = schema("openai-openapi f85dbe2 openapi.yaml CreateThreadAndRunRequest.thread")
_SEEN = observed("recorded traffic: openai-dotnet SessionRecords 2025-10-30, openllmetry 2026-03-31")


def _beginnings(history: History) -> Iterable[Gift]:
    return (gift for gift in gifts(history) if not gift.additional)


@rule(over=_beginnings, level=Level.MUST, source=_MESSAGES, capability="messages", items=("L-75",), closed=True)
def begin_with_the_messages_given(gift: Gift) -> Iterator[Result]:
    """A thread that is created with messages holds them, each with its role and content.

    The first run would answer an empty thread. Add each of them, also those of role `assistant`.
    """
    for said in gift.lost:
        yield gift.page.exchange.finding(f"a message of role {said[0]!r} that the thread began with is lost", "/data")
    if not gift.lost:
        yield HELD


@rule(over=_beginnings, level=Level.SHOULD, source=_MESSAGES, capability="messages", items=("L-49", "L-75"))
def keep_the_order_of_their_messages(gift: Gift) -> Iterator[Result]:
    """The messages that a thread was created with are in it in the order in which they were given.

    They are a conversation. Times of a second cannot keep its order; a running number can.
    """
    if not gift.lost:
        said = [each for item in gift.shown if (each := saying(item.value)) is not None]
        in_order = is_in_order(gift.sayings, said)
        yield HELD if in_order else gift.page.exchange.finding("the thread's messages are in another order", "/data")


def _known_lists(history: History) -> Iterable[tuple[Page, History]]:
    for page in whole_lists(history):
        thread_id = page.exchange.path.get("thread_id", "")
        whole = page.exchange.operation == "list_messages" and "run_id" not in page.query
        if whole and all_sent_is_known(history, thread_id, page.exchange):
            yield page, history


@rule(over=_known_lists, level=Level.MUST, source=_BOTH, capability="messages", items=("L-75",), closed=True)
def hold_only_what_was_sent(found: tuple[Page, History]) -> Iterator[Result]:
    """Every user message in a thread was sent to it: a thread that was created without messages begins empty.

    Judged where all that was sent to the thread is known. What was refused is another rule's matter.
    """
    page, history = found
    thread_id = page.exchange.path["thread_id"]
    known = [*sent_to(history, thread_id, page.exchange), *refused_sayings(history, thread_id)]
    asked = [each for item in page.items if (each := saying(item.value)) is not None and each[0] == "user"]
    extra = missing(asked, known)
    yield page.exchange.finding(f"{len(extra)} of its user messages nobody sent", "/data") if extra else HELD


def _created_together(history: History) -> Iterable[tuple[Exchange, History]]:
    return ((e, history) for e in history if e.operation == "create_thread_and_run" and e.accepted)


@rule(
    over=_created_together,
    level=Level.MUST,
    source=_BOTH,
    capability="create_and_run",
    operation="create_thread_and_run",
    items=("L-75",),
)
def run_gets_a_thread_of_its_own(created: tuple[Exchange, History]) -> Iterator[Result]:
    """A run that is created together with its thread names a thread that is new, and that can be read.

    Also where the request gives no thread: an empty one is created then.
    """
    exchange, history = created
    run = next((seen for seen in sightings_in(exchange) if seen.kind == "run"), None)
    thread_id = run.text("thread_id") if run is not None else ""
    if run is None:
        return
    former = [e for e in history if e.before(exchange) and e.path.get("thread_id") == thread_id]
    old = [seen for seen in threads_seen(history) if seen.id == thread_id and seen.exchange.before(exchange)]
    new = bool(thread_id) and not former and not old
    yield run.check(new, f"the run's thread {thread_id!r} is not a new one", "/thread_id", None, thread_id)
    reads = [e for e in history if e.operation == "get_thread" and e.path.get("thread_id") == thread_id and usual(e)]
    for read in reads:
        if exchange.before(read) and not _deleted(history, thread_id, read):
            if read.status == 404:
                yield read.finding(f"the run's thread {thread_id!r} does not exist", "", 200, 404)
            elif read.accepted:
                yield HELD


def _is_legal(body: JSON, edition: str) -> bool:
    return is_valid("requests/create_thread_and_run", "create_thread_and_run", edition)(body)


_BARE = frozenset({"assistant_id", "instructions", "thread"})
"""The members of a request that is refused for none of them, but for the thread that it lacks."""


def _without_a_thread(history: History) -> Iterable[tuple[Exchange, History]]:
    """Requests for a run without a thread that nothing else lets a correct server refuse: there are instructions."""
    for exchange in history:
        body = exchange.request.body
        asks = exchange.operation == "create_thread_and_run" and plain(exchange)
        if asks and is_object(body) and body.keys() <= _BARE and _is_legal(body, exchange.edition):
            given = body.get("instructions")
            base = given if isinstance(given, str) else _instructions(history, body.get("assistant_id"), exchange)
            if base and body.get("thread") is None:
                yield exchange, history


def _instructions(history: History, assistant_id: JSON, until: Exchange) -> str:
    known = [seen for seen in assistants_seen(history) if seen.id == assistant_id and seen.exchange.before(until)]
    return known[-1].text("instructions") if known else ""


@rule(
    over=_without_a_thread,
    level=Level.MUST,
    source=_BOTH,
    capability="create_and_run",
    operation="create_thread_and_run",
    items=("L-75",),
)
def run_needs_no_thread(asked: tuple[Exchange, History]) -> Iterator[Result]:
    """A run can be created without a thread; it begins in an empty one, with the instructions that it has.

    Judged where the same assistant is run in another way, so that it is not the model that is refused.
    """
    exchange, history = asked
    if exchange.accepted:
        yield HELD
    elif exchange.status in (400, 422):
        used = at(exchange.request.body, "/assistant_id")
        runs = [e for e in history if e.operation in ("create_run", "create_thread_and_run") and e.accepted]
        if any(at(other.request.body, "/assistant_id") == used for other in runs):
            yield exchange.finding("a run without a thread was refused", "", 200, exchange.status)
        else:
            yield Undecided("it may not have been refused for the lack of a thread")


def _deleted(history: History, thread_id: str, until: Exchange) -> bool:
    return any(
        e.operation == "delete_thread"
        and e.path.get("thread_id") == thread_id
        and took_effect(e)
        and e.started <= until.ended
        for e in history
    )


def _with_resources(history: History) -> Iterable[Sighting]:
    return (seen for seen in threads_seen(history) if seen.exchange.operation in ("create_thread", "modify_thread"))


@rule(over=_with_resources, level=Level.SHOULD, source=_SEEN, capability="core")
def show_their_tool_resources(thread: Sighting) -> Iterator[Result]:
    """A thread shows the files and vector stores that its request gave to its tools.

    A tool without its files finds nothing and says nothing.
    """
    given, shown = at(thread.exchange.request.body, "/tool_resources"), thread.get("tool_resources")
    if is_object(given) and shown is not ABSENT:
        for name in ("code_interpreter/file_ids", "file_search/vector_store_ids"):
            wanted, now = at(given, f"/{name}"), at(shown, f"/{name}")
            if wanted:
                where = f"/tool_resources/{name}"
                yield thread.check(
                    wanted is not ABSENT and covers(now, wanted), "other tool resources", where, wanted, now
                )
