"""Recorded traffic judged offline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from runs_conformance.app.attach_steps import with_steps
from runs_conformance.app.build_report import observed
from runs_conformance.app.options import Choice, check_selection, compared, judging, selected, suite, used
from runs_conformance.contract.constraint import constraints
from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.contract.operation import CAPABILITIES
from runs_conformance.engine import outcome
from runs_conformance.engine.budget import Budget
from runs_conformance.engine.run_plan import course, judged
from runs_conformance.engine.verdicts import Circumstances, Demands, Gap, verdicts
from runs_conformance.model.case import Role
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.rule import Constraint
from runs_conformance.model.verdict import Outcome
from runs_conformance.recordings.load import Reading, read
from runs_conformance.reporting.report import Judged, Report
from runs_conformance.rules import catalogue as rules

_NOT_SHOWN = Gap("the recorded traffic does not show it")


@dataclass(frozen=True, slots=True)
class Review:
    """The report on recorded traffic, and what was read of it."""

    report: Report
    readings: tuple[Reading, ...]

    @property
    def skipped(self) -> Iterator[str]:
        """What was left out, and why."""
        for reading in self.readings:
            for left_out in reading.skipped:
                yield f"{left_out.where}: {left_out.reason}"


def judge(paths: Sequence[Path], choice: Choice, edition: str | None = None) -> Review:
    """Judge recorded traffic, each exchange by the edition of its own date unless one is given.

    Raises UsageError where a file cannot be read.
    """
    readings = tuple(read(path, edition) for path in paths)
    budget = Budget()
    results = []
    exchanges = []
    for history in (history for reading in readings for history in reading.histories):
        kept = _evidence(history)
        exchanges += kept
        by = replace(judging(choice), partial=choice.partial or history.partial)
        results.append(judged(history.program, kept, by))
    for exchange in exchanges:
        budget.count(exchange)
    histories = (history for reading in readings for history in reading.histories)
    way = with_steps(course(results, budget), histories, judging(choice))
    every = Demands(rules=rules(), constraints=_constraints(edition, exchanges))
    check_selection(choice, every.ids())
    found = verdicts(
        way.tallies,
        every,
        Circumstances(selected=selected(choice, every), gap=lambda capability, id_: _NOT_SHOWN),
        way.examples,
    )
    comparison = compared(found, choice, every, profile=None)
    conclusion = outcome.conclude(
        found,
        faults=way.faults,
        fail_on=choice.fail_on,
        most_inconclusive=choice.most_inconclusive,
        comparison=comparison,
    )
    shown = {verdict.capability for verdict in found if verdict.outcome in (Outcome.PASS, Outcome.FAIL)}
    report = Report(
        suite=suite(replace(choice, edition=edition or DEFAULT_EDITION), None, None),
        target=Judged(
            name=", ".join(path.name for path in paths),
            base_url=None,
            dialect=" and ".join(sorted({exchange.dialect for exchange in exchanges})) or "openai",
            capabilities=tuple(name for name in CAPABILITIES if name in shown),
        ),
        complete=True,
        outcome=conclusion.outcome,
        exit_code=conclusion.exit_code,
        because=conclusion.because,
        counts=used(way.counts),
        verdicts=tuple(found),
        comparison=comparison,
        transitions=observed(way.transitions),
        started=min((exchange.wall for exchange in exchanges if exchange.wall), default=None),
    )
    return Review(report, readings)


def _evidence(history: History) -> list[Exchange]:
    """The exchanges that are judged: cleaning up is none of a program's history, and a path without operation is no
    evidence.
    """
    return [
        exchange
        for exchange in history
        if exchange.operation is not None and (exchange.step is None or exchange.step.role is not Role.CLEANUP)
    ]


def _constraints(edition: str | None, exchanges: Sequence[Exchange]) -> Mapping[str, Constraint]:
    """The constraints of the edition; where each exchange has its own, those of the newest first, then what only older
    ones state.
    """
    stated = dict(constraints(edition or DEFAULT_EDITION))
    if edition is None:
        for older in sorted({exchange.edition for exchange in exchanges if exchange.edition}, reverse=True):
            for id_, constraint in constraints(older).items():
                stated.setdefault(id_, constraint)
    return stated
