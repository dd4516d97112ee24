"""The clauses of the contract that are not schema keywords: behaviour over time, and across responses.

Rules and mutants cite a clause by its slug. A clause has no level of its own: docs/traceability.md shows those of its
rules. A clause that no rule judges gives the reason.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clause:
    """One statement of the contract. `not_judged` is the reason why no rule judges it; `formerly` is its number in the
    study that this project rests on, by which older reports and kill matrices cite it.
    """

    slug: str
    statement: str
    not_judged: str = ""
    formerly: str = ""


def _clause(number: str, slug: str, statement: str, not_judged: str = "") -> Clause:
    return Clause(slug, statement, not_judged, number)


_ALL = (
    _clause("L-01", "created-run-is-queued", "creating a run returns a queued thread.run with the requested ids"),
    _clause("L-02", "run-status-is-known", "a run's status is one of the nine documented values"),
    _clause("L-03", "terminal-status-is-final", "a terminal status never changes"),
    _clause(
        "L-04",
        "transitions-follow-the-graph",
        "a run's status changes only along the transitions of the lifecycle graph",
    ),
    _clause(
        "L-05",
        "required-action-iff-requires-action",
        "required_action is set exactly while the status is requires_action",
    ),
    _clause(
        "L-06",
        "tool-call-ids-unique-within-run",
        "required_action names at least one tool call, and call ids are unique within the run",
    ),
    _clause("L-07", "failed-run-has-last-error", "a failed run has a last_error; a completed run has none"),
    _clause("L-08", "failed-run-has-failed-at", "a failed run has failed_at"),
    _clause("L-09", "incomplete-run-says-why", "an incomplete run has incomplete_details; other runs have none"),
    _clause(
        "L-10",
        "incomplete-run-completed-at",
        "an incomplete run may have a completed_at",
        "no source documents it; it was set in the one recorded case",
    ),
    _clause("L-11", "completed-run-has-completed-at", "a completed run has completed_at and no other end timestamp"),
    _clause("L-12", "cancelled-run-has-cancelled-at", "a cancelled run has cancelled_at"),
    _clause("L-13", "cancelled-at-only-once-cancelled", "cancelled_at is null until the status is cancelled"),
    _clause("L-14", "active-run-expires-after-ten-minutes", "an active run expires ten minutes after its creation"),
    _clause(
        "L-15",
        "expires-at-null-after-end",
        "expires_at is null once the run has ended",
    ),
    _clause("L-16", "run-without-outputs-expires", "a run that gets no tool outputs before expires_at expires"),
    _clause("L-17", "slow-run-expires", "a run that takes too long expires"),
    _clause(
        "L-19",
        "started-at-set-from-in-progress",
        "started_at is null while a new run is queued, and set from in_progress on",
    ),
    _clause(
        "L-20",
        "started-at-after-submission",
        "started_at may be kept or reset after tool outputs were submitted",
    ),
    _clause(
        "L-21",
        "timestamps-are-ordered-seconds",
        "timestamps are whole seconds, in the order of the events that they record",
    ),
    _clause("L-22", "usage-null-until-end", "usage is null until the run has ended"),
    _clause(
        "L-23",
        "usage-adds-up",
        "total_tokens is the sum of its parts, and the usage of the steps adds up to that of the run",
    ),
    _clause("L-24", "usage-set-for-every-end", "usage is set after every kind of ending"),
    _clause(
        "L-25", "active-run-blocks-new-messages", "adding a message to a thread is refused while a run is active on it"
    ),
    _clause(
        "L-26", "active-run-blocks-second-run", "creating a second run on a thread is refused while one is active on it"
    ),
    _clause(
        "L-27",
        "lock-covers-all-active-statuses",
        "the thread is also locked while its run is queued, requires action or is cancelling",
    ),
    _clause("L-28", "end-of-run-releases-lock", "the lock is released once the run has ended"),
    _clause("L-29", "locked-thread-stays-readable", "a locked thread can be read, and its metadata modified"),
    _clause(
        "L-30",
        "deletion-during-active-run",
        "a message or thread may be deleted while a run is active, or the deletion refused",
        "no source documents the result",
    ),
    _clause("L-31", "cancel-ends-run-in-progress", "cancelling a run in progress is accepted and ends the run"),
    _clause(
        "L-32",
        "cancel-accepted-while-queued-or-waiting",
        "a queued run and a run that waits for tool outputs can be cancelled too",
    ),
    _clause("L-33", "cancel-refused-after-end", "cancelling a run that has ended is refused"),
    _clause(
        "L-34",
        "cancel-while-cancelling",
        "a second cancellation may be accepted or refused",
        "both 200 and 400 are recorded",
    ),
    _clause(
        "L-35",
        "cancellation-closes-steps-and-messages",
        "cancelling a run cancels its unfinished steps and leaves its messages incomplete",
    ),
    _clause("L-36", "outputs-only-while-required", "tool outputs are accepted only while the run requires them"),
    _clause("L-37", "outputs-all-in-one-request", "all tool outputs are submitted in one request"),
    _clause("L-38", "outputs-for-unknown-calls-refused", "outputs for unknown or repeated tool calls are refused"),
    _clause(
        "L-39", "refused-outputs-change-nothing", "after refused outputs the run still waits for the same tool calls"
    ),
    _clause(
        "L-40", "accepted-outputs-requeue-run", "after accepted outputs the run is queued again and requires no action"
    ),
    _clause("L-41", "step-records-outputs", "a step records the outputs of its tool calls"),
    _clause(
        "L-42",
        "tool-step-open-until-outputs",
        "until the outputs are submitted, the step is in progress and its outputs are null",
    ),
    _clause("L-43", "modify-run-changes-only-metadata", "modifying a run changes its metadata and nothing else"),
    _clause("L-44", "ended-run-can-be-modified", "a run that has ended can be modified"),
    _clause(
        "L-45",
        "modify-active-run",
        "a modification of an active run may be accepted or refused",
    ),
    _clause("L-46", "metadata-is-echoed", "metadata is echoed, and is {} if the request gave none"),
    _clause(
        "L-47",
        "metadata-replace-or-merge",
        "a modification of metadata replaces or merges it",
    ),
    _clause(
        "L-48",
        "list-envelope-order-and-default-limit",
        "a list has the list envelope, newest object first, and 20 objects by default",
    ),
    _clause("L-49", "ascending-reverses-descending", "ascending order is the reverse of descending order"),
    _clause(
        "L-50",
        "after-is-exclusive-and-complete",
        "`after` is exclusive, a traversal visits every object once, and has_more is true while objects remain",
    ),
    _clause("L-51", "before-is-exclusive", "`before` is exclusive"),
    _clause("L-52", "limit-is-honoured", "limits from 1 to 100 are honoured"),
    _clause(
        "L-53",
        "first-and-last-id-match-page",
        "first_id and last_id are the ids of the first and last object of the page",
    ),
    _clause("L-54", "run-identity-never-changes", "the identifying members of a run never change"),
    _clause("L-55", "step-type-matches-details", "a step's type matches its details, which refer to existing objects"),
    _clause(
        "L-56",
        "step-status-matches-timestamps",
        "a step's status is one of the five documented values and has the matching end timestamp",
    ),
    _clause("L-57", "step-usage-null-until-done", "a step's usage is null until the step is done"),
    _clause(
        "L-58",
        "message-has-step-and-names-run",
        "a completed run that wrote a message has a step for it, and the message names the run",
    ),
    _clause("L-59", "client-messages-have-no-run", "messages created by clients belong to no run"),
    _clause("L-60", "messages-filter-by-run", "messages can be listed by run"),
    _clause("L-61", "event-name-matches-run-status", "the name of a run event matches the status of its run"),
    _clause("L-62", "stream-ends-with-done", "a stream that was not interrupted ends with `done`"),
    _clause("L-63", "stream-events-are-ordered", "the events of a stream are in causal order"),
    _clause(
        "L-64", "stream-is-sse-with-json", "a stream is text/event-stream, and each event has a name and JSON data"
    ),
    _clause(
        "L-65", "deltas-between-creation-and-end", "deltas are sent between the creation and the end of their object"
    ),
    _clause("L-66", "deltas-add-up", "the deltas add up to the final text and arguments"),
    _clause("L-67", "step-completes-after-its-message", "a message step completes after its message"),
    _clause("L-68", "stream-closes-on-required-action", "a stream closes when the run requires action"),
    _clause(
        "L-69", "submit-stream-opens-with-completed-step", "the stream of a submission opens with the completed step"
    ),
    _clause(
        "L-70", "thread-created-only-with-new-thread", "thread.created is sent only if the request created a thread"
    ),
    _clause("L-71", "error-event-shape", "the data of an error event is an error, or an object with the member error"),
    _clause(
        "L-72",
        "unknown-events-are-tolerated",
        "events that the contract does not name are tolerated",
        "a requirement on the suite: an unknown event is never a finding",
    ),
    _clause("L-73", "no-stream-means-json", "without stream, the response is JSON"),
    _clause("L-74", "stored-object-matches-stream", "objects stored after a stream match the last event about them"),
    _clause(
        "L-75", "thread-and-run-creates-messages", "creating a thread and a run creates the thread with its messages"
    ),
    _clause(
        "L-76",
        "run-on-empty-thread",
        "a run on an empty thread without instructions may be refused",
        "the real service refused it; no program requests it",
    ),
    _clause(
        "L-77",
        "additional-messages-are-added-first",
        "additional messages are in the thread before the response of the run",
    ),
    _clause(
        "L-78",
        "overrides-or-assistant-settings",
        "the run uses the overrides of its request, and the assistant's settings otherwise",
    ),
    _clause(
        "L-79",
        "additional-instructions-visibility",
        "instructions include the additional instructions",
    ),
    _clause("L-80", "tool-choice-is-obeyed", "tool_choice is obeyed"),
    _clause(
        "L-81", "no-parallel-calls-when-disabled", "with parallel tool calls disabled, the run makes one call at a time"
    ),
    _clause("L-82", "defaults-are-echoed", "defaults are echoed"),
    _clause("L-83", "token-limits-are-echoed", "token limits are echoed, and null if the request gave none"),
    _clause("L-84", "unknown-object-is-404", "a request for an unknown object gets 404"),
    _clause("L-85", "errors-have-envelope", "errors have the error envelope"),
    _clause("L-86", "missing-beta-header-refused", "a request without the beta header is refused"),
    _clause("L-87", "invalid-key-is-401", "a request without a valid key gets 401"),
    _clause("L-88", "deleted-object-is-gone", "a deleted object is gone"),
    _clause("L-89", "search-results-only-when-included", "search results have content only if the request includes it"),
    _clause("L-90", "run-only-under-own-thread", "a run is found only under its own thread"),
    Clause("streamed-run-shows-its-message", "the stream of a run has events of the message it writes"),
)

CLAUSES: dict[str, Clause] = {each.slug: each for each in _ALL}
"""All clauses by slug, in the order of the study."""

_BY_NUMBER = {each.formerly: each for each in _ALL if each.formerly}


def current_slug(name: str) -> str:
    """The slug of a clause that an older report or kill matrix cites by number (`L-25`); any other name as is."""
    return _BY_NUMBER[name].slug if name in _BY_NUMBER else name
