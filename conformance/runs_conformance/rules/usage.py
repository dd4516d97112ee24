"""What runs and steps say of the tokens they used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from runs_conformance.contract.lifecycle import ACTIVE, TERMINAL
from runs_conformance.evidence.complete_list import steps_after_the_end
from runs_conformance.evidence.observation import Sighting, all_sightings
from runs_conformance.evidence.timeline import RunLine, credible_runs, runs
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, is_integer, is_object
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, observed, schema
from runs_conformance.model.verdict import Result

_USAGE = schema("openai-openapi f85dbe2 openapi.yaml RunObject.usage")
_SEEN = observed("recorded traffic: openai-dotnet SessionRecords 2025-10-30, openllmetry 2026-03-31")
_COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens")


@rule(
    over=credible_runs,
    level=Level.MUST,
    source=schema("openai-openapi f85dbe2 openapi.yaml RunObject.usage", note="one published example differs"),
    capability="core",
    items=("L-22",),
)
def is_null_until_the_run_ends(run: Sighting) -> Iterator[Result]:
    """A run that has not ended has no usage.

    The document says so, and names `in_progress` and `queued`; recorded runs that wait for tool outputs have none
    either. Clients add up what they are billed for from runs that show usage, so a running total would count twice.
    """
    value = run.get("usage")
    if run.status in ACTIVE and value is not ABSENT:
        yield run.check(value is None, f"a {run.status!r} run has usage", "/usage", None, value)


@rule(over=credible_runs, level=Level.SHOULD, source=_SEEN, capability="core", items=("L-22",))
def is_given_when_completed(run: Sighting) -> Iterator[Result]:
    """A completed run says how many tokens it used.

    It is what the run is billed by. Write it together with the status.
    """
    value = run.get("usage")
    if run.status == "completed" and value is not ABSENT:
        yield run.check(is_object(value), "a completed run has no usage", "/usage", "an object", value)


@rule(over=credible_runs, level=Level.SHOULD, source=_USAGE, capability="core", items=("L-24",))
def is_given_when_ended(run: Sighting) -> Iterator[Result]:
    """A run that was cancelled, failed, expired or ended incomplete says how many tokens it used; zeros will do.

    The document says that usage is null if the run is not in a terminal state.
    """
    value = run.get("usage")
    if run.status in TERMINAL - {"completed"} and value is not ABSENT:
        yield run.check(is_object(value), f"a {run.status!r} run has no usage", "/usage", "an object", value)


def _used(history: History) -> Iterable[Sighting]:
    return (
        seen for seen in all_sightings(history) if seen.kind in ("run", "run_step") and is_object(seen.get("usage"))
    )


@rule(over=_used, level=Level.SHOULD, source=_USAGE, capability="core", items=("L-23",))
def adds_up(seen: Sighting) -> Iterator[Result]:
    """`total_tokens` is the sum of prompt and completion tokens, and none of the three is negative.

    Bills are made of the parts and checked against the whole.
    """
    prompt, completion, total = (seen.get(f"/usage/{name}") for name in _COUNTS)
    if is_integer(prompt) and is_integer(completion) and is_integer(total):
        yield seen.check(
            total == prompt + completion and min(prompt, completion) >= 0,
            f"total_tokens is {total}, with {prompt} for the prompt and {completion} for the completion",
            "/usage/total_tokens",
            prompt + completion,
            total,
        )


@rule(over=runs, level=Level.SHOULD, source=_SEEN, capability="steps", items=("L-23",))
def sums_over_the_steps(run: RunLine) -> Iterator[Result]:
    """A run used as many tokens as its steps did together.

    Judged on a list of all its steps that was asked for after the run had ended, if each of them has usage.
    """
    page = steps_after_the_end(run.history, run.id)
    end = run.before(page.exchange) if page else None
    total = end.get("/usage/total_tokens") if end else ABSENT
    each = [step.get("/usage/total_tokens") for step in page.items] if page else []
    if page is not None and each and is_integer(total) and all(is_integer(count) for count in each):
        together = sum(count for count in each if is_integer(count))
        yield page.items[0].check(
            together == total,
            f"the steps used {together} tokens, the run {total}",
            "/usage/total_tokens",
            total,
            together,
        )


@rule(over=runs, level=Level.SHOULD, source=_SEEN, capability="core", items=("L-22", "L-74"))
def of_an_ended_run_stays(run: RunLine) -> Iterator[Result]:
    """When a run has ended, its usage is the same wherever and whenever it is seen.

    A count that grows after the end cannot be billed. Store it when the run ends.
    """
    shown = [seen for seen in run.sightings if seen.status in TERMINAL and is_object(seen.get("usage"))]
    for seen in shown[1:]:
        for name in _COUNTS:
            was, now = shown[0].get(f"/usage/{name}"), seen.get(f"/usage/{name}")
            yield seen.check(was == now, f"{name} has changed since the run ended", f"/usage/{name}", was, now)
