"""Why a run ended as it did."""

from __future__ import annotations

from collections.abc import Iterator

from runs_conformance.contract.lifecycle import ACTIVE, STATUSES, TERMINAL
from runs_conformance.evidence.observation import Sighting
from runs_conformance.evidence.stream import streams
from runs_conformance.evidence.timeline import RunLine, credible_runs, runs
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, is_integer, is_object, same
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, observed, schema
from runs_conformance.model.verdict import Result

_ERROR = schema("openai-openapi f85dbe2 openapi.yaml RunObject.last_error")
_DETAILS = schema("openai-openapi f85dbe2 openapi.yaml RunObject.incomplete_details")
_SEEN = observed("recorded traffic: openai-dotnet SessionRecords 2025-10-30, openllmetry 2026-03-31")
_LIMIT = schema("openai-openapi f85dbe2 openapi.yaml CreateRunRequest.max_completion_tokens")
_CODES = ("server_error", "rate_limit_exceeded", "invalid_prompt")
_REASONS = ("max_completion_tokens", "max_prompt_tokens")


@rule(
    over=credible_runs,
    level=Level.MUST,
    source=_ERROR,
    capability="core",
    items=("L-07",),
    needs="a model whose runs end failed",
)
def failed_run_says_why(run: Sighting) -> Iterator[Result]:
    """A failed run has a `last_error` with a known code and a message.

    It is all that a client can show of the failure. Errors of other systems are to be mapped to `server_error`,
    `rate_limit_exceeded` or `invalid_prompt`.
    """
    if run.status == "failed":
        value = run.get("last_error")
        told = is_object(value) and value.get("code") in _CODES and isinstance(value.get("message"), str)
        yield run.check(
            told, "a failed run does not say why", "/last_error", f"code ({', '.join(_CODES)}), message", value
        )


@rule(over=credible_runs, level=Level.MUST, source=_ERROR, capability="core", items=("L-07",))
def completed_run_has_no_error(run: Sighting) -> Iterator[Result]:
    """A completed run has no `last_error`: it is null if there are no errors.

    Clients that look at `last_error` first would report a success as a failure. Clear the error of an attempt that
    was repeated.
    """
    value = run.get("last_error")
    if run.status == "completed" and value is not ABSENT:
        yield run.check(value is None, "a completed run has an error", "/last_error", None, value)


@rule(over=credible_runs, level=Level.SHOULD, source=_SEEN, capability="core", items=("L-07",))
def unfinished_run_has_no_error(run: Sighting) -> Iterator[Result]:
    """A run that has not ended has no `last_error`.

    An error in a run that goes on reads as its end. Keep what is retried to yourself.
    """
    value = run.get("last_error")
    if run.status in ACTIVE and value is not ABSENT:
        yield run.check(value is None, f"a {run.status!r} run has an error", "/last_error", None, value)


@rule(over=credible_runs, level=Level.MUST, source=_DETAILS, capability="core", items=("L-09",))
def incomplete_run_says_why(run: Sighting) -> Iterator[Result]:
    """An incomplete run has `incomplete_details` with a known reason.

    Which of the two reasons is not judged: the real service named `max_prompt_tokens` when the completion's limit was
    used up.
    """
    if run.status == "incomplete":
        value = run.get("/incomplete_details/reason")
        told = isinstance(value, str) and value in _REASONS
        yield run.check(
            told,
            "an incomplete run does not say why",
            "/incomplete_details/reason",
            list(_REASONS),
            value,
        )


@rule(over=credible_runs, level=Level.MUST, source=_DETAILS, capability="core", items=("L-09",))
def only_incomplete_run_has_details(run: Sighting) -> Iterator[Result]:
    """A run that is not incomplete has no `incomplete_details`: the member is null.

    Clients that look at this member first would take the answer to be cut short.
    """
    value = run.get("incomplete_details")
    if run.status in STATUSES and run.status != "incomplete" and value is not ABSENT:
        yield run.check(
            value is None, f"a {run.status!r} run says why it is incomplete", "/incomplete_details", None, value
        )


def _cut(history: History) -> Iterator[tuple[Sighting, Sighting]]:
    """Each message that a stream shows to be cut by the token limit, with its run as the stream shows it last."""
    for stream in streams(history):
        ends = [run for run in stream.of("run") if run.status in TERMINAL]
        for message in stream.of("message"):
            if ends and message.get("/incomplete_details/reason") == "max_tokens":
                yield message, ends[-1]


@rule(over=credible_runs, level=Level.MUST, source=_LIMIT, capability="core", items=("L-09",))
def run_over_its_limit_is_incomplete(run: Sighting) -> Iterator[Result]:
    """A run that used more completion tokens than its `max_completion_tokens` ends `incomplete`, not `completed`.

    By its own count: `usage.completion_tokens`. Clients set the limit to bound what a run costs.
    """
    limit, used = run.get("max_completion_tokens"), run.get("/usage/completion_tokens")
    if run.status in ("completed", "incomplete") and is_integer(limit) and is_integer(used):
        holds = run.status == "incomplete" or used <= limit
        yield run.check(holds, f"completed with {used} of {limit} tokens", "/usage/completion_tokens", limit, used)


@rule(over=_cut, level=Level.MUST, source=_LIMIT, capability="streaming", items=("L-09",))
def run_cut_at_its_limit_is_incomplete(seen: tuple[Sighting, Sighting]) -> Iterator[Result]:
    """A run whose message was cut for the token limit, when as many tokens as its `max_completion_tokens` were used,
    ends `incomplete`.

    It would have written on. Whether the limit was reached is taken from the run's own count.
    """
    _, run = seen
    limit, used = run.get("max_completion_tokens"), run.get("/usage/completion_tokens")
    if run.status in ("completed", "incomplete") and is_integer(limit) and is_integer(used) and used >= limit:
        holds = run.status == "incomplete"
        yield run.check(holds, f"cut at {used} of {limit} tokens", "/status", "incomplete", run.status)


@rule(over=_cut, level=Level.SHOULD, source=_LIMIT, capability="streaming", items=("L-09",))
def cut_message_leaves_its_run_incomplete(seen: tuple[Sighting, Sighting]) -> Iterator[Result]:
    """A run whose message was cut for the token limit ends `incomplete`.

    The run is what most clients look at. One that says `completed` passes half an answer for a whole one.
    """
    _, run = seen
    yield run.check(run.status == "incomplete", "its message was cut", "/status", "incomplete", run.status)


@rule(over=runs, level=Level.SHOULD, source=_SEEN, capability="core", items=("L-07", "L-09", "L-74"))
def reason_stays(run: RunLine) -> Iterator[Result]:
    """When a run has ended, its error and why it is incomplete are the same wherever and whenever it is seen.

    What an operator read once has to be there when it is looked up again.
    """
    ended = [seen for seen in run.sightings if seen.status in TERMINAL]
    for seen in ended[1:]:
        for name in ("last_error", "incomplete_details") if seen.status == ended[0].status else ():
            was, now = ended[0].get(name), seen.get(name)
            if was is not ABSENT and now is not ABSENT:
                yield seen.check(same(was, now), f"{name} has changed since the run ended", f"/{name}", was, now)
