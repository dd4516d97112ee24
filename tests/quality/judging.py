"""Test runs of the suite against emulators with known defects and choices: one, or many in parallel."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path

from runs_conformance.app import run
from runs_conformance.app.options import RunOptions
from runs_conformance.engine.plan_result import RunResult
from runs_conformance.engine.program_runner import ProgramResult
from runs_conformance.generation import boundary
from runs_conformance.model.program_end import Ending
from runs_conformance.model.verdict import Outcome
from runs_conformance.reporting.folder import prepare_folder
from runs_conformance.reporting.progress import SilentProgress
from runs_conformance.reporting.report import Report
from runs_conformance.targets import Target, remote_target
from tests.quality.emulator_host import KEYS, serve_emulators

STEP_MS = 5.0
BATCH_SIZE = 16
"""Emulators per process, judged one after the other. Small batches end at about the same time."""
WORKERS, PROCESSES = 5, 3
"""Test runs mostly wait, so a few of them share two cores."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One emulator to judge, and the options of the test run. Empty `programs` or `phases` mean all.

    Without `has_files`, the test run knows of no files that requests can name.
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
    timeout: float = 60.0
    run_timeout: float = 60.0
    has_files: bool = True


@dataclass(frozen=True, slots=True)
class TrialResult:
    """The result of a trial: failed ids by level, the number of inconclusive verdicts, outcomes and reasons by id.

    `failed_by` maps each failed id to the programs whose own history fails it, `decided_by` each decided id to the
    programs that decide it, and `occasions` each program to the number of occasions on which it judges each id.
    """

    name: str
    exit_code: int
    reason: str = ""
    must: tuple[str, ...] = ()
    should: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    inconclusive: int = 0
    outcomes: dict[str, str] = field(repr=False, default_factory=dict)
    reasons: dict[str, str] = field(repr=False, default_factory=dict)
    failed_by: dict[str, tuple[str, ...]] = field(repr=False, default_factory=dict)
    decided_by: dict[str, tuple[str, ...]] = field(repr=False, default_factory=dict)
    occasions: Mapping[str, Mapping[str, int]] = field(repr=False, default_factory=dict)
    requests: int = 0
    runs: int = 0
    seconds: float = 0.0


def judge_all(
    trials: Sequence[Trial], processes: int = PROCESSES, batch_size: int = BATCH_SIZE
) -> Iterator[TrialResult]:
    """Judge emulators in parallel; yields the results in order, as soon as they are known."""
    batches = [trials[start : start + batch_size] for start in range(0, len(trials), batch_size)]
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for results in pool.map(_judge_batch, batches):
            yield from results


def _judge_batch(trials: Sequence[Trial]) -> list[TrialResult]:
    emulators = {f"{index}": (trial.mutants, trial.variants) for index, trial in enumerate(trials)}
    with serve_emulators(emulators, STEP_MS) as urls:
        return [_result(trial, url) for trial, url in zip(trials, urls.values(), strict=True)]


def _result(trial: Trial, url: str) -> TrialResult:
    results: list[RunResult] = []
    report = judge_emulator(url, trial, results.append)
    failed = {
        level: tuple(sorted(verdict.id for verdict in report.failures(level))) for level in ("must", "should", "may")
    }
    return TrialResult(
        name=trial.name,
        exit_code=report.exit_code,
        reason=report.reason,
        must=failed["must"],
        should=failed["should"],
        may=failed["may"],
        inconclusive=len(report.with_outcome(Outcome.INCONCLUSIVE)),
        outcomes={verdict.id: verdict.outcome.value for verdict in report.verdicts},
        reasons={verdict.id: verdict.reason for verdict in report.verdicts if verdict.reason},
        failed_by=_programs_by_id(results[0].failed if results else {}),
        decided_by=_programs_by_id(results[0].decided_ids if results else {}),
        occasions=results[0].occasions if results else {},
        requests=report.usage.requests,
        runs=report.usage.runs_started,
        seconds=report.usage.seconds,
    )


def _programs_by_id(ids_by_program: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    programs: dict[str, list[str]] = {}
    for program, ids in ids_by_program.items():
        for id_ in ids:
            programs.setdefault(id_, []).append(program)
    return {id_: tuple(names) for id_, names in programs.items()}


def judge_emulator(url: str, trial: Trial, on_result: Callable[[RunResult], object] = lambda result: None) -> Report:
    """Run the suite against an emulator; returns its report. Calls `on_result` with the results of the programs."""
    options = RunOptions(
        seed=trial.seed,
        select=trial.programs,
        phases=trial.phases,
        profile=trial.profile,
        workers=trial.workers,
        timeout=trial.timeout,
        run_timeout=trial.run_timeout,
        # Matrices measure rules. A server that accepts everything takes more than the forecast.
        max_requests=50_000,
        max_runs=10_000,
    )
    target = replace(target_at(url, trial.dialect), accepts_any_file_id=trial.has_files)
    with tempfile.TemporaryDirectory(prefix="runs-conformance-") as scratch:
        folder = prepare_folder(Path(scratch) / "report")
        plan = run.plan_run(target, options)
        return run.judge(target, options, plan, folder, SilentProgress(), on_result=on_result)


def target_at(url: str, dialect: str = "openai") -> Target:
    """The emulator at a URL as a target, with the properties of the bundled emulator."""
    target = remote_target(url, dialect=dialect, api_key=KEYS[0], second_api_key=KEYS[1], failing_model="failing-model")
    return replace(target, accepts_any_file_id=True, persistent=False)


def boundary_program_ids(operation: str) -> tuple[str, ...]:
    """The ids of the boundary programs of an operation."""
    context = run.program_context(target_at("http://127.0.0.1/v1"), RunOptions())
    return tuple(program.id for program in boundary.programs(context, [operation]))


def check_end(result: ProgramResult) -> None:
    """Raise RuntimeError if a program ended because of an internal error or an exhausted budget."""
    if result.internal_error or result.end.ending in (Ending.ABORTED, Ending.NOT_STARTED):
        raise RuntimeError(f"{result.end.program}: {result.internal_error or result.end.cause}")
