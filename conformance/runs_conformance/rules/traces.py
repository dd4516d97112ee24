"""What was refused left no trace: nothing was created, and nothing was changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from runs_conformance.evidence.complete_list import born_here, creations_of_runs, whole_lists
from runs_conformance.evidence.creation import creations
from runs_conformance.evidence.message_content import saying
from runs_conformance.evidence.metadata import Metadata
from runs_conformance.evidence.metadata import metadata as all_metadata
from runs_conformance.evidence.modification import Modification, modifications
from runs_conformance.evidence.page import Page
from runs_conformance.evidence.residue import refused, refused_sayings
from runs_conformance.evidence.supplied_messages import all_sent_is_known, sent_to
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, same
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, prose
from runs_conformance.model.verdict import HELD, Result

_HTTP = prose("RFC 9110 section 15.5: a 4xx answer says that the request was not carried out")
_LOCKS = prose("openai-cookbook d2bb606 examples/data/oai_docs/how-it-works.txt, thread locks")


def _runs_listed(history: History) -> Iterator[tuple[Page, set[str]]]:
    """Whole lists of runs after a refused creation, with the ids of all runs that were created on the thread."""
    for page in whole_lists(history):
        thread_id = page.exchange.path.get("thread_id", "")
        tried = any(e.before(page.exchange) for e in refused(history, "create_run", thread_id=thread_id))
        if page.kind != "run" or not tried or born_here(history, thread_id) is None:
            continue
        made = {creation.exchange.id: creation.id for creation in creations(history) if creation.kind == "run"}
        started = list(creations_of_runs(history, thread_id))
        if all(exchange.id in made for exchange in started):
            yield page, {made[exchange.id] for exchange in started}


@rule(
    over=_runs_listed,
    level=Level.MUST,
    source=_HTTP,
    capability="core",
    operation="create_run",
    items=("L-26",),
    closed=True,
)
def refused_run_is_not_created(found: tuple[Page, set[str]]) -> Iterator[Result]:
    """A run whose creation was refused is not in the list of runs.

    It would cost tokens and hold the lock, and nobody knows its id. Check everything before the first write.
    """
    page, known = found
    extra = sorted(set(page.ids) - known)
    yield page.exchange.finding(f"nobody was told of run {extra[0]}", "/data") if extra else HELD


def _messages_listed(history: History) -> Iterator[tuple[Page, History]]:
    for page in whole_lists(history):
        thread_id = page.exchange.path.get("thread_id", "")
        tried = any(
            e.before(page.exchange) for e in refused(history, "create_message", "create_run", thread_id=thread_id)
        )
        whole = page.kind == "message" and "run_id" not in page.query
        if whole and tried and all_sent_is_known(history, thread_id, page.exchange):
            yield page, history


@rule(over=_messages_listed, level=Level.MUST, source=_LOCKS, capability="messages", items=("L-25",))
def refused_message_is_not_added(found: tuple[Page, History]) -> Iterator[Result]:
    """A user message that was refused, alone or with a run, is not in the thread.

    The caller was told that it is not there, and sends it again later. Check the lock before the first write.
    """
    page, history = found
    thread_id = page.exchange.path["thread_id"]
    taken, tried = sent_to(history, thread_id, page.exchange), refused_sayings(history, thread_id)
    shown = [saying(item.value) for item in page.items]
    for said in dict.fromkeys(each for each in tried if each[0] == "user"):
        there = shown.count(said) > taken.count(said)
        yield page.exchange.finding("a message that was refused is in the thread", "/data") if there else HELD


@rule(over=all_metadata, level=Level.MUST, source=_HTTP, capability="metadata", items=("L-43", "L-46"), closed=True)
def refused_modification_keeps_metadata(line: Metadata) -> Iterator[Result]:
    """A modification that was refused leaves the metadata as it was, in whole: no pair of it is stored.

    Half of a change is worse than none. Validate all pairs before any is stored.
    """
    for earlier, later, attempted in line.untouched_pairs():
        was, now = earlier.get("metadata"), later.get("metadata")
        if attempted and was is not ABSENT and now is not ABSENT:
            yield later.check(
                same(was or {}, now or {}), "metadata changed, and its change was refused", "/metadata", was, now
            )


def _refused_changes(history: History) -> Iterable[Modification]:
    return (change for change in modifications(history) if change.kind == "assistant" and change.exchange.refused)


@rule(over=_refused_changes, level=Level.MUST, source=_HTTP, capability="core", operation="modify_assistant")
def refused_modification_keeps_the_assistant(change: Modification) -> Iterator[Result]:
    """A modification that was refused leaves the assistant as it was, also in the members that were valid.

    Half of a change is worse than none. Validate the request before it is applied.
    """
    before, after = change.before, change.after
    if before is None or after is None:
        return
    for name in before.value.keys() & after.value.keys() - {"metadata", "tool_resources"}:
        was, now = before.get(name), after.get(name)
        yield after.check(same(was, now), f"{name} changed, and its change was refused", f"/{name}", was, now)
