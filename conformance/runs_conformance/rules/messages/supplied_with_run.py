"""Messages that the request of a run supplies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from runs_conformance.evidence.message_content import message_content
from runs_conformance.evidence.observation import Observation
from runs_conformance.evidence.page import Page
from runs_conformance.evidence.supplied_messages import (
    UNCERTAIN_ORDER,
    SuppliedMessages,
    check_all_listed,
    check_order,
    supplied_messages,
    unended_lists_of_supplied,
)
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, at, contains, is_array, json_equal
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, schema
from runs_conformance.model.verdict import PASSED, Inconclusive, Result, Suspicion

_ADDITIONAL = schema("openai-openapi f85dbe2 openapi.yaml CreateRunRequest.additional_messages")


def _additional_messages(history: History) -> Iterable[SuppliedMessages]:
    return (supplied for supplied in supplied_messages(history) if supplied.is_additional)


def _additional_messages_and_unended_lists(history: History) -> Iterable[SuppliedMessages | Page]:
    """Additional messages with a complete list, and lists read after others that were not shown to their end."""
    yield from _additional_messages(history)
    yield from unended_lists_of_supplied(history, "create_run")


@rule(
    units=_additional_messages_and_unended_lists,
    level=Level.MUST,
    source=_ADDITIONAL,
    capability="messages",
    operation="create_run",
    clauses=("additional-messages-are-added-first",),
)
def additional_messages_are_in_the_thread(supplied: SuppliedMessages | Page) -> Iterator[Result]:
    """All additional messages of a run are added to its thread, with their roles and contents.

    The run answers them, so whoever reads the thread later needs them.

    Fix: Store `additional_messages` in the thread instead of passing them only to the model.
    """
    yield from check_all_listed(supplied, "the additional message of role {} is not in the thread")


@rule(
    units=_additional_messages,
    level=Level.SHOULD,
    source=_ADDITIONAL,
    capability="messages",
    operation="create_run",
    clauses=("additional-messages-are-added-first",),
)
def additional_messages_keep_their_order(supplied: SuppliedMessages) -> Iterator[Result]:
    """The additional messages of a run appear in its thread in the order of the request, before the run's answer.

    An answer listed before its question makes no sense, and timestamps in whole seconds are too coarse to order them.

    Fix: Give each message an increasing sequence number, and sort by it within the same second.
    """
    if supplied.missing:
        return
    yield check_order(supplied, "the additional messages are not in the order of the request")
    answers = [index for index, item in enumerate(supplied.listed) if _is_answer(item, supplied)]
    places = [supplied.listed.index(item) for item in _matching_messages(supplied)]
    if not answers:
        return
    if all(place < min(answers) for place in places):
        yield PASSED
    elif supplied.may_be_reversed and all(place > max(answers) for place in places):
        yield Inconclusive(UNCERTAIN_ORDER)
    else:
        yield supplied.page.exchange.finding("an additional message comes after the answer", "/data")


def _matching_messages(supplied: SuppliedMessages) -> Iterator[Observation]:
    """The stored messages with the supplied content; of several with equal content, the first ones."""
    for content, count in Counter(supplied.contents).items():
        yield from [item for item in supplied.listed if message_content(item.value) == content][:count]


def _is_answer(message: Observation, supplied: SuppliedMessages) -> bool:
    is_written_by_run = message.text("run_id") == supplied.run_id and message.text("role") == "assistant"
    return is_written_by_run and message_content(message.value) not in supplied.contents


@rule(
    units=_additional_messages,
    level=Level.MUST,
    source=_ADDITIONAL,
    capability="messages",
    operation="create_run",
    clauses=("additional-messages-are-added-first",),
)
def additional_messages_come_before_the_answer(supplied: SuppliedMessages) -> Iterator[Result]:
    """The additional messages of a run are created no later than its answer.

    The model reads them before it answers, and clients sort a conversation by `created_at`.

    Fix: Add the additional messages to the thread when the run is created, not when it ends.
    """
    answers = [item.time("created_at") for item in supplied.listed if _is_answer(item, supplied)]
    first = min((time for time in answers if time is not None), default=None)
    for item in _matching_messages(supplied):
        created = item.time("created_at")
        if created is not None and first is not None:
            yield item.check(
                created <= first, "an additional message was created after the answer", "/created_at", first, created
            )


@rule(
    units=supplied_messages,
    level=Level.MUST,
    source=schema("openai-openapi f85dbe2 openapi.yaml CreateMessageRequest.metadata"),
    capability="messages",
    clauses=("metadata-is-echoed", "additional-messages-are-added-first"),
    needs_complete_history=True,
)
def given_messages_keep_their_metadata(supplied: SuppliedMessages) -> Iterator[Result]:
    """Messages that are sent with a new thread or a run keep their metadata.

    Clients find messages by their metadata, whichever request created them.

    Fix: Create messages with the same code for every request that may contain them.
    """
    for message in supplied.messages:
        expected = at(message, "/metadata")
        matching = [item for item in supplied.listed if message_content(item.value) == message_content(message)]
        if (
            expected
            and matching
            and expected is not ABSENT
            and not supplied.may_be_modified({item.id for item in matching})
        ):
            shown = [item.get("metadata") for item in matching]
            holds = any(json_equal(each, expected) for each in shown if each is not ABSENT)
            if not holds and ABSENT in shown:
                yield Suspicion("listed messages have no `metadata`")
                continue
            yield matching[0].check(
                holds,
                "the metadata supplied with the message is missing",
                "/metadata",
                expected,
                shown[0],
            )


@rule(
    units=supplied_messages,
    level=Level.SHOULD,
    source=schema("openai-openapi f85dbe2 openapi.yaml CreateMessageRequest.attachments"),
    capability="messages",
    clauses=("additional-messages-are-added-first",),
)
def given_messages_keep_their_attachments(supplied: SuppliedMessages) -> Iterator[Result]:
    """Messages that are sent with a new thread or a run keep their attachments, each with its tools.

    An attachment that is dropped is a file that the assistant never sees.

    Fix: Create messages with the same code for every request that may contain them.
    """
    for message in supplied.messages:
        sent = at(message, "/attachments")
        shown = [
            (item, value)
            for item in supplied.listed
            if message_content(item.value) == message_content(message)
            if (value := item.get("attachments")) is not ABSENT
        ]
        if is_array(sent) and sent and shown:
            item, actual = next((each for each in shown if contains(each[1], sent)), shown[0])
            yield item.check(
                contains(actual, sent),
                "the attachments supplied with the message are missing",
                "/attachments",
                sent,
                actual,
            )
