"""User messages in a list that were never sent to its thread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from runs_conformance.evidence.message_content import MessageContent, message_content, missing_contents
from runs_conformance.evidence.observation import Observation
from runs_conformance.evidence.page import Page
from runs_conformance.evidence.refused_messages import refused_message_contents
from runs_conformance.evidence.run_timeline import runs_of_thread
from runs_conformance.evidence.sent_messages import messages_sent_to
from runs_conformance.model.history import History

REPEATED_MESSAGE = "a message that was sent once is listed twice; the second may be another message with a wrong id"
"""Why a rule on the messages of a thread is inconclusive if only a repeated item is one too many."""

WRONG_ROLE = "an answer of a run, or a message that was sent with another role, is shown with role user"
"""Why a rule on the user messages of a thread is inconclusive if one too many is probably of another role."""


def distinct_messages(page: Page) -> list[Observation]:
    """The messages of a list, each once: a list that repeats one, with its id and content, does not hold another."""
    found: dict[object, Observation] = {}
    for item in page.items:
        found.setdefault((item.id, message_content(item.value)) if item.id else item, item)
    return list(found.values())


@dataclass(frozen=True, slots=True)
class UnsentMessages:
    """The user messages among some items of a list that were never sent to its thread.

    `certain` are the contents of those that no request explains. `doubt` says why others may not be user messages, or
    not other ones than were sent; it is empty if there are none.
    """

    certain: tuple[MessageContent, ...]
    doubt: str


def unsent_messages(history: History, page: Page) -> UnsentMessages:
    """The user messages in a list that were never sent to its thread.

    A message that is shown in another form than it was accepted in was sent nevertheless. Refused messages count as
    sent.
    """
    certain, doubtful = _unsent(history, page, distinct_messages(page))
    if not doubtful and not certain and any(_unsent(history, page, page.items)):
        return UnsentMessages((), REPEATED_MESSAGE)
    return UnsentMessages(certain, WRONG_ROLE if doubtful else "")


def _unsent(
    history: History, page: Page, items: Iterable[Observation]
) -> tuple[tuple[MessageContent, ...], tuple[MessageContent, ...]]:
    """The contents that were never sent, and doubtful ones: of answers, or of messages sent with another role."""
    thread_id = page.exchange.path["thread_id"]
    known = messages_sent_to(history, thread_id, page.exchange)
    stored = [
        (content, item)
        for item in items
        if (content := message_content(item.value)) is not None and content[0] == "user"
    ]
    accepted = [each for each in known if each[0] == "user"]
    altered = len(missing_contents(accepted, (content for content, _ in stored)))
    sent = Counter([*accepted, *refused_message_contents(history, thread_id)])
    of_other_roles = Counter(parts for role, parts in known if role != "user")
    runs = {run.id for run in runs_of_thread(history, thread_id)}
    certain: list[MessageContent] = []
    doubtful: list[MessageContent] = []
    for content, item in stored:
        if sent[content]:
            sent[content] -= 1
        elif of_other_roles[content[1]]:
            of_other_roles[content[1]] -= 1
            doubtful.append(content)
        else:
            (doubtful if item.text("run_id") in runs else certain).append(content)
    return tuple(certain[altered:]), tuple(doubtful[max(0, altered - len(certain)) :])
