"""The numbered items of the contract that are not schema keywords: what must hold over time, and between answers.

The numbers are those by which the contract study that this project rests on cites them. The levels are the study's,
with later corrections. An item that no rule judges says why.
"""

from __future__ import annotations

from dataclasses import dataclass

from runs_conformance.model.source import Level

MUST, SHOULD, MAY = Level.MUST, Level.SHOULD, Level.MAY


@dataclass(frozen=True, slots=True)
class Item:
    """One numbered item. `not_judged` is the reason why no rule asserts it, where none does."""

    id: str
    level: Level
    text: str
    not_judged: str = ""


_ALL: tuple[tuple[Level, str, str], ...] = (
    (SHOULD, "a created run is answered as thread.run, queued, with the ids that were asked for", ""),
    (MUST, "a run's status is one of the nine", ""),
    (MUST, "a terminal status never changes", ""),
    (MUST, "only transitions of the graph are seen", ""),
    (MUST, "required_action is set exactly while the status is requires_action", ""),
    (SHOULD, "there is a tool call to answer, and call ids are unique within the run", ""),
    (MUST, "a failed run has a last_error, a completed one has none", ""),
    (MUST, "a failed run has failed_at", ""),
    (MUST, "an incomplete run says why, others do not", ""),
    (MAY, "completed_at of an incomplete run", "no source says whether it is set; it was, once"),
    (MUST, "a completed run has completed_at and no other end stamp", ""),
    (MUST, "a cancelled run has cancelled_at", ""),
    (SHOULD, "cancelled_at waits for the status cancelled", ""),
    (SHOULD, "an active run expires ten minutes after its creation", ""),
    (SHOULD, "expires_at is null once the run is over", "kept or null is the server's choice; absent is a constraint"),
    (MUST, "a run whose outputs do not come before expires_at expires", ""),
    (SHOULD, "a run that takes too long expires", ""),
    (
        MAY,
        "waiting ten minutes for an expiry",
        "a rule for the suite: expiry is judged only where it falls into the time budget",
    ),
    (SHOULD, "started_at is null while freshly queued, and set from in_progress on", ""),
    (MAY, "started_at after outputs were submitted", "kept or reset is the server's choice; the real service reset it"),
    (SHOULD, "stamps are whole seconds, in the order of what they mark", ""),
    (MUST, "usage is null until the run is over", ""),
    (SHOULD, "usage adds up, and the steps' usage adds up to the run's", ""),
    (SHOULD, "usage is set for every end", ""),
    (MUST, "no message is added to a thread while a run is active on it", ""),
    (MUST, "no second run is started on a thread while one is active on it", ""),
    (SHOULD, "the lock covers queued, requires_action and cancelling", ""),
    (MUST, "the lock is gone once the run is over", ""),
    (SHOULD, "reads, and modifying a thread's metadata, are possible while it is locked", ""),
    (MAY, "deleting a message or a thread while a run is active", "no source says what happens"),
    (SHOULD, "cancelling a run in progress is accepted and ends it", ""),
    (SHOULD, "a queued run, and one that waits for outputs, can be cancelled too", ""),
    (SHOULD, "cancelling a run that is over is refused", ""),
    (MAY, "cancelling a run that is being cancelled", "200 and 400 are both seen"),
    (SHOULD, "a cancelled run's unfinished steps are cancelled and its messages incomplete", ""),
    (MUST, "outputs are accepted only while the run waits for them", ""),
    (MUST, "all outputs come in one request", ""),
    (SHOULD, "outputs for unknown or repeated calls are refused", ""),
    (SHOULD, "refused outputs leave the run waiting for the same calls", ""),
    (SHOULD, "accepted outputs queue the run again, with nothing required of the client", ""),
    (SHOULD, "a step records the outputs of its calls", ""),
    (MUST, "until the outputs come, the step is in progress and its outputs are null", ""),
    (MUST, "modifying a run changes its metadata and nothing else", ""),
    (SHOULD, "a run that is over can be modified", ""),
    (MAY, "modifying an active run", "the real service refused it, the docs are silent; either is accepted"),
    (SHOULD, "metadata is echoed, and is {} where none was given", ""),
    (MAY, "whether modifying metadata replaces or merges", "no source says; what was sent is there in both cases"),
    (MUST, "lists have their envelope, are newest first, and hold 20 unless told otherwise", ""),
    (MUST, "ascending is the reverse of descending", ""),
    (MUST, "after is exclusive, a walk reaches every item once, has_more says whether there is more", ""),
    (SHOULD, "before is exclusive", ""),
    (MUST, "limits from 1 to 100 are honoured", ""),
    (SHOULD, "first_id and last_id are those of the page", ""),
    (MUST, "what identifies a run never changes", ""),
    (MUST, "a step's type fits its details, which name what exists", ""),
    (MUST, "a step's status is one of the five, with its end stamp", ""),
    (SHOULD, "a step's usage is null until it is done", ""),
    (SHOULD, "a completed run that wrote something has a step for it, and the message names the run", ""),
    (MUST, "messages that clients create belong to no run", ""),
    (MUST, "messages can be listed by run", ""),
    (MUST, "an event's name fits its run's status", ""),
    (MUST, "a stream that did not break off ends with done", ""),
    (SHOULD, "a stream's events come in the order of what they tell", ""),
    (SHOULD, "a stream is text/event-stream, each event with a name and JSON data", ""),
    (MUST, "deltas come between the creation and the end of what they add to", ""),
    (MUST, "the deltas add up to the final text and arguments", ""),
    (SHOULD, "a message step completes after its message", ""),
    (SHOULD, "a stream closes when the run waits for outputs", ""),
    (SHOULD, "the stream after outputs opens with the completed step", ""),
    (MUST, "thread.created comes only where a thread was created", ""),
    (MAY, "the shape of an error event", "both shapes are seen; information only"),
    (
        MUST,
        "events that the contract does not name are tolerated",
        "a rule for the suite: other events are never a finding",
    ),
    (MUST, "without stream, the answer is JSON", ""),
    (SHOULD, "what is stored after a stream is what the stream said last", ""),
    (MUST, "create thread and run creates the thread with its messages", ""),
    (MAY, "a run on an empty thread, without instructions", "the real service refused it; programs never ask for it"),
    (MUST, "additional messages are in the thread before the answer", ""),
    (SHOULD, "overrides are what the run uses, else the assistant's own", ""),
    (MAY, "whether instructions show the additional instructions", "no source says"),
    (MUST, "tool_choice is obeyed", ""),
    (SHOULD, "without parallel tool calls there is one call at a time", ""),
    (SHOULD, "defaults are echoed", ""),
    (SHOULD, "token limits are echoed, and null where none was given", ""),
    (SHOULD, "what does not exist is 404", ""),
    (MUST, "errors have their envelope", ""),
    (SHOULD, "a request without the beta header is refused", ""),
    (SHOULD, "a request without a valid key is 401", ""),
    (SHOULD, "what was deleted is gone", ""),
    (MAY, "search results hold content only where it was asked for", ""),
    (SHOULD, "a run is found only under its own thread", ""),
)

ITEMS: dict[str, Item] = {
    f"L-{number:02}": Item(f"L-{number:02}", level, text, reason)
    for number, (level, text, reason) in enumerate(_ALL, start=1)
}
"""All items by id, `L-01` to `L-90`."""
