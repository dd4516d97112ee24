"""User messages in a list that were never sent to its thread."""

from __future__ import annotations

from collections.abc import Iterable

from runs_conformance.evidence.message_content import MessageContent, message_content, missing_contents
from runs_conformance.evidence.observation import Observation
from runs_conformance.evidence.page import Page
from runs_conformance.evidence.supplied_messages import messages_sent_to, refused_message_contents
from runs_conformance.model.history import History

REPEATED_MESSAGE = "the list repeats a message that was sent once, which may be another message with its id"
"""Why a rule on the messages of a thread is inconclusive if only a repeated item is one too many."""


def distinct_messages(page: Page) -> list[Observation]:
    """The messages of a list, each once: a list that repeats one, with its id and content, does not hold another."""
    found: dict[object, Observation] = {}
    for item in page.items:
        found.setdefault((item.id, message_content(item.value)) if item.id else item, item)
    return list(found.values())


def unsent_messages(history: History, page: Page, items: Iterable[Observation]) -> list[MessageContent]:
    """The contents of the user messages among these items of a list that were never sent to its thread.

    A message that is shown in another form than it was accepted in was sent nevertheless. Refused messages count as
    sent.
    """
    thread_id = page.exchange.path["thread_id"]
    accepted = [each for each in messages_sent_to(history, thread_id, page.exchange) if each[0] == "user"]
    contents = (message_content(item.value) for item in items)
    stored = [content for content in contents if content is not None and content[0] == "user"]
    altered = len(missing_contents(accepted, stored))
    return missing_contents(stored, [*accepted, *refused_message_contents(history, thread_id)])[altered:]
