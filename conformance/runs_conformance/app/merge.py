"""Histories of runs turned into the report that the run itself gave; several, as from shards, into one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from runs_conformance.app.attach_steps import with_steps
from runs_conformance.app.build_report import concluded, untested
from runs_conformance.app.options import Choice, judging
from runs_conformance.app.run_metadata import Ending, Heading
from runs_conformance.baseline import Gate
from runs_conformance.engine import preflight
from runs_conformance.engine.budget import Budget, Counts
from runs_conformance.engine.capabilities import shape
from runs_conformance.engine.run_plan import Course, Judged, course, judged
from runs_conformance.engine.shard import missing, shard
from runs_conformance.errors import UsageError
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import JSON, is_object
from runs_conformance.recordings.load import read
from runs_conformance.reporting.report import Report

_ALIKE = ("edition", "strict", "select", "exclude", "fail_on", "profile", "phases", "model", "seed")
"""What must have been chosen alike for runs whose histories make one report."""

UNENDED = "the run that wrote the history did not come to its end"


@dataclass(frozen=True, slots=True)
class Recorded:
    """A run as its `history.jsonl` has it; `ending` is None where the run did not come to its end."""

    path: Path
    heading: Heading
    histories: tuple[History, ...]
    ending: Ending | None

    @property
    def no_route(self) -> str | None:
        """What an answer looks like where the target has no route, as the run found it."""
        outside = next((history for history in self.histories if history.program == preflight.OUTSIDE), None)
        exchange = outside.exchanges[-1] if outside else None
        return shape(exchange) if exchange is not None and exchange.status == 404 else None


def recorded(path: Path) -> Recorded:
    """The run that a `history.jsonl` holds. Raises UsageError where the file holds none."""
    reading = read(path)
    if not reading.run:
        raise UsageError(f"{path}: not the history.jsonl of a run; `runs-conformance judge {path}` judges recordings")
    heading = Heading.from_json(reading.run, str(path))
    ending = Ending.from_json(reading.end, str(path)) if reading.end else None
    return Recorded(path, heading, reading.histories, ending)


def report_of(runs: Sequence[Recorded], gate: Gate | None = None) -> Report:
    """The report on runs that are parts of one, with the verdicts that the whole would have given.

    `gate` is the user's baseline, which no history holds. Exchanges of the second and later histories are named with
    the number of their history before them: `2:x000017`. Raises UsageError where the runs are no parts of one.
    """
    _check_parts(runs)
    heading = _joined([run.heading for run in runs], gate)
    counts = _counts(runs)
    why = next((run.ending.untested for run in runs if run.ending and run.ending.untested), None)
    if why is not None:
        return untested(heading, why, counts)
    results = sorted(
        (result for number, run in enumerate(runs, 1) for result in _judged(run, number)), key=_order(heading)
    )
    way = course(results, Budget())
    endings = [run.ending for run in runs if run.ending is not None]
    faults = dict.fromkeys((*way.faults, *(fault for ending in endings for fault in ending.faults)))
    cut = next((ending.cut for ending in endings if ending.cut), None)
    way = replace(
        way,
        counts=counts,
        examples=_examples(way, runs),
        # A program that the target kept from sending anything was played, too.
        played=way.played if cut else tuple({**dict.fromkeys(way.played), **dict.fromkeys(heading.programs)}),
        faults=tuple(faults),
        cut=cut or (UNENDED if len(endings) < len(runs) else None),
        interrupted=any(ending.interrupted for ending in endings),
        limits=tuple(limit for ending in endings for limit in ending.limits),
    )
    choice = heading.choice
    return concluded(heading, with_steps(way, _shown(way, runs), judging(choice), choice.model))


def _judged(run: Recorded, number: int) -> Iterator[Judged]:
    """What each program's history comes to; what is sent beside them, as to clean up, is no evidence."""
    choice = run.heading.choice
    for history in run.histories:
        if history.program == preflight.PROGRAM or history.program in run.heading.programs:
            yield judged(history.program, _numbered(history, number), judging(choice), run.no_route)


def _shown(way: Course, runs: Sequence[Recorded]) -> Iterator[History]:
    """The histories that the counterexamples are from."""
    wanted = {example.get("program") for example in way.examples.values() if is_object(example)}
    for number, run in enumerate(runs, 1):
        for history in run.histories:
            if history.program in wanted:
                yield History.of(_numbered(history, number), history.program)


def _numbered(history: History, number: int) -> Sequence[Exchange]:
    return history.exchanges if number == 1 else [_named(exchange, number) for exchange in history]


def _named(exchange: Exchange, number: int) -> Exchange:
    return replace(exchange, id=f"{number}:{exchange.id}")


def _order(heading: Heading) -> _Order:
    return _Order({id_: place for place, id_ in enumerate(heading.programs, 1)} | {preflight.PROGRAM: 0})


@dataclass(frozen=True, slots=True)
class _Order:
    """The order in which a run folds its programs, so that no fold depends on which worker was faster."""

    places: Mapping[str, int]

    def __call__(self, result: Judged) -> int:
        return self.places.get(result.program, len(self.places))


def _examples(way: Course, runs: Sequence[Recorded]) -> dict[str, JSON]:
    """The counterexamples, those that a run made smaller in place of those that were found first."""
    smaller = {id_: example for run in runs if run.ending for id_, example in run.ending.examples.items()}
    return {id_: smaller.get(id_, example) for id_, example in way.examples.items()}


def _counts(runs: Sequence[Recorded]) -> Counts:
    whole = Counts()
    for run in runs:
        counts = run.ending.counts if run.ending is not None else _counted(run)
        whole.requests += counts.requests
        whole.runs_started += counts.runs_started
        whole.cases += counts.cases
        whole.seconds = max(whole.seconds, counts.seconds)
        if counts.tokens is not None:
            whole.tokens = (whole.tokens or 0) + counts.tokens
    return whole


def _counted(run: Recorded) -> Counts:
    budget = Budget()
    every = sorted((exchange for history in run.histories for exchange in history), key=lambda each: each.index)
    for exchange in every:
        budget.count(exchange)
    if every:
        budget.counts.seconds = round(max(each.ended for each in every) - every[0].started, 3)
    return budget.counts


def _joined(headings: Sequence[Heading], gate: Gate | None) -> Heading:
    first = headings[0]
    return replace(
        first,
        choice=replace(first.choice, gate=gate, shard="" if len(headings) > 1 else first.choice.shard),
        programs={id_: served for heading in headings for id_, served in heading.programs.items()},
        started=min((each.started for each in headings if each.started is not None), default=None),
        left_out=tuple(dict.fromkeys(out for heading in headings for out in heading.left_out)),
    )


def _check_parts(runs: Sequence[Recorded]) -> None:
    """Raise UsageError where runs differ in what a report says once."""
    if not runs:
        raise UsageError("no history is given")
    first = runs[0]
    for other in runs[1:]:
        for name, ours, theirs in _said(first.heading, other.heading):
            if ours != theirs:
                raise UsageError(
                    f"{other.path} is no part of the same run as {first.path}: {name} {theirs!r} is not {ours!r}"
                )
    played: dict[str, Path] = {}
    for run in runs:
        for id_ in run.heading.programs:
            if id_ in played:
                raise UsageError(f"{run.path} and {played[id_]} both hold the program {id_}; give each part once")
            played[id_] = run.path


def check_shards(runs: Sequence[Recorded]) -> None:
    """Raise UsageError where parts of a run lack, which would pass for a whole one."""
    parts = [shard(run.heading.choice.shard) for run in runs if run.heading.choice.shard]
    lacking = missing(parts)
    if lacking:
        raise UsageError(f"shard {', '.join(map(str, lacking))} is missing; give the history of every shard")


def _said(ours: Heading, theirs: Heading) -> Iterator[tuple[str, object, object]]:
    for name in ("target", "dialect", "schema_digest"):
        yield name.replace("_", " "), getattr(ours, name), getattr(theirs, name)
    yield from ((name.replace("_", " "), *_both(ours.choice, theirs.choice, name)) for name in _ALIKE)


def _both(ours: Choice, theirs: Choice, name: str) -> tuple[object, object]:
    return getattr(ours, name), getattr(theirs, name)
