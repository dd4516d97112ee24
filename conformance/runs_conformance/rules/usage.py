"""Token usage of runs and steps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from runs_conformance.contract.lifecycle import ACTIVE, TERMINAL
from runs_conformance.evidence.accepted_invalid import valid_run_observations
from runs_conformance.evidence.complete_list import steps_after_run_end
from runs_conformance.evidence.observation import Observation, all_observations
from runs_conformance.evidence.run_timeline import RunTimeline, runs
from runs_conformance.evidence.step_usage import step_and_run_usage
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, is_integer, is_object
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, observed, schema
from runs_conformance.model.verdict import Result, Suspicion

_USAGE = schema("openai-openapi f85dbe2 openapi.yaml RunObject.usage")
_RECORDED = observed("recorded traffic: openai-dotnet SessionRecords 2025-10-30, openllmetry 2026-03-31")
_COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens")


@rule(
    units=valid_run_observations,
    level=Level.MUST,
    source=schema("openai-openapi f85dbe2 openapi.yaml RunObject.usage", note="one published example differs"),
    capability="core",
    clauses=("usage-null-until-end",),
)
def is_null_until_the_run_ends(run: Observation) -> Iterator[Result]:
    """A run has `usage: null` until it has ended.

    Clients add up cost from every run that shows usage, so a running total is counted twice. The OpenAPI
    document names `queued` and `in_progress`; recorded runs in `requires_action` had no usage either.

    Fix: Set `usage` only when the run reaches a terminal status.
    """
    value = run.get("usage")
    if run.status in ACTIVE and value is not ABSENT:
        yield run.check(value is None, f"the {run.status!r} run has usage", "/usage", None, value)


@rule(
    units=valid_run_observations,
    level=Level.SHOULD,
    source=_RECORDED,
    capability="core",
    clauses=("usage-null-until-end",),
)
def is_given_when_completed(run: Observation) -> Iterator[Result]:
    """A completed run shows its token usage.

    Clients are billed by their usage.

    Fix: Write `usage` together with the status `completed`.
    """
    value = run.get("usage")
    if run.status == "completed" and value is not ABSENT:
        yield run.check(is_object(value), "a completed run has no usage", "/usage", "an object", value)


@rule(
    units=valid_run_observations,
    level=Level.SHOULD,
    source=_USAGE,
    capability="core",
    clauses=("usage-set-for-every-end",),
)
def is_given_when_ended(run: Observation) -> Iterator[Result]:
    """A run that was cancelled, failed, expired or ended incomplete shows its token usage, which may be zero.

    The OpenAPI document says that usage is null if the run is not in a terminal state, and clients add up the cost of
    all ended runs.

    Fix: Write `usage` with every terminal status, with zeros if the model was not called.
    """
    value = run.get("usage")
    if run.status in TERMINAL - {"completed"} and value is not ABSENT:
        yield run.check(is_object(value), f"the {run.status!r} run has no usage", "/usage", "an object", value)


def _objects_with_usage(history: History) -> Iterable[Observation]:
    return (
        observation
        for observation in all_observations(history)
        if observation.kind in ("run", "run_step") and is_object(observation.get("usage"))
    )


@rule(units=_objects_with_usage, level=Level.SHOULD, source=_USAGE, capability="core", clauses=("usage-adds-up",))
def adds_up(observation: Observation) -> Iterator[Result]:
    """`total_tokens` is the sum of `prompt_tokens` and `completion_tokens`, and none of the three is negative.

    Bills are computed from the parts and checked against the total.

    Fix: Compute `total_tokens` from the other two counts.
    """
    prompt, completion, total = (observation.get(f"/usage/{name}") for name in _COUNTS)
    if is_integer(prompt) and is_integer(completion) and is_integer(total):
        yield observation.check(
            total == prompt + completion and min(prompt, completion) >= 0,
            f"`total_tokens` is {total}, with {prompt} for the prompt and {completion} for the completion",
            "/usage/total_tokens",
            prompt + completion,
            total,
        )


@rule(units=runs, level=Level.SHOULD, source=_RECORDED, capability="steps", clauses=("usage-adds-up",))
def sums_over_the_steps(run: RunTimeline) -> Iterator[Result]:
    """A run's token usage is the sum of its steps' usage.

    Clients attribute the cost of a run to its steps. Judged on a complete list of steps requested after the run had
    ended, if every step shows usage. If a completed step of a run with several steps shows none, the rule does not
    pass, since runs with one step prove little.

    Fix: Add up the usage of the steps when the run ends.
    """
    page = steps_after_run_end(run.history, run.id)
    counts = step_and_run_usage(run.history, run.id, "total_tokens")
    if page is not None and counts is not None:
        step_total, total = counts
        yield page.items[0].check(
            step_total == total,
            f"the steps used {step_total} tokens in all, the run shows {total}",
            "/usage/total_tokens",
            total,
            step_total,
        )
    elif page is not None and len(page.items) > 1 and any(map(_lacks_usage, page.items)):
        yield Suspicion("a completed step of a run with several steps shows no usage")


def _lacks_usage(step: Observation) -> bool:
    return step.status == "completed" and step.get("usage") is None


@rule(
    units=runs,
    level=Level.SHOULD,
    source=_RECORDED,
    capability="core",
    clauses=("usage-null-until-end", "stored-object-matches-stream"),
)
def of_an_ended_run_stays(run: RunTimeline) -> Iterator[Result]:
    """The usage of an ended run is the same in every response that shows it.

    A count that keeps growing after the end cannot be billed.

    Fix: Store `usage` once, when the run ends.
    """
    for name in _COUNTS:
        path = f"/usage/{name}"
        counts = [(each, each.get(path)) for each in run.ended_observations if is_integer(each.get(path))]
        for observation, now in counts[1:]:
            was = counts[0][1]
            yield observation.check(was == now, f"`{name}` changed after the run had ended", path, was, now)
