"""The suite put to the test on emulators whose faults and choices are known: one run, or many side by side."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path

from runs_conformance.app import run as test_run
from runs_conformance.app.options import Choice
from runs_conformance.generation import boundary
from runs_conformance.model.verdict import Outcome
from runs_conformance.reporting.folder import folder
from runs_conformance.reporting.progress import Silent
from runs_conformance.reporting.report import Report
from runs_conformance.targets import Target, remote
from tests.quality.host import KEYS, hosted

STEP_MS = 5.0
TOGETHER = 16
"""So many emulators share one process, and are judged one after the other: few, so that no batch ends long after the
others.
"""
WORKERS, PROCESSES = 5, 3
"""Much of a run is waiting, the more so on a server that hangs, and two cores are to be filled."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One emulator to judge: its mutants and variants, the seed, and the ids of the programs to play (all, where
    empty).
    """

    name: str
    mutants: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    seed: int = 0
    programs: tuple[str, ...] = ()
    phases: tuple[str, ...] = ()
    dialect: str = "openai"
    profile: str = "standard"
    workers: int = WORKERS


@dataclass(frozen=True, slots=True)
class Result:
    """What the suite said of it. `must`, `should`, `may` are the ids that failed, by level; `outcomes` has all ids."""

    name: str
    exit_code: int
    because: str
    must: tuple[str, ...]
    should: tuple[str, ...]
    may: tuple[str, ...]
    inconclusive: int
    requests: int
    runs: int
    seconds: float
    outcomes: dict[str, str] = field(repr=False, default_factory=dict)


def judged(trials: Sequence[Trial], processes: int = PROCESSES, together: int = TOGETHER) -> Iterator[Result]:
    """What the suite says of each, as it becomes known and in their order."""
    batches = [trials[start : start + together] for start in range(0, len(trials), together)]
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for results in pool.map(_batch, batches):
            yield from results


def _batch(trials: Sequence[Trial]) -> list[Result]:
    emulators = {f"{index}": (each.mutants, each.variants) for index, each in enumerate(trials)}
    with hosted(emulators, STEP_MS) as urls:
        return [_result(each, url) for each, url in zip(trials, urls.values(), strict=True)]


def _result(one: Trial, url: str) -> Result:
    report = run(url, one)
    failed = {
        level: tuple(sorted(verdict.id for verdict in report.failures(level))) for level in ("must", "should", "may")
    }
    return Result(
        name=one.name,
        exit_code=report.exit_code,
        because=report.because,
        must=failed["must"],
        should=failed["should"],
        may=failed["may"],
        inconclusive=len(report.of(Outcome.INCONCLUSIVE)),
        requests=report.counts.requests,
        runs=report.counts.runs_started,
        seconds=report.counts.seconds,
        outcomes={verdict.id: verdict.outcome.value for verdict in report.verdicts},
    )


def run(url: str, one: Trial) -> Report:
    """The report on an emulator at a URL, by the standard profile."""
    choice = Choice(seed=one.seed, select=one.programs, phases=one.phases, profile=one.profile, workers=one.workers)
    target = target_at(url, one.dialect)
    with tempfile.TemporaryDirectory(prefix="runs-conformance-") as scratch:
        return test_run.judge(
            target, choice, test_run.plan_for(target, choice), folder(Path(scratch) / "report"), Silent()
        )


def target_at(url: str, dialect: str = "openai") -> Target:
    """The emulator at a URL, with what the suite knows of its own emulator."""
    found = remote(url, dialect=dialect, key=KEYS[0], second_key=KEYS[1], failing_model="failing-model")
    return replace(found, any_file_id=True, lasting=False)


def programs_of(operation: str) -> tuple[str, ...]:
    """The boundary programs of an operation."""
    setting = test_run.setting_for(target_at("http://127.0.0.1/v1"), Choice())
    return tuple(program.id for program in boundary.programs(setting, [operation]))
