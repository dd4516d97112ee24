"""The fuzzing matrix: mutants that only fuzzing reaches are found with most seeds, and shrunk.

`python -m tests.quality.fuzzing` fuzzes each of them once per seed until the first violation, and shrinks it. It
also runs the other phases of the standard profile once, to see whether they find the defect as well. It writes
`reports/reference/fuzzing.json` and `.md`.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import get_context
from random import Random

from runs_conformance.app import run
from runs_conformance.app.options import RunOptions, build_history_judge
from runs_conformance.client.credentials import Credentials
from runs_conformance.client.recorder import NullRecorder
from runs_conformance.client.session import Session
from runs_conformance.client.transport import ExchangeLimits, Transport
from runs_conformance.contract.constraint import constraints
from runs_conformance.emulator.catalogue import fuzzing_mutants
from runs_conformance.engine import polling
from runs_conformance.engine.budget import Budget
from runs_conformance.engine.collector import Collector
from runs_conformance.engine.program_runner import run_program
from runs_conformance.engine.program_verdicts import ProgramVerdicts, judge_program
from runs_conformance.engine.shrinking.fuzzed_violations import ShrinkContext, shrink_violations
from runs_conformance.engine.shrinking.shrinker import ShrunkCase
from runs_conformance.generation import fuzzing
from runs_conformance.model.profile import PROFILES
from runs_conformance.rules import catalogue as rules
from tests.quality.emulator_host import KEYS, serve_emulators
from tests.quality.judging import STEP_MS, Trial, check_end, judge_all, target_at
from tests.quality.tables import write_rows, write_text

SEEDS = 10
_BATCH_SIZE = 4


@dataclass(frozen=True, slots=True)
class FuzzingTrial:
    """The fuzzing of one mutant, until its first violation.

    `failed` are the violated ids, `requests` the requests sent until then. `steps` is the length of the smallest case,
    `shrink_requests` the cost of shrinking it.
    """

    mutant: str
    seed: int
    failed: tuple[str, ...] = ()
    requests: int = 0
    minimal: bool = False
    steps: int = 0
    shrink_requests: int = 0


@dataclass(frozen=True, slots=True)
class FuzzingRow:
    """The trials of one mutant. `requests`, `steps` and `shrink_requests` are medians of the trials that found it."""

    mutant: str
    item: str
    found: int
    trials: int
    requests: int
    minimal: int
    steps: int
    shrink_requests: int
    failed: tuple[str, ...]
    failed_by_other_phases: tuple[str, ...]


class _FuzzingSession:
    """A session that fuzzes an emulator."""

    def __init__(self, url: str, seed: int) -> None:
        target, self.options = target_at(url), RunOptions(seed=seed)
        self.context = run.program_context(target, self.options)
        self.budget, self.schedule = Budget(), polling.loopback_schedule()
        self.transport = Transport(target.address, ExchangeLimits(idle=30, total=30, stream=60))
        self.collector = Collector(NullRecorder(), self.budget)
        self.session = Session(self.transport, self.collector, Credentials(*KEYS), self.options.edition)

    def verdicts(self) -> Iterator[ProgramVerdicts]:
        """Run and judge the random programs, shuffled by the seed. Raises RuntimeError if one does not finish."""
        programs = fuzzing.programs(self.context)
        Random(self.options.seed).shuffle(programs)
        for program in programs:
            result = run_program(program, self.context, self.session, self.budget, self.schedule)
            check_end(result)
            exchanges = self.collector.take(program.id)
            yield judge_program(program.id, exchanges, build_history_judge(self.options), fuzzed=True)

    def smallest_case(self, verdicts: ProgramVerdicts) -> ShrunkCase | None:
        """The smallest case that shows one of the violations; None if no violation can be shrunk."""
        context = ShrinkContext(
            self.context,
            self.session,
            self.collector,
            build_history_judge(self.options),
            Budget(),
            self.schedule,
            cleans_up=False,
        )
        cases = shrink_violations(verdicts.fuzzed_violations, context, 1).values()
        return min(cases, key=lambda case: (not case.minimal, len(case.reproduction.steps)), default=None)

    def close(self) -> None:
        """Close the connections."""
        self.transport.close()


def fuzz(mutant: str, url: str, seed: int) -> FuzzingTrial:
    """Fuzz one mutant until the first violation."""
    with closing(_FuzzingSession(url, seed)) as session:
        for verdicts in session.verdicts():
            failed = tuple(id_ for id_ in verdicts.fuzzed_violations if _level(id_) != "may")
            if failed:
                requests, case = session.budget.counts.requests, session.smallest_case(verdicts)
                if case is None:
                    return FuzzingTrial(mutant, seed, failed, requests)
                return FuzzingTrial(
                    mutant, seed, failed, requests, case.minimal, len(case.reproduction.steps), case.requests
                )
        return FuzzingTrial(mutant, seed, requests=session.budget.counts.requests)


def _level(id_: str) -> str:
    entry = rules().get(id_) or constraints()[id_]
    return entry.level.value


def _fuzz_batch(mutants: Sequence[str], seeds: int) -> list[FuzzingTrial]:
    with serve_emulators({mutant: ((mutant,), ()) for mutant in mutants}, STEP_MS) as urls:
        return [fuzz(mutant, urls[mutant], seed) for mutant in mutants for seed in range(1, seeds + 1)]


def fuzz_all(mutants: Sequence[str], seeds: int, processes: int = 2) -> Iterator[FuzzingTrial]:
    """Fuzz mutants with every seed; yields the trials as they become known."""
    batches = [mutants[start : start + _BATCH_SIZE] for start in range(0, len(mutants), _BATCH_SIZE)]
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for trials in pool.map(partial(_fuzz_batch, seeds=seeds), batches):
            yield from trials


def failed_by_other_phases(mutants: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """By mutant, the MUST and SHOULD ids that the other phases of the standard profile fail; there should be none."""
    phases = tuple(phase for phase in PROFILES["standard"] if phase not in ("preflight", "explore"))
    results = judge_all([Trial(mutant, (mutant,), phases=phases) for mutant in mutants])
    return {result.name: (*result.must, *result.should) for result in results}


def rows(trials: Iterable[FuzzingTrial], by_other_phases: dict[str, tuple[str, ...]]) -> list[FuzzingRow]:
    """One row for each mutant."""
    by_mutant: dict[str, list[FuzzingTrial]] = {}
    for trial in trials:
        by_mutant.setdefault(trial.mutant, []).append(trial)
    return [
        _row(mutant.name, mutant.item, by_mutant[mutant.name], by_other_phases)
        for mutant in fuzzing_mutants()
        if mutant.name in by_mutant
    ]


def _row(
    name: str, item: str, trials: Sequence[FuzzingTrial], by_other_phases: dict[str, tuple[str, ...]]
) -> FuzzingRow:
    hits = [trial for trial in trials if trial.failed]

    def median(values: Iterable[int]) -> int:
        numbers = list(values)
        return round(statistics.median(numbers)) if numbers else 0

    return FuzzingRow(
        mutant=name,
        item=item,
        found=len(hits),
        trials=len(trials),
        requests=median(trial.requests for trial in hits),
        minimal=sum(trial.minimal for trial in hits),
        steps=median(trial.steps for trial in hits if trial.steps),
        shrink_requests=median(trial.shrink_requests for trial in hits if trial.steps),
        failed=tuple(sorted({id_ for trial in hits for id_ in trial.failed})),
        failed_by_other_phases=by_other_phases.get(name, ()),
    )


def render_page(table: Sequence[FuzzingRow]) -> str:
    """The Markdown page."""
    reliable = sum(row.found >= 0.9 * row.trials for row in table)
    lines = [
        "# Fuzzing",
        "",
        "Written by `python -m tests.quality.fuzzing`: mutants of the emulator whose defect needs a combination of",
        "values or a sequence of requests. Each is tested by the payloads and walks of `--phase explore` alone (300",
        "payloads, 20 walks) until the first violation, which is then shrunk.",
        "",
        f"{reliable} of {len(table)} are found with at least nine of ten seeds;"
        f" {sum(not row.failed_by_other_phases for row in table)} are not found by the other phases.",
        "",
        "| mutant | item | found | requests to find | minimal | steps | requests to shrink | found by other phases |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {row.mutant} | {row.item} | {row.found}/{row.trials} | {row.requests} | {row.minimal}/{row.found} |"
        f" {row.steps} | {row.shrink_requests} | {', '.join(row.failed_by_other_phases[:2]) or '·'} |"
        for row in table
    ]
    return "\n".join(lines) + "\n"


def write(table: Sequence[FuzzingRow]) -> None:
    """Write the rows and the page."""
    write_rows("fuzzing", map(asdict, table))
    write_text("fuzzing.md", render_page(table))


def main() -> None:
    """Fuzz the mutants and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="fuzz only these mutants; write nothing")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    options = parser.parse_args()
    names = options.names or [mutant.name for mutant in fuzzing_mutants()]
    started = time.monotonic()
    trials: list[FuzzingTrial] = []
    for trial in fuzz_all(names, options.seeds):
        trials.append(trial)
        print(
            f"{time.monotonic() - started:5.0f} s  {trial.mutant} {trial.seed}: {', '.join(trial.failed) or 'nothing'}",
            flush=True,
        )
    table = rows(trials, failed_by_other_phases(names))
    print(render_page(table))
    if not options.names:
        write(table)


if __name__ == "__main__":
    main()
