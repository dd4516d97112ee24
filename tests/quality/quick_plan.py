"""Derives what profile quick sends from the steps that reveal defects of the emulator.

`python -m tests.quality.quick_plan` derives `engine/quick_plan.json` from `reports/reference/revealing-steps.json`.
With `--measure` it first runs the programs on the emulator and on the handwritten mutants that few of them reveal, and
writes that file. Boundary programs are not part of it: they are sampled by kind of constraint (`generation/boundary`).
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from runs_conformance.app import run
from runs_conformance.app.merge import read_run
from runs_conformance.app.options import RunOptions
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.engine.plan_result import RunResult
from runs_conformance.engine.quick_plan import (
    EVERY,
    TABLE,
    QuickProgram,
    StepLabels,
    encode_quick_programs,
    first_label,
    shorten_program,
)
from runs_conformance.generation.programs.all_operations import references_in
from runs_conformance.model.case import Role, Step
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.program import Program
from runs_conformance.reporting.folder import prepare_folder
from runs_conformance.reporting.progress import SilentProgress
from tests.quality import kill_matrix
from tests.quality.emulator_host import serve_emulators
from tests.quality.judging import PROCESSES, STEP_MS, target_at
from tests.quality.quick_cover import Cover, Measurement, Trace, derive
from tests.quality.tables import FOLDER, write_text

MEASUREMENT = "revealing-steps.json"

MAX_PROGRAMS = 12
"""Programs that reveal a mutant, up to which their steps are measured. More reveal it whatever they omit."""

BATCH_SIZE = 10
_NOT_DERIVED = ("explore", "schemathesis", "preflight", "approach", "boundary", "races")
"""Programs that are random, always executed or sampled otherwise, and whose steps are concurrent."""

_OPTIONAL_ROLES = (Role.NEGATIVE, Role.READ, Role.ACT)


def read() -> Measurement:
    """The committed measurement."""
    data = json.loads((FOLDER / MEASUREMENT).read_text(encoding="utf-8"))
    return Measurement(
        {id_: _read_trace(trace) for id_, trace in data["traces"].items()},
        {name: {id_: tuple(steps) for id_, steps in each.items()} for name, each in data["mutants"].items()},
        {id_: _read_trace(trace) for id_, trace in data["alternatives"].items()},
    )


def _read_trace(data: Mapping[str, Any]) -> Trace:
    optional = {label: tuple(needs) for label, needs in data["optional"].items()}
    return Trace(data["requests"], data["runs"], optional, frozenset(data["omitted"]))


def write(measurement: Measurement) -> None:
    """Write the measurement, one program or mutant a line."""
    traces, alternatives = (
        {
            id_: {
                "requests": trace.requests,
                "runs": trace.runs,
                "optional": dict(trace.optional),
                "omitted": sorted(trace.omitted),
            }
            for id_, trace in each.items()
        }
        for each in (measurement.traces, measurement.alternatives)
    )
    parts = (("traces", traces), ("alternatives", alternatives), ("mutants", measurement.mutants))
    text = ",\n".join(f'"{name}": {_lines(part)}' for name, part in parts)
    write_text(MEASUREMENT, f"{{\n{text}\n}}\n")


def _lines(rows: Mapping[str, object]) -> str:
    return "{\n" + ",\n".join(f"{json.dumps(key)}: {json.dumps(row)}" for key, row in sorted(rows.items())) + "\n}"


@dataclass(frozen=True, slots=True)
class _Trial:
    mutant: str
    item: str
    programs: tuple[str, ...]


def measure() -> Measurement:
    """Measure the traces of the programs, and the steps that reveal each mutant."""
    traces, alternatives = _measure_traces()
    known, trials = dict[str, Mapping[str, tuple[str, ...]]](), list[_Trial]()
    for row in kill_matrix.read():
        programs = frozenset[str]().union(*row.programs.values()) & traces.keys()
        if len(programs) > MAX_PROGRAMS:
            known[row.mutant] = dict.fromkeys(sorted(programs), ())
        elif programs:
            trials.append(_Trial(row.mutant, row.item, tuple(sorted(programs))))
    batches = [trials[start : start + BATCH_SIZE] for start in range(0, len(trials), BATCH_SIZE)]
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        for batch, results in zip(batches, pool.map(_judge_batch, batches), strict=True):
            for trial, revealing in zip(batch, results, strict=True):
                known[trial.mutant] = {
                    id_: _needed(traces[id_], labels) for id_, labels in revealing.items() if id_ in trial.programs
                }
            print(f"{len(known)} mutants", flush=True)
    return Measurement(
        traces, {name: programs for name, programs in known.items() if programs}, alternatives=alternatives
    )


def _measure_traces() -> tuple[dict[str, Trace], dict[str, Trace]]:
    """The traces of the programs, and of those that also work without a run if they start none."""
    with serve_emulators({"emulator": ((), ())}, STEP_MS) as urls:
        _, exchanges = _execute(urls["emulator"], ())
        traces = {id_: _trace(each) for id_, each in exchanges.items() if not id_.startswith(_NOT_DERIVED)}
        return traces, dict(_without_runs(urls["emulator"], exchanges))


def _without_runs(url: str, exchanges: Mapping[str, Sequence[Exchange]]) -> Iterator[tuple[str, Trace]]:
    """The traces of the programs on all kinds of objects if the run among these is not started."""
    for id_, each in exchanges.items():
        labels = [
            first_label(label) + EVERY
            for exchange, label in _labelled(each)
            if id_.startswith("security.") and exchange.operation == "create_run" and exchange.accepted
        ]
        if labels:
            entry = QuickProgram(0, 0, frozenset(labels))
            _, sent = _execute(url, (id_,), partial(shorten_program, entry=entry))
            trace = _trace(sent[id_])
            yield id_, replace(trace, omitted=frozenset(labels))


def _needed(trace: Trace, labels: Sequence[str]) -> tuple[str, ...]:
    """The optional steps of which one reveals the mutant; none if a step that is always sent does."""
    return tuple(sorted(labels)) if all(label in trace.optional for label in labels) else ()


def _judge_batch(trials: Sequence[_Trial]) -> list[dict[str, list[str]]]:
    with serve_emulators({trial.mutant: ((trial.mutant,), ()) for trial in trials}, STEP_MS) as urls:
        return [_revealing_steps(urls[trial.mutant], trial) for trial in trials]


def _revealing_steps(url: str, trial: _Trial) -> dict[str, list[str]]:
    """By program, the labels of the steps that show violations of the mutant's item."""
    result, exchanges = _execute(url, trial.programs)
    labels = {exchange.id: (id_, label) for id_, each in exchanges.items() for exchange, label in _labelled(each)}
    revealing: dict[str, set[str]] = {}
    for id_, tally in result.tallies.items():
        for finding in tally.findings if kill_matrix.concerns(id_, trial.item) else ():
            if finding.exchange in labels:
                program, label = labels[finding.exchange]
                revealing.setdefault(program, set()).add(label)
    return {program: sorted(each) for program, each in revealing.items()}


def _execute(
    url: str, programs: tuple[str, ...], change: Callable[[Program], Program] = lambda program: program
) -> tuple[RunResult, dict[str, list[Exchange]]]:
    """Run programs of the standard profile on an emulator; returns the result and the exchanges by program."""
    options = RunOptions(select=programs, confirm=False, max_requests=50_000, max_runs=10_000)
    target, results = target_at(url), list[RunResult]()
    with tempfile.TemporaryDirectory(prefix="runs-conformance-") as scratch:
        folder = prepare_folder(Path(scratch) / "report")
        plan = run.plan_run(target, options)
        plan = replace(plan, programs=tuple(map(change, plan.programs)))
        run.judge(target, options, plan, folder, SilentProgress(), on_result=results.append)
        histories = {history.program: list(history) for history in read_run(folder.history).histories}
    return results[0], histories


def _labelled(exchanges: Sequence[Exchange]) -> Iterator[tuple[Exchange, str]]:
    """The exchanges of a program with the labels of their steps; polls have none."""
    labels = StepLabels()
    for exchange in exchanges:
        if exchange.step is not None:
            yield exchange, "" if exchange.step.until else labels.label(exchange.step)


def _trace(exchanges: Sequence[Exchange]) -> Trace:
    labels, names, optional = StepLabels(), dict[str, str](), dict[str, tuple[str, ...]]()
    referred = Counter[str]()
    for step in [exchange.step for exchange in exchanges if exchange.step is not None]:
        if step.until:
            continue
        label = labels.label(step)
        references = references_in((step.path, step.query, step.body))
        if _is_optional(step):
            optional[label] = tuple(sorted(names[name] for name in references if name in names))
            if step.name:
                names[step.name] = label
        else:
            referred.update(references)
            names.pop(step.name, None)
    # A step that is always sent needs the steps that it refers to.
    required = {names[name] for name in referred if name in names}
    optional = {label: needs for label, needs in optional.items() if label not in required}
    runs = sum(
        exchange.accepted and exchange.operation is not None and OPERATIONS[exchange.operation].creates == "run"
        for exchange in exchanges
    )
    return Trace(len(exchanges), runs, optional)


def _is_optional(step: Step) -> bool:
    """Whether a program goes on without a step: one that reads, or that must or may be refused."""
    if step.role is Role.ACT:
        return step.probe
    return step.role in _OPTIONAL_ROLES


def main() -> int:
    """Derive the plan; returns 1 if a topic is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--measure", action="store_true", help="measure the steps that reveal mutants first")
    parser.add_argument("--traces", action="store_true", help="measure what the programs send first")
    arguments = parser.parse_args()
    if arguments.measure:
        write(measure())
    elif arguments.traces:
        traces, alternatives = _measure_traces()
        write(Measurement(traces, read().mutants, alternatives))
    cover = derive(read())
    TABLE.write_text(encode_quick_programs(cover.programs()), encoding="utf-8")
    print(_summary(cover))
    return 0


def _summary(cover: Cover) -> str:
    total = len(cover.measurement.mutants)
    return (
        f"{len(cover.chosen)} programs, {cover.requests} requests, {cover.runs} runs; "
        f"{total - len(cover.missed)} of {total} mutants"
    )


if __name__ == "__main__":
    sys.exit(main())
