"""The clauses of the contract that are not schema keywords: behaviour over time, and across responses.

Rules and mutants cite a clause by its slug. The levels are those of the contract study that this project rests on,
with later corrections. A clause that no rule judges gives the reason.
"""

from __future__ import annotations

from dataclasses import dataclass

from runs_conformance.model.source import Level


@dataclass(frozen=True, slots=True)
class Clause:
    """One statement of the contract. `not_judged` is the reason why no rule judges it; `formerly` is its number in the
    study, by which older reports and kill matrices cite it.
    """

    slug: str
    level: Level
    statement: str
    not_judged: str = ""
    formerly: str = ""


def _must(number: str, slug: str, statement: str, not_judged: str = "") -> Clause:
    return Clause(slug, Level.MUST, statement, not_judged, number)


def _should(number: str, slug: str, statement: str, not_judged: str = "") -> Clause:
    return Clause(slug, Level.SHOULD, statement, not_judged, number)


def _may(number: str, slug: str, statement: str, not_judged: str = "") -> Clause:
    return Clause(slug, Level.MAY, statement, not_judged, number)


_ALL = (
    _should("L-01", "created-run-is-queued", "creating a run returns a queued thread.run with the requested ids"),
    _must("L-02", "run-status-is-known", "a run's status is one of the nine documented values"),
    _must("L-03", "terminal-status-is-final", "a terminal status never changes"),
    _must(
        "L-04",
        "transitions-follow-the-graph",
        "a run's status changes only along the transitions of the lifecycle graph",
    ),
    _must(
        "L-05",
        "required-action-iff-requires-action",
        "required_action is set exactly while the status is requires_action",
    ),
    _should(
        "L-06",
        "tool-call-ids-unique-within-run",
        "required_action names at least one tool call, and call ids are unique within the run",
    ),
    _must("L-07", "failed-run-has-last-error", "a failed run has a last_error; a completed run has none"),
    _must("L-08", "failed-run-has-failed-at", "a failed run has failed_at"),
    _must("L-09", "incomplete-run-says-why", "an incomplete run has incomplete_details; other runs have none"),
    _may(
        "L-10",
        "incomplete-run-completed-at",
        "completed_at of an incomplete run",
        "no source documents it; it was set in the one recorded case",
    ),
    _must("L-11", "completed-run-has-completed-at", "a completed run has completed_at and no other end timestamp"),
    _must("L-12", "cancelled-run-has-cancelled-at", "a cancelled run has cancelled_at"),
    _should("L-13", "cancelled-at-only-once-cancelled", "cancelled_at is null until the status is cancelled"),
    _should("L-14", "active-run-expires-after-ten-minutes", "an active run expires ten minutes after its creation"),
    _should(
        "L-15",
        "expires-at-null-after-end",
        "expires_at is null once the run has ended",
        "the server may keep it or set it to null; its presence is a constraint",
    ),
    _must("L-16", "run-without-outputs-expires", "a run that gets no tool outputs before expires_at expires"),
    _should("L-17", "slow-run-expires", "a run that takes too long expires"),
    _may(
        "L-18",
        "expiry-wait-within-budget",
        "a test run waits ten minutes for an expiry",
        "a requirement on the suite: expiry is judged only if it falls within the time budget",
    ),
    _should(
        "L-19",
        "started-at-set-from-in-progress",
        "started_at is null while a new run is queued, and set from in_progress on",
    ),
    _may(
        "L-20",
        "started-at-after-submission",
        "started_at after tool outputs were submitted",
        "the server may keep or reset it; the real service reset it",
    ),
    _should(
        "L-21",
        "timestamps-are-ordered-seconds",
        "timestamps are whole seconds, in the order of the events that they record",
    ),
    _must("L-22", "usage-null-until-end", "usage is null until the run has ended"),
    _should(
        "L-23",
        "usage-adds-up",
        "total_tokens is the sum of its parts, and the usage of the steps adds up to that of the run",
    ),
    _should("L-24", "usage-set-for-every-end", "usage is set after every kind of ending"),
    _must(
        "L-25", "active-run-blocks-new-messages", "adding a message to a thread is refused while a run is active on it"
    ),
    _must(
        "L-26", "active-run-blocks-second-run", "creating a second run on a thread is refused while one is active on it"
    ),
    _should(
        "L-27",
        "lock-covers-all-active-statuses",
        "the thread is also locked while its run is queued, requires action or is cancelling",
    ),
    _must("L-28", "end-of-run-releases-lock", "the lock is released once the run has ended"),
    _should("L-29", "locked-thread-stays-readable", "a locked thread can be read, and its metadata modified"),
    _may(
        "L-30",
        "deletion-during-active-run",
        "deleting a message or a thread while a run is active",
        "no source documents the result",
    ),
    _should("L-31", "cancel-ends-run-in-progress", "cancelling a run in progress is accepted and ends the run"),
    _should(
        "L-32",
        "cancel-accepted-while-queued-or-waiting",
        "a queued run and a run that waits for tool outputs can be cancelled too",
    ),
    _should("L-33", "cancel-refused-after-end", "cancelling a run that has ended is refused"),
    _may(
        "L-34", "cancel-while-cancelling", "cancelling a run that is being cancelled", "both 200 and 400 are recorded"
    ),
    _should(
        "L-35",
        "cancellation-closes-steps-and-messages",
        "cancelling a run cancels its unfinished steps and leaves its messages incomplete",
    ),
    _must("L-36", "outputs-only-while-required", "tool outputs are accepted only while the run requires them"),
    _must("L-37", "outputs-all-in-one-request", "all tool outputs are submitted in one request"),
    _should("L-38", "outputs-for-unknown-calls-refused", "outputs for unknown or repeated tool calls are refused"),
    _should(
        "L-39", "refused-outputs-change-nothing", "after refused outputs the run still waits for the same tool calls"
    ),
    _should(
        "L-40", "accepted-outputs-requeue-run", "after accepted outputs the run is queued again and requires no action"
    ),
    _should("L-41", "step-records-outputs", "a step records the outputs of its tool calls"),
    _must(
        "L-42",
        "tool-step-open-until-outputs",
        "until the outputs are submitted, the step is in progress and its outputs are null",
    ),
    _must("L-43", "modify-run-changes-only-metadata", "modifying a run changes its metadata and nothing else"),
    _should("L-44", "ended-run-can-be-modified", "a run that has ended can be modified"),
    _may(
        "L-45",
        "modify-active-run",
        "modifying an active run",
        "the real service refused it and the documentation is silent; both are accepted",
    ),
    _should("L-46", "metadata-is-echoed", "metadata is echoed, and is {} if the request gave none"),
    _may(
        "L-47",
        "metadata-replace-or-merge",
        "modifying metadata replaces or merges it",
        "no source documents it; the submitted pairs are present in both cases",
    ),
    _must(
        "L-48",
        "list-envelope-order-and-default-limit",
        "a list has the list envelope, newest object first, and 20 objects by default",
    ),
    _must("L-49", "ascending-reverses-descending", "ascending order is the reverse of descending order"),
    _must(
        "L-50",
        "after-is-exclusive-and-complete",
        "`after` is exclusive, a traversal visits every object once, and has_more is true while objects remain",
    ),
    _should("L-51", "before-is-exclusive", "`before` is exclusive"),
    _must("L-52", "limit-is-honoured", "limits from 1 to 100 are honoured"),
    _should(
        "L-53",
        "first-and-last-id-match-page",
        "first_id and last_id are the ids of the first and last object of the page",
    ),
    _must("L-54", "run-identity-never-changes", "the identifying members of a run never change"),
    _must("L-55", "step-type-matches-details", "a step's type matches its details, which refer to existing objects"),
    _must(
        "L-56",
        "step-status-matches-timestamps",
        "a step's status is one of the five documented values and has the matching end timestamp",
    ),
    _should("L-57", "step-usage-null-until-done", "a step's usage is null until the step is done"),
    _should(
        "L-58",
        "message-has-step-and-names-run",
        "a completed run that wrote a message has a step for it, and the message names the run",
    ),
    _must("L-59", "client-messages-have-no-run", "messages created by clients belong to no run"),
    _must("L-60", "messages-filter-by-run", "messages can be listed by run"),
    _must("L-61", "event-name-matches-run-status", "the name of a run event matches the status of its run"),
    _must("L-62", "stream-ends-with-done", "a stream that was not interrupted ends with `done`"),
    _should("L-63", "stream-events-are-ordered", "the events of a stream are in causal order"),
    _should(
        "L-64", "stream-is-sse-with-json", "a stream is text/event-stream, and each event has a name and JSON data"
    ),
    _must(
        "L-65", "deltas-between-creation-and-end", "deltas are sent between the creation and the end of their object"
    ),
    _must("L-66", "deltas-add-up", "the deltas add up to the final text and arguments"),
    _should("L-67", "step-completes-after-its-message", "a message step completes after its message"),
    _should("L-68", "stream-closes-on-required-action", "a stream closes when the run requires action"),
    _should(
        "L-69", "submit-stream-opens-with-completed-step", "the stream of a submission opens with the completed step"
    ),
    _must("L-70", "thread-created-only-with-new-thread", "thread.created is sent only if the request created a thread"),
    _may("L-71", "error-event-shape", "the shape of an error event", "both shapes are recorded; informational only"),
    _must(
        "L-72",
        "unknown-events-are-tolerated",
        "events that the contract does not name are tolerated",
        "a requirement on the suite: an unknown event is never a finding",
    ),
    _must("L-73", "no-stream-means-json", "without stream, the response is JSON"),
    _should("L-74", "stored-object-matches-stream", "objects stored after a stream match the last event about them"),
    _must(
        "L-75", "thread-and-run-creates-messages", "creating a thread and a run creates the thread with its messages"
    ),
    _may(
        "L-76",
        "run-on-empty-thread",
        "a run on an empty thread, without instructions",
        "the real service refused it; no program requests it",
    ),
    _must(
        "L-77",
        "additional-messages-are-added-first",
        "additional messages are in the thread before the response of the run",
    ),
    _should(
        "L-78",
        "overrides-or-assistant-settings",
        "the run uses the overrides of its request, and the assistant's settings otherwise",
    ),
    _may(
        "L-79",
        "additional-instructions-visibility",
        "instructions include the additional instructions",
        "no source documents it",
    ),
    _must("L-80", "tool-choice-is-obeyed", "tool_choice is obeyed"),
    _should(
        "L-81", "no-parallel-calls-when-disabled", "with parallel tool calls disabled, the run makes one call at a time"
    ),
    _should("L-82", "defaults-are-echoed", "defaults are echoed"),
    _should("L-83", "token-limits-are-echoed", "token limits are echoed, and null if the request gave none"),
    _should("L-84", "unknown-object-is-404", "a request for an unknown object gets 404"),
    _must("L-85", "errors-have-envelope", "errors have the error envelope"),
    _should("L-86", "missing-beta-header-refused", "a request without the beta header is refused"),
    _should("L-87", "invalid-key-is-401", "a request without a valid key gets 401"),
    _should("L-88", "deleted-object-is-gone", "a deleted object is gone"),
    _may("L-89", "search-results-only-when-included", "search results have content only if the request includes it"),
    _should("L-90", "run-only-under-own-thread", "a run is found only under its own thread"),
    Clause("streamed-run-shows-its-message", Level.MUST, "the stream of a run has events of the message it writes"),
)

CLAUSES: dict[str, Clause] = {each.slug: each for each in _ALL}
"""All clauses by slug, in the order of the study."""

_BY_NUMBER = {each.formerly: each for each in _ALL if each.formerly}


def current_slug(name: str) -> str:
    """The slug of a clause that an older report or kill matrix cites by number (`L-25`); any other name as is."""
    return _BY_NUMBER[name].slug if name in _BY_NUMBER else name
