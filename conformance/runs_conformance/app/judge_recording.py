"""Judges recorded traffic offline."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from runs_conformance.app.attach_steps import attach_steps, read_counterexample_histories
from runs_conformance.app.build_report import report_transitions
from runs_conformance.app.judge_partition import AnyJob, PartitionJob, judge_jobs, split_history
from runs_conformance.app.large_blocks import return_large_blocks
from runs_conformance.app.options import (
    RunOptions,
    build_history_judge,
    check_selection,
    compare_to_baseline,
    describe_suite,
    selection_filter,
    usage,
)
from runs_conformance.app.partition_verdicts import PartitionVerdicts, VerdictMerger
from runs_conformance.app.recording_parts import CutRecording, drop_repeated
from runs_conformance.contract.constraint import constraints
from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.contract.operation import CAPABILITIES
from runs_conformance.engine import outcome
from runs_conformance.engine.budget import Budget
from runs_conformance.engine.plan_result import RunResult, merge_results
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
from runs_conformance.recordings.har_file import open_har
from runs_conformance.recordings.history_index import HistoryIndex, is_history_file
from runs_conformance.recordings.load import RecordedTraffic, load_traffic
from runs_conformance.recordings.recording_index import MAX_SKIPPED, RecordingIndex
from runs_conformance.reporting.report import Report, TargetInfo
from runs_conformance.rules import catalogue as rules

_NOT_COVERED = NotJudgedReason("the recorded traffic does not cover it")


OnProgress = Callable[[int, int], None]
"""Called with the number of exchanges that were judged, and the number of all entries."""


@dataclass(frozen=True, slots=True)
class RecordingReview:
    """The report on recorded traffic, and what it is based on.

    `skipped` has a line for each of the first skipped entries, with its place and the reason; `skipped_count` counts
    all. `unreadable` has a line for each file that could not be read.
    """

    report: Report
    skipped: tuple[str, ...] = ()
    skipped_count: int = 0
    unreadable: tuple[str, ...] = ()


def judge(
    paths: Sequence[Path | str],
    options: RunOptions,
    edition: str | None = None,
    hosts: Sequence[str] = (),
    as_operation: str | None = None,
    jobs: int = 1,
    on_progress: OnProgress = lambda done, total: None,
) -> RecordingReview:
    """Judge recorded traffic by `edition` or, without one, each exchange by the edition of its own date.

    `hosts` are globs of the hosts whose traffic is judged. With `as_operation` each file is one response of it. A file
    that cannot be read is skipped if another one can, and exchanges that several files hold are judged once. The report
    does not depend on `jobs`, the number of processes. Raises UsageError if no file can be read.
    """
    return_large_blocks()
    cuts, problems = cut_recordings(paths, edition, hosts, as_operation)
    try:
        if not cuts:
            raise UsageError("; ".join(problems))
        total = sum(each.entry_count - each.repeated_count for each in cuts)
        results = judge_jobs((job for each in cuts for job in each.jobs), options, jobs)
        review = merge_verdicts(cuts, _with_progress(results, total, on_progress), options, edition)
        return replace(review, unreadable=tuple(problems))
    finally:
        for each in cuts:
            each.close()


def _with_progress(
    results: Iterable[PartitionVerdicts], total: int, on_progress: OnProgress
) -> Iterator[PartitionVerdicts]:
    done = 0
    for result in results:
        done += result.counts.requests
        on_progress(done, total)
        yield result


def cut_recordings(
    paths: Sequence[Path | str],
    edition: str | None = None,
    hosts: Sequence[str] = (),
    as_operation: str | None = None,
) -> tuple[list[CutRecording], list[str]]:
    """Cut all files that can be read, without what another one of them holds, too; returns also the problems of the
    others.
    """
    cuts: list[CutRecording] = []
    problems: list[str] = []
    try:
        for path in paths:
            try:
                cuts.append(cut_recording(path, edition, hosts, as_operation))
            except UsageError as error:
                problems.append(str(error))
        return drop_repeated(cuts), problems
    except BaseException:
        for each in cuts:
            each.close()
        raise


def cut_recording(
    path: Path | str, edition: str | None = None, hosts: Sequence[str] = (), as_operation: str | None = None
) -> CutRecording:
    """Cut a file, or what a URL of fsspec names, into partitions that nothing joins.

    A HAR or `history.jsonl` of any size is read in a stream. Raises UsageError if the file cannot be read.
    """
    file = open_har(str(path)) if as_operation is None else None
    if file is None and as_operation is None and is_history_file(str(path)):
        history = HistoryIndex(str(path), edition)
        skipped = history.skipped
        return CutRecording(
            str(path),
            history.partitions(),
            history.entry_count,
            skipped=skipped,
            skipped_count=len(skipped),
            history_path=Path(path) if history.has_steps else None,
        )
    if file is None:
        return cut_traffic(str(path), load_traffic(Path(path), edition, hosts, as_operation))
    index = RecordingIndex(file, edition, hosts)
    return CutRecording(index.name, index.partitions(), index.entry_count, skipped=index.skipped, index=index)


def cut_traffic(name: str, reading: RecordedTraffic) -> CutRecording:
    """Cut traffic that was loaded."""
    jobs: list[AnyJob] = []
    count = 0
    for history in reading.histories:
        judged = _judged_exchanges(history)
        count += len(judged)
        parts = list(split_history(judged)) if judged else []
        jobs += [
            PartitionJob(history.program, part, history.partial, history.missing_data_reason, len(parts) > 1)
            for part in parts
        ]
    judged_ids = {exchange.id for history in reading.histories for exchange in history if exchange.loss}
    left_out = sum(entry.location not in judged_ids for entry in reading.skipped)
    return CutRecording(name, jobs, count + left_out, reading.histories, reading.skipped, len(reading.skipped))


def judge_traffic(
    name: str, readings: Sequence[RecordedTraffic], options: RunOptions, edition: str | None = None, jobs: int = 1
) -> Report:
    """Judge recorded traffic that was loaded with the same `edition`; `name` is the name of the target."""
    cuts = drop_repeated([cut_traffic(name, reading) for reading in readings])
    results = judge_jobs([job for each in cuts for job in each.jobs], options, jobs)
    return merge_verdicts(cuts, results, options, edition, name).report


def merge_verdicts(
    cuts: Sequence[CutRecording],
    results: Iterable[PartitionVerdicts],
    options: RunOptions,
    edition: str | None = None,
    name: str = "",
) -> RecordingReview:
    """Merge the results of all jobs, in the order of the jobs, into one report; `name` is the name of the target."""
    budget = Budget()
    merger = VerdictMerger(build_history_judge(options, trusts_steps=False))
    for each_result in results:
        merger.add(each_result, MAX_SKIPPED)
    budget.counts = merger.counts
    merged = merge_results(merger.results(), budget)
    histories = (history for each in cuts for history in _read_histories(each, merged, edition))
    result = attach_steps(merged, histories, build_history_judge(options, trusts_steps=False))
    all_requirements = Requirements(rules=rules(), constraints=_constraints(edition, merger.editions))
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
        internal_errors=(*result.internal_errors, *merger.further_errors),
        fail_on=options.fail_on,
        max_inconclusive=options.max_inconclusive,
        comparison=comparison,
    )
    covered = {verdict.capability for verdict in verdicts if verdict.outcome in (Outcome.PASS, Outcome.FAIL)}
    total = sum(each.entry_count for each in cuts)
    judged = merger.counts.requests
    report = Report(
        suite=describe_suite(replace(options, edition=edition or DEFAULT_EDITION), None, None),
        target=TargetInfo(
            name=name or ", ".join(Path(each.name).name for each in cuts),
            base_url=None,
            dialect=" and ".join(sorted(merger.dialects)) or "openai",
            capabilities=tuple(name for name in CAPABILITIES if name in covered),
        ),
        complete=True,
        outcome=conclusion.outcome,
        exit_code=conclusion.exit_code,
        reason=conclusion.reason if judged == total else f"{conclusion.reason}; judged {judged} of {total} entries",
        usage=usage(replace(result.counts, seconds=merger.seconds)),
        verdicts=tuple(verdicts),
        comparison=comparison,
        transitions=report_transitions(result.transitions),
        started=merger.started,
    )
    skipped = [entry for each in cuts for entry in each.skipped]
    left_out = sum(each.count_skipped() for each in cuts)
    lines = tuple(f"{entry.location}: {entry.reason}" for entry in (*skipped, *merger.skipped))
    return RecordingReview(report, lines, left_out + merger.skipped_count)


def _read_histories(cut: CutRecording, result: RunResult, edition: str | None) -> Iterable[History]:
    """The histories of a recording that may show the counterexamples of a result."""
    if cut.history_path is None:
        return cut.histories
    return read_counterexample_histories(cut.history_path, result, edition)


def _judged_exchanges(history: History) -> list[Exchange]:
    """The exchanges to judge: without cleanup requests, and without paths outside the contract."""
    return [
        exchange
        for exchange in history
        if exchange.operation is not None and (exchange.step is None or exchange.step.role is not Role.CLEANUP)
    ]


def _constraints(edition: str | None, editions: Collection[str]) -> Mapping[str, Constraint]:
    """The constraints of the edition.

    Without an edition these are the newest constraints, then those that only older editions state.
    """
    known = dict(constraints(edition or DEFAULT_EDITION))
    if edition is None:
        for older in sorted(editions, reverse=True):
            for id_, constraint in constraints(older).items():
                known.setdefault(id_, constraint)
    return known
