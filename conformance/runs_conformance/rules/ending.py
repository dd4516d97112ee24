"""The end of a run: its error, or the reason why it is incomplete."""

from __future__ import annotations

from collections.abc import Iterator

from runs_conformance.contract.dialect import dialect_family
from runs_conformance.contract.lifecycle import ACTIVE, STATUSES
from runs_conformance.evidence.accepted_invalid import valid_run_observations
from runs_conformance.evidence.observation import Observation
from runs_conformance.evidence.run_timeline import RunTimeline, runs
from runs_conformance.evidence.step_usage import completion_usage_is_doubtful, used_completion_tokens
from runs_conformance.evidence.truncated_message import messages_cut_by_the_limit, runs_with_truncated_message
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, is_integer, json_equal
from runs_conformance.model.rule import FAILING_MODEL, rule
from runs_conformance.model.source import Level, observed, schema
from runs_conformance.model.verdict import PASSED, Inconclusive, Result

_ERROR = schema("openai-openapi f85dbe2 openapi.yaml RunObject.last_error")
_DETAILS = schema("openai-openapi f85dbe2 openapi.yaml RunObject.incomplete_details")
_SEEN = observed("recorded traffic: openai-dotnet SessionRecords 2025-10-30, openllmetry 2026-03-31")
_LIMIT = schema("openai-openapi f85dbe2 openapi.yaml CreateRunRequest.max_completion_tokens")
_CODES = ("server_error", "rate_limit_exceeded", "invalid_prompt")
_WITHOUT_USAGE = "a completed run whose message was truncated shows no usage, so its limit may be another one"
_REASONS = ("max_completion_tokens", "max_prompt_tokens")


@rule(
    units=valid_run_observations,
    level=Level.MUST,
    source=_ERROR,
    capability="core",
    clauses=("failed-run-has-last-error",),
    needs=FAILING_MODEL,
)
def failed_run_says_why(run: Observation) -> Iterator[Result]:
    """A failed run has a `last_error` with a known code and a message.

    Clients can show nothing else about the failure. Azure's agents have codes of their own.

    Fix: Map every internal error to `server_error`, `rate_limit_exceeded` or `invalid_prompt`.
    """
    if run.status == "failed":
        value = run.get("last_error")
        code, message = run.get("/last_error/code"), run.get("/last_error/message")
        has_own_code = dialect_family(run.exchange.dialect).has_other_error_codes
        is_known = isinstance(code, str) and code != "" if has_own_code else code in _CODES
        is_explained = is_known and isinstance(message, str)
        yield run.check(
            is_explained,
            "a failed run has no valid last_error",
            "/last_error",
            f"code ({', '.join(_CODES)}), message",
            value,
        )


@rule(
    units=valid_run_observations,
    level=Level.MUST,
    source=_ERROR,
    capability="core",
    clauses=("failed-run-has-last-error",),
)
def completed_run_has_no_error(run: Observation) -> Iterator[Result]:
    """A completed run has `last_error` null.

    Clients that check `last_error` first would report a success as a failure.

    Fix: Clear the error of an attempt that was retried.
    """
    value = run.get("last_error")
    if run.status == "completed" and value is not ABSENT:
        yield run.check(value is None, "a completed run has a last_error", "/last_error", None, value)


@rule(
    units=valid_run_observations,
    level=Level.SHOULD,
    source=_SEEN,
    capability="core",
    clauses=("failed-run-has-last-error",),
)
def unfinished_run_has_no_error(run: Observation) -> Iterator[Result]:
    """A run that has not ended has `last_error` null.

    Clients interpret an error as the end of the run.

    Fix: Do not store the errors of attempts that are retried in the run.
    """
    value = run.get("last_error")
    if run.status in ACTIVE and value is not ABSENT:
        yield run.check(value is None, f"the run is {run.status!r} but has a last_error", "/last_error", None, value)


@rule(
    units=valid_run_observations,
    level=Level.MUST,
    source=_DETAILS,
    capability="core",
    clauses=("incomplete-run-says-why",),
)
def incomplete_run_says_why(run: Observation) -> Iterator[Result]:
    """An incomplete run has `incomplete_details` with a known reason.

    Clients decide by the reason whether to raise a token limit. Which of the two reasons applies is not judged, since
    the real service named `max_prompt_tokens` when the completion limit was used up.

    Fix: Set `incomplete_details.reason` together with the status.
    """
    if run.status == "incomplete":
        value = run.get("/incomplete_details/reason")
        is_explained = isinstance(value, str) and value in _REASONS
        yield run.check(
            is_explained,
            "an incomplete run has no known reason",
            "/incomplete_details/reason",
            list(_REASONS),
            value,
        )


@rule(
    units=valid_run_observations,
    level=Level.MUST,
    source=_DETAILS,
    capability="core",
    clauses=("incomplete-run-says-why",),
)
def only_incomplete_run_has_details(run: Observation) -> Iterator[Result]:
    """A run that is not incomplete has `incomplete_details` null.

    Clients that check this member first would take the answer to be truncated.

    Fix: Set `incomplete_details` only together with the status `incomplete`.
    """
    value = run.get("incomplete_details")
    if run.status in STATUSES and run.status != "incomplete" and value is not ABSENT:
        yield run.check(
            value is None, f"the run is {run.status!r} but has incomplete_details", "/incomplete_details", None, value
        )


_DOUBTFUL = Inconclusive("the run shows another usage than its steps, or another run on the server does")


def _valid_run_observations(history: History) -> Iterator[tuple[Observation, History]]:
    return ((observation, history) for observation in valid_run_observations(history))


@rule(
    units=_valid_run_observations,
    level=Level.MUST,
    source=_LIMIT,
    capability="core",
    clauses=("incomplete-run-says-why",),
)
def run_over_its_limit_is_incomplete(unit: tuple[Observation, History]) -> Iterator[Result]:
    """A run that used more completion tokens than its `max_completion_tokens` ends `incomplete`, not `completed`.

    Clients set the limit to bound the cost of a run. The usage is taken from the run's own `usage.completion_tokens`,
    unless the usage of steps contradicts it.

    Fix: Stop generation at the limit, and end the run `incomplete`.
    """
    run, history = unit
    limit, used = run.get("max_completion_tokens"), run.get("/usage/completion_tokens")
    if run.status not in ("completed", "incomplete") or not is_integer(limit) or not is_integer(used):
        return
    if run.status == "completed" and completion_usage_is_doubtful(history, run.id):
        yield _DOUBTFUL
    else:
        holds = run.status == "incomplete" or used <= limit
        yield run.check(
            holds,
            f"the run is completed although it used {used} of {limit} tokens",
            "/usage/completion_tokens",
            limit,
            used,
        )


@rule(
    units=runs_with_truncated_message,
    level=Level.MUST,
    source=_LIMIT,
    capability="streaming",
    clauses=("incomplete-run-says-why",),
)
def run_cut_at_its_limit_is_incomplete(unit: tuple[Observation, History]) -> Iterator[Result]:
    """A run that used up its `max_completion_tokens` and whose message was truncated by the token limit ends
    `incomplete`.

    The answer would have continued. The usage is the largest `usage.completion_tokens` that any response shows of the
    ended run, unless the usage of steps contradicts it.

    Fix: Derive the status of the run from the finish reason of the model.
    """
    run, history = unit
    limit, used = run.get("max_completion_tokens"), used_completion_tokens(history, run.id)
    if run.status not in ("completed", "incomplete") or not is_integer(limit):
        return
    if used is None:
        yield PASSED if run.status == "incomplete" else Inconclusive(_WITHOUT_USAGE)
    elif used < limit:
        return
    elif run.status == "completed" and completion_usage_is_doubtful(history, run.id):
        yield _DOUBTFUL
    else:
        holds = run.status == "incomplete"
        yield run.check(
            holds,
            f"the run is {run.status!r} although its message was truncated at {used} of {limit} tokens",
            "/status",
            "incomplete",
            run.status,
        )


@rule(
    units=runs_with_truncated_message,
    level=Level.SHOULD,
    source=_LIMIT,
    capability="streaming",
    clauses=("incomplete-run-says-why",),
)
def cut_message_leaves_its_run_incomplete(unit: tuple[Observation, History]) -> Iterator[Result]:
    """A run whose message was truncated by the token limit ends `incomplete`.

    Most clients check only the run, so they would mistake half an answer for a complete one.

    Fix: Derive the status of the run from the finish reason of the model.
    """
    run, _ = unit
    yield run.check(
        run.status == "incomplete",
        "the run is not incomplete although its message was truncated",
        "/status",
        "incomplete",
        run.status,
    )


@rule(
    units=messages_cut_by_the_limit,
    level=Level.SHOULD,
    source=observed("recorded traffic: ruby-openai, 2024-04-29"),
    capability="streaming",
    clauses=("incomplete-run-says-why",),
)
def message_cut_by_the_limit_is_incomplete(message: Observation) -> Iterator[Result]:
    """In a stream, the message that a run was writing when it reached its token limit ends `incomplete`.

    Clients that show each message as it ends would show half an answer as a complete one. Judged on runs without tools
    that end incomplete for a token limit, and whose last step creates the message.

    Fix: Send `thread.message.incomplete` with the reason `max_tokens` in place of `thread.message.completed`.
    """
    if message.status in ("completed", "incomplete"):
        yield message.check(
            message.status == "incomplete",
            "the message is completed, although the token limit ended its run",
            "/status",
            "incomplete",
            message.status,
        )


@rule(
    units=runs,
    level=Level.SHOULD,
    source=_SEEN,
    capability="core",
    clauses=("failed-run-has-last-error", "incomplete-run-says-why", "stored-object-matches-stream"),
)
def reason_stays(run: RunTimeline) -> Iterator[Result]:
    """The error and the incomplete details of an ended run are the same in every response.

    Operators look up the reason again after they have read it once.

    Fix: Store `last_error` and `incomplete_details` with the terminal status, and never modify them.
    """
    ended = run.ended_observations
    for observation in ended[1:]:
        for name in ("last_error", "incomplete_details") if observation.status == ended[0].status else ():
            before, after = ended[0].get(name), observation.get(name)
            if before is not ABSENT and after is not ABSENT:
                yield observation.check(
                    json_equal(before, after), f"`{name}` changed after the run had ended", f"/{name}", before, after
                )
