"""Messages that callers create: stored as sent, never lost, and attributed to the caller."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

from runs_conformance.evidence.accepted_invalid import valid_message_observations, valid_messages
from runs_conformance.evidence.complete_list import (
    check_listed,
    complete_lists_of,
    is_shown_later,
    may_end_early,
    thread_creation,
)
from runs_conformance.evidence.creation import creations
from runs_conformance.evidence.member_form import check_constant, same_value
from runs_conformance.evidence.message_content import message_content
from runs_conformance.evidence.observation import JSON_CHANNEL, Observation
from runs_conformance.evidence.page import LACKS_IDS, Page
from runs_conformance.evidence.request_expectation import is_interpretable
from runs_conformance.evidence.run_timeline import find_run
from runs_conformance.evidence.sent_messages import messages_in_request, messages_sent_to
from runs_conformance.evidence.timeline import Timeline
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, at, contains, is_array
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, prose, schema
from runs_conformance.model.verdict import Inconclusive, Result, Suspicion, with_part

_MAY_END_EARLY = "the list may have ended before its last message"
_MESSAGE = "openai-openapi f85dbe2 openapi.yaml MessageObject"
_CONTENT = schema("openai-openapi f85dbe2 openapi.yaml CreateMessageRequest.role, content")
_DETAIL = schema("openai-openapi f85dbe2 openapi.yaml MessageContentImageUrlObject.image_url.detail")
_GUIDE = prose("openai-cookbook d2bb606 examples/data/oai_docs/how-it-works.txt, threads and messages")


_ESCAPED = "a text with escaped characters, some of them surrogate pairs"


def _created_messages(history: History) -> Iterable[Observation]:
    exchange_ids = {creation.exchange.id for creation in creations(history) if creation.kind == "message"}
    return (each for each in valid_message_observations(history) if each.exchange.id in exchange_ids)


@rule(
    units=_created_messages,
    level=Level.MUST,
    source=_CONTENT,
    capability="messages",
    operation="create_message",
    formerly=("messages.answer_shows_what_was_sent",),
    needs_parts=((_ESCAPED, "create_message"),),
)
def created_message_shows_what_was_sent(message: Observation) -> Iterator[Result]:
    """A created message has the role and content that were sent; a string becomes one text part.

    Clients display what the server returns. Text stays unchanged character for character, and parts keep their order,
    URLs and file ids.

    Fix: Store the content as it was sent, without trimming, normalizing or reordering it. Decode two escapes that form
    a surrogate pair as one character.
    """
    sent = message_content(message.exchange.request.body)
    actual = message_content(message.value)
    if sent is not None and actual is not None:
        yield message.check(
            sent[0] == actual[0], "the role of the message differs from the request", "/role", sent[0], actual[0]
        )
        if message.get("content") is ABSENT:
            yield Suspicion("the response has no `content`")
            return
        holds = sent[1] == actual[1]
        requested = at(message.exchange.request.body, "/content")
        result = message.check(
            holds, "the content of the message differs from the request", "/content", requested, message.get("content")
        )
        step = message.exchange.step
        yield with_part(result, _ESCAPED) if step is not None and step.escaped else result


@rule(
    units=_created_messages,
    level=Level.SHOULD,
    source=schema("openai-openapi f85dbe2 openapi.yaml CreateMessageRequest.attachments"),
    capability="messages",
    operation="create_message",
    formerly=("messages.answer_shows_the_attachments",),
)
def created_message_shows_its_attachments(message: Observation) -> Iterator[Result]:
    """A created message shows the attachments that were sent, each with its tools.

    An attachment that is dropped is a file that the assistant never sees.

    Fix: Store `attachments` with the message and return them.
    """
    sent, actual = at(message.exchange.request.body, "/attachments"), message.get("attachments")
    if is_array(sent) and sent and actual is not ABSENT:
        yield message.check(
            contains(actual, sent),
            "the attachments of the message differ from the request",
            "/attachments",
            sent,
            actual,
        )


@rule(
    units=_created_messages,
    level=Level.SHOULD,
    source=_DETAIL,
    capability="messages",
    operation="create_message",
    formerly=("messages.answer_shows_the_detail_of_images",),
)
def created_message_shows_the_detail_of_images(message: Observation) -> Iterator[Result]:
    """A created message shows the `detail` that was requested for each image.

    It determines what an image costs. The default is `auto`.

    Fix: Store `detail` with the image part and return it.
    """
    sent = at(message.exchange.request.body, "/content")
    for index, part in enumerate(sent if is_array(sent) else ()):
        for kind in ("image_url", "image_file"):
            requested, actual = at(part, f"/{kind}/detail"), message.get(f"/content/{index}/{kind}/detail")
            if isinstance(requested, str) and actual is not ABSENT:
                yield message.check(
                    actual == requested,
                    "the detail of the image differs from the request",
                    f"/content/{index}/{kind}/detail",
                    requested,
                    actual,
                )


def _messages_of_callers(history: History) -> Iterable[Observation]:
    """Every observation of a message that was created alone or with its thread, and not with a run."""
    created_ids = {creation.id for creation in creations(history) if creation.kind == "message"}
    with_runs = {
        e.path["thread_id"]
        for e in history
        if e.operation == "create_run" and (messages_in_request(e) or not is_interpretable(e))
    }
    for observation in valid_message_observations(history):
        if observation.is_misplaced and observation.id not in created_ids:
            continue
        thread_id = observation.exchange.path.get("thread_id", "")
        is_from_caller = observation.text("role") == "user" and thread_id not in with_runs
        is_from_caller = is_from_caller and thread_creation(history, thread_id) is not None
        if observation.id in created_ids or (is_from_caller and not _may_be_answer(observation, history)):
            yield observation


def _may_be_answer(message: Observation, history: History) -> bool:
    """Whether a user message names a run and was not sent to its thread: an answer may be shown with a wrong role."""
    sent = messages_sent_to(history, message.exchange.path.get("thread_id", ""), message.exchange)
    return message.get("run_id") is not None and message_content(message.value) not in sent


@rule(
    units=_messages_of_callers,
    level=Level.MUST,
    source=schema(f"{_MESSAGE}.run_id"),
    capability="messages",
    clauses=("client-messages-have-no-run",),
)
def sent_message_has_no_run(message: Observation) -> Iterator[Result]:
    """A message created by a caller, alone or with its thread, has `run_id: null`.

    Clients find a run's answer by `run_id`. It stays null on callers' messages even after a run has read them.

    Fix: Set `run_id` only on messages that a run writes.
    """
    value = message.get("run_id")
    if value is not ABSENT:
        yield message.check(value is None, "a message created by a caller has a run_id", "/run_id", None, value)


def _is_final(message: Observation, history: History) -> bool:
    """Whether a message can no longer grow: no run writes it, its run had ended, or its event says so."""
    if message.status == "in_progress":
        return False  # A list may lag behind the end of the run.
    if message.channel != JSON_CHANNEL:
        return message.event in ("thread.message.completed", "thread.message.incomplete")
    run_id = message.get("run_id")
    if not isinstance(run_id, str):
        return run_id is None
    run = find_run(history, run_id)
    return run is not None and run.had_ended_before(message.exchange)


@rule(
    units=valid_messages,
    level=Level.MUST,
    source=_CONTENT,
    capability="messages",
    clauses=("run-identity-never-changes",),
)
def stays_as_it_is(timeline: Timeline) -> Iterator[Result]:
    """The content and attachments of a message are the same in every response that shows it.

    Only metadata can be modified, so clients cache the rest. Messages of a run are compared only after the run has
    ended.

    Fix: Return the stored content in every read, list and event.
    """
    final = [observation for observation in timeline.observations if _is_final(observation, timeline.history)]
    for name in ("content", "attachments"):
        yield from check_constant(final, name, f"`{name}` of the message changed", same_value)


@rule(
    units=valid_message_observations,
    level=Level.SHOULD,
    source=schema(f"{_MESSAGE}.run_id"),
    capability="messages",
    clauses=("client-messages-have-no-run",),
    formerly=("messages.question_has_no_author",),
)
def user_message_has_no_assistant(message: Observation) -> Iterator[Result]:
    """A message with role `user` has `assistant_id: null`.

    Clients use it to tell the two sides of a conversation apart.

    Fix: Set `assistant_id` only on messages that a run writes.
    """
    if message.text("role") == "user" and message.get("assistant_id") is not ABSENT:
        value = message.get("assistant_id")
        yield message.check(value is None, "a message with role user has an assistant_id", "/assistant_id", None, value)


def _consecutive_lists(history: History) -> Iterable[tuple[tuple[str, ...], Page, History]]:
    """The ids that a complete list of messages must share with the one before it, with that list."""
    for thread_id in dict.fromkeys(e.path["thread_id"] for e in history if e.operation == "list_messages"):
        complete = list(complete_lists_of(history, "list_messages", thread_id=thread_id))
        deletions = [e for e in history if e.operation == "delete_thread" and e.path.get("thread_id") == thread_id]
        for earlier, later in pairwise(complete) if thread_creation(history, thread_id) and not deletions else ():
            if earlier.exchange.happened_before(later.exchange):
                yield tuple(item.id for item in earlier.items if _must_remain(item, history)), later, history


def _must_remain(message: Observation, history: History) -> bool:
    """Whether a message was not deleted, and is not the unfinished message of a run that was stopped."""
    is_deleted = any(e.operation == "delete_message" and e.path.get("message_id") == message.id for e in history)
    run = find_run(history, message.text("run_id"))
    return not is_deleted and (run is None or run.last.status in ("completed", "incomplete"))


@rule(
    units=_consecutive_lists,
    level=Level.MUST,
    source=_GUIDE,
    capability="messages",
    needs_complete_history=True,
    occasions=3,
)
def are_not_lost(lists: tuple[tuple[str, ...], Page, History]) -> Iterator[Result]:
    """A message stays in its thread until it is deleted.

    Threads store the whole conversation; truncation limits what the model reads, not what the thread contains.

    Fix: Truncate the prompt only, and never remove messages from the thread.
    """
    expected_ids, page, history = lists
    if page.lacks_ids or "" in expected_ids:
        yield Inconclusive(LACKS_IDS)
        return
    unlisted = [id_ for id_ in expected_ids if id_ not in page.ids]
    lost = [id_ for id_ in unlisted if not is_shown_later(history, "message", id_, page.exchange)]
    if unlisted and not lost:
        yield Inconclusive("a later response shows the messages that the list lacks")
    elif unlisted and may_end_early(page):
        yield Suspicion(_MAY_END_EARLY)
    else:
        yield check_listed(page, lost, "{} is no longer in the thread")
