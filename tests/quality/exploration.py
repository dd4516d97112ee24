"""What exploring finds: faults in corners of the emulator, over several seeds, each shrunk to what shows it.

`python -m tests.quality.exploration` plays the exploration of the standard profile against each mutant in a corner,
once for each seed and up to the first violation, and the rest of the profile once, to see whether it would have found
the fault by itself. It writes `reports/reference/exploration.json` and `.md`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from random import Random

from runs_conformance.app import run
from runs_conformance.app.options import Choice, judging
from runs_conformance.client.credentials import Credentials
from runs_conformance.client.recorder import Unrecorded
from runs_conformance.client.session import Session
from runs_conformance.client.transport import Limits, Transport
from runs_conformance.contract.constraint import constraints
from runs_conformance.emulator.catalogue import corners
from runs_conformance.engine import polling
from runs_conformance.engine.budget import Budget
from runs_conformance.engine.collector import Collector
from runs_conformance.engine.plan import PROFILES
from runs_conformance.engine.program_runner import play
from runs_conformance.engine.run_plan import Judged, judged
from runs_conformance.engine.shrinking import exploration
from runs_conformance.engine.shrinking.shrinker import Shrunk
from runs_conformance.generation import fuzzing
from runs_conformance.model.program import Setting
from runs_conformance.rules import catalogue as rules
from tests.quality.bench import STEP_MS, Trial, target_at
from tests.quality.bench import judged as trials_judged
from tests.quality.host import KEYS, hosted

FOLDER = Path(__file__).resolve().parents[2] / "reports" / "reference"
SEEDS = 10
_TOGETHER = 4


@dataclass(frozen=True, slots=True)
class Hunt:
    """One exploration of one mutant, up to its first violation. `steps` and `sends` are those of the smallest case."""

    mutant: str
    seed: int
    by: tuple[str, ...] = ()
    requests: int = 0
    minimal: bool = False
    steps: int = 0
    sends: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """What exploring comes to with one mutant. The counts are medians over the seeds that found it."""

    mutant: str
    item: str
    found: int
    of: int
    requests: int
    minimal: int
    steps: int
    sends: int
    by: tuple[str, ...]
    by_itself: tuple[str, ...]


class _Ground:
    """An emulator to explore, with everything that exploring needs."""

    def __init__(self, url: str, seed: int) -> None:
        target, self.choice = target_at(url), Choice(seed=seed)
        self.setting: Setting = run.setting_for(target, self.choice)
        self.budget, self.pace = Budget(), polling.loopback()
        self.wire = Transport(target.address, Limits(idle=30, total=30, stream=60))
        self.collector = Collector(Unrecorded(), self.budget)
        self.session = Session(self.wire, self.collector, Credentials(*KEYS), self.choice.edition)

    def results(self) -> Iterator[Judged]:
        """What each program of the exploration came to, in an order of the seed's."""
        programs = fuzzing.programs(self.setting)
        Random(self.choice.seed).shuffle(programs)
        for program in programs:
            played = play(program, self.setting, self.session, self.budget, self.pace)
            if played.fault or played.cut:
                raise RuntimeError(played.fault or played.cut)
            yield judged(program.id, self.collector.take(program.id), judging(self.choice), explored=True)

    def smallest(self, result: Judged) -> Shrunk | None:
        """The smallest case of the first violation that can be shrunk."""
        lab = exploration.Lab(
            self.setting, self.session, self.collector, judging(self.choice), Budget(), self.pace, tidies=False
        )
        found = sorted(
            exploration.shrunk(result.found, lab, 1).values(), key=lambda each: (not each.minimal, len(each.case))
        )
        return found[0] if found else None

    def close(self) -> None:
        self.wire.close()


def hunt(mutant: str, url: str, seed: int) -> Hunt:
    """Explore one mutant until something is found."""
    with closing(_Ground(url, seed)) as ground:
        for result in ground.results():
            binding = tuple(id_ for id_ in result.found if _level(id_) != "may")
            if binding:
                requests, smallest = ground.budget.counts.requests, ground.smallest(result)
                if smallest is None:
                    return Hunt(mutant, seed, binding, requests)
                return Hunt(mutant, seed, binding, requests, smallest.minimal, len(smallest.case), smallest.sends)
        return Hunt(mutant, seed, requests=ground.budget.counts.requests)


def _level(id_: str) -> str:
    demand = rules().get(id_) or constraints()[id_]
    return demand.level.value


def _batch(mutants: Sequence[str], seeds: int) -> list[Hunt]:
    with hosted({mutant: ((mutant,), ()) for mutant in mutants}, STEP_MS) as urls:
        return [hunt(mutant, urls[mutant], seed) for mutant in mutants for seed in range(1, seeds + 1)]


def hunts(mutants: Sequence[str], seeds: int, processes: int = 2) -> Iterator[Hunt]:
    """Every hunt, as it becomes known."""
    batches = [mutants[start : start + _TOGETHER] for start in range(0, len(mutants), _TOGETHER)]
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for results in pool.map(partial(_batch, seeds=seeds), batches):
            yield from results


def by_itself(mutants: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The must that the rest of the standard profile fails each mutant by, which should be none."""
    phases = tuple(phase for phase in PROFILES["standard"] if phase not in ("preflight", "explore"))
    results = trials_judged([Trial(mutant, (mutant,), phases=phases) for mutant in mutants])
    return {result.name: (*result.must, *result.should) for result in results}


def rows(found: Iterable[Hunt], otherwise: dict[str, tuple[str, ...]]) -> list[Row]:
    """One row for each mutant."""
    per: dict[str, list[Hunt]] = {}
    for each in found:
        per.setdefault(each.mutant, []).append(each)
    return [_row(mutant.name, mutant.item, per[mutant.name], otherwise) for mutant in corners() if mutant.name in per]


def _row(name: str, item: str, every: Sequence[Hunt], otherwise: dict[str, tuple[str, ...]]) -> Row:
    hits = [each for each in every if each.by]

    def median(values: Iterable[int]) -> int:
        known = list(values)
        return round(statistics.median(known)) if known else 0

    return Row(
        mutant=name,
        item=item,
        found=len(hits),
        of=len(every),
        requests=median(each.requests for each in hits),
        minimal=sum(each.minimal for each in hits),
        steps=median(each.steps for each in hits if each.steps),
        sends=median(each.sends for each in hits if each.steps),
        by=tuple(sorted({id_ for each in hits for id_ in each.by})),
        by_itself=otherwise.get(name, ()),
    )


def page(every: Sequence[Row]) -> str:
    """The table for people."""
    often = sum(row.found >= 0.9 * row.of for row in every)
    lines = [
        "# What exploring finds",
        "",
        "Written by `python -m tests.quality.exploration`: mutants of the emulator whose fault shows only where two",
        "things come together, or after a certain course of events. Each is explored by the payloads and walks of",
        "`--phase explore` alone (300 payloads, 20 walks), up to the first violation, and what was found is shrunk.",
        "",
        f"{often} of {len(every)} are found with at least nine of ten seeds;"
        f" {sum(not row.by_itself for row in every)} are not found by the other phases.",
        "",
        "| mutant | item | found | requests to find | minimal | steps | requests to shrink | found by other phases |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {row.mutant} | {row.item} | {row.found}/{row.of} | {row.requests} | {row.minimal}/{row.found} |"
        f" {row.steps} | {row.sends} | {', '.join(row.by_itself[:2]) or '·'} |"
        for row in every
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Explore, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="only these mutants; nothing is written then")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    chosen = parser.parse_args()
    names = chosen.names or [mutant.name for mutant in corners()]
    began = time.monotonic()
    found: list[Hunt] = []
    for each in hunts(names, chosen.seeds):
        found.append(each)
        print(
            f"{time.monotonic() - began:5.0f} s  {each.mutant} {each.seed}: {', '.join(each.by) or 'nothing'}",
            flush=True,
        )
    every = rows(found, by_itself(names))
    print(page(every))
    if not chosen.names:
        FOLDER.mkdir(parents=True, exist_ok=True)
        (FOLDER / "exploration.json").write_text(json.dumps([asdict(row) for row in every], indent=1) + "\n")
        (FOLDER / "exploration.md").write_text(page(every))


if __name__ == "__main__":
    main()
