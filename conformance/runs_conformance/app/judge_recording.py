"""Judges recorded traffic offline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from runs_conformance.app.attach_steps import attach_steps
from runs_conformance.app.build_report import report_transitions
from runs_conformance.app.judge_partition import PartitionJob, judge_jobs, split_history
from runs_conformance.app.options import (
    RunOptions,
    build_history_judge,
    check_selection,
    compare_to_baseline,
    describe_suite,
    selection_filter,
    usage,
)
from runs_conformance.contract.constraint import constraints
from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.contract.operation import CAPABILITIES
from runs_conformance.engine import outcome
from runs_conformance.engine.budget import Budget
from runs_conformance.engine.run_result import merge_results
from runs_conformance.engine.verdicts import (
    NotJudgedReason,
    Requirements,
    VerdictContext,
    build_verdicts,
)
from runs_conformance.errors import UsageError
from runs_conformance.model.case import Role
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.rule import Constraint
from runs_conformance.model.verdict import Outcome
from runs_conformance.recordings.load import RecordedTraffic, load_traffic
from runs_conformance.reporting.report import Report, TargetInfo
from runs_conformance.rules import catalogue as rules

_NOT_COVERED = NotJudgedReason("the recorded traffic does not cover it")


@dataclass(frozen=True, slots=True)
class RecordingReview:
    """The report on recorded traffic, and the recordings it is based on."""

    report: Report
    readings: tuple[RecordedTraffic, ...]
    unreadable: tuple[str, ...] = ()

    @property
    def skipped(self) -> Iterator[str]:
        """One line for each skipped entry: where it stands and why it was skipped."""
        for reading in self.readings:
            for entry in reading.skipped:
                yield f"{entry.location}: {entry.reason}"


def judge(
    paths: Sequence[Path],
    options: RunOptions,
    edition: str | None = None,
    hosts: Sequence[str] = (),
    as_operation: str | None = None,
    jobs: int = 1,
) -> RecordingReview:
    """Judge recorded traffic by `edition` or, without one, each exchange by the edition of its own date.

    `hosts` are globs of the hosts whose traffic is judged. With `as_operation` each file is one response of it. A file
    that cannot be read is skipped if another one can. The report does not depend on `jobs`, the number of processes.
    Raises UsageError if no file can be read.
    """
    readings, unreadable = _load(paths, edition, hosts, as_operation)
    report = judge_traffic(", ".join(path.name for path in paths), readings, options, edition, jobs)
    return RecordingReview(report, readings, unreadable)


def judge_traffic(
    name: str, readings: Sequence[RecordedTraffic], options: RunOptions, edition: str | None = None, jobs: int = 1
) -> Report:
    """Judge recorded traffic that was loaded with the same `edition`; `name` is the name of the target."""
    budget = Budget()
    partition_jobs: list[PartitionJob] = []
    exchanges: list[Exchange] = []
    for history in (history for reading in readings for history in reading.histories):
        judged = _judged_exchanges(history)
        exchanges += judged
        partition_jobs += [
            PartitionJob(history.program, part, history.partial, history.missing_data_reason)
            for part in split_history(judged)
        ]
    results = list(judge_jobs(partition_jobs, options, jobs))
    for exchange in exchanges:
        budget.count(exchange)
    histories = (history for reading in readings for history in reading.histories)
    result = attach_steps(merge_results(results, budget), histories, build_history_judge(options))
    all_requirements = Requirements(rules=rules(), constraints=_constraints(edition, exchanges))
    check_selection(options, all_requirements.ids())
    verdicts = build_verdicts(
        result.tallies,
        all_requirements,
        VerdictContext(
            is_selected=selection_filter(options, all_requirements), default_reason=lambda capability, id_: _NOT_COVERED
        ),
        result.counterexamples,
    )
    comparison = compare_to_baseline(verdicts, options, all_requirements, profile=None)
    conclusion = outcome.decide_outcome(
        verdicts,
        internal_errors=result.internal_errors,
        fail_on=options.fail_on,
        max_inconclusive=options.max_inconclusive,
        comparison=comparison,
    )
    covered = {verdict.capability for verdict in verdicts if verdict.outcome in (Outcome.PASS, Outcome.FAIL)}
    return Report(
        suite=describe_suite(replace(options, edition=edition or DEFAULT_EDITION), None, None),
        target=TargetInfo(
            name=name,
            base_url=None,
            dialect=" and ".join(sorted({exchange.dialect for exchange in exchanges})) or "openai",
            capabilities=tuple(name for name in CAPABILITIES if name in covered),
        ),
        complete=True,
        outcome=conclusion.outcome,
        exit_code=conclusion.exit_code,
        reason=conclusion.reason,
        usage=usage(result.counts),
        verdicts=tuple(verdicts),
        comparison=comparison,
        transitions=report_transitions(result.transitions),
        started=min((exchange.wall for exchange in exchanges if exchange.wall), default=None),
    )


def _load(
    paths: Sequence[Path], edition: str | None, hosts: Sequence[str], as_operation: str | None
) -> tuple[tuple[RecordedTraffic, ...], tuple[str, ...]]:
    """Load the files; returns what they hold and one line for each that cannot be read."""
    readings: list[RecordedTraffic] = []
    problems: list[str] = []
    for path in paths:
        try:
            readings.append(load_traffic(path, edition, hosts, as_operation))
        except UsageError as error:
            problems.append(str(error))
    if not readings:
        raise UsageError("; ".join(problems))
    return tuple(readings), tuple(problems)


def _judged_exchanges(history: History) -> list[Exchange]:
    """Return the exchanges to judge: without cleanup requests, and without paths outside the contract."""
    return [
        exchange
        for exchange in history
        if exchange.operation is not None and (exchange.step is None or exchange.step.role is not Role.CLEANUP)
    ]


def _constraints(edition: str | None, exchanges: Sequence[Exchange]) -> Mapping[str, Constraint]:
    """Return the constraints of the edition.

    Without an edition these are the newest constraints, then those that only older editions state.
    """
    known = dict(constraints(edition or DEFAULT_EDITION))
    if edition is None:
        for older in sorted({exchange.edition for exchange in exchanges if exchange.edition}, reverse=True):
            for id_, constraint in constraints(older).items():
                known.setdefault(id_, constraint)
    return known
