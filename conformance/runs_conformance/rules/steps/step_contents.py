"""The run and message that a step names, its details, and that it is kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from runs_conformance.evidence.complete_list import (
    check_listed,
    complete_lists_of,
    may_end_early,
    steps_after_run_end,
)
from runs_conformance.evidence.observation import JSON_CHANNEL, Observation, message_observations, step_observations
from runs_conformance.evidence.page import Page
from runs_conformance.evidence.run_timeline import RunTimeline, parents_of_run, runs
from runs_conformance.evidence.sent_messages import messages_sent_to
from runs_conformance.evidence.tool_call import step_observations_of_run
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, JSON, at, is_array
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, observed, prose, schema
from runs_conformance.model.verdict import Result, Suspicion

_STEP = "openai-openapi f85dbe2 openapi.yaml RunStepObject"
_GUIDE = prose("openai-cookbook d2bb606 examples/data/oai_docs/how-it-works.txt, run steps")
_RECORDED = observed("recorded traffic: openai-dotnet SessionRecords 2025-10-30, openllmetry 2026-03-31")
_MESSAGE_ID = "/step_details/message_creation/message_id"


@rule(
    units=runs,
    level=Level.MUST,
    source=schema(f"{_STEP}.thread_id, assistant_id"),
    capability="steps",
    clauses=("run-identity-never-changes", "step-type-matches-details"),
)
def belong_to_their_run(run: RunTimeline) -> Iterator[Result]:
    """A step has the `thread_id` and `assistant_id` of its run.

    Clients follow these ids from a step to its message and assistant.

    Fix: Copy `thread_id` and `assistant_id` from the run to its steps.
    """
    for name in ("thread_id", "assistant_id"):
        expected = parents_of_run(run, name)
        for step in step_observations_of_run(run) if expected else ():
            actual, message = step.get(name), f"`{name}` differs from the run's"
            if actual is not ABSENT:
                yield step.check(actual in expected, message, f"/{name}", expected[0], actual)


@rule(
    units=step_observations,
    level=Level.MUST,
    source=schema(f"{_STEP}.type, step_details"),
    capability="steps",
    clauses=("step-type-matches-details",),
)
def details_fit_the_type(step: Observation) -> Iterator[Result]:
    """A step's details match its type: `message_creation` names a message, `tool_calls` holds calls.

    Clients choose by the type how to read the details.

    Fix: Set `type` and `step_details` together.
    """
    type_, details_type = step.text("type"), step.get("/step_details/type")
    if type_ and step.get("step_details") is not ABSENT:
        yield step.check(
            details_type == type_,
            "`step_details` does not match the type of the step",
            "/step_details/type",
            type_,
            details_type,
        )
        member = step.get(f"/step_details/{type_}")
        yield step.check(member is not ABSENT, f"`step_details` has no {type_}", "/step_details", type_, None)


@rule(
    units=runs,
    level=Level.MUST,
    source=schema("openai-openapi f85dbe2 openapi.yaml RunStepDetailsMessageCreationObject"),
    capability="steps",
    clauses=("step-type-matches-details", "message-has-step-and-names-run"),
    needs_complete_history=True,
)
def named_messages_exist(run: RunTimeline) -> Iterator[Result]:
    """A `message_creation` step names a message of the thread that the step's run wrote.

    Clients fetch the answer by this id. Judged when the run has ended, on any response that shows the message, or else
    on a complete list of the thread's messages.

    Fix: Store the message with the ids of its run and thread, and give its id to the step, in one transaction.
    """
    for id_, step in {step.text("id"): step for step in step_observations_of_run(run)}.items():
        message_id = step.get(_MESSAGE_ID)
        if not id_ or not isinstance(message_id, str) or not run.had_ended_before(step.exchange):
            continue
        observations = [message for message in message_observations(run.history) if message.id == message_id]
        if observations:
            # An event that shows the message before its members are set does not prove that another run wrote it.
            for parent, id_of_parent, what in (
                ("run_id", run.id, "was not written by the run"),
                ("thread_id", run.thread_id, "is in another thread"),
            ):
                shown = [message.get(parent) for message in observations]
                fits = any(each in (id_of_parent, ABSENT) for each in shown)
                problem = f"of the run has no {parent}" if shown[-1] is None else what
                yield step.check(fits, f"the message {message_id} {problem}", _MESSAGE_ID, id_of_parent, shown[-1])
        if not observations and (page := _complete_message_list(run)) is not None:
            if len(page.shown) < len(messages_sent_to(run.history, run.thread_id, page.exchange)):
                yield Suspicion("the list shows fewer messages than were sent to the thread")
            else:
                yield step.finding(
                    "the message that the step names is not in the thread", _MESSAGE_ID, list(page.ids), message_id
                )


def _complete_message_list(run: RunTimeline) -> Page | None:
    """A complete list of the thread's messages after the run's end, if none was ever deleted and all have an id."""
    thread_id = run.thread_id
    if any(e.operation == "delete_message" and e.path.get("thread_id") == thread_id for e in run.history):
        return None
    complete = (
        page
        for page in complete_lists_of(run.history, "list_messages", thread_id=thread_id)
        if not page.lacks_ids and not may_end_early(page)
    )
    return next((page for page in complete if run.had_ended_before(page.exchange)), None)


@rule(
    units=runs,
    level=Level.SHOULD,
    source=_RECORDED,
    capability="steps",
    clauses=("timestamps-are-ordered-seconds",),
)
def are_younger_than_their_run(run: RunTimeline) -> Iterator[Result]:
    """A step is created no earlier than its run.

    Clients sort runs and steps by `created_at`. An earlier time comes from another clock, or from the message that the
    step names.

    Fix: Take `created_at` from the current time when the step is created.
    """
    run_created = run.observations[0].time("created_at")
    for step in step_observations_of_run(run):
        step_created = step.time("created_at")
        if run_created is not None and step_created is not None:
            yield step.check(
                run_created <= step_created,
                "the step was created before its run",
                "/created_at",
                run_created,
                step_created,
            )


def _ended_runs_with_steps(history: History) -> Iterable[tuple[RunTimeline, Page]]:
    lists = ((run, steps_after_run_end(history, run.id)) for run in runs(history))
    return ((run, page) for run, page in lists if page is not None)


@rule(
    units=_ended_runs_with_steps,
    level=Level.SHOULD,
    source=_GUIDE,
    capability="steps",
    clauses=("cancellation-closes-steps-and-messages",),
)
def are_not_lost(run_with_steps: tuple[RunTimeline, Page]) -> Iterator[Result]:
    """A step that was once shown is in the list of its run's steps after the run has ended.

    Steps document how a run reached its answer and what was paid for, whatever its final status.

    Fix: Keep all steps of a run, however it ends.
    """
    run, page = run_with_steps
    earlier_ids = {step.id for step in step_observations_of_run(run) if step.exchange.happened_before(page.exchange)}
    if earlier_ids - {""}:
        yield check_listed(page, sorted(earlier_ids - {""}), "the step {} is no longer listed")


@rule(
    units=step_observations,
    level=Level.MAY,
    source=schema("openai-openapi f85dbe2 openapi.yaml RunStepDetailsToolCallsFileSearchResultObject.content"),
    capability="steps",
    clauses=("search-results-only-when-included",),
)
def results_show_their_content_if_asked(step: Observation) -> Iterator[Result]:
    """File search results show their content if the request includes it, and only then.

    The content is large, so clients request it with `include[]`. The document does not say what happens otherwise.

    Fix: Return the content of results only if `include[]` names it.
    """
    requested = any(name == "include[]" for name, _ in step.exchange.request.query)
    for index, results in enumerate(_results(step) if step.channel == JSON_CHANNEL else ()):
        for result in results:
            pointer = f"/step_details/tool_calls/{index}/file_search/results"
            message = (
                "results lack the content that `include[]` names"
                if requested
                else "results show content that `include[]` does not name"
            )
            yield step.check(
                (at(result, "/content") is not ABSENT) is requested, message, pointer, requested, not requested
            )


def _results(step: Observation) -> Iterator[Sequence[JSON]]:
    calls = step.get("/step_details/tool_calls")
    for call in calls if is_array(calls) else ():
        results = at(call, "/file_search/results")
        yield results if is_array(results) else ()
