"""The composite matrix: servers with many faults at once.

`python -m tests.quality.composites` judges emulators with 2 to 30 mutants each, some also with a missing operation, a
step that always fails, runs that get stuck, cut streams, crashes or random errors. It writes
`reports/reference/composites.json` and `.md`. With `--first` or `--count` it judges some of them and updates their
rows.

For each mutant of a composite, the ids that it fails by itself must fail, or be undecided; a pass is a false pass. Each
failed MUST id must be failed by one of the mutants alone, by its row in the kill matrix or by the programs that failed
it here, or be a listed consequence of a fault or mutant. With `--minimize`, the smallest set of mutants with which each
false pass and each unexplained failure remains is printed: the place to look.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from random import Random

from tests.quality import kill_matrix, server_faults
from tests.quality.judging import Trial, TrialResult, judge_all
from tests.quality.minimization import smallest_set
from tests.quality.mutant_conflicts import drop_conflicting
from tests.quality.mutant_interactions import (
    CONSEQUENCES,
    FAILED_BY_CHANCE,
    JOINT_CONSEQUENCES,
    MUTANT_CONSEQUENCES,
    SATISFIES,
    UNDONE_BY,
)
from tests.quality.tables import code_list, read_rows, write_rows, write_text

SIZES = (2, 5, 10, 30)
COUNT = 300
TIMEOUT_S, RUN_TIMEOUT_S = 4.0, 3.0
"""The emulators answer at once and their runs take milliseconds, so that longer waits show nothing more."""

FAULT_SHARE = 0.4
"""The share of composites that have a fault of the whole server, too."""


@dataclass(frozen=True, slots=True)
class Composite:
    """A server with several mutants and, if `fault` is set, a fault of the whole server."""

    name: str
    mutants: tuple[str, ...]
    fault: str = ""

    def trial(self, select: tuple[str, ...] = ()) -> Trial:
        """The test run that judges it, by the programs that decide the selected ids, or by the standard profile."""
        mutants = (*self.mutants, *filter(None, (self.fault,)))
        return Trial(self.name, mutants, programs=select, timeout=TIMEOUT_S, run_timeout=RUN_TIMEOUT_S)


@dataclass(frozen=True, slots=True)
class CompositeRow:
    """The result of one composite: the mutants found, those undecided, false passes and unexplained MUST failures.

    `undone` holds the mutants whose defect another mutant undoes, so that a pass is true.
    """

    composite: str
    size: int
    fault: str
    exit_code: int
    found: tuple[str, ...]
    undecided: tuple[str, ...]
    false_passes: tuple[str, ...]
    unexplained: tuple[str, ...]
    requests: int
    runs: int
    undone: tuple[str, ...] = ()
    seconds: float = 0.0


def draw_composites(
    numbers: Iterable[int], rows: Sequence[kill_matrix.KillRow], faults: Sequence[str]
) -> list[Composite]:
    """The composites with these numbers; each depends only on its number and on the mutants.

    Mutants that make the emulator raise together with others are left out.
    """
    handwritten = sorted(row.mutant for row in rows if not row.generated and row.killed and row.level == "must")
    composites = []
    for number in numbers:
        draw = Random(f"composite {number}")
        size = SIZES[number % len(SIZES)]
        fault = draw.choice(faults) if draw.random() < FAULT_SHARE else ""
        mutants = drop_conflicting(sorted(draw.sample(handwritten, size)))
        composites.append(Composite(f"composite-{number:03}", mutants, fault))
    return composites


def fixed_composites() -> list[Composite]:
    """Composites that stay the same when mutants are added; they are small enough for the default test run."""
    table = json.loads(Path(__file__).with_name("fixed_composites.json").read_text(encoding="utf-8"))
    return [Composite(each["name"], tuple(each["mutants"]), each["fault"]) for each in table]


def judge_composites(
    composites: Sequence[Composite], rows: Sequence[kill_matrix.KillRow], *, narrow: bool = False
) -> Iterator[tuple[CompositeRow, TrialResult]]:
    """Judge composites; yields row and result of each. A `narrow` test run judges only what the mutants break."""
    by_mutant = {row.mutant: row for row in rows}
    trials = []
    for composite in composites:
        own = {id_ for name in composite.mutants for id_ in own_failures(by_mutant[name])}
        trials.append(composite.trial(tuple(sorted(own)) if narrow else ()))
    for composite, result in zip(composites, judge_all(trials, processes=3, batch_size=2), strict=True):
        row = evaluate(composite, result, by_mutant)
        yield replace(row, unexplained=_drop_explained(composite, result, row.unexplained)), result


def _drop_explained(composite: Composite, result: TrialResult, ids: Sequence[str]) -> tuple[str, ...]:
    """The ids that none of the mutants fails alone, judged with the programs that failed them in the composite.

    The rows of the kill matrix are measured without the programs that cannot fail what the mutant breaks.
    """
    if not ids:
        return ()
    failing = {program for id_ in ids for program in _selectable(result.failed_by.get(id_, ()))[:2]}
    programs = tuple(sorted(failing)) or ("lifecycle.complete_by_polling",)
    alone = [Composite(name, (name,)).trial(programs) for name in composite.mutants]
    explained = {id_ for each in judge_all(alone, processes=2, batch_size=8) for id_ in each.must}
    return tuple(id_ for id_ in ids if id_ not in explained)


def _selectable(programs: Iterable[str]) -> list[str]:
    """Without the requests that every test run begins with."""
    return [program for program in programs if not program.startswith(("approach", "preflight"))]


def own_failures(row: kill_matrix.KillRow) -> list[str]:
    """The ids on what a mutant breaks that it fails by itself, without those that it fails by chance."""
    by_chance = FAILED_BY_CHANCE.get(row.mutant, ())
    return [id_ for id_ in row.failed if kill_matrix.concerns(id_, row.item) and not id_.startswith(by_chance)]


def evaluate(composite: Composite, result: TrialResult, by_mutant: Mapping[str, kill_matrix.KillRow]) -> CompositeRow:
    """Compare a result with what each mutant fails by itself."""
    failed = {*result.must, *result.should, *result.may}
    found, undecided, false_passes, undone = [], [], [], []
    for name in composite.mutants:
        own = own_failures(by_mutant[name])
        if failed.intersection(own):
            found.append(name)
        elif passed := [id_ for id_ in own if result.outcomes.get(id_) == "pass"]:
            others = {*composite.mutants, composite.fault} - {name}
            false = [id_ for id_ in passed if not any(id_ in SATISFIES.get(other, ()) for other in others)]
            if not false or UNDONE_BY.get(name, {}).keys() & others:
                undone.append(name)
            else:
                false_passes.append(f"{name}: {', '.join(false)}")
        else:
            undecided.append(name)
    known = {id_ for name in composite.mutants for id_ in by_mutant[name].failed}
    prefixes = (
        *CONSEQUENCES.get(composite.fault.partition(":")[0], ()),
        *(prefix for name in composite.mutants for prefix in MUTANT_CONSEQUENCES.get(name, ())),
        *(
            prefix
            for names, prefixes in JOINT_CONSEQUENCES.items()
            if {*names} <= {*composite.mutants}
            for prefix in prefixes
        ),
    )
    return CompositeRow(
        composite=composite.name,
        size=len(composite.mutants),
        fault=composite.fault,
        exit_code=result.exit_code,
        found=tuple(found),
        undecided=tuple(undecided),
        false_passes=tuple(false_passes),
        unexplained=tuple(id_ for id_ in result.must if id_ not in known and not id_.startswith(prefixes)),
        requests=result.requests,
        runs=result.runs,
        undone=tuple(undone),
        seconds=result.seconds,
    )


def describe_smallest_sets(composite: Composite, row: CompositeRow, result: TrialResult) -> Iterator[str]:
    """For each problem of a row, a line with the smallest set of mutants with which it remains."""
    passes = [
        (id_, "pass", mutant)
        for mutant, _, ids in (text.partition(": ") for text in row.false_passes)
        for id_ in ids.split(", ")
    ]
    for id_, outcome, mutant in (*passes, *((id_, "fail", "") for id_ in row.unexplained)):
        programs = result.failed_by if outcome == "fail" else result.decided_by
        trial = composite.trial(tuple(_selectable(programs.get(id_, ()))))
        needed = smallest_set(trial, id_, outcome, mutant)
        yield f"{outcome} of {id_}: {' + '.join(needed) or 'not seen again'}"


def render_page(rows: Sequence[CompositeRow]) -> str:
    """The Markdown page: totals by size, then every false pass and unexplained failure."""
    lines = [
        "# Composite matrix",
        "",
        "Written by `python -m tests.quality.composites`. Each composite is an emulator with several mutants, some",
        "with a fault of the whole server as well. A mutant is found if a verdict on what it breaks fails, undecided",
        "if none of these verdicts is a pass, and a false pass otherwise. It is undone if another mutant repairs what",
        "it breaks.",
        "",
        "| mutants | composites | found | undecided | undone | false passes | unexplained MUST failures |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for size in SIZES:
        some = [row for row in rows if SIZES[int(row.composite[-3:]) % len(SIZES)] == size]
        total = sum(row.size for row in some) or 1
        found = sum(len(row.found) for row in some)
        lines.append(
            f"| {size} | {len(some)} | {100 * found / total:.0f} % | {sum(len(row.undecided) for row in some)} | "
            f"{sum(len(row.undone) for row in some)} | "
            f"{sum(len(row.false_passes) for row in some)} | {sum(len(row.unexplained) for row in some)} |"
        )
    for title, name in (("False passes", "false_passes"), ("Unexplained MUST failures", "unexplained")):
        listed = [(row, getattr(row, name)) for row in rows if getattr(row, name)]
        if listed:
            lines += ["", f"## {title}", ""]
            lines += [f"- {row.composite} ({row.fault or 'no fault'}): {code_list(ids)}" for row, ids in listed]
    return "\n".join(lines) + "\n"


def summarize(rows: Iterable[CompositeRow]) -> Counter[str]:
    """The totals over all rows."""
    totals: Counter[str] = Counter()
    for row in rows:
        totals.update(
            mutants=row.size,
            found=len(row.found),
            undecided=len(row.undecided),
            false_passes=len(row.false_passes),
            unexplained=len(row.unexplained),
        )
    return totals


def read() -> list[CompositeRow]:
    """The committed rows; none if the matrix was never measured."""
    names = ("found", "undecided", "false_passes", "unexplained", "undone")
    return [CompositeRow(**{**each, **{name: tuple(each[name]) for name in names}}) for each in read_rows("composites")]


def _update(judged: Sequence[CompositeRow]) -> None:
    """Replace the rows of the judged composites, and write the page."""
    by_name = {row.composite: row for row in (*read(), *judged)}
    rows = [by_name[name] for name in sorted(by_name)]
    write_rows("composites", [_without_time(row) for row in rows])
    write_text("composites.md", render_page(rows))


def _without_time(row: CompositeRow) -> dict[str, object]:
    return {name: value for name, value in asdict(row).items() if name != "seconds"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge composites; returns 1 for a false pass or an unexplained failure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=COUNT, help="how many composites (default %(default)s)")
    parser.add_argument("--first", type=int, default=0, help="the number of the first one (default %(default)s)")
    parser.add_argument("--minimize", action="store_true", help="print the mutants that each problem needs")
    parser.add_argument("--dry-run", action="store_true", help="write nothing, and print why mutants stay undecided")
    options = parser.parse_args(arguments)
    known = kill_matrix.read()
    numbers = range(options.first, options.first + options.count)
    composites = draw_composites(numbers, known, server_faults.names())
    rows = []
    for row, result in judge_composites(composites, known):
        rows.append(row)
        print(
            f"{row.composite}: {row.size} mutants, {row.fault or 'no fault'}, exit code {row.exit_code}, "
            f"{len(row.found)} found, {len(row.undecided)} undecided, {row.requests} requests, {row.seconds:.0f} s",
            flush=True,
        )
        for problem in (*row.false_passes, *row.unexplained):
            print(f"    {problem}", flush=True)
        if options.minimize:
            for line in describe_smallest_sets(next(c for c in composites if c.name == row.composite), row, result):
                print(f"    {line}", flush=True)
        if options.dry_run:
            for name in row.undecided:
                for id_ in own_failures(next(each for each in known if each.mutant == name)):
                    print(f"    undecided {name}: {id_}: {result.outcomes.get(id_)}, {result.reasons.get(id_)}")
    if not options.dry_run:
        _update(rows)
    totals = summarize(rows)
    print(", ".join(f"{count} {name.replace('_', ' ')}" for name, count in totals.items()))
    return 1 if totals["false_passes"] or totals["unexplained"] else 0


if __name__ == "__main__":
    sys.exit(main())
