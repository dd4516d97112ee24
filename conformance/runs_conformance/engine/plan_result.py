"""Judges programs, and merges their results into the result of a test run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from runs_conformance.engine.budget import Budget, Counts
from runs_conformance.engine.capabilities import (
    Signature,
    StatsByOperation,
    collect_stats,
    merge_stats,
    unserved_operations,
)
from runs_conformance.engine.counterexample import (
    ExamplesByGroup,
    build_counterexample,
    grouped_counterexamples,
    merge_examples,
    smaller_counterexample,
)
from runs_conformance.engine.judge import Judge, judge
from runs_conformance.engine.refused_request import first_refused_request
from runs_conformance.engine.reproduction import Reproduction
from runs_conformance.engine.shrinking.shrinker import ReproducedViolation
from runs_conformance.engine.verdicts import limit_findings
from runs_conformance.evidence.run_timeline import runs as run_timelines
from runs_conformance.evidence.transitions import MAX_STATUS_LENGTH, Transitions, most_frequent, transitions
from runs_conformance.model.exchange import Completion, Exchange
from runs_conformance.model.hazard import TRIAL_PREFIX, Hazard
from runs_conformance.model.history import History
from runs_conformance.model.json import JSON
from runs_conformance.model.limit import Limit
from runs_conformance.model.program_end import ProgramEnd
from runs_conformance.model.request_forms import RequestForms
from runs_conformance.model.rule import AnyRule
from runs_conformance.model.verdict import Tally, merge_tallies
from runs_conformance.rules.constraints.cross_check import SecondOpinion

MAX_KEPT_BYTES = 1024 * 1024

CLEANUP_SUFFIX = "/cleanup"
"""The end of the name under which the objects of a program are deleted, after the name of the program."""

MAX_LOST_REQUESTS = 3
"""Requests without a response that are kept for each program."""


@dataclass(frozen=True, slots=True)
class HistoryJudge:
    """Judges histories by these rules and constraint judges.

    `missing_data_reason` says what is missing from a partial history. Histories from files are judged without
    `trusts_steps`.
    """

    rules: Mapping[str, AnyRule]
    constraint_judges: tuple[tuple[str, Judge], ...] = ()
    strict: bool = False
    partial: bool = False
    missing_data_reason: str = ""
    trusts_steps: bool = True

    def tallies(self, program: str, exchanges: Sequence[Exchange]) -> tuple[History, dict[str, Tally]]:
        """Build the history of a program and judge it."""
        history = History.of(exchanges, program, self.strict, self.partial, self.missing_data_reason)
        return history, judge(history, self.rules, self.constraint_judges, trusts_steps=self.trusts_steps)

    def only(self, id_: str) -> HistoryJudge:
        """Return the judge of one id alone."""
        if id_ in self.rules:
            return replace(self, rules={id_: self.rules[id_]}, constraint_judges=())
        return replace(self, rules={})


@dataclass(frozen=True, slots=True)
class FuzzedViolation:
    """A violation found by a random program, with the steps that show it."""

    program: str
    reproduction: Reproduction
    violation: ReproducedViolation


@dataclass(frozen=True, slots=True)
class ProgramVerdicts:
    """The results of judging one program. Its history is no longer in memory."""

    program: str
    tallies: Mapping[str, Tally]
    counterexamples: Mapping[str, JSON]
    operation_stats: StatsByOperation
    internal_error: str | None = None
    end: ProgramEnd | None = None
    fuzzed_violations: Mapping[str, FuzzedViolation] = field(default_factory=dict)
    transitions: Transitions = field(default_factory=Counter)
    last_statuses: Counter[str] = field(default_factory=Counter)
    unserved: frozenset[str] = frozenset()
    refused_request: str = ""
    lost_requests: Mapping[str, JSON] = field(default_factory=dict)
    seconds: float = 0.0
    grouped_examples: Mapping[str, ExamplesByGroup] = field(default_factory=dict)

    @property
    def decided(self) -> frozenset[str]:
        """The ids that this program decides by itself."""
        return frozenset(id_ for id_, tally in self.tallies.items() if tally.is_decided)

    @property
    def occasions(self) -> Mapping[str, int]:
        """The number of occasions on which each id was judged, whether or not they decide it."""
        return {id_: tally.judged for id_, tally in self.tallies.items() if tally.judged}


@dataclass(frozen=True, slots=True)
class RunResult:
    """The merged results of a test run, and how it ended.

    `fuzzed_violations` were found only by random programs; their counterexamples can be shrunk. `program_ends` says
    how each program of the plan ended, `decided_ids` which ids each program decided, `failed` which of them with
    findings, and `occasions` how often each program judged each id. `last_statuses` counts the runs by the last status
    that a response showed. `unserved` names, by program, the operations whose responses were like those of missing
    routes, and `refused_requests` the first valid request that was refused. `lost_requests` holds, in the form of
    counterexamples and by exchange, the first requests of programs that were sent and got no response.
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
    enlarged: frozenset[str] = frozenset()
    """The failures whose counterexamples have more steps, with which alone they occurred again."""
    request_forms: RequestForms = field(default_factory=RequestForms)
    hazards: tuple[Hazard, ...] = ()
    unserved: Mapping[str, frozenset[str]] = field(default_factory=dict)
    refused_requests: Mapping[str, str] = field(default_factory=dict)
    lost_requests: Mapping[str, JSON] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    """How long each id took: its share of the time of each program that decided it."""
    grouped_examples: Mapping[str, ExamplesByGroup] = field(default_factory=dict)
    """The counterexamples of each id by the group of their findings, some of which may be discarded."""


def judge_program(
    program: str,
    exchanges: Sequence[Exchange],
    history_judge: HistoryJudge,
    no_route: Collection[Signature] = (),
    *,
    fuzzed: bool = False,
) -> ProgramVerdicts:
    """Judge the exchanges of one program. An internal error is returned, not raised."""
    try:
        history, tallies = history_judge.tallies(program, exchanges)
        examples = grouped_counterexamples(history, tallies)
        # Shrinking needs the history of a violation until the end of the test run, for which a large one is not suited.
        keeps_history = fuzzed and sum(x.response.size for x in exchanges if x.response) <= MAX_KEPT_BYTES
        failed = {id_: tally for id_, tally in tallies.items() if tally.findings} if keeps_history else {}
        # Shrinking removes single steps, so it needs them in sequence.
        reproduction = Reproduction(Reproduction.of(exchanges).steps if failed else ())
        return ProgramVerdicts(
            program=program,
            tallies={id_: limit_findings(tally) for id_, tally in tallies.items()},
            counterexamples={id_: next(iter(groups.values())) for id_, groups in examples.items()},
            grouped_examples=examples,
            operation_stats=collect_stats(exchanges, no_route),
            fuzzed_violations={
                id_: FuzzedViolation(program, reproduction, ReproducedViolation(history, tally))
                for id_, tally in failed.items()
            },
            transitions=transitions(history),
            last_statuses=Counter(run.last.status[:MAX_STATUS_LENGTH] for run in run_timelines(history)),
            unserved=unserved_operations(exchanges, no_route),
            refused_request=first_refused_request(exchanges),
            lost_requests=_lost_requests(history),
            seconds=max(x.ended for x in exchanges) - min(x.started for x in exchanges) if exchanges else 0.0,
            internal_error=_name_program(program, SecondOpinion(history).rightly_refused())
            if history_judge.trusts_steps
            else None,
        )
    except Exception as error:
        return ProgramVerdicts(
            program, {}, {}, {}, internal_error=f"judging {program} raised {type(error).__name__}: {error}"
        )


def with_cleanup(
    result: ProgramVerdicts, exchanges: Sequence[Exchange], no_route: Collection[Signature]
) -> ProgramVerdicts:
    """The results of a program with what its cleanup shows of the operations that the target offers."""
    stats = merge_stats([result.operation_stats, collect_stats(exchanges, no_route)])
    return replace(result, operation_stats=stats)


def _name_program(program: str, error: str | None) -> str | None:
    return error and f"{program}: {error}"


def _lost_requests(history: History) -> dict[str, JSON]:
    lost = [each for each in history if each.step is not None and (_is_lost(each) or _is_on_trial(each))]
    return {each.id: build_counterexample(history, "", each) for each in lost[:MAX_LOST_REQUESTS]}


def _is_lost(exchange: Exchange) -> bool:
    return exchange.response is None and exchange.completion is Completion.UNKNOWN


def _is_on_trial(exchange: Exchange) -> bool:
    return exchange.is_probe and exchange.program.startswith(TRIAL_PREFIX)


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
        unserved={
            program: names
            for program, parts in by_program.items()
            if (names := frozenset[str]().union(*(part.unserved for part in parts)))
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
    """Return the violations found only by random programs, each with its shortest reproduction."""
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
