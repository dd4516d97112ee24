"""Which cancellations are accepted and which are refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from runs_conformance.contract.lifecycle import ACTIVE, TERMINAL
from runs_conformance.evidence.refusal_reason import is_refused_for_status, names_status
from runs_conformance.evidence.run_action import RunAction, all_cancellations, cancellations
from runs_conformance.evidence.run_timeline import find_run
from runs_conformance.evidence.working_operation import operation_works, pass_if_working
from runs_conformance.model.case import Key
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, observed, prose, schema
from runs_conformance.model.verdict import PASSED, Inconclusive, Result, Suspicion

_GUIDE = prose("openai-cookbook d2bb606 examples/data/oai_docs/how-it-works.txt, run lifecycle")
_SUMMARY = schema("openai-openapi f85dbe2 openapi.yaml cancelRun")
_SEEN = observed("recorded traffic: ruby-openai 2024-04, simple-openai 2024-05, azure-sdk-assets 2024-06")

_STOPPED = TERMINAL | {"cancelling"}
_STOP_SECONDS = 5.0
"""Seconds after an accepted cancellation in which its run may continue."""


def _check_possible(action: RunAction, statuses: tuple[str, ...]) -> Iterator[Result]:
    before, after = action.state_before, action.state_after
    if before is None or before.status not in statuses or not action.must_be_accepted:
        return
    if action.exchange.accepted:
        yield _judge_accepted(action)
    elif action.exchange.refused and after is not None and after.status in ACTIVE:
        message = f"the cancellation of a run that was {before.status!r}, and {after.status!r} afterwards, was refused"
        yield action.exchange.finding(message, "", 200, action.exchange.status)
    else:
        yield Inconclusive("the run may have ended before it was cancelled")


def _judge_accepted(action: RunAction) -> Result:
    """An acceptance counts if the run was seen to stop. If it continues for long, another rule reports that."""
    observed = action.attributable_observations
    if any(each.status in _STOPPED for each in observed):
        return PASSED
    if observed and (seconds := observed[-1].earliest - action.exchange.ended) > _STOP_SECONDS:
        status = observed[-1].status
        return Suspicion(f"a run was still {status!r} {seconds:.0f} s after its cancellation had been accepted")
    return Inconclusive("the cancellation was accepted, but the run was not seen to stop")


@rule(
    units=cancellations,
    level=Level.SHOULD,
    source=_SUMMARY,
    capability="cancel",
    operation="cancel_run",
    clauses=("cancel-ends-run-in-progress",),
    needs_complete_history=True,
)
def run_in_progress_can_be_cancelled(action: RunAction) -> Iterator[Result]:
    """A run that is `in_progress` can be cancelled.

    The OpenAPI document describes the operation this way. A refusal counts only if the run was still active afterwards.

    Fix: Accept the cancellation of every active run.
    """
    yield from _check_possible(action, ("in_progress",))


@rule(
    units=cancellations,
    level=Level.SHOULD,
    source=_SEEN,
    capability="cancel",
    operation="cancel_run",
    clauses=("cancel-accepted-while-queued-or-waiting",),
    needs_complete_history=True,
)
def queued_or_waiting_run_can_be_cancelled(action: RunAction) -> Iterator[Result]:
    """A run that is `queued` or `requires_action` can be cancelled.

    Otherwise a client that cannot provide the output of a tool call has to wait ten minutes for its thread.

    Fix: Accept the cancellation of every active run.
    """
    yield from _check_possible(action, ("queued", "requires_action"))


@dataclass(frozen=True, slots=True)
class _DeclaredCancellation:
    """A cancellation without a body whose content type is JSON, and a later one of the run without a content type.

    `status_changed` says that the run was seen in several statuses from the last read before the first cancellation to
    the second one.
    """

    exchange: Exchange
    undeclared: Exchange | None
    status_changed: bool = False


def _declared_cancellations(history: History) -> Iterator[_DeclaredCancellation]:
    sent = [each for each in history if each.operation == "cancel_run" and each.request.body is ABSENT]
    for exchange in sent:
        if _declares_json(exchange) and exchange.step is not None and exchange.step.key is Key.PRIMARY:
            others = (
                x for x in sent if x.path == exchange.path and not _declares_json(x) and x.started > exchange.started
            )
            undeclared = next(others, None)
            has_changed = undeclared is not None and _status_changed(history, exchange, undeclared)
            yield _DeclaredCancellation(exchange, undeclared, has_changed)


def _status_changed(history: History, first: Exchange, second: Exchange) -> bool:
    run = find_run(history, first.path["run_id"])
    before = run.latest_before(first) if run is not None else None
    if run is None or before is None:
        return False
    seen = (each for each in run.observations if each.latest <= second.started and not each.happened_before(before))
    return len({before.status, *(each.status for each in seen)}) > 1


def _declares_json(exchange: Exchange) -> bool:
    headers = {name.lower(): value for name, value in exchange.request.headers.items()}
    return headers.get("content-type", "").lower().startswith("application/json")


@rule(
    units=_declared_cancellations,
    level=Level.MUST,
    source=schema(
        "openai-openapi f85dbe2 openapi.yaml cancelRun: no request body",
        note="openai-python 1 to 3 and openai-node 4 declare the missing body as JSON",
    ),
    capability="cancel",
    operation="cancel_run",
    clauses=("cancel-ends-run-in-progress",),
)
def content_type_of_no_body_is_ignored(cancellation: _DeclaredCancellation) -> Iterator[Result]:
    """A cancellation without a body is accepted, even if its content type is `application/json`.

    The official Python client sends this header. A refusal counts only if the run can be cancelled without it.

    Fix: Parse the body of a request only if it has one, whatever its content type.
    """
    exchange = cancellation.exchange
    if exchange.accepted:
        yield PASSED
    elif not exchange.refused or cancellation.undeclared is None:
        return
    elif exchange.status == 404:
        yield Inconclusive("the cancellation got HTTP 404, so the run may not have been found")
    elif is_refused_for_status(exchange):
        yield Inconclusive("the refusal names the status of the run")
    elif cancellation.undeclared.accepted and cancellation.status_changed:
        yield Inconclusive("the status of the run changed before it was cancelled without a content type")
    elif cancellation.undeclared.accepted:
        yield exchange.finding(
            "the cancellation was refused with the content type application/json and no body, and accepted without it",
            "",
            200,
            exchange.status,
        )
    else:
        yield Inconclusive("the cancellation was also refused without a content type")


@rule(
    units=cancellations,
    level=Level.SHOULD,
    source=_SEEN,
    capability="cancel",
    operation="cancel_run",
    clauses=("cancel-refused-after-end",),
)
def ended_run_cannot_be_cancelled(action: RunAction) -> Iterator[Result]:
    """The cancellation of a run that has ended is refused with HTTP 400.

    The real service answered `Cannot cancel run with status 'completed'.`, and users quote the same message for a
    cancelled run. A second cancellation while the first is being carried out is not judged.

    Fix: Check the status of the run before cancelling it.
    """
    before = action.state_before
    if action.must_be_accepted and before is not None and before.status in TERMINAL:
        end, status = before.status, action.exchange.status
        if status == 400:
            works = operation_works(action.run.history, action.exchange)
            yield pass_if_working(action.exchange, works or names_status(action.exchange, end))
        elif action.exchange.accepted or (action.exchange.refused and status != 404):
            # 404 is correct if the thread has been deleted meanwhile.
            yield action.exchange.finding(
                f"the cancellation of a run that had ended {end!r} got HTTP {status}", "", 400, status
            )


@rule(
    units=all_cancellations,
    level=Level.SHOULD,
    source=_GUIDE,
    capability="cancel",
    operation="cancel_run",
    clauses=("cancel-refused-after-end",),
    needs_complete_history=True,
)
def refused_cancellation_changes_nothing(action: RunAction) -> Iterator[Result]:
    """A refused cancellation does not cancel the run, even if it was refused because of its path or key.

    A client that is not allowed to cancel a run must not be able to stop it.

    Fix: Validate path, key and status before writing anything.
    """
    before, after = action.state_before, action.state_after
    if action.exchange.refused and before is not None and before.status in ACTIVE - {"cancelling"} and after:
        is_stopped = after.status in ("cancelling", "cancelled")
        message = f"the cancellation was refused but the run is {after.status!r}"
        yield after.check(not is_stopped, message, "/status", before.status, after.status)
