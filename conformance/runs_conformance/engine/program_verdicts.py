"""Judges the history of a program."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from runs_conformance.engine.capabilities import (
    Signature,
    StatsByOperation,
    collect_stats,
    merge_stats,
    operations_without_route,
)
from runs_conformance.engine.counterexample import (
    ExamplesByGroup,
    build_counterexample,
    grouped_counterexamples,
)
from runs_conformance.engine.finding_evidence import add_evidence
from runs_conformance.engine.judge import Judge, judge
from runs_conformance.engine.refused_request import first_refused_request
from runs_conformance.engine.reported_findings import limit_findings
from runs_conformance.engine.reproduction import Reproduction
from runs_conformance.engine.shrinking.shrinker import ReproducedViolation
from runs_conformance.evidence.run_timeline import runs as run_timelines
from runs_conformance.evidence.transitions import MAX_STATUS_LENGTH, Transitions, transitions
from runs_conformance.model.exchange import Completion, Exchange
from runs_conformance.model.hazard import TRIAL_PREFIX
from runs_conformance.model.history import History
from runs_conformance.model.json import JSON
from runs_conformance.model.program_end import ProgramEnd
from runs_conformance.model.rule import AnyRule
from runs_conformance.model.verdict import Tally
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

    def judge_exchanges(self, program: str, exchanges: Sequence[Exchange]) -> tuple[History, dict[str, Tally]]:
        """Build the history of a program and judge it."""
        history = History.of(exchanges, program, self.strict, self.partial, self.missing_data_reason)
        return history, judge(history, self.rules, self.constraint_judges, trusts_steps=self.trusts_steps)

    def for_requirement(self, id_: str) -> HistoryJudge:
        """The judge of one id alone."""
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
    without_route: frozenset[str] = frozenset()
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
        history, tallies = history_judge.judge_exchanges(program, exchanges)
        examples = grouped_counterexamples(history, tallies)
        # Shrinking needs the history of a violation until the end of the test run, for which a large one is not suited.
        keeps_history = fuzzed and sum(x.response.size for x in exchanges if x.response) <= MAX_KEPT_BYTES
        failed = {id_: tally for id_, tally in tallies.items() if tally.findings} if keeps_history else {}
        # Shrinking removes single steps, so it needs them in sequence.
        reproduction = Reproduction(Reproduction.of(exchanges).steps if failed else ())
        return ProgramVerdicts(
            program=program,
            tallies={id_: add_evidence(limit_findings(tally), history) for id_, tally in tallies.items()},
            counterexamples={id_: next(iter(groups.values())) for id_, groups in examples.items()},
            grouped_examples=examples,
            operation_stats=collect_stats(exchanges, no_route),
            fuzzed_violations={
                id_: FuzzedViolation(program, reproduction, ReproducedViolation(history, tally))
                for id_, tally in failed.items()
            },
            transitions=transitions(history),
            last_statuses=Counter(run.last.status[:MAX_STATUS_LENGTH] for run in run_timelines(history)),
            without_route=operations_without_route(exchanges, no_route),
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
