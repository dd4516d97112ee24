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
from runs_conformance.model.verdict import Tallies, Tally
from runs_conformance.recordings.partition import Partition, cut
from runs_conformance.recordings.redaction_marker import contains_marker
from runs_conformance.rules.constraints import answers
from runs_conformance.rules.constraints.cross_check import with_second_opinion


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
    judged as a partial history, and those before the first loss as a complete one too. Each occasion counts once.
    """
    if not partition.gap:
        yield _own(judge_program(program, partition.exchanges, judges), partition)
        return
    partial = replace(judges, partial=True, gap=judges.gap if judges.partial else partition.gap)
    if partition.exchanges:
        results = judge_program(program, partition.exchanges, partial)
        if not judges.partial and partition.complete:
            complete = {id_: rule for id_, rule in judges.rules.items() if rule.needs_complete_history}
            complete_judges = replace(judges, rules=complete, constraint_judges=())
            results = _add_findings(results, judge_program(program, partition.complete, complete_judges))
        yield _own(results, partition)
    answers_only = replace(partial, rules={}, constraint_judges=_ANSWER_JUDGES)
    for exchange in partition.damaged:
        yield replace(judge_program(program, [exchange], answers_only), operation_stats={})


def _add_findings(partial: ProgramVerdicts, complete: ProgramVerdicts) -> ProgramVerdicts:
    """Add what a part of a history shows as a complete history, where the whole was judged as a partial one.

    Both judge the same occasions: a pass of both is one pass, and a finding was inconclusive in the partial history.
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


_ANSWER_JUDGES = (("constraints of answers", with_second_opinion(_constraints_without_redaction)),)
