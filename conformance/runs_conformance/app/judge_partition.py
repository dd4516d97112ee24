"""Judges the partitions of recorded histories, in this process or in several."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace

from runs_conformance.app.options import RunOptions, build_judges
from runs_conformance.engine.run_result import Judges, ProgramVerdicts, judge_program
from runs_conformance.engine.verdicts import discard_findings
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.verdict import Tallies
from runs_conformance.recordings.partition import Partition, cut
from runs_conformance.recordings.redaction_marker import contains_marker
from runs_conformance.rules.constraints import answers


@dataclass(frozen=True, slots=True)
class Work:
    """A partition to judge, with the program that it belongs to. `partial` and `gap` are those of its history."""

    program: str
    partition: Partition
    partial: bool = False
    gap: str = ""


def cut_history(exchanges: Sequence[Exchange]) -> Iterator[Partition]:
    """Cut recorded exchanges into partitions. The suite's own programs are judged as a whole."""
    if any(exchange.step is not None for exchange in exchanges):
        return cut(exchanges, len(exchanges))
    return cut(exchanges)


def judge_all(work: Sequence[Work], options: RunOptions, jobs: int = 1) -> Iterator[ProgramVerdicts]:
    """Judge partitions in several processes; the results are in the order of the work."""
    if jobs <= 1 or len(work) <= 1:
        for each in work:
            yield from judge_work(each, options)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(jobs, len(work)), mp_context=context) as pool:
        for results in pool.map(_judge_in_worker, work, [options] * len(work)):
            yield from results


def _judge_in_worker(work: Work, options: RunOptions) -> list[ProgramVerdicts]:
    return list(judge_work(work, options))


def judge_work(work: Work, options: RunOptions) -> Iterator[ProgramVerdicts]:
    """Judge one partition by the options of a command."""
    judges = replace(build_judges(options), partial=options.partial or work.partial, gap=work.gap)
    return judge_partition(work.program, work.partition, judges)


def judge_history(history: History, exchanges: Iterable[Exchange], judges: Judges) -> Iterator[ProgramVerdicts]:
    """Judge the exchanges of a history in independent partitions."""
    for partition in cut_history(tuple(exchanges)):
        yield from judge_partition(history.program, partition, judges)


def judge_partition(program: str, partition: Partition, judges: Judges) -> Iterator[ProgramVerdicts]:
    """Judge a partition, so that losses of the recorder are not held against the server.

    Exchanges of which something was lost are judged alone, by the constraints on their answers. The others are then
    judged as a partial history, and those before the first loss as a complete one too.
    """
    if not partition.gap:
        yield _own(judge_program(program, partition.exchanges, judges), partition)
        return
    partial = replace(judges, partial=True, gap=judges.gap if judges.partial else partition.gap)
    if partition.exchanges:
        yield _own(judge_program(program, partition.exchanges, partial), partition)
    if not judges.partial and partition.complete:
        complete = {id_: rule for id_, rule in judges.rules.items() if rule.needs_complete_history}
        again = judge_program(program, partition.complete, replace(judges, rules=complete, constraint_judges=()))
        yield _own(replace(again, transitions=Counter(), last_statuses=Counter(), operation_stats={}), partition)
    answers_only = replace(partial, rules={}, constraint_judges=_ANSWER_JUDGES)
    for exchange in partition.damaged:
        yield replace(judge_program(program, [exchange], answers_only), operation_stats={})


def _own(verdicts: ProgramVerdicts, partition: Partition) -> ProgramVerdicts:
    """The verdicts without findings about the context, which are found where it belongs."""
    if not partition.context:
        return verdicts
    tallies = discard_findings(verdicts.tallies, (), partition.context)
    failed = {id_ for id_, tally in tallies.items() if tally.findings}
    return replace(
        verdicts,
        tallies=tallies,
        counterexamples={id_: example for id_, example in verdicts.counterexamples.items() if id_ in failed},
    )


def _constraints_without_redaction(history: History) -> Tallies:
    """Judge the answers' constraints; findings about redacted values become inconclusive."""
    tallies = answers.tallies(history)
    for tally in tallies.values():
        redacted = [finding for finding in tally.findings if contains_marker(finding.actual)]
        if redacted:
            tally.findings = [finding for finding in tally.findings if finding not in redacted]
            tally.judged = max(0, tally.judged - len(redacted))
            tally.inconclusive["the recorder redacted the value"] += len(redacted)
    return tallies


_ANSWER_JUDGES = (("constraints of answers", _constraints_without_redaction),)
