"""The status of a step and its end."""

from __future__ import annotations

from collections.abc import Iterator

from runs_conformance.contract.lifecycle import STEP_END_TIMESTAMPS, STEP_STATUSES, STEP_TERMINAL
from runs_conformance.evidence.member_form import check_constant
from runs_conformance.evidence.observation import Observation, step_observations
from runs_conformance.evidence.run_timeline import RunTimeline, runs
from runs_conformance.evidence.timeline import Timeline, steps
from runs_conformance.evidence.tool_call import step_observations_of_run, step_tool_calls
from runs_conformance.model.json import ABSENT, is_object, json_equal
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, observed, prose, schema
from runs_conformance.model.text import in_words
from runs_conformance.model.verdict import Result

_STEP = "openai-openapi f85dbe2 openapi.yaml RunStepObject"
_GUIDE = prose("openai-cookbook d2bb606 examples/data/oai_docs/how-it-works.txt, run steps")
_RECORDED = observed("recorded traffic: openai-dotnet SessionRecords 2025-10-30, openllmetry 2026-03-31")
_END_TIMES = tuple(STEP_END_TIMESTAMPS.values())
_MESSAGE_ID = "/step_details/message_creation/message_id"


@rule(
    units=step_observations,
    level=Level.MUST,
    source=schema(f"{_STEP}.status"),
    capability="steps",
    clauses=("step-status-matches-timestamps",),
)
def status_is_known(step: Observation) -> Iterator[Result]:
    """A step's status is one of the five that the contract names.

    Clients wait for a step by its status. No step is `queued` or `requires_action`: one that waits for outputs is
    `in_progress`.

    Fix: Map the server's states of steps to the contract's five names.
    """
    known, status = list(STEP_STATUSES), step.get("status")
    yield step.check(step.status in known, f"the step's status is {in_words(status)}", "/status", known, status)


@rule(units=steps, level=Level.MUST, source=_GUIDE, capability="steps", clauses=("step-status-matches-timestamps",))
def ended_step_stays_ended(timeline: Timeline) -> Iterator[Result]:
    """A step that has ended keeps its status.

    Clients act on the end of a step and do not read the step again.

    Fix: Write the end of a step once.
    """
    for earlier, later in timeline.pairs():
        if earlier.status in STEP_TERMINAL and later.status in STEP_STATUSES:
            holds = later.status == earlier.status
            message = f"the step had ended {earlier.status!r}, and is now {later.status!r}"
            yield later.check(holds, message, "/status", earlier.status, later.status)


@rule(
    units=step_observations,
    level=Level.MUST,
    source=schema(f"{_STEP}, the description of each stamp"),
    capability="steps",
    clauses=("step-status-matches-timestamps",),
)
def ended_step_says_when(step: Observation) -> Iterator[Result]:
    """A completed, failed or cancelled step has the timestamp of that end.

    Clients measure by it how long a step took. The timestamp of an expired step was never recorded, so it is not
    judged.

    Fix: Write the timestamp together with the status.
    """
    name = STEP_END_TIMESTAMPS.get(step.status)
    if name is not None:
        value = step.get(name)
        yield step.check(
            value not in (None, ABSENT), f"the {step.status} step has no {name}", f"/{name}", "a time", value
        )


@rule(
    units=step_observations,
    level=Level.SHOULD,
    source=_RECORDED,
    capability="steps",
    clauses=("step-status-matches-timestamps",),
)
def open_step_has_no_end(step: Observation) -> Iterator[Result]:
    """A step in progress has no `completed_at`, `failed_at` or `cancelled_at`.

    Clients sort and measure by these times.

    Fix: Write each timestamp together with its status.
    """
    for name in _END_TIMES if step.status == "in_progress" else ():
        value = step.get(name)
        if value is not ABSENT:
            yield step.check(value is None, f"a step in progress has a {name}", f"/{name}", None, value)


@rule(
    units=steps,
    level=Level.MUST,
    source=schema(f"{_STEP}, the description of each stamp"),
    capability="steps",
    clauses=("run-identity-never-changes", "step-status-matches-timestamps"),
)
def stamps_of_an_ended_step_stay(timeline: Timeline) -> Iterator[Result]:
    """The end time of a step is the same in every response that shows the step.

    An end that moves is the time of the read, not of the end.

    Fix: Store the time when the step ends.
    """
    ended = [observation for observation in timeline.observations if observation.status in STEP_TERMINAL]
    ended_alike = [observation for observation in ended if observation.status == ended[0].status]
    for name in _END_TIMES:
        yield from check_constant(ended_alike, name, f"`{name}` changed after the step had ended", json_equal)


@rule(
    units=steps,
    level=Level.SHOULD,
    source=_GUIDE,
    capability="steps",
    clauses=("run-identity-never-changes", "stored-object-matches-stream"),
)
def ended_step_shows_the_same(timeline: Timeline) -> Iterator[Result]:
    """An ended step names the same message, or shows the same calls, in every response that shows it.

    Operators reconstruct from the steps what a run did.

    Fix: Return the stored step in reads, lists and events.
    """
    ended = [observation for observation in timeline.observations if observation.status in STEP_TERMINAL]
    for observation in ended[1:]:
        was, now = ended[0].get(_MESSAGE_ID), observation.get(_MESSAGE_ID)
        yield observation.check(json_equal(was, now), "the step now names a different message", _MESSAGE_ID, was, now)
        same_calls = step_tool_calls(ended[0]) == step_tool_calls(observation)
        before, after = ended[0].get("step_details"), observation.get("step_details")
        yield observation.check(same_calls, "the step now shows different calls", "/step_details", before, after)


@rule(
    units=step_observations,
    level=Level.SHOULD,
    source=schema(f"{_STEP}.usage"),
    capability="steps",
    clauses=("step-usage-null-until-done",),
)
def usage_goes_with_the_status(step: Observation) -> Iterator[Result]:
    """A step in progress has no usage; a completed one shows its token usage.

    Clients add up the usage of steps, so a running total would be counted twice.

    Fix: Write `usage` when the step completes.
    """
    value = step.get("usage")
    if step.status == "in_progress" and value is not ABSENT:
        yield step.check(value is None, "a step in progress has usage", "/usage", None, value)
    elif step.status == "completed" and value is not ABSENT:
        yield step.check(is_object(value), "a completed step has no usage", "/usage", "an object", value)


@rule(
    units=step_observations,
    level=Level.MUST,
    source=schema(f"{_STEP}.last_error"),
    capability="steps",
    clauses=("failed-run-has-last-error",),
)
def completed_step_has_no_error(step: Observation) -> Iterator[Result]:
    """A completed step has `last_error: null`.

    Clients that check `last_error` first would report a success as a failure.

    Fix: Clear `last_error` when the step completes.
    """
    value = step.get("last_error")
    if step.status == "completed" and value is not ABSENT:
        yield step.check(value is None, "a completed step has a last_error", "/last_error", None, value)


@rule(
    units=runs,
    level=Level.SHOULD,
    source=_GUIDE,
    capability="steps",
    clauses=("cancellation-closes-steps-and-messages", "step-status-matches-timestamps"),
)
def end_with_their_run(run: RunTimeline) -> Iterator[Result]:
    """No step of an ended run is in progress.

    A client that waits for the last step would wait forever.

    Fix: End the open steps in the transaction that ends the run.
    """
    for step in step_observations_of_run(run):
        if run.had_ended_before(step.exchange):
            is_open, ends = step.status == "in_progress", sorted(STEP_TERMINAL)
            yield step.check(
                not is_open, "the run has ended, but the step is in progress", "/status", ends, step.status
            )
