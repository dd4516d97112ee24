"""Refused requests leave no trace: they create nothing and change nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from runs_conformance.contract.known_members import known_members
from runs_conformance.evidence.accepted_invalid import may_be_invalid
from runs_conformance.evidence.complete_list import (
    NOT_SHOWN_TO_ITS_END,
    complete_lists,
    run_creations,
    thread_creation,
    unended_lists,
)
from runs_conformance.evidence.creation import creations
from runs_conformance.evidence.description import describe_response
from runs_conformance.evidence.listed_objects import pass_if_lists_work, shows_contents
from runs_conformance.evidence.member_form import check_kept, same_value
from runs_conformance.evidence.message_content import MessageContent, message_content, missing_contents
from runs_conformance.evidence.metadata import MetadataTimeline
from runs_conformance.evidence.metadata import metadata_timelines as all_metadata
from runs_conformance.evidence.modification import Modification, modifications
from runs_conformance.evidence.observation import Observation, observations, observations_in
from runs_conformance.evidence.page import Page
from runs_conformance.evidence.refused_messages import refused_messages, refused_requests
from runs_conformance.evidence.sent_messages import all_messages_are_known, messages_sent_to
from runs_conformance.evidence.spontaneous_change import CHANGES_ANYWAY, changes_by_itself
from runs_conformance.evidence.thread_lock import says_locked
from runs_conformance.evidence.unknown_run import UnknownRuns, unknown_runs
from runs_conformance.evidence.unsent_messages import REPEATED_MESSAGE, distinct_messages
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, JSON, is_object, json_equal
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, prose
from runs_conformance.model.verdict import PASSED, Inconclusive, Result, Suspicion

_HTTP = prose("RFC 9110 section 15.5: a 4xx response says that the request was not carried out")
_LOCKS = prose("openai-cookbook d2bb606 examples/data/oai_docs/how-it-works.txt, thread locks")

_JUDGED_ELSEWHERE = frozenset({"metadata", "tool_resources", "id", "object", "created_at"})
"""Members of an assistant that other rules judge: its identity never changes, whatever is modified."""


def _run_lists_after_refusal(history: History) -> Iterator[tuple[Page, UnknownRuns, bool, History]]:
    """Complete and unended lists of runs after a refused creation, with the runs that no request created.

    The third item says whether a request was refused for an active run although no run had been created.
    """
    for page in (*complete_lists(history), *unended_lists(history)):
        if page.kind != "run":
            continue
        thread_id = page.exchange.path.get("thread_id", "")
        was_refused = any(
            e.happened_before(page.exchange) for e in refused_requests(history, "create_run", thread_id=thread_id)
        )
        if not was_refused or thread_creation(history, thread_id) is None:
            continue
        created = {creation.exchange.id: creation.id for creation in creations(history) if creation.kind == "run"}
        started = list(run_creations(history, thread_id))
        if all(exchange.id in created for exchange in started):
            names_a_run = not started and any(
                says_locked(each)
                for each in refused_requests(history, "create_run", "create_message", thread_id=thread_id)
            )
            unknown = unknown_runs(history, page, {created[exchange.id] for exchange in started})
            yield page, unknown, names_a_run, history


@rule(
    units=_run_lists_after_refusal,
    level=Level.MUST,
    source=_HTTP,
    capability="core",
    operation="create_run",
    clauses=("active-run-blocks-second-run",),
    needs_complete_history=True,
)
def refused_run_is_not_created(run_list: tuple[Page, UnknownRuns, bool, History]) -> Iterator[Result]:
    """A run whose creation was refused is not in the list of runs.

    It would cost tokens and hold the lock, and no client knows its id.

    Fix: Complete all checks before the first write.
    """
    page, unknown, names_a_run, history = run_list
    misplaced = {run.id for run in observations_in(page.exchange) if run.is_misplaced} - unknown.known - {""}
    if page.exchange.member("has_more") is True:
        yield Inconclusive(NOT_SHOWN_TO_ITS_END)
    elif unknown.ids:
        message = f"run {unknown.ids[0]} is listed, but no request created it"
        if unknown.may_be_known:
            yield Suspicion(f"{message}; it may be a created run that is listed under a wrong id")
        else:
            yield page.exchange.finding(message, "/data")
    elif unknown.lacks_ids:
        yield Suspicion("listed runs have no id, which would tell which request created them")
    elif misplaced:
        yield Suspicion(f"run {min(misplaced)}, which no request created, is listed, but names another thread")
    elif names_a_run:
        yield Suspicion("a request was refused because of an active run, although no run had been created")
    else:
        yield pass_if_lists_work(history, page, unknown.missing) if unknown.known else PASSED


def _message_lists_after_refusal(history: History) -> Iterator[tuple[Page, History]]:
    for page in (*complete_lists(history), *unended_lists(history)):
        if page.kind != "message" or "run_id" in page.query:
            continue
        thread_id = page.exchange.path.get("thread_id", "")
        was_refused = any(
            e.happened_before(page.exchange)
            for e in refused_requests(history, "create_message", "create_run", thread_id=thread_id)
        )
        if was_refused:
            yield page, history


@rule(
    units=_message_lists_after_refusal,
    level=Level.MUST,
    source=_LOCKS,
    capability="messages",
    clauses=("active-run-blocks-new-messages",),
)
def refused_message_is_not_added(message_list: tuple[Page, History]) -> Iterator[Result]:
    """A user message that was refused, alone or with a run, is not in the thread.

    The client assumes that it was not stored, and sends it again later.

    Fix: Complete all checks before the first write.
    """
    page, history = message_list
    if page.exchange.member("has_more") is True:
        yield Inconclusive(NOT_SHOWN_TO_ITS_END)
        return
    thread_id = page.exchange.path["thread_id"]
    accepted = messages_sent_to(history, thread_id, page.exchange)
    shown = [message_content(item.value) for item in page.items]
    stored = [message_content(item.value) for item in distinct_messages(page)]
    refusals: dict[MessageContent, Exchange] = {}
    for content, refusal in refused_messages(history, thread_id):
        refusals.setdefault(content, refusal)
    for content, refusal in refusals.items():
        # Requests with other messages whose effect is unknown do not matter.
        if content[0] != "user" or not all_messages_are_known(history, thread_id, page.exchange, content):
            continue
        message = f"a refused message is in the thread ({describe_response(refusal).rstrip('.')})"
        if stored.count(content) > accepted.count(content):
            yield page.exchange.finding(message, "/data")
        elif shown.count(content) > accepted.count(content):
            yield Suspicion(REPEATED_MESSAGE)
        elif not shows_contents(page):
            yield Inconclusive("listed messages show no content, which would tell which of them were refused")
        else:
            yield pass_if_lists_work(history, page, missing_contents(accepted, filter(None, stored)))


@rule(
    units=all_metadata,
    level=Level.MUST,
    source=_HTTP,
    capability="metadata",
    clauses=("modify-run-changes-only-metadata", "metadata-is-echoed"),
    needs_complete_history=True,
)
def refused_modification_keeps_metadata(timeline: MetadataTimeline) -> Iterator[Result]:
    """A refused modification leaves the metadata unchanged; none of its pairs is stored.

    A client that receives a refusal assumes that nothing has changed.

    Fix: Validate all pairs before storing any.
    """
    for earlier, later, requests in timeline.observation_pairs_without_write():
        was, now = earlier.get("metadata"), later.get("metadata")
        if requests and was is not ABSENT and now is not ABSENT:
            others = [each for each in requests if not each.refused]
            happened = f"got HTTP {others[0].status}" if others else "was refused"
            holds = _is_equal_metadata(was, now)
            if not holds and changes_by_itself(timeline.timeline, "metadata", _is_equal_metadata):
                yield Suspicion(CHANGES_ANYWAY.format("metadata"))
            elif not holds and _has_only_other_pairs(was, now, requests):
                yield Suspicion("the metadata changed, but has no pair of a refused request")
            elif not holds and not now and not _shows_metadata(timeline.timeline.history, later):
                yield Suspicion(f"no {later.exchange.operation} shows metadata of any {later.kind}")
            else:
                message = f"metadata changed although the modification {happened}"
                yield later.check(holds, message, "/metadata", was, now)


def _has_only_other_pairs(was: JSON, now: JSON, refused: Iterable[Exchange]) -> bool:
    """Whether metadata has new pairs, none of which a refused request can have added, even in part.

    A list may show pairs that were replaced, and objects that share their metadata those of another object.
    """
    before, after = (value if is_object(value) else {} for value in (was, now))
    added = {name: value for name, value in after.items() if name not in before or not json_equal(before[name], value)}
    sent: list[tuple[str, JSON]] = []
    for each in refused:
        if not is_object(each.request.body):
            return False  # What a server may have read in it is unknown.
        metadata = each.request.body.get("metadata")
        sent.extend(metadata.items() if is_object(metadata) else ())
    return bool(added) and not any(
        name.startswith(new) or json_equal(value, added[new]) for new in added for name, value in sent
    )


def _is_equal_metadata(one: JSON, other: JSON) -> bool:
    return json_equal(one or {}, other or {})


def _shows_metadata(history: History, observation: Observation) -> bool:
    """Whether a response of the same operation shows metadata, so that it could have shown what it lacks."""
    return any(
        bool(each.get("metadata")) and each.exchange.operation == observation.exchange.operation
        for each in observations(observation.kind, history)
    )


def _refused_modifications(history: History) -> Iterable[Modification]:
    return (
        modification
        for modification in modifications(history)
        if modification.kind == "assistant" and modification.exchange.refused
    )


@rule(units=_refused_modifications, level=Level.MUST, source=_HTTP, capability="core", operation="modify_assistant")
def refused_modification_keeps_the_assistant(modification: Modification) -> Iterator[Result]:
    """A refused modification leaves the assistant unchanged, including the members whose new values were valid.

    A client that receives a refusal assumes that nothing has changed.

    Fix: Validate the whole request before applying any of it.
    """
    before, after = modification.state_before, modification.state_after
    if before is None or after is None:
        return
    known = known_members("assistant", modification.exchange.edition)
    for name in known & before.value.keys() & after.value.keys() - _JUDGED_ELSEWHERE:
        if may_be_invalid(modification.timeline.history, after, name):
            continue
        holds = same_value(before.get(name), after.get(name))
        if not holds and changes_by_itself(modification.timeline, name, same_value):
            yield Suspicion(CHANGES_ANYWAY.format(name))
        else:
            yield check_kept(before, after, name, holds, f"`{name}` changed although the modification was refused")
