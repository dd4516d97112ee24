"""Runs rules and schema checks on independent groups of recorded exchanges, in one process or in several."""

from __future__ import annotations

import multiprocessing
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from runs_conformance.app.options import RunOptions, build_history_judge
from runs_conformance.app.partition_verdicts import PartitionVerdicts, count_usage, select_representative
from runs_conformance.app.response_rules import select_response_rules
from runs_conformance.engine.program_verdicts import HistoryJudge, ProgramVerdicts, judge_program
from runs_conformance.engine.reported_findings import discard_findings
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.verdict import Tallies, Tally
from runs_conformance.recordings.exchanges import SkippedEntry
from runs_conformance.recordings.loss import is_request_loss
from runs_conformance.recordings.partition import Partition, split_into_partitions
from runs_conformance.recordings.partition_reference import PartitionReference
from runs_conformance.recordings.redaction_marker import contains_marker
from runs_conformance.rules.constraints import response_schemas

_QUEUED_PER_PROCESS = 4


@dataclass(frozen=True, slots=True)
class PartitionJob:
    """A partition to judge, in memory, with the name of the program or recording that it is from.

    `partial` and `missing_data_reason` are those of its history, and `is_part` says that the history has several
    partitions. `skipped` are the entries that are not judged, if they are not listed elsewhere.
    """

    source: str
    partition: Partition
    partial: bool = False
    missing_data_reason: str = ""
    is_part: bool = False
    skipped: tuple[SkippedEntry, ...] = ()

    def __len__(self) -> int:
        return len(self.partition.exchanges) + len(self.partition.damaged)


AnyJob = PartitionJob | PartitionReference[Any]


def split_history(exchanges: Sequence[Exchange]) -> Iterator[Partition]:
    """Split recorded exchanges into partitions. Traffic that this suite sent (it has steps) is not split."""
    if any(exchange.step is not None for exchange in exchanges):
        return split_into_partitions(exchanges, len(exchanges))
    return split_into_partitions(exchanges)


def in_memory(job: AnyJob) -> PartitionJob:
    """The job with its exchanges, which need not be read from a file any more."""
    if isinstance(job, PartitionJob):
        return job
    partition, skipped = job.load()
    return PartitionJob(job.program, partition, job.partial, job.missing_data_reason, job.is_part, skipped)


def judge_jobs(jobs: Iterable[AnyJob], options: RunOptions, processes: int = 1) -> Iterator[PartitionVerdicts]:
    """Judge partitions in up to this many processes; the results are in the order of the jobs."""
    if processes <= 1:
        for job in jobs:
            yield judge_job(job, options)
        return
    mp_context = multiprocessing.get_context("spawn")
    waiting: deque[Future[PartitionVerdicts]] = deque()
    with ProcessPoolExecutor(processes, mp_context=mp_context) as pool:
        for job in jobs:
            waiting.append(pool.submit(judge_job, job, options))
            if len(waiting) > processes * _QUEUED_PER_PROCESS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def judge_job(job: AnyJob, options: RunOptions) -> PartitionVerdicts:
    """Judge one partition by the options of a command. The job and the result can be pickled."""
    job = in_memory(job)
    partition = job.partition
    history_judge = build_history_judge(options, trusts_steps=False)
    partial = options.partial or job.partial
    rules = history_judge.rules
    if job.is_part:
        rules = {id_: rule for id_, rule in rules.items() if not rule.judges_whole_history}
    history_judge = replace(history_judge, rules=rules, partial=partial, missing_data_reason=job.missing_data_reason)
    own = partition.own
    sound = [exchange for exchange in own if not exchange.loss]
    return PartitionVerdicts(
        tuple(judge_partition(job.source, partition, history_judge)),
        count_usage(own),
        frozenset(exchange.edition for exchange in own if exchange.edition),
        frozenset(exchange.dialect for exchange in own),
        min((exchange.wall for exchange in own if exchange.wall), default=None),
        max((exchange.wall for exchange in own if exchange.wall), default=None),
        job.skipped,
        select_representative(History.of(sound, job.source)) if job.is_part else (),
        partial,
    )


def judge_history(
    history: History, exchanges: Iterable[Exchange], history_judge: HistoryJudge
) -> Iterator[ProgramVerdicts]:
    """Judge the exchanges of a history in independent partitions."""
    for partition in split_history(tuple(exchanges)):
        yield from judge_partition(history.program, partition, history_judge)


def judge_partition(source: str, partition: Partition, history_judge: HistoryJudge) -> Iterator[ProgramVerdicts]:
    """Judge a partition, so that data that the recorder lost does not count as a failure of the server.

    Of each damaged exchange only the response is judged: against its schema and, if it is whole, by the rules on a
    response by itself. The other exchanges are judged as a partial history. Rules that need a complete history are also
    run on the exchanges that ended before the first damaged one began. Each occasion counts once.
    """
    if not partition.missing_data_reason:
        results = judge_program(source, partition.exchanges, history_judge)
        yield _drop_dependency_findings(_drop_redacted_findings(results, partition.exchanges), partition)
        return
    reason = history_judge.missing_data_reason if history_judge.partial else partition.missing_data_reason
    partial = replace(history_judge, partial=True, missing_data_reason=reason)
    if partition.exchanges:
        results = judge_program(source, partition.exchanges, partial)
        if not history_judge.partial and partition.complete:
            complete_history_rules = {
                id_: rule for id_, rule in history_judge.rules.items() if rule.needs_complete_history
            }
            complete_history_judge = replace(history_judge, rules=complete_history_rules, constraint_judges=())
            results = _add_findings(results, judge_program(source, partition.complete, complete_history_judge))
        yield _drop_dependency_findings(_drop_redacted_findings(results, partition.exchanges), partition)
    schema_checks = replace(partial, rules={}, constraint_judges=_RESPONSE_SCHEMA_CHECKS)
    all_checks = replace(schema_checks, rules=select_response_rules(partial.rules))
    for exchange in partition.damaged:
        checks = all_checks if is_request_loss(exchange.loss) else schema_checks
        results = replace(judge_program(source, [exchange], checks), operation_stats={})
        yield _drop_redacted_findings(results, [exchange])


def _add_findings(partial: ProgramVerdicts, complete: ProgramVerdicts) -> ProgramVerdicts:
    """Merge the verdicts on the complete part of a history into those on the whole, which was judged as partial.

    Both judge the same occasions: a pass of both counts once, and a finding replaces an inconclusive result of the
    partial history.
    """
    return replace(
        partial,
        tallies={
            **partial.tallies,
            **{id_: _combine(partial.tallies.get(id_, Tally()), tally) for id_, tally in complete.tallies.items()},
        },
        counterexamples={**partial.counterexamples, **complete.counterexamples},
        internal_error=partial.internal_error or complete.internal_error,
    )


def _combine(partial: Tally, complete: Tally) -> Tally:
    settled = len(complete.findings) + complete.excused.total()
    return replace(
        partial,
        judged=max(partial.judged, complete.judged - settled) + settled,
        findings=complete.findings,
        inconclusive=_subtract(partial.inconclusive, settled),
        excused=complete.excused,
        errors=list(dict.fromkeys((*partial.errors, *complete.errors))),
    )


def _subtract(reasons: Counter[str], count: int) -> Counter[str]:
    """The reasons without `count` of them, the most frequent first."""
    left = Counter(reasons)
    for reason, most in reasons.most_common():
        left[reason] -= min(most, count)
        count -= min(most, count)
    return +left


def _drop_dependency_findings(verdicts: ProgramVerdicts, partition: Partition) -> ProgramVerdicts:
    """The verdicts without findings about exchanges of another partition, with which these are reported."""
    if not partition.dependency_exchange_ids:
        return verdicts
    tallies = discard_findings(verdicts.tallies, (), partition.dependency_exchange_ids)
    failed = {id_ for id_, tally in tallies.items() if tally.findings}
    return replace(
        verdicts,
        tallies=tallies,
        counterexamples={id_: example for id_, example in verdicts.counterexamples.items() if id_ in failed},
    )


def _drop_redacted_findings(verdicts: ProgramVerdicts, exchanges: Sequence[Exchange]) -> ProgramVerdicts:
    """The verdicts on recorded traffic without findings about values that the recorder redacted."""
    if any(exchange.step is not None for exchange in exchanges):
        return verdicts
    tallies = {id_: _without_redaction(tally) for id_, tally in verdicts.tallies.items()}
    failed = {id_ for id_, tally in tallies.items() if tally.findings}
    examples = {id_: example for id_, example in verdicts.counterexamples.items() if id_ in failed}
    return replace(verdicts, tallies=tallies, counterexamples=examples)


def _constraints_without_redaction(history: History) -> Tallies:
    """Check the constraints on responses; findings about redacted values become inconclusive."""
    return {id_: _without_redaction(tally) for id_, tally in response_schemas.tallies(history).items()}


def _without_redaction(tally: Tally) -> Tally:
    redacted = [each for each in tally.findings if contains_marker(each.actual) or contains_marker(each.expected)]
    if not redacted:
        return tally
    return replace(
        tally,
        findings=[finding for finding in tally.findings if finding not in redacted],
        judged=max(0, tally.judged - len(redacted)),
        inconclusive=tally.inconclusive + Counter({"the recorder redacted the value": len(redacted)}),
    )


_RESPONSE_SCHEMA_CHECKS = (("constraints of responses", _constraints_without_redaction),)
