"""The results of judging one partition of a recording, and the merging of several."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from runs_conformance.engine.budget import Budget, Counts
from runs_conformance.engine.capabilities import merge_stats
from runs_conformance.engine.counterexample import smaller_counterexample
from runs_conformance.engine.program_verdicts import HistoryJudge, ProgramVerdicts, judge_program
from runs_conformance.engine.reported_findings import limit_findings
from runs_conformance.evidence.creation import creations
from runs_conformance.evidence.server_failure import is_server_error, timed_out
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.verdict import Tally, merge_tallies
from runs_conformance.recordings.exchanges import SkippedEntry

_MAX_REASONS = 50
_MAX_FAILURES, _MAX_CREATIONS = 20, 50
"""Failed requests per operation, and creations per kind of object, that represent a history."""


@dataclass(frozen=True, slots=True)
class PartitionVerdicts:
    """The results of judging a partition of a history.

    `started` and `ended` are the Unix times of the first and the last exchange. `representative` are the exchanges by
    which the rules that judge a history as a whole are judged; it is empty if the history has only this partition.
    """

    verdicts: tuple[ProgramVerdicts, ...]
    counts: Counts = field(default_factory=Counts)
    editions: frozenset[str] = frozenset()
    dialects: frozenset[str] = frozenset()
    started: float | None = None
    ended: float | None = None
    skipped: tuple[SkippedEntry, ...] = ()
    representative: tuple[Exchange, ...] = ()
    partial: bool = False


def count_usage(exchanges: Iterable[Exchange]) -> Counts:
    """Count what exchanges used."""
    budget = Budget()
    for exchange in exchanges:
        budget.count(exchange)
    return budget.counts


def select_representative(history: History) -> tuple[Exchange, ...]:
    """Select exchanges that show, operation by operation, which requests failed while others were served, and which ids
    the first objects of each kind got.
    """
    chosen: dict[str, Exchange] = {}
    failed: dict[str, int] = {}
    seen: set[str] = set()
    accepted = [exchange for exchange in history if exchange.accepted]
    chosen.update((exchange.id, exchange) for exchange in (*accepted[:1], *accepted[-1:]))
    for exchange in history:
        operation = exchange.operation or ""
        if is_server_error(exchange) or timed_out(exchange) or exchange.response is None:
            failed[operation] = failed.get(operation, 0) + 1
            if failed[operation] <= _MAX_FAILURES:
                chosen[exchange.id] = exchange
        elif operation not in seen:
            seen.add(operation)
            chosen[exchange.id] = exchange
    created: dict[str, int] = {}
    for creation in creations(history):
        created[creation.kind] = created.get(creation.kind, 0) + 1
        if created[creation.kind] <= _MAX_CREATIONS:
            chosen[creation.exchange.id] = creation.exchange
    return tuple(sorted(chosen.values(), key=lambda exchange: exchange.index))


class VerdictMerger:
    """Merges the results of partitions into one for each history, so that memory does not grow with their number.

    `editions`, `dialects` and `started` describe all exchanges that were judged.
    """

    def __init__(self, history_judge: HistoryJudge) -> None:
        self.counts = Counts()
        self.editions: set[str] = set()
        self.dialects: set[str] = set()
        self.started: float | None = None
        self.ended: float | None = None
        self.skipped: list[SkippedEntry] = []
        self.skipped_count = 0
        self._history_judge = history_judge
        self._programs: dict[str, ProgramVerdicts] = {}
        self._errors: list[str] = []
        self._representatives: dict[str, tuple[Exchange, ...]] = {}
        self._partial: set[str] = set()

    def add(self, result: PartitionVerdicts, max_skipped: int) -> None:
        """Add the results of a partition; up to `max_skipped` skipped entries are listed, others only counted."""
        for verdicts in result.verdicts:
            known = self._programs.get(verdicts.program)
            self._programs[verdicts.program] = verdicts if known is None else _combine(known, verdicts)
            if verdicts.internal_error and known is not None:
                self._errors.append(verdicts.internal_error)
        self._add_counts(result.counts)
        self.editions |= result.editions
        self.dialects |= result.dialects
        moments = (self.started, self.ended, result.started, result.ended)
        known_moments = [moment for moment in moments if moment is not None]
        self.started, self.ended = min(known_moments, default=None), max(known_moments, default=None)
        self.skipped_count += len(result.skipped)
        self.skipped += result.skipped[: max(0, max_skipped - len(self.skipped))]
        if result.representative and result.verdicts:
            program = result.verdicts[0].program
            together = (*self._representatives.get(program, ()), *result.representative)
            self._representatives[program] = select_representative(History.of(together, program))
            if result.partial:
                self._partial.add(program)

    def _add_counts(self, counts: Counts) -> None:
        # The parts of a recording may overlap, so that the waits for a rate limit in each do not add up.
        self.counts.requests += counts.requests
        self.counts.runs_started += counts.runs_started
        self.counts.cases += counts.cases
        self.counts.rate_limited += counts.rate_limited
        if counts.tokens is not None:
            self.counts.tokens = (self.counts.tokens or 0) + counts.tokens

    def results(self) -> list[ProgramVerdicts]:
        """The verdicts on each history, with those of the rules that judge it as a whole."""
        return [*self._programs.values(), *self._judge_representatives()]

    @property
    def seconds(self) -> float:
        """How long the recording took."""
        return 0.0 if self.started is None or self.ended is None else round(self.ended - self.started, 3)

    @property
    def further_errors(self) -> Sequence[str]:
        """Internal errors that the results do not hold, since each holds one."""
        return self._errors

    def _judge_representatives(self) -> Iterator[ProgramVerdicts]:
        rules = {id_: rule for id_, rule in self._history_judge.rules.items() if rule.judges_whole_history}
        for program, exchanges in self._representatives.items():
            partial = self._history_judge.partial or program in self._partial
            history_judge = replace(self._history_judge, rules=rules, constraint_judges=(), partial=partial)
            verdicts = judge_program(program, exchanges, history_judge)
            yield replace(verdicts, operation_stats={}, transitions=type(verdicts.transitions)())


def _combine(left: ProgramVerdicts, right: ProgramVerdicts) -> ProgramVerdicts:
    """The results of two parts of a history as those of one."""
    examples = dict(left.counterexamples)
    for id_, example in right.counterexamples.items():
        examples[id_] = smaller_counterexample(id_, examples[id_], example) if id_ in examples else example
    return replace(
        left,
        tallies={id_: _limit(tally) for id_, tally in merge_tallies((left.tallies, right.tallies)).items()},
        counterexamples=examples,
        operation_stats=merge_stats((left.operation_stats, right.operation_stats)),
        internal_error=left.internal_error or right.internal_error,
        transitions=left.transitions + right.transitions,
        last_statuses=left.last_statuses + right.last_statuses,
        lost_requests={**left.lost_requests, **right.lost_requests},
        seconds=left.seconds + right.seconds,
    )


def _limit(tally: Tally) -> Tally:
    """The tally without findings and reasons that are never reported."""
    if len(tally.inconclusive) > _MAX_REASONS:
        tally = replace(tally, inconclusive=Counter(dict(tally.inconclusive.most_common(_MAX_REASONS))))
    return limit_findings(tally)
