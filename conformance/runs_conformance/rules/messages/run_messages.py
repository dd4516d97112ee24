"""Messages that a run writes."""

from __future__ import annotations

from collections.abc import Iterator

from runs_conformance.evidence.complete_list import steps_after_run_end
from runs_conformance.evidence.run_timeline import RunTimeline, parents_of_run, runs
from runs_conformance.evidence.written_messages import messages_of_run
from runs_conformance.model.json import ABSENT
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, schema
from runs_conformance.model.verdict import PASSED, Result, Suspicion

_MESSAGE = "openai-openapi f85dbe2 openapi.yaml MessageObject"


@rule(
    units=runs,
    level=Level.SHOULD,
    source=schema(f"{_MESSAGE}.assistant_id"),
    capability="messages",
    clauses=("message-has-step-and-names-run",),
)
def answer_names_its_assistant(run: RunTimeline) -> Iterator[Result]:
    """A message that a run wrote has role `assistant` and the run's `assistant_id`.

    In a thread with several assistants, nothing else shows which of them wrote a message.

    Fix: Copy `assistant_id` from the run to every message it writes.
    """
    for message in messages_of_run(run):
        role, author = message.get("role"), message.get("assistant_id")
        expected = parents_of_run(run, "assistant_id")
        yield message.check(
            role == "assistant",
            "a message that a run wrote has a role other than assistant",
            "/role",
            "assistant",
            role,
        )
        if expected and author is not ABSENT:
            yield message.check(
                author in expected,
                "the message does not name the assistant of its run",
                "/assistant_id",
                expected[0],
                author,
            )


@rule(
    units=runs,
    level=Level.SHOULD,
    source=schema("openai-openapi f85dbe2 openapi.yaml RunStepDetailsMessageCreationObject"),
    capability="steps",
    clauses=("message-has-step-and-names-run",),
)
def answer_has_a_step(run: RunTimeline) -> Iterator[Result]:
    """Each message that a run wrote is named by one of the run's steps.

    Clients find the messages of a run through its steps. Judged on a complete list of steps requested after the run had
    ended.

    Fix: Create a `message_creation` step for every message that a run writes.
    """
    page = steps_after_run_end(run.history, run.id)
    if page is not None:
        named, named_elsewhere = (
            [step.get("/step_details/message_creation/message_id") for step in steps]
            for steps in (page.items, page.shown)
        )
        for id_ in dict.fromkeys(message.id for message in messages_of_run(run)):
            if id_ in named:
                yield PASSED
            elif id_ in named_elsewhere:
                yield Suspicion("the step that names the message has another `thread_id` or `run_id`")
            else:
                yield page.exchange.finding(f"no step of the run names its message {id_}", "/data")


@rule(
    units=runs,
    level=Level.SHOULD,
    source=schema(f"{_MESSAGE}.incomplete_details: run_cancelled, run_expired, run_failed"),
    capability="messages",
    clauses=("cancellation-closes-steps-and-messages",),
)
def end_with_their_run(run: RunTimeline) -> Iterator[Result]:
    """No message of an ended run is in progress.

    A user interface shows such a message as one that is still being written. Judged if the status of stored messages is
    shown; the real service shows it in streams only.

    Fix: End the open message in the transaction that ends the run: `completed`, or `incomplete` with the reason.
    """
    for message in messages_of_run(run):
        status = message.get("status")
        if status is not ABSENT and run.had_ended_before(message.exchange):
            is_open = status == "in_progress"
            yield message.check(
                not is_open, "the run has ended, but the message is in progress", "/status", "incomplete", status
            )
