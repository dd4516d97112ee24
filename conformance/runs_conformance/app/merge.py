"""Rebuilds the report of a test run from its history, or one report from the histories of its shards."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from runs_conformance.app.attach_steps import attach_steps
from runs_conformance.app.build_report import build_report, build_unreachable_report
from runs_conformance.app.options import RunOptions, build_history_judge
from runs_conformance.app.recorded_confirmations import prefix_of, with_recorded_confirmations
from runs_conformance.app.run_metadata import RunFooter, RunHeader
from runs_conformance.baseline import BaselineSettings
from runs_conformance.engine import form_search, preflight
from runs_conformance.engine.budget import Budget, Counts
from runs_conformance.engine.capabilities import Signature
from runs_conformance.engine.not_offered_findings import discard_not_offered
from runs_conformance.engine.plan_result import RunResult, merge_results
from runs_conformance.engine.program_verdicts import CLEANUP_SUFFIX, ProgramVerdicts, judge_program, with_cleanup
from runs_conformance.engine.shard import missing_shards, parse_shard
from runs_conformance.engine.shrinking.confirmed_result import without_unanswered_requests
from runs_conformance.errors import UsageError
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import JSON, is_object
from runs_conformance.model.plural import plural
from runs_conformance.model.program_end import Ending, ProgramEnd
from runs_conformance.recordings.load import load_traffic
from runs_conformance.reporting.report import Report

_SAME_IN_ALL_PARTS = ("edition", "strict", "select", "exclude", "fail_on", "profile", "phases", "model", "seed")
"""Options that must have the same value in all parts of a test run."""

UNFINISHED = "the test run that wrote the history did not finish"


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """A test run as recorded in its `history.jsonl`. `footer` is None if it did not finish."""

    path: Path
    header: RunHeader
    histories: tuple[History, ...]
    footer: RunFooter | None

    @property
    def early_end_reason(self) -> str | None:
        """Why the history is not that of a complete test run; None if it is."""
        if self.footer is None:
            return UNFINISHED
        indexes = {exchange.index for history in self.histories for exchange in history}
        missing = max(*indexes, self.footer.exchanges, 0) - len(indexes)
        if missing > 0:
            return f"the history lacks {plural(missing, 'exchange')}"
        return self.footer.early_end_reason or self.unreachable_reason

    @property
    def unreachable_reason(self) -> str | None:
        """Why the target could not be tested at all; None if it could."""
        return self.footer.unreachable_reason if self.footer is not None else None

    @property
    def no_route(self) -> frozenset[Signature]:
        """The signatures of responses for an unknown route, as recorded by the preflight."""
        outside = (history for history in self.histories if history.program == preflight.PROBE_PROGRAM)
        return preflight.signatures_in(itertools.chain.from_iterable(outside))


def read_run(path: Path) -> RecordedRun:
    """Read a test run from its `history.jsonl`. Raises UsageError for any other file."""
    traffic = load_traffic(path)
    if not traffic.header:
        raise UsageError(f"{path}: not the history of a test run; `runs-conformance judge {path}` judges recordings")
    header = RunHeader.from_json(traffic.header, str(path))
    footer = RunFooter.from_json(traffic.footer, str(path)) if traffic.footer else None
    return RecordedRun(path, header, traffic.histories, footer)


def rebuild_report(
    runs: Sequence[RecordedRun], baseline_settings: BaselineSettings | None = None, missing: str | None = None
) -> Report:
    """Rebuild the report of a test run from all its parts.

    `baseline_settings` hold the baseline, which a history does not contain. `missing` says which parts have no history
    at all. If only some parts could test the target, the test run counts as stopped early. Exchange ids of the second
    and later histories get the number of their history as a prefix: `2:x000017`. Raises UsageError unless all histories
    are of one test run.
    """
    _check_parts(runs)
    header = _merge_headers([run.header for run in runs], baseline_settings)
    counts = _merge_counts(runs)
    reason = runs[0].unreachable_reason
    if reason is not None and all(run.unreachable_reason for run in runs):
        return build_unreachable_report(header, reason, counts)
    results = sorted(
        (result for number, run in enumerate(runs, 1) for result in _judge_programs(run, number)),
        key=_plan_order(header),
    )
    result = merge_results(results, Budget())
    result = discard_not_offered(result, header.options.capabilities, header.options.no_capabilities)
    footers = [run.footer for run in runs if run.footer is not None]
    internal_errors = dict.fromkeys(
        (*result.internal_errors, *(error for footer in footers for error in footer.internal_errors))
    )
    early_end_reason = next((reason for run in runs if (reason := run.early_end_reason) and run.footer), missing)
    result = replace(
        result,
        counts=counts,
        counterexamples=_merge_counterexamples(result, runs),
        # A program that could not send anything was executed, too.
        program_ids=result.program_ids
        if early_end_reason
        else tuple({**dict.fromkeys(result.program_ids), **dict.fromkeys(header.programs)}),
        internal_errors=tuple(internal_errors),
        early_end_reason=early_end_reason or (UNFINISHED if len(footers) < len(runs) else None),
        interrupted=any(footer.interrupted for footer in footers),
        limits=tuple(limit for footer in footers for limit in footer.limits),
        program_ends=_merge_ends(runs),
        hazards=tuple(hazard for footer in footers for hazard in footer.hazards),
        request_forms=next(
            (footer.request_forms for footer in footers if not footer.unreachable_reason), result.request_forms
        ),
    )
    result = with_recorded_confirmations(result, [run.footer for run in runs], results)
    options = header.options
    if options.jobs > 1:
        result = without_unanswered_requests(result)
    return build_report(
        header,
        attach_steps(
            result,
            _counterexample_histories(result, runs),
            build_history_judge(options, trusts_steps=False),
            options.model,
        ),
    )


def _merge_ends(runs: Sequence[RecordedRun]) -> tuple[ProgramEnd, ...]:
    """How each program ended. Without a footer, it is unknown how far the last programs came."""
    ends: list[ProgramEnd] = []
    for run in runs:
        early = {end.program: end for end in run.footer.ends} if run.footer is not None else {}
        recorded = {history.program for history in run.histories}
        for program in run.header.programs:
            if run.footer is None:
                ending = Ending.ABORTED if program in recorded else Ending.NOT_STARTED
                ends.append(ProgramEnd(program, ending, UNFINISHED))
            elif run.footer.unreachable_reason:
                ends.append(ProgramEnd(program, Ending.NOT_STARTED, run.footer.unreachable_reason))
            else:
                ends.append(early.get(program) or ProgramEnd(program, Ending.COMPLETED))
    return tuple(ends)


def _judge_programs(run: RecordedRun, number: int) -> Iterator[ProgramVerdicts]:
    """Judge the history of each program. Requests outside programs are not judged; cleanup shows what is offered."""
    options = run.header.options
    cleanups = {
        history.program.removesuffix(CLEANUP_SUFFIX): history.exchanges
        for history in run.histories
        if history.program.endswith(CLEANUP_SUFFIX)
    }
    for history in () if run.unreachable_reason else run.histories:
        if history.program in (preflight.PROGRAM, form_search.PROGRAM, *run.header.programs):
            verdicts = judge_program(
                history.program,
                _with_prefixed_ids(history, number),
                build_history_judge(options, trusts_steps=False),
                run.no_route,
            )
            yield with_cleanup(verdicts, cleanups.get(history.program, ()), run.no_route)


def _counterexample_histories(result: RunResult, runs: Sequence[RecordedRun]) -> Iterator[History]:
    """Yield the histories that contain the counterexamples."""
    program_ids = {example.get("program") for example in result.counterexamples.values() if is_object(example)}
    for number, run in enumerate(runs, 1):
        for history in run.histories:
            if history.program in program_ids:
                yield History.of(_with_prefixed_ids(history, number), history.program)


def _with_prefixed_ids(history: History, number: int) -> Sequence[Exchange]:
    return history.exchanges if number == 1 else [_prefix_id(exchange, number) for exchange in history]


def _prefix_id(exchange: Exchange, number: int) -> Exchange:
    return replace(exchange, id=f"{prefix_of(number)}{exchange.id}")


def _plan_order(header: RunHeader) -> _PlanOrder:
    before = {preflight.PROGRAM: -1, form_search.PROGRAM: 0}
    return _PlanOrder({id_: position for position, id_ in enumerate(header.programs, 1)} | before)


@dataclass(frozen=True, slots=True)
class _PlanOrder:
    """Sorts results in the order of the plan, so that merging does not depend on the speed of workers."""

    positions: Mapping[str, int]

    def __call__(self, result: ProgramVerdicts) -> int:
        return self.positions.get(result.program, len(self.positions))


def _merge_counterexamples(result: RunResult, runs: Sequence[RecordedRun]) -> dict[str, JSON]:
    """The counterexamples, replaced by those with fewer or more steps that a test run recorded."""
    replaced = {id_: example for run in runs if run.footer for id_, example in run.footer.counterexamples.items()}
    return {id_: replaced.get(id_, example) for id_, example in result.counterexamples.items()}


def _merge_counts(runs: Sequence[RecordedRun]) -> Counts:
    total = Counts()
    for run in runs:
        counts = run.footer.counts if run.footer is not None else _count(run)
        total.requests += counts.requests
        total.runs_started += counts.runs_started
        total.cases += counts.cases
        total.seconds = max(total.seconds, counts.seconds)
        total.rate_limited += counts.rate_limited
        total.rate_limit_seconds = max(total.rate_limit_seconds, counts.rate_limit_seconds)
        if counts.tokens is not None:
            total.tokens = (total.tokens or 0) + counts.tokens
    return total


def _count(run: RecordedRun) -> Counts:
    budget = Budget()
    exchanges = sorted((exchange for history in run.histories for exchange in history), key=lambda each: each.index)
    for exchange in exchanges:
        budget.count(exchange)
    if exchanges:
        budget.counts.seconds = round(max(each.ended for each in exchanges) - exchanges[0].started, 3)
    return budget.counts


def _merge_headers(headers: Sequence[RunHeader], baseline_settings: BaselineSettings | None) -> RunHeader:
    first = headers[0]
    return replace(
        first,
        options=replace(
            first.options,
            baseline_settings=baseline_settings,
            shard="" if len(headers) > 1 else first.options.shard,
        ),
        programs={id_: capability for header in headers for id_, capability in header.programs.items()},
        started=min((each.started for each in headers if each.started is not None), default=None),
        skipped_capabilities=tuple(dict.fromkeys(each for header in headers for each in header.skipped_capabilities)),
        skipped_programs=_merge_skipped(headers),
    )


def _merge_skipped(headers: Sequence[RunHeader]) -> dict[str, tuple[str, str]]:
    planned = {id_ for header in headers for id_ in header.programs}
    return {id_: why for header in headers for id_, why in header.skipped_programs.items() if id_ not in planned}


def _check_parts(runs: Sequence[RecordedRun]) -> None:
    """Raise UsageError if test runs differ in a property that a report states once."""
    if not runs:
        raise UsageError("no history given")
    first = runs[0]
    for other in runs[1:]:
        for name, ours, theirs in _comparable_settings(first.header, other.header):
            if ours != theirs:
                raise UsageError(
                    f"{other.path} is not part of the same test run as {first.path}: {name} {theirs!r} is not {ours!r}"
                )
    seen: dict[str, Path] = {}
    for run in runs:
        for id_ in run.header.programs:
            if id_ in seen:
                raise UsageError(f"{run.path} and {seen[id_]} both contain the program {id_}; name each part once")
            seen[id_] = run.path


def check_shards(runs: Sequence[RecordedRun]) -> None:
    """Raise UsageError if shards are missing: the rest would look like a complete test run."""
    parts = [parse_shard(run.header.options.shard) for run in runs if run.header.options.shard]
    absent = missing_shards(parts)
    if absent:
        raise UsageError(f"shard {', '.join(map(str, absent))} is missing; name the history of every shard")


def _comparable_settings(ours: RunHeader, theirs: RunHeader) -> Iterator[tuple[str, object, object]]:
    for name in ("target", "dialect", "schema_digest"):
        yield name.replace("_", " "), getattr(ours, name), getattr(theirs, name)
    yield from ((name.replace("_", " "), *_pair(ours.options, theirs.options, name)) for name in _SAME_IN_ALL_PARTS)


def _pair(ours: RunOptions, theirs: RunOptions, name: str) -> tuple[object, object]:
    return getattr(ours, name), getattr(theirs, name)
