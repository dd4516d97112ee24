"""Races between submissions of tool outputs to one run."""

from __future__ import annotations

from collections.abc import Iterator

from runs_conformance.evidence.concurrent_requests import ConcurrentRequests
from runs_conformance.evidence.concurrent_submissions import (
    concurrent_submissions,
    may_be_for_different_rounds,
    submit_for_all_calls,
)
from runs_conformance.evidence.run_timeline import runs
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, schema
from runs_conformance.model.verdict import PASSED, Inconclusive, Result
from runs_conformance.rules.races.simultaneity import ROUNDS, pass_if_simultaneous

_SUBMIT = schema("openai-openapi f85dbe2 openapi.yaml submitToolOuputsToRun: when a run has the status requires_action")


@rule(
    units=concurrent_submissions,
    level=Level.MUST,
    source=_SUBMIT,
    capability="tools",
    clauses=("outputs-only-while-required",),
    occasions=ROUNDS,
)
def outputs_are_taken_once(concurrent: ConcurrentRequests) -> Iterator[Result]:
    """Of simultaneous submissions for the same tool calls, at most one is accepted.

    The first one resumes the run and leaves the others nothing to submit to. If two are accepted, the answer may be
    written twice, or from either set of outputs. If the server reuses call ids, another submission may belong to the
    next round of calls; the rule then fails only if the steps of the run show fewer calls than submissions were
    accepted.

    Fix: Leave `requires_action` by an atomic compare-and-set, and refuse the submission that loses.
    """
    if len(concurrent.accepted) > 1 and may_be_for_different_rounds(concurrent):
        yield Inconclusive(
            "two submissions were accepted, but the server reuses call ids, and one may be for the next round"
        )
    elif len(concurrent.accepted) > 1:
        count = len(concurrent.accepted)
        yield concurrent.accepted[-1].finding(f"{count} simultaneous submissions for the same calls were accepted")
    elif concurrent.accepted:
        yield from pass_if_simultaneous(concurrent)
    elif concurrent.all_decided:
        yield Inconclusive("all simultaneous submissions were refused")


@rule(
    units=concurrent_submissions,
    level=Level.SHOULD,
    source=_SUBMIT,
    capability="tools",
    clauses=("outputs-only-while-required",),
    needs_complete_history=True,
)
def one_of_two_submissions_is_taken(concurrent: ConcurrentRequests) -> Iterator[Result]:
    """Of simultaneous submissions for all pending tool calls, one is accepted.

    If all are refused, the run keeps waiting although it was sent what it waits for.

    Fix: Refuse only the submissions that lose the compare-and-set on the run's status.
    """
    timeline = next((run for run in runs(concurrent.history) if run.id == concurrent.id), None)
    before = timeline.latest_before(concurrent.exchanges[0]) if timeline else None
    is_waiting = before is not None and before.status == "requires_action" and submit_for_all_calls(concurrent, before)
    if is_waiting and concurrent.all_decided:
        finding = concurrent.exchanges[-1].finding("all submissions for the pending calls were refused")
        yield PASSED if concurrent.accepted else finding
