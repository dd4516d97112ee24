"""Merges the results of programs into the result of a test run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from runs_conformance.engine.budget import Budget, Counts
from runs_conformance.engine.capabilities import StatsByOperation, merge_stats
from runs_conformance.engine.counterexample import ExamplesByGroup, merge_examples, smaller_counterexample
from runs_conformance.engine.program_verdicts import FuzzedViolation, ProgramVerdicts
from runs_conformance.evidence.transitions import Transitions, most_frequent
from runs_conformance.model.hazard import Hazard
from runs_conformance.model.json import JSON
from runs_conformance.model.limit import Limit
from runs_conformance.model.program_end import ProgramEnd
from runs_conformance.model.request_forms import RequestForms
from runs_conformance.model.verdict import Tally, merge_tallies


@dataclass(frozen=True, slots=True)
class RunResult:
    """The merged results of a test run, and how it ended.

    `fuzzed_violations` were found only by random programs; their counterexamples can be shrunk. `program_ends` says
    how each program of the plan ended, `decided_ids` which ids each program decided, `failed` which of them with
    findings, and `occasions` how often each program judged each id. `last_statuses` counts the runs by the last status
    that a response showed. `without_route` names, by program, the operations that got responses like those of missing
    routes; `refused_requests` describes, by program, the first valid request that was refused. `lost_requests` holds,
    by exchange and in the form of counterexamples, the first request of each program that was sent and got no response.
    """

    tallies: Mapping[str, Tally]
    counterexamples: Mapping[str, JSON]
    operation_stats: StatsByOperation
    counts: Counts
    program_ids: tuple[str, ...]
    internal_errors: tuple[str, ...] = ()
    early_end_reason: str | None = None
    interrupted: bool = False
    fuzzed_violations: Mapping[str, FuzzedViolation] = field(default_factory=dict)
    transitions: Transitions = field(default_factory=Counter)
    limits: tuple[Limit, ...] = ()
    program_ends: tuple[ProgramEnd, ...] = ()
    decided_ids: Mapping[str, frozenset[str]] = field(default_factory=dict)
    occasions: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    failed: Mapping[str, frozenset[str]] = field(default_factory=dict)
    last_statuses: Counter[str] = field(default_factory=Counter)
    confirmations: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """How often each replayed failure occurred, and how often it was replayed."""
    unconfirmed: Mapping[str, str] = field(default_factory=dict)
    """The failures that are inconclusive because they were not confirmed, each with the reason."""
    enlarged: frozenset[str] = frozenset()
    """The failures whose counterexamples have more steps, or pauses, with which alone they occurred again."""
    request_forms: RequestForms = field(default_factory=RequestForms)
    hazards: tuple[Hazard, ...] = ()
    without_route: Mapping[str, frozenset[str]] = field(default_factory=dict)
    refused_requests: Mapping[str, str] = field(default_factory=dict)
    lost_requests: Mapping[str, JSON] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    """How long each id took: its share of the time of each program that decided it."""
    grouped_examples: Mapping[str, ExamplesByGroup] = field(default_factory=dict)
    """The counterexamples of each id by the group of their findings, some of which may be discarded."""


def merge_results(
    results: Sequence[ProgramVerdicts], budget: Budget, interrupted: bool = False, early_end_reason: str | None = None
) -> RunResult:
    """Merge the results of programs; `early_end_reason` says why the whole test run ended early.

    A program may have several results, one for each part of its history.
    """
    examples: dict[str, JSON] = {}
    for result in results:
        for id_, example in result.counterexamples.items():
            examples[id_] = smaller_counterexample(id_, examples[id_], example) if id_ in examples else example
    grouped: dict[str, ExamplesByGroup] = {}
    for result in results:
        for id_, groups in result.grouped_examples.items():
            grouped[id_] = merge_examples(id_, grouped[id_], groups) if id_ in grouped else groups
    by_program: dict[str, list[ProgramVerdicts]] = {}
    for result in results:
        by_program.setdefault(result.program, []).append(result)
    budget.counts.seconds = round(budget.elapsed, 3)
    ends = tuple(result.end for result in results if result.end is not None)
    return RunResult(
        tallies=merge_tallies(result.tallies for result in results),
        counterexamples=examples,
        grouped_examples=grouped,
        operation_stats=merge_stats(result.operation_stats for result in results),
        counts=budget.counts,
        program_ids=tuple(by_program),
        internal_errors=tuple(result.internal_error for result in results if result.internal_error),
        early_end_reason=early_end_reason or next((end.cause for end in ends if end.is_cut), None),
        interrupted=interrupted,
        fuzzed_violations=_shortest_violations(results),
        transitions=most_frequent(sum((result.transitions for result in results), Counter())),
        program_ends=ends,
        decided_ids={
            program: frozenset[str]().union(*(part.decided for part in parts)) for program, parts in by_program.items()
        },
        occasions={
            program: dict(sum((Counter(part.occasions) for part in parts), Counter()))
            for program, parts in by_program.items()
        },
        failed={
            program: frozenset(id_ for part in parts for id_, tally in part.tallies.items() if tally.findings)
            for program, parts in by_program.items()
        },
        last_statuses=sum((result.last_statuses for result in results), Counter()),
        without_route={
            program: names
            for program, parts in by_program.items()
            if (names := frozenset[str]().union(*(part.without_route for part in parts)))
        },
        refused_requests={
            program: refused
            for program, parts in by_program.items()
            if (refused := next((part.refused_request for part in parts if part.refused_request), ""))
        },
        lost_requests={id_: example for result in results for id_, example in result.lost_requests.items()},
        seconds=_share_seconds(results),
    )


def _share_seconds(results: Sequence[ProgramVerdicts]) -> dict[str, float]:
    """Divide the time of each program equally among the ids that it decided, so that nothing is counted twice."""
    seconds: dict[str, float] = {}
    for result in results:
        decided = result.occasions
        for id_ in decided:
            seconds[id_] = seconds.get(id_, 0.0) + result.seconds / len(decided)
    return seconds


def _shortest_violations(results: Sequence[ProgramVerdicts]) -> dict[str, FuzzedViolation]:
    """The violations found only by random programs, each with its shortest reproduction."""
    found_otherwise = {
        id_
        for result in results
        if not result.fuzzed_violations
        for id_, tally in result.tallies.items()
        if tally.findings
    }
    shortest: dict[str, FuzzedViolation] = {}
    for result in results:
        for id_, fuzzed in result.fuzzed_violations.items():
            if id_ in found_otherwise:
                continue
            if id_ not in shortest or _step_count(fuzzed) < _step_count(shortest[id_]):
                shortest[id_] = fuzzed
    return shortest


def _step_count(fuzzed: FuzzedViolation) -> int:
    return len(fuzzed.reproduction.steps)
